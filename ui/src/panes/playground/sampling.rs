//! How the next token is chosen: presets, each number with what it does, and the same as a command to type.

mod more;
mod rows;

use super::Playground;
use super::command_line::command_line;
use super::doc::View;
use crate::panes::PaneCx;
use crate::theme::{Type, icons, size};
use crate::widgets::{self, Button, NumberField, Tone, icon_button, segments, tiles};
use egui::Ui;
use glassworks_protocol::chat::{ChatKind, Role};
use glassworks_protocol::generate::{SamplingPreset, SamplingSpec};
use glassworks_protocol::model::Precision;

/// A change of the numbers is stored when nothing has changed for this long.
const STORE_AFTER_MS: i64 = 500;
/// What a seed is drawn from: short enough to read and to type.
const SEEDS: u64 = 100_000;

#[derive(Default)]
pub struct SamplingState {
    /// Numbers being changed, not stored yet.
    draft: Option<(SamplingSpec, i64)>,
    /// A stop string being typed.
    stop: String,
    command_shown: bool,
    more: bool,
}

impl SamplingState {
    /// The numbers as they stand.
    #[must_use]
    pub fn spec(&self, cx: &PaneCx) -> SamplingSpec {
        self.draft.as_ref().map_or_else(|| cx.settings().sampling.clone(), |(spec, _)| spec.clone())
    }

    /// Stores a change when it has come to rest, or at once.
    pub fn store(&mut self, cx: &mut PaneCx, at_once: bool) {
        let Some((spec, at)) = &self.draft else { return };
        if *spec == cx.settings().sampling {
            self.draft = None;
        } else if at_once || cx.now_ms - at >= STORE_AFTER_MS {
            let spec = spec.clone();
            cx.set(move |s| s.sampling = spec);
        }
    }

    /// Replies follow this JSON schema from now on, or none.
    pub(super) fn set_schema(&mut self, cx: &mut PaneCx, schema: Option<String>) {
        self.change(SamplingSpec { json_schema: schema, ..self.spec(cx) }, cx.now_ms);
        self.store(cx, true);
    }

    fn change(&mut self, spec: SamplingSpec, now_ms: i64) {
        self.draft = Some((spec, now_ms));
    }
}

impl Playground {
    pub(super) fn sampling_tile(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: Option<&View>) {
        self.sampling.store(cx, false);
        let view = view.filter(|_| !self.compare.shown);
        let mut spec = self.sampling.spec(cx);
        let before = spec.clone();
        sampling_header(ui, cx, &mut spec);
        let tile = ui.max_rect();
        let shown = tiles::scroll(ui, "sampling", size::HEADER + 4.0, |ui| {
            if !self.compare.shown {
                self.tuned_section(ui, cx);
            }
            presets(ui, cx, &mut spec);
            ui.add_space(4.0);
            widgets::divider(ui);
            ui.add_space(4.0);
            self.numbers(ui, cx, &mut spec, true);
            view.and_then(|view| super::facts::facts(ui, cx, view))
        });
        if let Some((message, token)) = shown {
            self.show_token(message, token);
        }
        if spec != before {
            self.sampling.change(spec, cx.now_ms);
            ui.ctx()
                .request_repaint_after(std::time::Duration::from_millis(STORE_AFTER_MS.unsigned_abs() + 20));
        }
        let words = cx.t("playground.command_line");
        let whole = self.tuned_now(cx).is_some_and(|(run, ..)| !super::tuned::is_adapter(run));
        let why = whole.then(|| cx.t("playground.no_command_line"));
        let mut pressed = false;
        tiles::footer(ui, tile, |ui| {
            if self.compare.shown {
                widgets::hint(ui, cx.t("compare.sampling_for_all"));
                return;
            }
            pressed = Button::quiet(words).icon(icons::CODE).off(why).show(ui).clicked();
        });
        if pressed {
            self.sampling.command_shown = true;
        }
        if let Some(view) = view {
            self.command_dialog(ui, cx, view);
        }
    }

    /// Presets and numbers, for one of several that are asked the same: a schema is set for all of them.
    pub(super) fn sampling_numbers(&mut self, ui: &mut Ui, cx: &mut PaneCx, spec: &mut SamplingSpec) {
        presets(ui, cx, spec);
        self.numbers(ui, cx, spec, false);
    }

    fn numbers(&mut self, ui: &mut Ui, cx: &mut PaneCx, spec: &mut SamplingSpec, with_schema: bool) {
        ui.spacing_mut().item_spacing.y = 10.0;
        let (drawn, filters) = (rows::why_not_drawn(cx, spec), rows::why_no_filter(cx, spec));
        rows::slider(ui, cx, "playground.temperature", &mut spec.temperature, 0.0..=2.0, drawn.as_ref());
        let mut top_p = spec.top_p.unwrap_or(1.0);
        rows::slider(ui, cx, "playground.top_p", &mut top_p, 0.01..=1.0, filters.as_ref());
        spec.top_p = (top_p < 1.0).then_some(top_p);
        rows::whole(ui, cx, "playground.top_k", 1.0..=1000.0, &mut spec.top_k, filters.as_ref());
        rows::fraction(ui, cx, "playground.min_p", &mut spec.min_p, filters.as_ref());
        rows::number(ui, cx, "playground.repetition", 1.0..=2.0, &mut spec.repetition_penalty);
        let mut length = Some(spec.max_new_tokens);
        rows::row(ui, cx, "playground.length_limit", None, |ui, name| {
            let mut wide = length.map(f64::from);
            let field = NumberField::new(name, 1.0..=1_000_000.0).decimals(0, 64.0);
            if field.show_opt(ui, &mut wide).changed() {
                length = wide.map(|w| w as u32);
            }
        });
        spec.max_new_tokens = length.unwrap_or(spec.max_new_tokens);
        rows::seed(ui, cx, spec, drawn.as_ref());
        if with_schema {
            rows::row(ui, cx, "playground.schema", None, |ui, name| self.schema_buttons(ui, cx, name, spec));
        }
        let model = self.model.and_then(|id| cx.model.library.get(id));
        let runs_only = model.is_some_and(|model| model.card.run_only);
        self.sampling.more(ui, cx, spec, runs_only);
    }

    fn command_dialog(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        if !self.sampling.command_shown {
            return;
        }
        let Some(model) = self.model.and_then(|id| cx.model.library.get(id)).cloned() else { return };
        let prompt = self.prompt_for_command(view);
        let spec = self.sampling.spec(cx);
        let how = (cx.settings().precision, cx.settings().cache);
        let adapter =
            self.tuned_now(cx).map(|(run, part, tuned)| (super::tuned::folder(run, &part), tuned.strength));
        let line = command_line((&model, adapter), &view.record, &prompt, &spec, how);
        let theme = std::sync::Arc::clone(&cx.theme);
        let title = cx.t("playground.command_line");
        let (mut copy, mut done) = (false, false);
        let close = widgets::dialog(ui.ctx(), &theme, "command", &title, 600.0, |ui| {
            ui.label(Type::Body.text(cx.t("playground.command_line_sentence"), theme.tokens.text_2));
            widgets::well(ui, |ui| {
                ui.set_width(ui.available_width());
                widgets::selectable(ui, Type::Hint.number(line.clone(), theme.tokens.text_1));
            });
            ui.horizontal(|ui| {
                copy = Button::accent(cx.t("shell.copy")).icon(icons::COPY).show(ui).clicked();
                done = Button::control(cx.t("playground.close")).show(ui).clicked();
            });
        });
        if copy {
            cx.copy(line);
        }
        self.sampling.command_shown = !(close || done || copy);
    }

    /// The draft, or the last thing that was asked.
    fn prompt_for_command(&self, view: &View) -> String {
        let draft = match view.record.kind {
            ChatKind::Chat => self.doc.as_ref().map(|d| d.draft.trim().to_owned()).unwrap_or_default(),
            ChatKind::Completion => self.editor.before_cursor().to_owned(),
        };
        if !draft.is_empty() {
            return draft;
        }
        let last = view.path.iter().rev().find(|m| m.role != Role::Assistant);
        last.map(|m| m.text.clone()).unwrap_or_default()
    }
}

fn sampling_header(ui: &mut Ui, cx: &PaneCx, spec: &mut SamplingSpec) {
    let mut reset = false;
    let precision = cx.settings().precision;
    let (word, hint) = match precision {
        Precision::Exact => ("playground.exact", "playground.exact_hint"),
        Precision::Fast => ("playground.fast", "playground.fast_hint"),
    };
    tiles::header(
        ui,
        |ui| reset = icon_button(ui, icons::ARROW_COUNTER_CLOCKWISE, cx.t("playground.reset")).clicked(),
        |ui| {
            widgets::title(ui, cx.t("playground.sampling"));
            widgets::tag(ui, Tone::Plain, cx.t(word)).on_hover_text(cx.t(hint));
        },
    );
    if reset {
        *spec = SamplingSpec::default();
    }
}

fn presets(ui: &mut Ui, cx: &PaneCx, spec: &mut SamplingSpec) {
    let was = SamplingPreset::of(spec);
    let mut preset = was;
    let options = SamplingPreset::ALL.map(|p| (Some(p), cx.t(preset_key(p))));
    segments(ui, &cx.t("playground.preset"), &mut preset, &options, Some(ui.available_width()));
    if preset != was
        && let Some(preset) = preset
    {
        let SamplingSpec { seed, stop, max_new_tokens, ignore_eos, json_schema, .. } = spec.clone();
        *spec = SamplingSpec { seed, stop, max_new_tokens, ignore_eos, json_schema, ..preset.spec() };
    }
}

pub(super) fn preset_key(preset: SamplingPreset) -> &'static str {
    match preset {
        SamplingPreset::Steady => "playground.steady",
        SamplingPreset::Balanced => "playground.balanced",
        SamplingPreset::Playful => "playground.playful",
    }
}

/// A seed drawn by the clock.
pub(super) fn drawn_seed(now_ms: i64) -> u64 {
    (now_ms.unsigned_abs().wrapping_mul(6_364_136_223_846_793_005) >> 20) % SEEDS
}
