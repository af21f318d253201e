//! Runs that are not wanted any more: into the trash and back, and from there for good.

use super::RunsPane;
use crate::action::Toast;
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::units;
use crate::widgets::{self, Button};
use egui::Context;
use glassworks_protocol::ids::RunId;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::RunRecord;
use glassworks_protocol::{Edit, JobSpec};

/// Runs that a dialog asks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doomed {
    One(RunId, String),
    /// All in the trash.
    All(Vec<RunId>),
}

impl RunsPane {
    pub(super) fn trash(&mut self, cx: &mut PaneCx, run: &RunRecord) {
        cx.edit(Edit::TrashRun(run.id));
        let text = Text::new("runs.trashed").arg("name", &run.name);
        cx.toast(Toast::new(text).icon(icons::TRASH).undo(Edit::RestoreRun(run.id)));
        self.beside.retain(|(id, _)| *id != run.id);
        self.selected = None;
    }

    /// Asks before anything is gone.
    pub(super) fn doomed_ui(&mut self, ctx: &Context, cx: &mut PaneCx) {
        let Some(doomed) = self.doomed.clone() else { return };
        let ids = match &doomed {
            Doomed::One(id, _) => vec![*id],
            Doomed::All(ids) => ids.clone(),
        };
        let kept: u64 =
            ids.iter().flat_map(|id| cx.model.runs.checkpoints(*id)).map(|record| record.size_bytes).sum();
        let size = units::size(kept);
        let (title, sentence) = match &doomed {
            Doomed::One(_, name) => {
                (cx.t("runs.delete_title"), cx.tf("runs.delete_sentence", &[("name", name), ("size", &size)]))
            }
            Doomed::All(ids) => (
                cx.t("runs.empty_trash_title"),
                cx.tf("runs.empty_trash_sentence", &[("n", &ids.len()), ("size", &size)]),
            ),
        };
        let theme = std::sync::Arc::clone(&cx.theme);
        let (mut yes, mut no) = (false, false);
        let close = widgets::dialog(ctx, &theme, "delete runs", &title, 400.0, |ui| {
            ui.label(Type::Body.text(sentence, theme.tokens.text_2));
            ui.add_space(4.0);
            ui.horizontal(|ui| {
                yes = Button::danger(cx.t("runs.delete")).icon(icons::TRASH).show(ui).clicked();
                no = Button::control(cx.t("shell.cancel")).show(ui).clicked();
            });
        });
        if yes {
            cx.start(JobSpec::DeleteRuns(ids));
        }
        if yes || no || close {
            self.doomed = None;
        }
    }
}
