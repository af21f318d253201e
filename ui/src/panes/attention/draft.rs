//! What is to be looked into: a text that is typed, or a conversation that another pane gave; by which model, which layers
//! and how much of it may be kept. The form, before anything runs.

use super::AttentionPane;
use crate::action::LookInside;
use crate::model::{Offer, PickFor};
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::units::grouped;
use crate::widgets::{self, Button, NumberField, Tone, icon_button, tiles};
use egui::{Align, Layout, Margin, RichText, ScrollArea, Stroke, TextEdit, Ui, vec2};
use glassworks_protocol::generate::{ModelSource, Prompt};
use glassworks_protocol::ids::JobId;
use glassworks_protocol::inside::{CapturePlan, DEFAULT_BUDGET, MapShape, Subject};
use glassworks_protocol::model::ModelCard;
use glassworks_protocol::{JobOutput, JobSpec, Outcome};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

const WIDTH: f32 = 640.0;
/// Of the text that is typed.
const HEIGHT: f32 = 108.0;
/// A longer text is read to here: fields for text are slow beyond.
const MOST_CHARS: usize = 200_000;
/// So long after the last key a text is counted.
const REST_SECS: f64 = 0.3;
const GIB: f64 = (1u64 << 30) as f64;

/// What a person has written and chosen; the text given by another pane is not kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    pub text: String,
    /// First and last; `None`: all.
    pub layers: Option<(u32, u32)>,
    pub budget_bytes: u64,
    #[serde(skip)]
    pub given: Option<Arc<LookInside>>,
}

impl Default for Draft {
    fn default() -> Self {
        Self { text: String::new(), layers: None, budget_bytes: DEFAULT_BUDGET, given: None }
    }
}

impl Draft {
    /// As the engine is told; `None` while there is no text.
    pub fn subject(&self, now_ms: i64) -> Option<Subject> {
        if let Some(given) = &self.given {
            return Some(given.subject.clone());
        }
        let prompt = Prompt::Text(self.text.clone());
        (!self.text.trim().is_empty()).then(|| Subject::Text { prompt, reply: Vec::new(), at_ms: now_ms })
    }

    pub fn plan(&self, card: &ModelCard) -> CapturePlan {
        let layers = self.layers.map(|(first, last)| {
            let end = (last + 1).min(card.n_layers.max(1));
            (first.min(end - 1)..end).collect()
        });
        CapturePlan { layers, budget_bytes: self.budget_bytes, ..CapturePlan::default() }
    }

    /// Its first words.
    pub fn title(&self) -> String {
        match &self.given {
            Some(given) => given.title.clone(),
            None => self.text.split_whitespace().take(12).collect::<Vec<_>>().join(" "),
        }
    }
}

/// How long the text is, by the model's own tokenizer.
#[derive(Default)]
pub struct Counting {
    asked: Option<(ModelSource, Prompt, JobId)>,
    resting: Option<(Prompt, f64)>,
    told: Option<(ModelSource, Prompt, u32)>,
}

impl Counting {
    /// Tokens, once they are known of this text and model.
    fn follow(&mut self, ui: &Ui, cx: &mut PaneCx, model: &ModelSource, subject: &Subject) -> Option<u32> {
        let (prompt, n_reply) = match subject {
            Subject::Tokens(tokens) => return Some(tokens.len() as u32),
            Subject::Text { prompt, reply, .. } => (prompt, reply.len() as u32),
        };
        if let Some((of, asked, job)) = &self.asked
            && let Some(Outcome::Done(JobOutput::Preview(told))) =
                cx.model.jobs.get(*job).and_then(|job| job.outcome.as_ref())
        {
            self.told = Some((of.clone(), asked.clone(), told.n_tokens));
        }
        let same = |of: &ModelSource, known: &Prompt| of == model && known == prompt;
        if self.asked.as_ref().is_none_or(|(of, known, _)| !same(of, known)) && self.rests(ui, prompt) {
            let job = cx.start(JobSpec::PreviewPrompt { model: model.clone(), prompt: prompt.clone() });
            self.asked = Some((model.clone(), prompt.clone(), job));
        }
        self.told.as_ref().filter(|(of, known, _)| same(of, known)).map(|(.., n)| n + n_reply)
    }

    fn rests(&mut self, ui: &Ui, prompt: &Prompt) -> bool {
        let now = ui.input(|i| i.time);
        let since = match &self.resting {
            Some((known, since)) if known == prompt => *since,
            _ => {
                self.resting = Some((prompt.clone(), now));
                now
            }
        };
        let left = since + REST_SECS - now;
        if left > 0.0 {
            ui.ctx().request_repaint_after(Duration::from_secs_f64(left + 0.01));
        }
        left <= 0.0
    }
}

/// What keeping a text takes: maps and the residual stream, bytes, and whether maps have to be rounded.
#[must_use]
pub fn bytes(card: &ModelCard, plan: &CapturePlan, n_tokens: u32) -> (u64, u64, bool) {
    let n_heads = card.n_heads.max(1);
    let shape = MapShape {
        n_heads,
        n_kv_heads: card.n_kv_heads.max(1),
        head_width: card.width / n_heads,
        scale: 1.0,
        soft_cap: None,
        window: None,
    };
    let n = n_tokens as usize;
    let n_layers = plan.layers.as_ref().map_or(u64::from(card.n_layers), |layers| layers.len() as u64);
    let rest = match plan.residuals {
        true => 4 * u64::from(card.n_layers + 1) * u64::from(card.width) * u64::from(n_tokens),
        false => 0,
    };
    let each = plan.budget_bytes.saturating_sub(rest) / n_layers.max(1);
    let storage = shape.storage(n, each);
    let rounded = storage == glassworks_protocol::inside::Storage::Coded;
    (n_layers * shape.bytes(storage, n), rest, rounded)
}

/// `96 KiB`, `1.2 MiB`, `0.8 GiB`
#[must_use]
pub fn amount(bytes: u64) -> String {
    match bytes as f64 / 1024.0 {
        kib if kib < 1000.0 => format!("{kib:.0} KiB"),
        kib if kib < 1_024_000.0 => format!("{:.1} MiB", kib / 1024.0),
        _ => crate::units::memory(bytes),
    }
}

impl AttentionPane {
    pub(super) fn form_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        tiles::scroll(ui, "form", 0.0, |ui| {
            let width = WIDTH.min(ui.available_width());
            let side = (ui.available_width() - width) / 2.0;
            ui.horizontal_top(|ui| {
                ui.add_space(side);
                ui.vertical(|ui| {
                    ui.set_width(width);
                    ui.spacing_mut().item_spacing.y = 8.0;
                    ui.add_space(24.0);
                    ui.label(Type::Figure.semibold(cx.t("inside.form_title"), cx.theme.tokens.text_1));
                    widgets::label(ui, cx.t("inside.form_sentence"));
                    ui.add_space(8.0);
                    self.subject_ui(ui, cx, width);
                    ui.add_space(4.0);
                    self.start_ui(ui, cx);
                });
            });
        });
    }

    fn subject_ui(&mut self, ui: &mut Ui, cx: &PaneCx, width: f32) {
        if let Some(given) = self.draft.given.clone() {
            widgets::card(ui, |ui| {
                ui.set_width(width - 34.0);
                ui.horizontal(|ui| {
                    widgets::truncated(ui, Type::Body.medium(given.title.clone(), cx.theme.tokens.text_1));
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        if icon_button(ui, icons::X, cx.t("inside.drop_given")).clicked() {
                            self.draft.given = None;
                        }
                    });
                });
                widgets::hint(ui, cx.t("inside.given_hint"));
            });
            return;
        }
        self.text_field(ui, cx, width);
        ui.horizontal_wrapped(|ui| {
            widgets::hint(ui, cx.t("inside.try"));
            for key in ["inside.try_pronoun", "inside.try_repeat", "inside.try_chinese"] {
                if Button::control(cx.t(key)).icon(icons::SPARKLE).small().show(ui).clicked() {
                    self.draft.text = cx.t(&format!("{key}_text"));
                }
            }
        });
    }

    fn text_field(&mut self, ui: &mut Ui, cx: &PaneCx, width: f32) {
        let t = cx.theme.tokens;
        let id = egui::Id::unique(("attention text", cx.slot));
        let focused = ui.memory(|memory| memory.has_focus(id));
        let line = if focused { Stroke::new(2.0, t.accent) } else { Stroke::new(1.0, t.line) };
        let font = Type::Body.font(Weight::Regular);
        let frame = egui::Frame::new().fill(t.field).stroke(line).corner_radius(size::RADIUS_CONTROL);
        frame.inner_margin(Margin::symmetric(10, 6)).show(ui, |ui| {
            ui.set_width(width - 24.0);
            ScrollArea::vertical().id_salt("text").max_height(HEIGHT).show(ui, |ui| {
                ui.set_min_height(HEIGHT);
                let hint = cx.t("inside.text_placeholder");
                let edit = TextEdit::multiline(&mut self.draft.text)
                    .id(id)
                    .frame(egui::Frame::NONE)
                    .margin(Margin::ZERO)
                    .font(font.clone())
                    .text_color(t.text_1)
                    .desired_rows(5)
                    .desired_width(f32::INFINITY)
                    .char_limit(MOST_CHARS)
                    .hint_text(RichText::new(hint).font(font).color(t.text_3));
                ui.add(edit).accessible_name(cx.t("inside.text_field"));
            });
        });
    }

    /// What it will take, and the button.
    fn start_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let offer = self.offer(cx);
        let base = offer.as_ref().and_then(|offer| cx.model.base_of_pick(offer.pick())).cloned();
        let subject = self.draft.subject(cx.now_ms);
        let mut why = match (&offer, &base, &subject) {
            (None, ..) | (_, None, _) => Some(cx.t("inside.no_model")),
            (_, Some(base), _) if base.card.run_only => cx.runs_only(&base.card),
            (.., None) => Some(cx.t("inside.no_text")),
            _ => None,
        };
        let mut words = String::new();
        if let (Some(base), Some(subject), None) = (&base, &subject, &why) {
            let source = ModelSource::Library(base.id);
            let card = &base.card;
            match self.counting.follow(ui, cx, &source, subject) {
                Some(n) if n > card.context_length => {
                    let (n, most) = (grouped(n.into()), grouped(card.context_length.into()));
                    why = Some(cx.tf("inside.too_long", &[("n", &n), ("most", &most)]));
                }
                Some(n) => words = self.takes(cx, card, n),
                None => words = cx.t("inside.counting"),
            }
        }
        ui.horizontal(|ui| {
            if let Some(base) = &base {
                self.plan_menu(ui, cx, &base.card);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let start = Button::accent(cx.t("inside.start")).icon(icons::EYE).main().off(why.clone());
                if start.show(ui).clicked() {
                    self.start(cx);
                }
            });
        });
        match why.filter(|_| subject.is_some()) {
            Some(why) => drop(widgets::badge(ui, Tone::Warn, icons::WARNING, why)),
            None => drop(widgets::hint(ui, words)),
        }
        if self.shown.is_some()
            && self.editing
            && Button::quiet(cx.t("inside.back")).icon(icons::ARROW_LEFT).show(ui).clicked()
        {
            self.editing = false;
        }
    }

    /// `22 tokens: about 0.9 MiB of maps and 1.6 MiB of what lenses read`
    fn takes(&self, cx: &PaneCx, card: &ModelCard, n_tokens: u32) -> String {
        let plan = self.draft.plan(card);
        let (maps, rest, rounded) = bytes(card, &plan, n_tokens);
        let n = grouped(n_tokens.into());
        let mut words = cx.tf("inside.takes", &[("n", &n), ("maps", &amount(maps)), ("rest", &amount(rest))]);
        if maps + rest > plan.budget_bytes {
            words.push_str(" · ");
            words.push_str(&cx.tf("inside.takes_too_much", &[("most", &amount(plan.budget_bytes))]));
        } else if rounded {
            words.push_str(" · ");
            words.push_str(&cx.t("inside.rounded"));
        }
        words
    }

    fn plan_menu(&mut self, ui: &mut Ui, cx: &PaneCx, card: &ModelCard) {
        let most = amount(self.draft.budget_bytes);
        let layers = match self.draft.layers {
            Some((first, last)) => cx.tf("inside.plan_range", &[("first", &first), ("last", &last)]),
            None => cx.tf("inside.plan_all", &[("n", &card.n_layers)]),
        };
        let words = cx.tf("inside.plan", &[("layers", &layers), ("most", &most)]);
        let button = Button::control(words).icon(icons::SLIDERS_HORIZONTAL).caret();
        let button = button.name(cx.t("inside.plan_menu")).show(ui);
        widgets::popover(&button, 300.0, |ui| {
            ui.spacing_mut().item_spacing.y = 8.0;
            let last = card.n_layers.saturating_sub(1);
            let mut ranged = self.draft.layers.is_some();
            let options = [(false, cx.t("inside.all_layers")), (true, cx.t("inside.some_layers"))];
            widgets::segments(ui, &cx.t("inside.layers"), &mut ranged, &options, Some(ui.available_width()));
            if ranged != self.draft.layers.is_some() {
                self.draft.layers = ranged.then_some((0, last));
            }
            if let Some((first, end)) = &mut self.draft.layers {
                ui.horizontal(|ui| {
                    widgets::label(ui, cx.t("inside.from_layer"));
                    let name = cx.t("inside.first_layer");
                    NumberField::new(&name, 0.0..=f64::from(*end)).width(56.0).show_u32(ui, first);
                    widgets::label(ui, cx.t("inside.to_layer"));
                    let name = cx.t("inside.last_layer");
                    NumberField::new(&name, f64::from(*first)..=f64::from(last))
                        .width(56.0)
                        .show_u32(ui, end);
                });
            }
            ui.horizontal(|ui| {
                let mut gib = self.draft.budget_bytes as f64 / GIB;
                widgets::label(ui, cx.t("inside.at_most"));
                let name = cx.t("inside.budget");
                let field = NumberField::new(&name, 0.05..=64.0).decimals(2, 0.25).width(72.0);
                if field.show(ui, &mut gib).changed() {
                    self.draft.budget_bytes = (gib * GIB) as u64;
                }
                widgets::label(ui, "GiB");
            });
            widgets::hint(ui, cx.t("inside.budget_hint"));
            ui.allocate_space(vec2(0.0, 0.0));
        });
    }

    /// What is to compute: what was chosen, else the model used last that can be looked into.
    pub(super) fn offer(&self, cx: &PaneCx) -> Option<Offer> {
        let offer = cx.model.writer(self.writer)?;
        let runs_only = |offer: &Offer| matches!(offer, Offer::Model { model, .. } if model.card.run_only);
        if self.writer.is_some() || !runs_only(&offer) {
            return Some(offer);
        }
        cx.model.offers(PickFor::Write).into_iter().find(|other| !runs_only(other)).or(Some(offer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_units_that_fit() {
        assert_eq!(
            [98_304, 1_258_291, 805_306_368, 2 << 30].map(amount),
            ["96 KiB", "1.2 MiB", "768.0 MiB", "2.0 GiB"]
        );
    }
}
