//! Prompts out to a file and in from one: by a dialog of the system or a typed path.

use super::PromptsPane;
use crate::action::{Toast, ToastAction};
use crate::host::{FileKind, FileRequest, PickId};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::widgets::{self, Button, Field};
use egui::{Context, Key, Ui};
use glassworks_protocol::ids::{JobId, PromptId, PromptRunId};
use glassworks_protocol::prompts::{PromptJob, PromptOutput};
use glassworks_protocol::text::Text;
use glassworks_protocol::{JobOutput, JobSpec, Outcome};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Default)]
pub struct TransferState {
    asking: Option<Asking>,
    path: String,
    picking: Option<PickId>,
    job: Option<JobId>,
    want_focus: bool,
}

/// What a dialog asks for.
#[derive(Clone)]
enum Asking {
    Export { prompts: Vec<PromptId>, name: String },
    Import,
    Results { prompt: PromptId, runs: Vec<PromptRunId>, name: String },
}

impl TransferState {
    pub fn ask_export(&mut self, prompts: Vec<PromptId>, name: &str) {
        *self = Self { asking: Some(Asking::Export { prompts, name: file_name(name) }), ..Self::default() };
        self.want_focus = true;
    }

    pub fn ask_export_results(&mut self, prompt: PromptId, runs: Vec<PromptRunId>, name: &str) {
        let asking = Asking::Results { prompt, runs, name: file_name(name) };
        *self = Self { asking: Some(asking), want_focus: true, ..Self::default() };
    }

    pub fn ask_import(&mut self) {
        *self = Self { asking: Some(Asking::Import), want_focus: true, ..Self::default() };
    }
}

/// A name that every file system takes.
fn file_name(title: &str) -> String {
    let allowed = |c: char| if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_') { c } else { ' ' };
    let name: String = title.chars().map(allowed).take(60).collect();
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() { "prompts".to_owned() } else { name }
}

impl PromptsPane {
    pub(super) fn import(&mut self, cx: &mut PaneCx, path: PathBuf) {
        self.transfer.job = Some(cx.start(JobSpec::Prompt(PromptJob::Import { path })));
    }

    pub(super) fn transfer_ui(&mut self, ctx: &Context, cx: &mut PaneCx) {
        if let Some(path) = cx.picked(&mut self.transfer.picking) {
            self.transfer_to(cx, path, true);
        }
        self.transfer_ended(cx);
        let Some(asking) = self.transfer.asking.clone() else { return };
        let title = cx.t(match asking {
            Asking::Export { .. } => "prompts.export_title",
            Asking::Import => "prompts.import_title",
            Asking::Results { .. } => "prompts.results_title",
        });
        let theme = Arc::clone(&cx.theme);
        let mut done = false;
        let close = widgets::dialog(ctx, &theme, "prompt files", &title, 480.0, |ui| {
            done = self.transfer_body(ui, cx, &asking);
        });
        if close || done {
            self.transfer.asking = None;
        }
    }

    /// Says whether the dialog is to be closed.
    fn transfer_body(&mut self, ui: &mut Ui, cx: &mut PaneCx, asking: &Asking) -> bool {
        let (sentence, go) = match asking {
            Asking::Export { prompts, .. } => {
                (cx.tf("prompts.export_sentence", &[("n", &prompts.len())]), cx.t("prompts.export_here"))
            }
            Asking::Import => (cx.t("prompts.import_sentence"), cx.t("prompts.import_here")),
            Asking::Results { .. } => (cx.t("prompts.results_sentence"), cx.t("prompts.export_here")),
        };
        ui.label(Type::Body.text(sentence, cx.theme.tokens.text_2));
        if Button::control(cx.t("prompts.choose_file")).icon(icons::FOLDER_OPEN).show(ui).clicked() {
            self.pick(cx, asking);
        }
        let label = cx.t("prompts.typed_path");
        widgets::label(ui, &label);
        let field = Field::new(&label).mono().width(ui.available_width());
        let response = field.show(ui, &mut self.transfer.path);
        if std::mem::take(&mut self.transfer.want_focus) {
            response.request_focus();
        }
        let entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        let job = self.transfer.job.and_then(|id| cx.model.jobs.get(id)).cloned();
        if let Some(failure) = job.as_ref().and_then(|job| job.failure()) {
            widgets::failed_line(ui, failure, None);
        }
        let typed = cx.typed_path(&self.transfer.path);
        let mut cancel = false;
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let off = typed.is_none().then(|| cx.t("prompts.no_path"));
            let pressed = Button::accent(go).off(off).show(ui).clicked();
            if let Some(path) = typed.filter(|_| pressed || entered) {
                self.transfer_to(cx, path, false);
            }
            cancel = Button::quiet(cx.t("shell.cancel")).show(ui).clicked();
        });
        cancel
    }

    fn pick(&mut self, cx: &mut PaneCx, asking: &Asking) {
        let (kind, suggested, title) = match asking {
            Asking::Export { name, .. } => {
                (FileKind::Save, format!("{name}.json"), cx.t("prompts.export_title"))
            }
            Asking::Import => (FileKind::Open, String::new(), cx.t("prompts.import_title")),
            Asking::Results { name, .. } => {
                (FileKind::Save, format!("{name}.csv"), cx.t("prompts.results_title"))
            }
        };
        let endings: &[&str] = match asking {
            Asking::Results { .. } => &["csv", "tsv", "jsonl"],
            Asking::Export { .. } | Asking::Import => &["json"],
        };
        let endings = endings.iter().map(|ending| (*ending).to_owned()).collect();
        let filter = Some((cx.t("shell.pane_prompts"), endings));
        self.transfer.picking = Some(cx.pick(FileRequest { kind, title, suggested, filter }));
    }

    /// `replace`: a dialog has asked.
    fn transfer_to(&mut self, cx: &mut PaneCx, path: PathBuf, replace: bool) {
        match self.transfer.asking.clone() {
            Some(Asking::Export { prompts, .. }) => {
                self.autosave(cx, true);
                let to = if path.extension().is_some() { path } else { path.with_extension("json") };
                let job = PromptJob::Export { prompts, to, replace };
                self.transfer.job = Some(cx.start(JobSpec::Prompt(job)));
            }
            Some(Asking::Import) => self.import(cx, path),
            Some(Asking::Results { prompt, runs, .. }) => {
                let to = if path.extension().is_some() { path } else { path.with_extension("csv") };
                let job = PromptJob::ExportResults { prompt, runs, to, replace };
                self.transfer.job = Some(cx.start(JobSpec::Prompt(job)));
            }
            None => {}
        }
    }

    fn transfer_ended(&mut self, cx: &mut PaneCx) {
        let Some(job) = self.transfer.job.and_then(|id| cx.model.jobs.get(id)).cloned() else { return };
        let toast = match &job.outcome {
            Some(Outcome::Done(JobOutput::Prompt(PromptOutput::Exported { to, .. }))) => {
                let name = to.file_name().unwrap_or(to.as_os_str()).to_string_lossy();
                Toast::new(Text::new("prompts.exported").arg("name", name))
                    .icon(icons::CHECK)
                    .action(Text::new("prompts.show_file"), ToastAction::Reveal(to.clone()))
            }
            Some(Outcome::Done(JobOutput::Prompt(PromptOutput::Imported { prompts, problems }))) => {
                self.open = prompts.first().copied().or(self.open);
                match problems.first() {
                    None => {
                        Toast::new(Text::new("prompts.imported").arg("n", prompts.len())).icon(icons::CHECK)
                    }
                    Some(first) => Toast::new(
                        Text::new("prompts.imported_some")
                            .arg("n", prompts.len())
                            .arg("problem", cx.render(first)),
                    )
                    .icon(icons::WARNING),
                }
            }
            Some(Outcome::Failed(failure)) if self.transfer.asking.is_none() => {
                Toast::failed(failure.clone())
            }
            Some(Outcome::Failed(_)) | None => return,
            _ => {
                self.transfer.job = None;
                return;
            }
        };
        cx.toast(toast);
        self.transfer.job = None;
        self.transfer.asking = None;
    }
}
