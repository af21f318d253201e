//! What runs, what waits, what has ended in this session.

use super::{Pane, PaneCx};
use crate::widgets;

#[derive(Default)]
pub struct JobsPane {}

impl Pane for JobsPane {
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut PaneCx) {
        let rect = ui.available_rect_before_wrap();
        let title = cx.t("shell.pane_jobs");
        widgets::tiles::tile(ui, "main", rect, |ui| {
            widgets::tiles::header(ui, |_| {}, |ui| {
                widgets::title(ui, title);
            });
            widgets::tiles::scroll(ui, "jobs", 0.0, |ui| {
                for job in cx.model.jobs.active() {
                    let title = cx.render(&job.title);
                    if widgets::job_row(ui, &title, job.progress.as_ref(), Some(&title)) {
                        cx.cancel(job.id);
                    }
                }
            });
        });
    }
}
