//! The form of a split: shares, what stays together, what is kept.

use super::draft::{Wrong, has_labels};
use super::parts;
use crate::panes::PaneCx;
use crate::panes::datasets::overview::NEAR;
use crate::theme::size;
use crate::widgets::Select;
use egui::Ui;
use glassworks_protocol::datasets::transform::SplitSpec;
use glassworks_protocol::datasets::{ColumnKind, DatasetRecord};

pub fn form(ui: &mut Ui, cx: &PaneCx, record: &DatasetRecord, spec: &mut SplitSpec, wrong: Option<Wrong>) {
    let too_much = wrong.filter(|wrong| *wrong == Wrong::NothingToTrain).map(|wrong| cx.t(wrong.key()));
    parts::row(ui, cx, "datasets.prepare_validation", too_much.clone(), |ui, name| {
        parts::share(ui, name, &mut spec.validation, 0.0..=0.5);
    });
    parts::row(ui, cx, "datasets.prepare_test", too_much, |ui, name| {
        parts::share(ui, name, &mut spec.test, 0.0..=0.5);
    });
    parts::seed(ui, cx, &mut spec.seed);
    let labelled = has_labels(record);
    let (name, hint) = (cx.t("datasets.prepare_stratify"), cx.t("datasets.prepare_stratify_hint"));
    let hint = if labelled { hint } else { cx.t("datasets.prepare_no_labels") };
    ui.add_enabled_ui(labelled, |ui| {
        let mut off = false;
        let on = if labelled { &mut spec.stratify } else { &mut off };
        parts::switch_with(ui, &name, &hint, on, |_| {});
    });
    parts::row(ui, cx, "datasets.prepare_group", None, |ui, name| {
        let mut options = vec![(None, cx.t("datasets.prepare_no_group"))];
        options.extend(groups(record).map(|column| (Some(column.clone()), column)));
        Select::new(name).width(size::FIELD).show(ui, &mut spec.group_by, &options);
    });
    parts::optional_share(ui, cx, "datasets.prepare_near", &mut spec.near, NEAR);
    parts::switch(ui, cx, "datasets.prepare_keep", &mut spec.keep);
    parts::note(ui, &cx.t("datasets.prepare_split_note"));
}

/// Columns with one plain value a row.
fn groups(record: &DatasetRecord) -> impl Iterator<Item = String> {
    let plain = |kind| matches!(kind, ColumnKind::Text | ColumnKind::Number | ColumnKind::Bool);
    record.columns.iter().filter(move |column| plain(column.kind)).map(|column| column.name.clone())
}
