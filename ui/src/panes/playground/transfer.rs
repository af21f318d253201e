//! Conversations out to a file and in from one: Markdown or JSON, by a dialog of the system or a typed path.

use super::Playground;
use super::message::one_line;
use crate::action::{Toast, ToastAction};
use crate::host::{FileKind, FileRequest, PickId};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::widgets::dialog;
use crate::widgets::{self, Button, Field, segments};
use egui::{Context, Ui};
use glassworks_protocol::chat::{ChatFormat, ExportChatsSpec};
use glassworks_protocol::ids::{ChatId, JobId};
use glassworks_protocol::text::Text;
use glassworks_protocol::{JobOutput, JobSpec, Outcome};
use std::path::{Path, PathBuf};

#[derive(Default)]
pub struct TransferState {
    asking: Option<Asking>,
    picking: Option<PickId>,
    job: Option<JobId>,
    want_focus: bool,
}

/// What a dialog asks for.
enum Asking {
    Export { chats: Vec<ChatId>, name: String, format: ChatFormat, path: String },
    Import { path: String },
}

impl TransferState {
    pub fn ask_export(&mut self, chats: Vec<ChatId>, title: &str) {
        let name = file_name(title);
        let path = String::new();
        self.asking = Some(Asking::Export { chats, name, format: ChatFormat::Markdown, path });
        self.want_focus = true;
        self.job = None;
    }

    pub fn ask_import(&mut self) {
        self.asking = Some(Asking::Import { path: String::new() });
        self.want_focus = true;
        self.job = None;
    }
}

/// A name that every file system takes.
fn file_name(title: &str) -> String {
    let allowed = |c: char| if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_') { c } else { ' ' };
    let name: String = title.chars().map(allowed).collect();
    let name = one_line(&name, 60).trim_end_matches('…').trim().to_owned();
    if name.is_empty() { "chat".to_owned() } else { name }
}

fn extension(format: ChatFormat) -> &'static str {
    match format {
        ChatFormat::Markdown => "md",
        ChatFormat::Json => "json",
    }
}

/// With the format's extension, if it has none.
fn with_extension(path: &Path, format: ChatFormat) -> PathBuf {
    if path.extension().is_some() { path.to_path_buf() } else { path.with_extension(extension(format)) }
}

impl Playground {
    pub(super) fn import_chats(&mut self, cx: &mut PaneCx, path: PathBuf) {
        self.transfer.job = Some(cx.start(JobSpec::ImportChats { path }));
    }

    pub(super) fn transfer_ui(&mut self, ctx: &Context, cx: &mut PaneCx) {
        if let Some(path) = cx.picked(&mut self.transfer.picking) {
            self.transfer_to(cx, &path, true);
        }
        self.transfer_ended(cx);
        let Some(asking) = &self.transfer.asking else { return };
        let title = cx.t(match asking {
            Asking::Export { .. } => "playground.export_title",
            Asking::Import { .. } => "playground.import_title",
        });
        let theme = std::sync::Arc::clone(&cx.theme);
        let close = dialog(ctx, &theme, "transfer", &title, 480.0, |ui| self.transfer_body(ui, cx));
        if close {
            self.leave_transfer(cx);
        }
    }

    fn transfer_body(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let t = cx.theme.tokens;
        let Some(asking) = &mut self.transfer.asking else { return };
        let export = matches!(asking, Asking::Export { .. });
        let sentence = match asking {
            Asking::Export { chats, .. } if chats.len() == 1 => cx.t("playground.export_one"),
            Asking::Export { chats, .. } => cx.tf("playground.export_many", &[("n", &chats.len())]),
            Asking::Import { .. } => cx.t("playground.import_sentence"),
        };
        ui.label(Type::Body.text(sentence, t.text_2));
        if let Asking::Export { format, .. } = asking {
            let options = [
                (ChatFormat::Markdown, cx.t("playground.markdown")),
                (ChatFormat::Json, cx.t("playground.json")),
            ];
            segments(ui, &cx.t("playground.format"), format, &options, None);
            let hint = match format {
                ChatFormat::Markdown => "playground.markdown_hint",
                ChatFormat::Json => "playground.json_hint",
            };
            widgets::hint(ui, cx.t(hint));
        }
        ui.add_space(4.0);
        let words = cx.t("playground.choose_file");
        let choose = Button::control(words).icon(icons::FOLDER_OPEN).show(ui).clicked();
        ui.add_space(4.0);
        let label = cx.t("playground.typed_path");
        widgets::label(ui, &label);
        let (Asking::Export { path, .. } | Asking::Import { path }) = asking;
        let field = Field::new(&label).mono().width(ui.available_width());
        let response = field.show(ui, path);
        if std::mem::take(&mut self.transfer.want_focus) {
            response.request_focus();
        }
        let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        let typed = cx.typed_path(path);
        self.transfer_failure(ui, cx);
        ui.add_space(4.0);
        let (mut go, mut cancel) = (entered, false);
        ui.horizontal(|ui| {
            let words = cx.t(if export { "playground.export_here" } else { "playground.import_here" });
            go |= Button::accent(words)
                .off(typed.is_none().then(|| cx.t("playground.no_path")))
                .show(ui)
                .clicked();
            cancel = Button::quiet(cx.t("shell.cancel")).show(ui).clicked();
        });
        if let Some(typed) = typed.filter(|_| go) {
            self.transfer_to(cx, &typed, false);
        } else if choose {
            self.pick_transfer(cx);
        } else if cancel {
            self.leave_transfer(cx);
        }
    }

    /// What went wrong has been read in the dialog, and is not said again.
    fn leave_transfer(&mut self, cx: &PaneCx) {
        self.transfer.asking = None;
        let job = self.transfer.job.and_then(|id| cx.model.jobs.get(id));
        if job.is_some_and(|j| j.failure().is_some()) {
            self.transfer.job = None;
        }
    }

    fn transfer_failure(&self, ui: &mut Ui, cx: &PaneCx) {
        let job = self.transfer.job.and_then(|id| cx.model.jobs.get(id));
        if let Some(failure) = job.and_then(|j| j.failure()) {
            widgets::failed_line(ui, failure, None);
        }
    }

    fn pick_transfer(&mut self, cx: &mut PaneCx) {
        let request = match &self.transfer.asking {
            Some(Asking::Export { name, format, .. }) => {
                let extension = extension(*format);
                FileRequest {
                    kind: FileKind::Save,
                    title: cx.t("playground.export_title"),
                    suggested: format!("{name}.{extension}"),
                    filter: Some((extension.to_uppercase(), vec![extension.to_owned()])),
                }
            }
            _ => FileRequest {
                kind: FileKind::Open,
                title: cx.t("playground.import_title"),
                suggested: String::new(),
                filter: Some(("Markdown, JSON".to_owned(), vec!["md".to_owned(), "json".to_owned()])),
            },
        };
        self.transfer.picking = Some(cx.pick(request));
    }

    /// Writes to, or reads from, the path that was chosen; `asked` says whether a dialog has asked about a file
    /// that is there.
    fn transfer_to(&mut self, cx: &mut PaneCx, path: &Path, asked: bool) {
        let spec = match &self.transfer.asking {
            Some(Asking::Export { chats, format, .. }) => {
                let to = with_extension(path, *format);
                let replace = asked && to == path;
                JobSpec::ExportChats(ExportChatsSpec { chats: chats.clone(), format: *format, to, replace })
            }
            _ => JobSpec::ImportChats { path: path.to_path_buf() },
        };
        self.autosave(cx, true);
        self.transfer.job = Some(cx.start(spec));
    }

    fn transfer_ended(&mut self, cx: &mut PaneCx) {
        let Some(job) = self.transfer.job.and_then(|id| cx.model.jobs.get(id)).cloned() else { return };
        let Some(outcome) = &job.outcome else { return };
        match outcome {
            Outcome::Failed(failure) if self.transfer.asking.is_none() => {
                cx.toast(Toast::failed(failure.clone()));
            }
            // Shown in the dialog, where the path can be mended.
            Outcome::Failed(_) => return,
            Outcome::Done(JobOutput::ChatsExported { to, n_chats }) => {
                let text = Text::new("playground.exported").arg("n", n_chats);
                let show = Text::new("playground.show_file");
                cx.toast(Toast::new(text).icon(icons::CHECK).action(show, ToastAction::Reveal(to.clone())));
            }
            Outcome::Done(JobOutput::ChatsImported { chats, problems }) => {
                self.imported_chats(cx, chats, problems)
            }
            _ => {}
        }
        self.transfer = TransferState::default();
    }

    fn imported_chats(&mut self, cx: &mut PaneCx, chats: &[ChatId], problems: &[Text]) {
        let text = Text::new("playground.imported").arg("n", chats.len());
        cx.toast(Toast::new(text).icon(icons::CHECK));
        for problem in problems.iter().take(3) {
            cx.toast(Toast::new(problem.clone()).icon(icons::WARNING));
        }
        if let Some(first) = chats.first() {
            self.open_chat(*first, cx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_safe() {
        assert_eq!(file_name("Why is glass/sand?"), "Why is glass sand");
        assert_eq!(file_name("玻璃：为什么"), "玻璃 为什么");
        assert_eq!(file_name("…"), "chat");
        assert_eq!(with_extension(Path::new("/a/b"), ChatFormat::Json), PathBuf::from("/a/b.json"));
        assert_eq!(with_extension(Path::new("/a/b.txt"), ChatFormat::Json), PathBuf::from("/a/b.txt"));
    }
}
