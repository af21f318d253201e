//! How the next token is chosen: presets, each number with what it does, and the same as a command to type.

use super::Playground;
use super::command_line::command_line;
use super::doc::View;
use crate::panes::PaneCx;
use crate::theme::{Type, icons, size};
use crate::widgets::{self, Button, Field, NumberField, Tone, icon_button, segments, slider_row, tiles};
use egui::{Align, Layout, Ui};
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
        let mut spec = self.sampling.spec(cx);
        let before = spec.clone();
        sampling_header(ui, cx, &mut spec);
        let tile = ui.max_rect();
        let shown = tiles::scroll(ui, "sampling", size::HEADER + 4.0, |ui| {
            self.tuned_section(ui, cx);
            presets(ui, cx, &mut spec);
            ui.add_space(4.0);
            widgets::divider(ui);
            ui.add_space(4.0);
            self.numbers(ui, cx, &mut spec);
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
            pressed = Button::quiet(words).icon(icons::CODE).off(why).show(ui).clicked();
        });
        if pressed {
            self.sampling.command_shown = true;
        }
        if let Some(view) = view {
            self.command_dialog(ui, cx, view);
        }
    }

    fn numbers(&mut self, ui: &mut Ui, cx: &mut PaneCx, spec: &mut SamplingSpec) {
        ui.spacing_mut().item_spacing.y = 10.0;
        let t = |key: &str| cx.t(key);
        let name = t("playground.temperature");
        slider_row(ui, &name, &mut spec.temperature, 0.0..=2.0, 2, &t("playground.temperature_hint"));
        let mut top_p = spec.top_p.unwrap_or(1.0);
        let name = t("playground.top_p");
        slider_row(ui, &name, &mut top_p, 0.01..=1.0, 2, &t("playground.top_p_hint"));
        spec.top_p = (top_p < 1.0).then_some(top_p);
        whole(ui, cx, "playground.top_k", 1.0..=1000.0, &mut spec.top_k);
        fraction(ui, cx, "playground.min_p", &mut spec.min_p);
        number(ui, cx, "playground.repetition", 1.0..=2.0, &mut spec.repetition_penalty);
        let mut length = Some(spec.max_new_tokens);
        row(ui, cx, "playground.length_limit", |ui, name| {
            let mut wide = length.map(f64::from);
            let field = NumberField::new(name, 1.0..=1_000_000.0).decimals(0, 64.0);
            if field.show_opt(ui, &mut wide).changed() {
                length = wide.map(|w| w as u32);
            }
        });
        spec.max_new_tokens = length.unwrap_or(spec.max_new_tokens);
        seed(ui, cx, spec);
        row(ui, cx, "playground.schema", |ui, name| self.schema_buttons(ui, cx, name, spec));
        self.more(ui, cx, spec);
    }

    /// What is seldom changed, folded; what differs from the usual shows all the same.
    fn more(&mut self, ui: &mut Ui, cx: &PaneCx, spec: &mut SamplingSpec) {
        let n = usize::from(spec.frequency_penalty != 0.0)
            + usize::from(spec.presence_penalty != 0.0)
            + usize::from(!spec.stop.is_empty())
            + usize::from(spec.ignore_eos);
        let summary = if n == 0 { String::new() } else { cx.tf("playground.more_set", &[("n", &n)]) };
        let mut open = self.sampling.more;
        widgets::fold(ui, &cx.t("playground.more"), &summary, &mut open, |ui| {
            number(ui, cx, "playground.frequency", -2.0..=2.0, &mut spec.frequency_penalty);
            number(ui, cx, "playground.presence", -2.0..=2.0, &mut spec.presence_penalty);
            self.stops(ui, cx, spec);
            row(ui, cx, "playground.ignore_eos", |ui, name| {
                widgets::toggle(ui, name, &mut spec.ignore_eos);
            });
        });
        self.sampling.more = open;
    }

    /// Stop strings: those there are, each to be taken out, and a field for another.
    fn stops(&mut self, ui: &mut Ui, cx: &PaneCx, spec: &mut SamplingSpec) {
        let name = cx.t("playground.stops");
        widgets::label(ui, &name);
        ui.add_space(-6.0);
        let mut gone = None;
        if !spec.stop.is_empty() {
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = egui::vec2(4.0, 4.0);
                for (idx, stop) in spec.stop.iter().enumerate() {
                    let words = super::message::one_line(&escaped(stop), 20);
                    let label = cx.tf("playground.remove_stop", &[("text", &words)]);
                    if Button::control(words).icon(icons::X).small().name(label).show(ui).clicked() {
                        gone = Some(idx);
                    }
                }
            });
        }
        if let Some(idx) = gone {
            spec.stop.remove(idx);
        }
        let field =
            Field::new(&name).mono().width(ui.available_width()).placeholder(cx.t("playground.add_stop"));
        let response = field.show(ui, &mut self.sampling.stop);
        if response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter)) {
            let stop = unescaped(&std::mem::take(&mut self.sampling.stop));
            if !stop.is_empty() && !spec.stop.contains(&stop) {
                spec.stop.push(stop);
            }
            response.request_focus();
        }
        ui.add_space(-6.0);
        widgets::hint(ui, cx.t("playground.stops_hint"));
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

fn preset_key(preset: SamplingPreset) -> &'static str {
    match preset {
        SamplingPreset::Steady => "playground.steady",
        SamplingPreset::Balanced => "playground.balanced",
        SamplingPreset::Playful => "playground.playful",
    }
}

/// Label at the left, control at the right, what it does below.
fn row(ui: &mut Ui, cx: &PaneCx, key: &str, add: impl FnOnce(&mut Ui, &str)) {
    let name = cx.t(key);
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.horizontal(|ui| {
            ui.set_min_height(size::CONTROL);
            widgets::label(ui, &name);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| add(ui, &name));
        });
        widgets::hint(ui, cx.t(&format!("{key}_hint")));
    });
}

fn whole(ui: &mut Ui, cx: &PaneCx, key: &str, range: std::ops::RangeInclusive<f64>, value: &mut Option<u32>) {
    row(ui, cx, key, |ui, name| {
        let mut wide = value.map(f64::from);
        if NumberField::new(name, range).or_off(cx.t("playground.off")).show_opt(ui, &mut wide).changed() {
            *value = wide.map(|w| w as u32);
        }
    });
}

fn fraction(ui: &mut Ui, cx: &PaneCx, key: &str, value: &mut Option<f32>) {
    row(ui, cx, key, |ui, name| {
        let mut wide = value.map(|v| (f64::from(v) * 1000.0).round() / 1000.0);
        let field = NumberField::new(name, 0.0..=1.0).decimals(2, 0.01).or_off(cx.t("playground.off"));
        if field.show_opt(ui, &mut wide).changed() {
            *value = wide.filter(|w| *w > 0.0).map(|w| w as f32);
        }
    });
}

fn number(ui: &mut Ui, cx: &PaneCx, key: &str, range: std::ops::RangeInclusive<f64>, value: &mut f32) {
    row(ui, cx, key, |ui, name| {
        NumberField::new(name, range).decimals(2, 0.05).show_f32(ui, value);
    });
}

/// A seed drawn by the clock.
pub(super) fn drawn_seed(now_ms: i64) -> u64 {
    (now_ms.unsigned_abs().wrapping_mul(6_364_136_223_846_793_005) >> 20) % SEEDS
}

/// A fixed seed, or a fresh one each time.
fn seed(ui: &mut Ui, cx: &PaneCx, spec: &mut SamplingSpec) {
    row(ui, cx, "playground.seed", |ui, name| {
        let dice = cx.t(if spec.seed.is_some() { "playground.seed_fresh" } else { "playground.seed_fix" });
        if icon_button(ui, icons::DICE_FIVE, dice).clicked() {
            spec.seed = match spec.seed {
                Some(_) => None,
                None => Some(drawn_seed(cx.now_ms)),
            };
        }
        let mut wide = spec.seed.map(|s| s as f64);
        let field = NumberField::new(name, 0.0..=9_007_199_254_740_992.0).or_off(cx.t("playground.fresh"));
        if field.show_opt(ui, &mut wide).changed() {
            spec.seed = wide.map(|w| w as u64);
        }
    });
}

fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('\n', r"\n").replace('\t', r"\t")
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            (c, _) => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_strings_come_back() {
        for text in ["\n\n", "a b", r"\n", "\t", "。"] {
            assert_eq!(unescaped(&escaped(text)), text);
        }
    }
}
