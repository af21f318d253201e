//! The playground: conversations and completions.

use super::{Pane, PaneCx};
use crate::widgets;

#[derive(Default)]
pub struct Playground {}

impl Pane for Playground {
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut PaneCx) {
        let rect = ui.available_rect_before_wrap();
        let title = cx.t("shell.pane_playground");
        widgets::tiles::tile(ui, "main", rect, |ui| widgets::tiles::header(ui, |_| {}, |ui| {
            widgets::title(ui, title);
        }));
    }
}
