//! The tile at the right: values to try a prompt with, and what a model gets then, to the letter.

use super::PromptsPane;
use crate::model::{ModelState, Offer, PickFor};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::units::{self, grouped};
use crate::widgets::{self, Button, Tone, tiles};
use egui::Ui;
use glassworks_protocol::generate::{ModelSource, Prompt, PromptPreview};
use glassworks_protocol::ids::JobId;
use glassworks_protocol::prompts::PromptRecord;
use glassworks_protocol::{JobOutput, JobSpec, Outcome};
use std::sync::Arc;
use std::time::Duration;

/// Hands that rest so long have typed what they wanted.
const REST_SECS: f64 = 0.5;
/// Models up to this size are brought into memory for a look.
const QUICK_TO_LOAD_BYTES: u64 = 400_000_000;

#[derive(Default)]
pub struct PreviewState {
    /// What the newest job was asked.
    asked: Option<(ModelSource, Prompt, JobId)>,
    /// What stands now, and since when.
    resting: Option<(Prompt, f64)>,
    /// A person wants a model loaded for it.
    wanted: bool,
    /// What the newest answer said, and of what.
    told: Option<(Prompt, Arc<PromptPreview>)>,
}

impl PromptsPane {
    pub(super) fn side_tile(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let Some(record) = self.record(cx) else { return };
        let title = cx.t("prompts.try");
        tiles::header(
            ui,
            |_| {},
            |ui| {
                widgets::title(ui, title);
            },
        );
        tiles::scroll(ui, "try", 0.0, |ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            self.try_ui(ui, cx, &record);
            ui.add_space(6.0);
            widgets::divider(ui);
            ui.add_space(2.0);
            self.given_ui(ui, cx);
        });
    }

    fn try_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &PromptRecord) {
        let Some(editing) = &self.editing else { return };
        let named = editing.body.named();
        if widgets::value_fields(ui, &named, &mut self.values, false) {
            ui.ctx().request_repaint();
        }
        let missing = editing.body.problems(&self.values).into_iter().next();
        let blank = editing.body.text.trim().is_empty();
        let why = match missing {
            _ if blank => Some(cx.t("prompts.use_blank")),
            Some(problem) => Some(cx.render(&problem.why)),
            None => None,
        };
        let button = Button::control(cx.t("prompts.use")).icon(icons::CHAT_TEARDROP_TEXT).off(why);
        if button.width(ui.available_width()).show(ui).clicked() {
            self.use_in_playground(cx, record);
        }
    }

    /// The model, and what it gets.
    fn given_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        widgets::semibold(ui, cx.t("prompts.given"));
        let writer = cx.model.writer(self.writer);
        self.writer_menu(ui, cx, writer.as_ref());
        let Some(editing) = &self.editing else { return };
        let base = writer.as_ref().and_then(|offer| cx.model.base_of_pick(offer.pick())).cloned();
        let converses = base.as_ref().is_none_or(|model| model.card.is_chat());
        let prompt = editing.body.prompt(&self.values, converses);
        if let Some(model) = &base {
            let loaded = *cx.model.library.state(model.id) == ModelState::Ready;
            let quick = model.starter || model.card.size_bytes <= QUICK_TO_LOAD_BYTES;
            if loaded || quick || self.preview.wanted {
                self.ask_preview(ui, cx, ModelSource::Library(model.id), &prompt);
            } else {
                let words = cx.tf("prompts.load_to_see", &[("size", &units::size(model.card.size_bytes))]);
                if Button::control(words).icon(icons::EYE).small().show(ui).clicked() {
                    self.preview.wanted = true;
                }
            }
        }
        self.hear_preview(cx);
        let exact =
            self.preview.told.as_ref().filter(|(of, _)| *of == prompt).map(|(_, told)| Arc::clone(told));
        match &exact {
            Some(told) => counted(ui, cx, told),
            None => {
                widgets::hint(ui, cx.t(if base.is_some() { "prompts.counting" } else { "prompts.no_model" }));
            }
        }
        self.preview_failure(ui, cx);
        let text = exact.map_or_else(|| plain(&prompt), |told| told.text.clone());
        widgets::well(ui, |ui| {
            ui.set_width(ui.available_width());
            widgets::selectable(ui, Type::Hint.number(text.as_str(), cx.theme.tokens.text_1));
        });
        if Button::quiet(cx.t("shell.copy")).icon(icons::COPY).small().show(ui).clicked() {
            cx.copy(text);
        }
    }

    pub(super) fn writer_menu(&mut self, ui: &mut Ui, cx: &PaneCx, now: Option<&Offer>) {
        let words = now.map_or_else(|| cx.t("prompts.no_model"), |offer| offer.name().to_owned());
        let name = cx.tf("prompts.model_now", &[("name", &words)]);
        let button = Button::control(words).icon(icons::CUBE).caret().name(name);
        let response = button.width(ui.available_width().min(280.0)).show(ui);
        let chosen = cx.choose(&response, PickFor::Write, now.map(Offer::pick), |_| false);
        self.writer = chosen.or(self.writer);
    }

    /// Asks what the model would be given, once the hands rest.
    fn ask_preview(&mut self, ui: &Ui, cx: &mut PaneCx, model: ModelSource, prompt: &Prompt) {
        let state = &mut self.preview;
        let same = |(of, known, _): &(ModelSource, Prompt, JobId)| *of == model && known == prompt;
        if state.asked.as_ref().is_some_and(same) {
            return;
        }
        let now = ui.input(|i| i.time);
        let since = match &state.resting {
            Some((known, since)) if known == prompt => *since,
            _ => {
                // The first look is taken at once.
                let since = if state.asked.is_none() { now - REST_SECS } else { now };
                state.resting = Some((prompt.clone(), since));
                since
            }
        };
        let left = since + REST_SECS - now;
        if left > 0.0 {
            ui.ctx().request_repaint_after(Duration::from_secs_f64(left + 0.01));
            return;
        }
        let job = cx.start(JobSpec::PreviewPrompt { model: model.clone(), prompt: prompt.clone() });
        state.asked = Some((model, prompt.clone(), job));
    }

    fn hear_preview(&mut self, cx: &PaneCx) {
        let Some((_, prompt, job)) = &self.preview.asked else { return };
        let job = cx.model.jobs.get(*job);
        if let Some(Outcome::Done(JobOutput::Preview(told))) = job.and_then(|job| job.outcome.as_ref())
            && self.preview.told.as_ref().is_none_or(|(of, known)| of != prompt || !Arc::ptr_eq(known, told))
        {
            self.preview.told = Some((prompt.clone(), Arc::clone(told)));
        }
    }

    fn preview_failure(&self, ui: &mut Ui, cx: &PaneCx) {
        let job = self.preview.asked.as_ref().and_then(|(.., job)| cx.model.jobs.get(*job));
        if let Some(failure) = job.and_then(|job| job.failure()) {
            widgets::failed_line(ui, failure, None);
        }
    }
}

/// How many tokens it is, and through which template.
fn counted(ui: &mut Ui, cx: &PaneCx, told: &PromptPreview) {
    use glassworks_protocol::chat::TemplateSource;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        let (n, length) = (grouped(told.n_tokens.into()), grouped(told.context_length.into()));
        widgets::mono(ui, cx.tf("prompts.tokens_of", &[("n", &n), ("all", &length)]));
        match &told.template {
            Some(TemplateSource::Model(_)) => drop(widgets::tag(ui, Tone::Plain, cx.t("prompts.templated"))),
            Some(TemplateSource::Fallback(_)) => {
                drop(widgets::badge(ui, Tone::Warn, icons::WARNING, cx.t("model.no_template")))
            }
            None => drop(widgets::tag(ui, Tone::Plain, cx.t("prompts.as_text"))),
        }
        if told.n_tokens > told.context_length {
            widgets::badge(ui, Tone::Warn, icons::SCISSORS, cx.t("prompts.too_long"));
        }
    });
}

/// Before a model has looked at it: the turns under their roles, or the text.
fn plain(prompt: &Prompt) -> String {
    match prompt {
        Prompt::Text(text) => text.clone(),
        Prompt::Chat { turns, .. } => {
            let turn = |turn: &glassworks_protocol::chat::Turn| format!("{}\n{}", turn.role, turn.content);
            turns.iter().map(turn).collect::<Vec<_>>().join("\n\n")
        }
    }
}
