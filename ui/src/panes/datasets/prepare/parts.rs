//! Rows of the forms: a name, a control, what it means; in place of that what is wrong.

use crate::panes::PaneCx;
use crate::theme::{Type, icon_font, icons, size};
use crate::widgets::{self, NumberField, toggle};
use egui::{Align, Layout, RichText, Ui, vec2};
use std::ops::RangeInclusive;

/// Explanations stand beside fields from this width on.
const BESIDE_FIELDS: f32 = 660.0;

/// A row whose explanation is `{key}_hint`, or what is wrong with it.
pub fn row(ui: &mut Ui, cx: &PaneCx, key: &str, wrong: Option<String>, add: impl FnOnce(&mut Ui, &str)) {
    let (name, hint) = (cx.t(key), cx.t(&format!("{key}_hint")));
    row_with(ui, &name, &hint, wrong, |ui| add(ui, &name));
}

pub fn row_with(ui: &mut Ui, name: &str, hint: &str, wrong: Option<String>, add: impl FnOnce(&mut Ui)) {
    let explain = |ui: &mut Ui| match wrong {
        Some(words) => problem(ui, &words),
        None => drop(widgets::hint(ui, hint)),
    };
    widgets::explained_row(ui, name, add, Some(explain));
}

/// Icon and words of what is wrong.
pub fn problem(ui: &mut Ui, words: &str) {
    let t = crate::theme::of(ui).tokens;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let icon = RichText::new(icons::WARNING_CIRCLE).font(icon_font(size::ICON_SMALL, true));
        ui.label(icon.color(t.danger));
        ui.label(Type::Hint.text(words, t.danger));
    });
}

/// A switch; its explanation stands beside it, for it is narrow.
pub fn switch(ui: &mut Ui, cx: &PaneCx, key: &str, on: &mut bool) {
    switch_and(ui, cx, key, on, |_| {});
}

/// The same with more beside it.
pub fn switch_and(ui: &mut Ui, cx: &PaneCx, key: &str, on: &mut bool, add: impl FnOnce(&mut Ui)) {
    let (name, hint) = (cx.t(key), cx.t(&format!("{key}_hint")));
    switch_with(ui, &name, &hint, on, add);
}

pub fn switch_with(ui: &mut Ui, name: &str, hint: &str, on: &mut bool, add: impl FnOnce(&mut Ui)) {
    if ui.available_width() >= BESIDE_FIELDS {
        row_with(ui, name, hint, None, |ui| {
            toggle(ui, name, on);
            add(ui);
        });
        return;
    }
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        let cell = |ui: &mut Ui, width: f32, add: &mut dyn FnMut(&mut Ui)| {
            let layout = Layout::left_to_right(Align::Center);
            ui.allocate_ui_with_layout(vec2(width, size::CONTROL), layout, |ui| {
                ui.set_min_size(vec2(width, size::CONTROL));
                add(ui);
            });
        };
        cell(ui, size::FORM_LABEL, &mut |ui| drop(widgets::label(ui, name)));
        cell(ui, 36.0, &mut |ui| drop(toggle(ui, name, on)));
        ui.vertical(|ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_wrapped(|ui| {
                ui.set_min_height(size::CONTROL);
                add(ui);
                widgets::hint(ui, hint);
            });
        });
    });
}

/// A share as a percentage.
pub fn share(ui: &mut Ui, name: &str, value: &mut f64, range: RangeInclusive<f64>) -> bool {
    let mut percent = (1000.0 * *value).round() / 10.0;
    let ends = 100.0 * range.start()..=100.0 * range.end();
    let changed = NumberField::new(name, ends).decimals(1, 1.0).show(ui, &mut percent).changed();
    widgets::mono(ui, "%");
    if changed {
        *value = percent / 100.0;
    }
    changed
}

/// A switch, and a percentage while it is on.
pub fn optional_share(ui: &mut Ui, cx: &PaneCx, key: &str, value: &mut Option<f64>, usual: f64) {
    let mut on = value.is_some();
    let name = cx.tf("datasets.prepare_share_of", &[("name", &cx.t(key))]);
    let mut x = value.unwrap_or(usual);
    switch_and(ui, cx, key, &mut on, |ui| {
        if value.is_some() {
            share(ui, &name, &mut x, 0.5..=1.0);
            ui.add_space(4.0);
        }
    });
    *value = on.then_some(x);
}

/// An explanation below a form, under its fields, on as many lines as it takes.
pub fn note(ui: &mut Ui, words: &str) {
    ui.horizontal_top(|ui| {
        let indent = size::FORM_LABEL + 8.0;
        ui.add_space(indent);
        ui.vertical(|ui| {
            ui.set_width(ui.available_width());
            widgets::hint(ui, words);
        });
    });
}

/// What the random numbers begin with.
pub fn seed(ui: &mut Ui, cx: &PaneCx, value: &mut u64) {
    row(ui, cx, "datasets.prepare_seed", None, |ui, name| {
        let mut wide = *value as f64;
        if NumberField::new(name, 0.0..=9_007_199_254_740_992.0).show(ui, &mut wide).changed() {
            *value = wide as u64;
        }
    });
}

/// New rows for each old one.
pub fn copies(ui: &mut Ui, cx: &PaneCx, value: &mut u32) {
    row(ui, cx, "datasets.prepare_copies", None, |ui, name| {
        NumberField::new(name, 1.0..=20.0).show_u32(ui, value);
    });
}
