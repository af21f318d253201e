//! What a person can set.

use super::{Pane, PaneCx};
use crate::widgets;

#[derive(Default)]
pub struct SettingsPane {}

impl Pane for SettingsPane {
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut PaneCx) {
        let rect = ui.available_rect_before_wrap();
        let title = cx.t("shell.pane_settings");
        widgets::tiles::tile(ui, "main", rect, |ui| widgets::tiles::header(ui, |_| {}, |ui| {
            widgets::title(ui, title);
        }));
    }
}
