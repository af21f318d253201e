//! What needs attention and stays: a recovered database, a full disk, an engine that has ended.

use super::App;
use crate::theme::icons;
use crate::widgets;
use egui::{Align, Frame, Layout, Margin, Stroke, Ui};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::sync::Arc;

impl App {
    pub(super) fn alerts(&mut self, ui: &mut Ui) {
        if self.model.engine_ended {
            let failure = Failure::new(FailureKind::Bug, Text::new("shell.engine_ended"))
                .hint(Text::new("shell.engine_ended_hint"));
            self.alert(ui, &failure, false);
        }
        let mut gone = None;
        for (i, failure) in self.model.alerts.clone().iter().enumerate() {
            if self.alert(ui, failure, true) {
                gone = Some(i);
            }
        }
        if let Some(i) = gone {
            self.model.alerts.remove(i);
        }
    }

    /// Says whether it was dismissed.
    fn alert(&self, ui: &mut Ui, failure: &Failure, can_go: bool) -> bool {
        let theme = Arc::clone(&self.theme);
        let t = &theme.tokens;
        let mut dismissed = false;
        Frame::new()
            .fill(t.danger_wash)
            .stroke(Stroke::new(1.0, t.danger))
            .corner_radius(crate::theme::size::RADIUS_TILE)
            .inner_margin(Margin::symmetric(16, 10))
            .outer_margin(Margin { bottom: 4, ..Margin::ZERO })
            .show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.with_layout(Layout::right_to_left(Align::TOP), |ui| {
                    if can_go {
                        dismissed = widgets::icon_button(ui, icons::X, theme.t("shell.dismiss")).clicked();
                    }
                    ui.with_layout(Layout::top_down(Align::Min), |ui| {
                        widgets::failed_line(ui, failure, None);
                    });
                });
            });
        dismissed
    }
}
