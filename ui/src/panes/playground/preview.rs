//! "Show exactly what the model is given": the template's output and how many tokens it is.

use super::Playground;
use super::doc::View;
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::units::grouped;
use crate::widgets::dialog;
use crate::widgets::{self, Button, Tone};
use egui::{Context, ScrollArea, Ui};
use glassworks_protocol::chat::{ChatKind, TemplateSource};
use glassworks_protocol::generate::PromptPreview;
use glassworks_protocol::ids::JobId;
use glassworks_protocol::{JobOutput, Outcome};

#[derive(Default)]
pub struct PreviewState {
    job: Option<JobId>,
}

impl Playground {
    /// Asks what the model would be given if the draft were sent now.
    pub(super) fn start_preview(&mut self, cx: &mut PaneCx, view: &View) {
        let Some(asker) = self.asker(cx) else { return self.opener.open() };
        let draft = match view.record.kind {
            ChatKind::Chat => self.doc.as_ref().map(|d| d.draft.trim().to_owned()).unwrap_or_default(),
            ChatKind::Completion => self.editor.before_cursor().to_owned(),
        };
        let mut record = view.record.clone();
        if let Some(text) = &self.options.system_prompt {
            record.system_prompt.clone_from(text);
        }
        self.preview.job = Some(cx.start(asker.preview(&record, &view.path, &draft)));
    }

    pub(super) fn preview_ui(&mut self, ctx: &Context, cx: &mut PaneCx, view: &View) {
        let Some(job) = self.preview.job.and_then(|id| cx.model.jobs.get(id)).cloned() else { return };
        let theme = std::sync::Arc::clone(&cx.theme);
        let title = cx.t("playground.preview_title");
        let mut done = false;
        let mut again = false;
        let close = dialog(ctx, &theme, "preview", &title, 720.0, |ui| {
            match &job.outcome {
                Some(Outcome::Done(JobOutput::Preview(preview))) => preview_body(ui, cx, preview),
                Some(Outcome::Failed(failure)) => {
                    let retry = Button::control(cx.t("playground.try_again"));
                    again = widgets::failed_line(ui, failure, Some(retry));
                }
                _ => {
                    ui.horizontal(|ui| {
                        widgets::bead(ui, theme.tokens.warm);
                        let stage = job.progress.as_ref().map(|p| cx.render(&p.stage));
                        widgets::label(ui, stage.unwrap_or_else(|| cx.t("playground.waiting")));
                    });
                }
            }
            ui.add_space(4.0);
            done = Button::control(cx.t("playground.close")).show(ui).clicked();
        });
        if again {
            self.start_preview(cx, view);
        } else if close || done {
            self.preview.job = None;
        }
    }
}

fn preview_body(ui: &mut Ui, cx: &mut PaneCx, preview: &PromptPreview) {
    let t = cx.theme.tokens;
    ui.horizontal(|ui| {
        let n = grouped(preview.n_tokens.into());
        let length = grouped(preview.context_length.into());
        widgets::mono(ui, cx.tf("playground.context_used", &[("used", &n), ("n", &length)]));
        match &preview.template {
            Some(TemplateSource::Model(from)) => {
                widgets::tag(ui, Tone::Plain, cx.tf("model.template_from", &[("name", from)]));
            }
            Some(TemplateSource::Fallback(_)) => {
                widgets::badge(ui, Tone::Warn, icons::WARNING, cx.t("model.no_template"));
            }
            None => {}
        }
        if preview.n_tokens > preview.context_length {
            widgets::badge(ui, Tone::Warn, icons::SCISSORS, cx.t("playground.too_long"));
        }
    });
    let height = (ui.ctx().content_rect().height() - 280.0).max(120.0);
    widgets::well(ui, |ui| {
        ui.set_width(ui.available_width());
        ScrollArea::vertical().max_height(height).show(ui, |ui| {
            ui.set_width(ui.available_width());
            widgets::selectable(ui, Type::Body.number(preview.text.clone(), t.text_1));
        });
    });
    if Button::quiet(cx.t("shell.copy")).icon(icons::COPY).show(ui).clicked() {
        cx.copy(preview.text.clone());
    }
}
