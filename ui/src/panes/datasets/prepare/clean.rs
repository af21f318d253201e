//! The form of cleaning: what is mended in texts, and which rows go.

use super::draft::Wrong;
use super::parts;
use crate::panes::PaneCx;
use crate::panes::datasets::overview::NEAR;
use crate::widgets::{self, Field, NumberField};
use egui::Ui;
use glassworks_protocol::Failure;
use glassworks_protocol::datasets::transform::CleanSpec;

/// The widest a pattern's field gets.
const PATTERN: f32 = 260.0;
const MOST_CHARACTERS: f64 = 1e9;

pub fn form(ui: &mut Ui, cx: &PaneCx, spec: &mut CleanSpec, wrong: Option<Wrong>, failure: Option<&Failure>) {
    widgets::semibold(ui, cx.t("datasets.prepare_texts"));
    // In the order in which it is done.
    parts::switch(ui, cx, "datasets.prepare_strip_control", &mut spec.strip_control);
    parts::switch(ui, cx, "datasets.prepare_nfc", &mut spec.nfc);
    parts::switch(ui, cx, "datasets.prepare_collapse", &mut spec.collapse_spaces);
    parts::switch(ui, cx, "datasets.prepare_trim", &mut spec.trim);
    ui.add_space(8.0);
    widgets::semibold(ui, cx.t("datasets.prepare_rows_that_go"));
    parts::switch(ui, cx, "datasets.prepare_drop_empty", &mut spec.drop_empty);
    parts::switch(ui, cx, "datasets.prepare_drop_no_target", &mut spec.drop_without_target);
    parts::switch(ui, cx, "datasets.prepare_drop_duplicates", &mut spec.drop_duplicates);
    parts::optional_share(ui, cx, "datasets.prepare_drop_near", &mut spec.drop_near_duplicates, NEAR);
    lengths(ui, cx, spec, wrong);
    pattern(ui, cx, "datasets.prepare_drop_matching", &mut spec.drop_matching, failure);
    pattern(ui, cx, "datasets.prepare_keep_matching", &mut spec.keep_matching, failure);
}

fn lengths(ui: &mut Ui, cx: &PaneCx, spec: &mut CleanSpec, wrong: Option<Wrong>) {
    let wrong = wrong.filter(|wrong| *wrong == Wrong::Bounds).map(|wrong| cx.t(wrong.key()));
    let (name, hint) = (cx.t("datasets.prepare_length"), cx.t("datasets.prepare_length_hint"));
    parts::row_with(ui, &name, &hint, wrong, |ui| {
        let none = cx.t("datasets.prepare_any");
        bound(ui, &cx.t("datasets.prepare_at_least"), &none, &mut spec.at_least);
        widgets::label(ui, "–");
        bound(ui, &cx.t("datasets.prepare_at_most"), &none, &mut spec.at_most);
    });
}

fn bound(ui: &mut Ui, name: &str, none: &str, value: &mut Option<u32>) {
    let mut wide = value.map(f64::from);
    let field = NumberField::new(name, 0.0..=MOST_CHARACTERS).width(64.0).or_off(none);
    if field.show_opt(ui, &mut wide).changed() {
        *value = wide.map(|x| x as u32);
    }
}

/// A pattern, empty for none; what the engine says of it stands beside it.
fn pattern(ui: &mut Ui, cx: &PaneCx, key: &str, value: &mut Option<String>, failure: Option<&Failure>) {
    let of_this = |failure: &&Failure| {
        value.as_ref().is_some_and(|pattern| failure.summary.args.iter().any(|(_, said)| said == pattern))
    };
    let wrong = failure.filter(of_this).map(|failure| said(cx, failure));
    let bad = wrong.is_some();
    parts::row(ui, cx, key, wrong, |ui, name| {
        let mut text = value.clone().unwrap_or_default();
        let field = Field::new(name).mono().width(PATTERN).problem(bad);
        if field.placeholder(cx.t("datasets.prepare_pattern")).show(ui, &mut text).changed() {
            *value = Some(text).filter(|text| !text.is_empty());
        }
    });
}

fn said(cx: &PaneCx, failure: &Failure) -> String {
    let hint = failure.hint.as_ref().map(|hint| cx.render(hint));
    let summary = cx.render(&failure.summary);
    hint.map_or_else(|| summary.clone(), |hint| format!("{summary}\n{hint}"))
}
