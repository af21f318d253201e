//! What else can be done with a reply: read again in Exact, or by another model.

use super::Playground;
use super::ask;
use super::delta::Read;
use super::doc::View;
use super::pick::Chosen;
use crate::action::{Action, LookInside, Open};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::widgets::{self, Button, icon_button_off};
use egui::Ui;
use glassworks_protocol::chat::{MessageRecord, MessageStatus};
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::inside::Subject;
use glassworks_protocol::model::Precision;
use glassworks_protocol::train::{RunPart, TunedSource};
use std::sync::Arc;

impl Playground {
    /// `…` in the row under the reply `idx`.
    pub(super) fn reply_menu(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View, idx: usize) -> bool {
        let message = &view.path[idx];
        let Some(reply) = message.reply.as_ref().filter(|reply| !reply.tokens.is_empty()) else {
            return false;
        };
        let live = (message.status == MessageStatus::Streaming).then(|| cx.t("playground.answer_unfinished"));
        let button = icon_button_off(ui, icons::DOTS_THREE, cx.t("compare.more"), live);
        let fast = reply.model.precision == Precision::Fast;
        if fast {
            widgets::tag(ui, widgets::Tone::Plain, cx.t("playground.fast"))
                .on_hover_text(cx.t("compare.fast_hint"));
        }
        let read = || Read {
            of: message.id,
            tokens: Arc::clone(&reply.tokens),
            prompt: ask::prompt_of(&view.record, &view.path[..idx]),
            precision: reply.model.precision,
            by: writer(cx, message),
            name: writer_name(cx, message),
            max_new_tokens: reply.sampling.max_new_tokens,
            at_ms: message.created_at_ms,
        };
        let focused = button.has_focus();
        if egui::Popup::is_id_open(ui.ctx(), egui::Popup::default_response_id(&button)) || button.clicked() {
            let read = read();
            self.read_menu(ui, cx, &button, &read);
        }
        focused
    }

    /// The popover below `button`.
    pub(super) fn read_menu(&mut self, ui: &Ui, cx: &mut PaneCx, button: &egui::Response, read: &Read) {
        let (mut exact, mut inside) = (false, false);
        let mut choice = None;
        let done = widgets::popover(button, 360.0, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            if read.precision == Precision::Fast {
                let gone = read.by.is_none().then(|| cx.t("compare.writer_gone"));
                let row = Button::quiet(cx.t("compare.recheck")).icon(icons::LIGHTNING).off(gone);
                exact = row.tooltip(cx.t("compare.recheck_hint")).show(ui).clicked();
                ui.add_space(4.0);
                widgets::divider(ui);
                ui.add_space(4.0);
            }
            let gone = read.by.is_none().then(|| cx.t("compare.writer_gone"));
            inside =
                Button::quiet(cx.t("inside.look_inside")).icon(icons::GRID_NINE).off(gone).show(ui).clicked();
            ui.add_space(4.0);
            widgets::divider(ui);
            ui.add_space(4.0);
            ui.vertical(|ui| {
                ui.label(Type::Body.semibold(cx.t("compare.under_menu"), cx.theme.tokens.text_1));
                widgets::hint(ui, cx.t("compare.under_hint"));
            });
            ui.add_space(4.0);
            choice = self.entries_ui(ui, cx, Chosen::default());
            exact || inside || choice.is_some()
        });
        if exact {
            self.recheck(cx, read);
        }
        if inside {
            look_inside(cx, read);
        }
        if let Some(choice) = choice {
            self.compare_under(cx, read, choice);
        }
        if done == Some(true) {
            egui::Popup::close_all(ui.ctx());
        }
    }
}

/// Shows how the model that wrote a reply reads it.
fn look_inside(cx: &mut PaneCx, read: &Read) {
    let said: String = read.tokens.iter().map(|token| token.text.as_str()).collect();
    let look = LookInside {
        title: cx.tf("inside.from_reply", &[("text", &first_words(&said))]),
        subject: Subject::Text {
            prompt: read.prompt.clone(),
            reply: read.tokens.iter().map(|token| (token.id, token.text.clone())).collect(),
            at_ms: read.at_ms,
        },
        model: read.by.clone(),
    };
    cx.push(Action::Open(Open::Inside(Arc::new(look))));
}

fn first_words(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(8).collect();
    words.join(" ")
}

impl Playground {
    /// Shows how the model that is chosen reads a question and what came before it.
    pub(super) fn look_into_question(&self, cx: &mut PaneCx, view: &View, idx: usize) {
        let message = &view.path[idx];
        let look = LookInside {
            title: cx.tf("inside.from_question", &[("text", &first_words(&message.text))]),
            subject: Subject::Text {
                prompt: ask::prompt_of(&view.record, &view.path[..=idx]),
                reply: Vec::new(),
                at_ms: message.created_at_ms,
            },
            model: self.model.map(|id| (ModelSource::Library(id), self.tuned)),
        };
        cx.push(Action::Open(Open::Inside(Arc::new(look))));
    }
}

/// What wrote a reply, where that is still there as it was.
fn writer(cx: &PaneCx, message: &MessageRecord) -> Option<(ModelSource, Option<TunedSource>)> {
    let reply = message.reply.as_ref()?;
    let hash = &reply.model.base;
    let same = |hash: &str, other: &str| !hash.is_empty() && hash == other;
    let tuned = match &reply.model.tuned {
        None => None,
        Some(tuned) => {
            let step = reply.stats.as_ref().and_then(|stats| stats.tuned_step);
            // What it was while it trained is nowhere any more.
            if tuned.part == RunPart::Live || cx.model.is_gone(tuned, step).is_some() {
                return None;
            }
            Some(TunedSource { run: tuned.run, part: tuned.part, strength: tuned.strength.unwrap_or(1.0) })
        }
    };
    let of_run = || tuned.and_then(|tuned| cx.model.base_of(cx.model.runs.get(tuned.run)?));
    let models = cx.model.library.models();
    let base = models.iter().find(|model| same(&model.card.content_hash, hash)).or_else(of_run)?;
    Some((ModelSource::Library(base.id), tuned))
}

/// How what wrote a reply is called.
fn writer_name(cx: &PaneCx, message: &MessageRecord) -> String {
    let Some(reply) = &message.reply else { return String::new() };
    match &reply.model.tuned {
        Some(tuned) => cx.model.run_name(tuned.run).unwrap_or(&tuned.name).to_owned(),
        None => reply.model.name.clone(),
    }
}
