//! The form of balancing labels.

use super::draft::{Wrong, way_key};
use super::parts;
use crate::panes::PaneCx;
use crate::widgets::{self, segments};
use egui::Ui;
use glassworks_protocol::datasets::transform::{BalanceSpec, BalanceWay};

pub fn form(ui: &mut Ui, cx: &PaneCx, spec: &mut BalanceSpec, wrong: Option<Wrong>) {
    if let Some(wrong) = wrong.filter(|wrong| *wrong == Wrong::NoLabels) {
        parts::problem(ui, &cx.t(wrong.key()));
        widgets::hint(ui, cx.t("datasets.prepare_no_labels_hint"));
        return;
    }
    let (name, hint) = (cx.t("datasets.prepare_way"), cx.t(&format!("{}_hint", way_key(spec.way))));
    parts::row_with(ui, &name, &hint, None, |ui| {
        let options = [BalanceWay::Over, BalanceWay::Under].map(|way| (way, cx.t(way_key(way))));
        segments(ui, &name, &mut spec.way, &options, None);
    });
    parts::seed(ui, cx, &mut spec.seed);
}
