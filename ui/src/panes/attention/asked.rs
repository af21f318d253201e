//! Questions about a capture besides its maps: one of a kind at a time, how far it is, and what came of it.

use super::AttentionPane;
use crate::model::{InsideReport, Looking, Model};
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::widgets::{self, Button};
use egui::Ui;
use glassworks_protocol::JobSpec;
use glassworks_protocol::ids::JobId;
use glassworks_protocol::inside::{Capture, InsideJob, InsideOutput};
use std::sync::Arc;

/// The newest question of a kind: what it was about, and its job.
pub struct Asked<T> {
    now: Option<(T, JobId)>,
}

impl<T> Default for Asked<T> {
    fn default() -> Self {
        Self { now: None }
    }
}

impl<T: PartialEq> Asked<T> {
    pub fn is(&self, what: &T) -> bool {
        self.now.as_ref().is_some_and(|(of, _)| of == what)
    }

    pub fn what(&self) -> Option<&T> {
        self.now.as_ref().map(|(of, _)| of)
    }

    /// Asks; what was asked before, and is not answered, is stopped.
    pub fn ask(&mut self, cx: &mut PaneCx, what: T, job: InsideJob) {
        self.stop(cx);
        self.now = Some((what, cx.start(JobSpec::Inside(job))));
    }

    pub fn stop(&self, cx: &mut PaneCx) {
        if let Some((_, job)) = self.now.as_ref().filter(|_| self.is_running(cx.model)) {
            cx.cancel(*job);
        }
    }

    /// `None` before it was asked, and once it has been forgotten.
    pub fn report<'m>(&self, model: &'m Model) -> Option<&'m InsideReport> {
        self.now.as_ref().and_then(|(_, job)| model.captures.report(*job))
    }

    pub fn output<'m>(&self, model: &'m Model) -> Option<&'m InsideOutput> {
        self.report(model).and_then(|report| report.output.as_ref())
    }

    pub fn is_running(&self, model: &Model) -> bool {
        self.report(model).is_some_and(|report| report.looking == Looking::Running)
    }

    /// How far it is, by the sentence `key`, or why it did not come; nothing once it is there. Says whether it is to be
    /// asked again.
    pub fn state_ui(&self, ui: &mut Ui, cx: &mut PaneCx, key: &str) -> bool {
        let Some((_, job)) = self.now.as_ref() else { return false };
        let title = cx.t(key);
        let again = Button::control(cx.t("inside.again")).icon(icons::ARROW_CLOCKWISE);
        match self.report(cx.model).map(|report| &report.looking) {
            Some(Looking::Running) => {
                let progress = cx.model.jobs.get(*job).and_then(|job| job.progress.clone());
                let name = cx.tf("shell.stop_job", &[("name", &title)]);
                if widgets::job_row(ui, &title, progress.as_ref(), Some(&name)) {
                    cx.cancel(*job);
                }
                false
            }
            Some(Looking::Failed(failure)) => widgets::failed_line(ui, failure, Some(again)),
            Some(Looking::Done) => false,
            // Stopped, or pushed out by newer ones.
            Some(Looking::Stopped) | None => {
                ui.horizontal(|ui| {
                    widgets::hint(ui, cx.t("inside.not_there"));
                    again.small().show(ui).clicked()
                })
                .inner
            }
        }
    }
}

impl AttentionPane {
    /// The capture that is shown, once all of it is there: what questions are asked of.
    pub(super) fn base(&self, cx: &PaneCx) -> Option<Arc<Capture>> {
        let state = self.shown.and_then(|id| cx.model.captures.get(id))?;
        state.capture.clone().filter(|_| state.looking == Looking::Done)
    }

    /// The token that is picked, or the last one.
    pub(super) fn position(&self, capture: &Capture) -> usize {
        let last = capture.n_tokens().saturating_sub(1);
        self.look.query.unwrap_or(last).min(last)
    }

    /// The token after a position: the text's own, or behind its end the likeliest.
    pub(super) fn following(&self, capture: &Capture, position: usize) -> String {
        let own = self.names.alone.get(position + 1).cloned();
        own.or_else(|| capture.next.first().map(|one| super::names::visible(&one.text))).unwrap_or_default()
    }
}
