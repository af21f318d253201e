//! Rows of the sampling panel: a name, a number, what it does; or why it has no say.

use super::drawn_seed;
use crate::panes::PaneCx;
use crate::theme::{icons, size};
use crate::widgets::{self, NumberField, icon_button, slider_row};
use egui::{Align, Layout, Ui};
use glassworks_protocol::generate::SamplingSpec;
use std::ops::RangeInclusive;

/// Why nothing is drawn, if so.
pub fn why_not_drawn(cx: &PaneCx, spec: &SamplingSpec) -> Option<String> {
    spec.beams.map(|_| cx.t("playground.off_beams"))
}

/// Why the filters have no say, if so.
pub fn why_no_filter(cx: &PaneCx, spec: &SamplingSpec) -> Option<String> {
    why_not_drawn(cx, spec).or_else(|| spec.mirostat.map(|_| cx.t("playground.off_mirostat")))
}

/// Label at the left, control at the right, what it does below; in place of that `off`, which also holds the control
/// still.
pub fn row(ui: &mut Ui, cx: &PaneCx, key: &str, off: Option<&String>, add: impl FnOnce(&mut Ui, &str)) {
    let hint = off.cloned().unwrap_or_else(|| cx.t(&format!("{key}_hint")));
    row_with(ui, cx, key, &hint, off.is_some(), add);
}

/// The same with a hint of its own.
pub fn row_with(ui: &mut Ui, cx: &PaneCx, key: &str, hint: &str, off: bool, add: impl FnOnce(&mut Ui, &str)) {
    let name = cx.t(key);
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.horizontal(|ui| {
            if off {
                hold_still(ui);
            }
            ui.set_min_height(size::CONTROL);
            widgets::label(ui, &name);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| add(ui, &name));
        });
        widgets::hint(ui, hint);
    });
}

/// What is drawn from here on can't be changed, and looks it.
fn hold_still(ui: &mut Ui) {
    ui.disable();
    ui.set_opacity(0.45);
}

pub fn slider(
    ui: &mut Ui,
    cx: &PaneCx,
    key: &str,
    value: &mut f32,
    range: RangeInclusive<f32>,
    off: Option<&String>,
) {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        ui.scope(|ui| {
            if off.is_some() {
                hold_still(ui);
            }
            slider_row(ui, &cx.t(key), value, range, 2, "");
        });
        // Outside of what is dimmed: a reason is there to be read.
        widgets::hint(ui, off.cloned().unwrap_or_else(|| cx.t(&format!("{key}_hint"))));
    });
}

pub fn whole(
    ui: &mut Ui,
    cx: &PaneCx,
    key: &str,
    range: RangeInclusive<f64>,
    value: &mut Option<u32>,
    off: Option<&String>,
) {
    row(ui, cx, key, off, |ui, name| {
        let mut wide = value.map(f64::from);
        if NumberField::new(name, range).or_off(cx.t("playground.off")).show_opt(ui, &mut wide).changed() {
            *value = wide.map(|w| w as u32);
        }
    });
}

pub fn fraction(ui: &mut Ui, cx: &PaneCx, key: &str, value: &mut Option<f32>, off: Option<&String>) {
    row(ui, cx, key, off, |ui, name| {
        let mut wide = value.map(|v| (f64::from(v) * 1000.0).round() / 1000.0);
        let field = NumberField::new(name, 0.0..=1.0).decimals(2, 0.01).or_off(cx.t("playground.off"));
        if field.show_opt(ui, &mut wide).changed() {
            *value = wide.filter(|w| *w > 0.0).map(|w| w as f32);
        }
    });
}

pub fn number(ui: &mut Ui, cx: &PaneCx, key: &str, range: RangeInclusive<f64>, value: &mut f32) {
    row(ui, cx, key, None, |ui, name| {
        NumberField::new(name, range).decimals(2, 0.05).show_f32(ui, value);
    });
}

/// A fixed seed, or a fresh one each time.
pub fn seed(ui: &mut Ui, cx: &PaneCx, spec: &mut SamplingSpec, off: Option<&String>) {
    row(ui, cx, "playground.seed", off, |ui, name| {
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
