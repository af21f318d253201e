//! "Open a model…": a folder, a GGUF file, a dropped or a typed path; what it is, and what is wrong with it.

use super::Playground;
use crate::action::{Action, Open, Toast};
use crate::host::{FileKind, FileRequest, PickId};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::widgets::dialog;
use crate::widgets::{self, Button, Field};
use egui::{Context, Key, Ui};
use glassworks_protocol::chat::TemplateSource;
use glassworks_protocol::ids::JobId;
use glassworks_protocol::model::{ModelCard, ModelRecord};
use glassworks_protocol::text::Text;
use glassworks_protocol::{JobOutput, JobSpec, Outcome};
use std::path::{Path, PathBuf};

/// A typed path is looked at when nothing was typed for this long.
const LOOK_AFTER_MS: i64 = 300;

#[derive(Default)]
pub struct OpenerState {
    open: bool,
    path: String,
    typed_at_ms: Option<i64>,
    picking: Option<PickId>,
    describing: Option<JobId>,
    importing: Option<JobId>,
    want_focus: bool,
    /// That the import failed has been shown.
    told: bool,
}

impl OpenerState {
    pub fn open(&mut self) {
        self.open = true;
        self.want_focus = true;
    }

    /// Forgets what was found out about another path.
    fn set_path(&mut self, path: &Path) {
        self.path = path.to_string_lossy().into_owned();
        self.describing = None;
        self.importing = None;
        self.typed_at_ms = None;
    }
}

/// What a path is, by its name alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dropped {
    Picture,
    Chats,
    Model,
}

fn dropped(path: &Path) -> Dropped {
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    match extension.as_str() {
        "png" | "jpg" | "jpeg" | "gif" | "webp" | "bmp" | "svg" | "tif" | "tiff" | "heic" | "avif" => {
            Dropped::Picture
        }
        "md" | "markdown" => Dropped::Chats,
        "json" if path.file_name().is_none_or(|n| n != "config.json") => Dropped::Chats,
        _ => Dropped::Model,
    }
}

impl Playground {
    /// A file or folder that was dropped on the window, or given otherwise.
    pub(super) fn open_path(&mut self, path: &Path, cx: &mut PaneCx) {
        match dropped(path) {
            Dropped::Picture => self.decline_picture(cx),
            Dropped::Chats => self.import_chats(cx, path.to_path_buf()),
            Dropped::Model => {
                // A model's config.json stands for its folder.
                let is_part = path.file_name().is_some_and(|n| n == "config.json")
                    || path.extension().is_some_and(|e| e == "safetensors");
                let path = path.parent().filter(|_| is_part).unwrap_or(path);
                self.opener.set_path(path);
                self.import_model(cx, path.to_path_buf());
            }
        }
    }

    fn import_model(&mut self, cx: &mut PaneCx, path: PathBuf) {
        self.opener.told = false;
        self.opener.importing = Some(cx.start(JobSpec::ImportModel { path }));
    }

    pub(super) fn opener_ui(&mut self, ctx: &Context, cx: &mut PaneCx) {
        if let Some(path) = cx.picked(&mut self.opener.picking) {
            self.opener.set_path(&path);
            self.import_model(cx, path);
        }
        self.import_ended(cx);
        if !self.opener.open {
            return;
        }
        self.describe_typed(ctx, cx);
        let title = cx.t("playground.open_model_title");
        let theme = std::sync::Arc::clone(&cx.theme);
        let close = dialog(ctx, &theme, "open model", &title, 520.0, |ui| self.opener_body(ui, cx));
        if close {
            self.opener.open = false;
        }
    }

    fn opener_body(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let t = cx.theme.tokens;
        ui.label(Type::Body.text(cx.t("playground.open_model_sentence"), t.text_2));
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let folder = Button::control(cx.t("playground.choose_folder")).icon(icons::FOLDER_OPEN);
            if folder.show(ui).clicked() {
                self.pick_model(cx, FileKind::Folder);
            }
            let file = Button::control(cx.t("playground.choose_gguf")).icon(icons::FILE);
            if file.show(ui).clicked() {
                self.pick_model(cx, FileKind::Open);
            }
        });
        ui.add_space(4.0);
        let label = cx.t("playground.typed_path");
        widgets::label(ui, &label);
        let field = Field::new(&label).mono().width(ui.available_width()).placeholder("/models/…");
        let response = field.show(ui, &mut self.opener.path);
        if std::mem::take(&mut self.opener.want_focus) {
            response.request_focus();
        }
        if response.changed() {
            self.opener.typed_at_ms = Some(cx.now_ms);
            self.opener.describing = None;
            self.opener.importing = None;
        }
        let entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        ui.add_space(2.0);
        self.findings(ui, cx);
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let path = cx.typed_path(&self.opener.path);
            let busy = self.running(cx, self.opener.importing);
            let why = path.is_none().then(|| cx.t("playground.no_path"));
            let open = Button::accent(cx.t(if busy { "playground.adding" } else { "playground.add_model" }));
            let pressed = open.off(why).show(ui).clicked() || entered;
            if let Some(path) = path.filter(|_| pressed && !busy) {
                self.import_model(cx, path);
            }
            if Button::quiet(cx.t("shell.cancel")).show(ui).clicked() {
                self.opener.open = false;
            }
        });
    }

    /// The card of what the path leads to, or why it is no model.
    fn findings(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let job =
            self.opener.importing.or(self.opener.describing).and_then(|id| cx.model.jobs.get(id)).cloned();
        match job.as_deref().and_then(|j| j.outcome.as_ref()) {
            Some(Outcome::Failed(failure)) => {
                widgets::failed_line(ui, failure, None);
            }
            Some(Outcome::Done(JobOutput::ModelDescribed(card))) => card_ui(ui, cx, card),
            _ if job.is_some() => {
                ui.horizontal(|ui| {
                    widgets::bead(ui, cx.theme.tokens.warm);
                    widgets::hint(ui, cx.t("playground.looking"));
                });
            }
            _ => {
                widgets::hint(ui, cx.t("playground.drop_hint"));
            }
        }
    }

    fn pick_model(&mut self, cx: &mut PaneCx, kind: FileKind) {
        let filter = (kind == FileKind::Open).then(|| ("GGUF".to_owned(), vec!["gguf".to_owned()]));
        let title = cx.t("playground.open_model_title");
        self.opener.picking = Some(cx.pick(FileRequest { kind, title, suggested: String::new(), filter }));
    }

    fn describe_typed(&mut self, ctx: &Context, cx: &mut PaneCx) {
        let Some(at) = self.opener.typed_at_ms else { return };
        let left = at + LOOK_AFTER_MS - cx.now_ms;
        if left > 0 {
            ctx.request_repaint_after(std::time::Duration::from_millis(left.unsigned_abs()));
            return;
        }
        self.opener.typed_at_ms = None;
        if let Some(path) = cx.typed_path(&self.opener.path) {
            self.opener.describing = Some(cx.start(JobSpec::DescribeModel { path }));
        }
    }

    fn running(&self, cx: &PaneCx, job: Option<JobId>) -> bool {
        job.and_then(|id| cx.model.jobs.get(id)).is_some_and(|j| j.outcome.is_none())
    }

    /// An import that worked: the model is used at once. One that did not is shown in the dialog.
    fn import_ended(&mut self, cx: &mut PaneCx) {
        let Some(job) = self.opener.importing.and_then(|id| cx.model.jobs.get(id)).cloned() else { return };
        match &job.outcome {
            Some(Outcome::Done(JobOutput::ModelImported(record))) => {
                self.opener = OpenerState::default();
                self.imported(cx, record);
            }
            Some(Outcome::Failed(_)) if !self.opener.told => {
                self.opener.told = true;
                self.opener.open = true;
            }
            Some(Outcome::Failed(_)) => {}
            Some(_) => self.opener.importing = None,
            None => {}
        }
    }

    fn imported(&mut self, cx: &mut PaneCx, record: &ModelRecord) {
        let text = Text::new("playground.model_added").arg("name", &record.name);
        cx.toast(Toast::new(text).icon(icons::CHECK_CIRCLE));
        cx.push(Action::Open(Open::Model(record.id)));
    }
}

fn card_ui(ui: &mut Ui, cx: &PaneCx, card: &ModelCard) {
    widgets::well(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 4.0;
        let words = cx.card_words(card);
        ui.horizontal(|ui| {
            widgets::badge(ui, widgets::Tone::Ok, icons::CHECK, cx.t("playground.can_open"));
            widgets::tag(ui, widgets::Tone::Plain, card.weight_type.clone());
            if let Some(license) = &card.license {
                widgets::tag(ui, widgets::Tone::Plain, license.clone());
            }
        });
        widgets::mono(ui, words);
        let template = match &card.template {
            TemplateSource::Model(from) => cx.tf("model.template_named", &[("name", from)]),
            TemplateSource::Fallback(_) => cx.t("model.no_template"),
        };
        widgets::hint(ui, template);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_told_by_its_name() {
        for (name, expected) in [
            ("a.PNG", Dropped::Picture),
            ("chats.md", Dropped::Chats),
            ("chats.json", Dropped::Chats),
            ("m/config.json", Dropped::Model),
            ("m.gguf", Dropped::Model),
            ("folder", Dropped::Model),
        ] {
            assert_eq!(dropped(Path::new(name)), expected, "{name}");
        }
    }
}
