//! Back up and restore the home folder. Each dialog has a field to type the path instead.

use super::{PaneCx, Row, SettingsPane};
use crate::action::Action;
use crate::command::UiCommand;
use crate::host::{FileKind, FileRequest, PickId};
use crate::model::{Job, JobKind};
use crate::theme::{Type, icon_font, icons, size};
use crate::units;
use crate::widgets::{self, Button, Field};
use egui::{RichText, Ui};
use glassworks_protocol::{JobOutput, JobSpec};
use std::path::PathBuf;
use std::sync::Arc;

pub(super) const ROWS: &[Row] = &[
    Row { label: "settings.back_up", hint: "settings.back_up_hint", draw: back_up, wide: true },
    Row { label: "settings.restore", hint: "settings.restore_hint", draw: restore, wide: true },
];

/// What is typed, and the dialogs that are open.
#[derive(Default)]
pub(super) struct BackupForms {
    to: String,
    from: String,
    to_pick: Option<PickId>,
    /// What a dialog has answered: it has asked about a file that is there.
    picked: Option<PathBuf>,
    from_pick: Option<PickId>,
}

fn filter(cx: &PaneCx) -> Option<(String, Vec<String>)> {
    Some((cx.t("settings.backup_file"), vec!["tar".to_owned()]))
}

fn back_up(pane: &mut SettingsPane, ui: &mut Ui, cx: &mut PaneCx) {
    if let Some(path) = cx.picked(&mut pane.backup.to_pick) {
        pane.backup.to = path.display().to_string();
        pane.backup.picked = Some(path);
    }
    let request = FileRequest {
        kind: FileKind::Save,
        title: cx.t("settings.back_up"),
        suggested: "glassworks-backup.tar".to_owned(),
        filter: filter(cx),
    };
    let form =
        Form { kind: JobKind::Backup, label: "settings.back_up", hint: "settings.back_up_hint", request };
    let picked = pane.backup.picked.clone();
    let spec = |to| JobSpec::Backup { replace: picked.as_ref() == Some(&to), to };
    form.ui(ui, cx, &mut pane.backup.to, &mut pane.backup.to_pick, spec);
}

fn restore(pane: &mut SettingsPane, ui: &mut Ui, cx: &mut PaneCx) {
    if let Some(path) = cx.picked(&mut pane.backup.from_pick) {
        pane.backup.from = path.display().to_string();
    }
    let request = FileRequest {
        kind: FileKind::Open,
        title: cx.t("settings.restore"),
        suggested: String::new(),
        filter: filter(cx),
    };
    let form =
        Form { kind: JobKind::Restore, label: "settings.restore", hint: "settings.restore_hint", request };
    let spec = |from| JobSpec::Restore { from };
    form.ui(ui, cx, &mut pane.backup.from, &mut pane.backup.from_pick, spec);
}

struct Form {
    kind: JobKind,
    label: &'static str,
    hint: &'static str,
    request: FileRequest,
}

impl Form {
    fn ui(
        self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        path: &mut String,
        pick: &mut Option<PickId>,
        spec: impl FnOnce(PathBuf) -> JobSpec,
    ) {
        let label = cx.t(self.label);
        let field = cx.tf("settings.path_of", &[("what", &label)]);
        let job = cx.model.jobs.newest(self.kind).cloned();
        let running = job.as_ref().is_some_and(|j| j.outcome.is_none());
        widgets::form_row(ui, &label, "", |ui| {
            let width = (ui.available_width() - 250.0).clamp(148.0, 400.0);
            let placeholder = cx.t("settings.path_placeholder");
            let typed = Field::new(&field).mono().placeholder(placeholder).width(width).show(ui, path);
            let entered = typed.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
            let choose = Button::control(cx.t("settings.choose")).icon(icons::FOLDER_OPEN);
            if choose.name(format!("{label}: {}", cx.t("settings.choose"))).show(ui).clicked() {
                *pick = Some(cx.pick(self.request.clone()));
            }
            let chosen = cx.typed_path(path);
            let off = match &chosen {
                _ if running => Some(cx.t("settings.busy")),
                None => Some(cx.t("settings.path_first")),
                Some(_) => None,
            };
            let ready = off.is_none();
            let go = Button::control(&label).off(off).name(cx.tf("settings.do_it", &[("what", &label)]));
            let go = go.show(ui).clicked() || (entered && ready);
            if let Some(chosen) = chosen.filter(|_| go) {
                cx.start(spec(chosen));
            }
        });
        widgets::note(ui, &cx.t(self.hint));
        if let Some(job) = job {
            ui.horizontal(|ui| {
                ui.add_space(size::FORM_LABEL + 8.0);
                ui.vertical(|ui| {
                    ui.set_max_width(480.0);
                    outcome(ui, cx, &job);
                });
            });
        }
        ui.add_space(8.0);
    }
}

/// How the newest job of this kind goes, or went.
fn outcome(ui: &mut Ui, cx: &mut PaneCx, job: &Arc<Job>) {
    let t = cx.theme.tokens;
    if job.outcome.is_none() {
        let title = cx.render(&job.title);
        let stop = cx.tf("shell.stop_job", &[("name", &title)]);
        if widgets::job_row(ui, &title, job.progress.as_ref(), Some(&stop)) {
            cx.cancel(job.id);
        }
        return;
    }
    if let Some(failure) = job.failure() {
        widgets::failed_line(ui, failure, None);
        return;
    }
    let done = |ui: &mut Ui, words: String| {
        ui.label(RichText::new(icons::CHECK_CIRCLE).font(icon_font(size::ICON, true)).color(t.ok));
        ui.label(Type::Body.text(words, t.text_1));
    };
    match job.output() {
        Some(JobOutput::BackedUp { to, size_bytes }) => {
            ui.horizontal_wrapped(|ui| {
                let path = to.display().to_string();
                let size = units::size(*size_bytes);
                done(ui, cx.tf("settings.backed_up", &[("path", &path), ("size", &size)]));
                if widgets::icon_button(ui, icons::FOLDER_OPEN, cx.t("job.show_file")).clicked() {
                    cx.push(Action::Reveal(to.clone()));
                }
            });
        }
        Some(JobOutput::RestoreReady) => {
            ui.horizontal_wrapped(|ui| {
                done(ui, cx.t("settings.restore_ready"));
                if Button::control(cx.t("shell.cmd_quit")).small().show(ui).clicked() {
                    cx.push(Action::Run(UiCommand::Quit));
                }
            });
        }
        _ => {
            widgets::hint(ui, cx.t("job.result_stopped"));
        }
    }
}
