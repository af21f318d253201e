//! Base beside tuned: both are asked the same thing with the same seed. Nothing is kept of it unless the person says so.

use super::Playground;
use super::answer_column::{self, Asked, Head, Page};
use super::ask::Asker;
use super::doc::View;
use super::tuned;
use crate::action::Toast;
use crate::panes::PaneCx;
use crate::theme::{icons, size};
use crate::widgets::{self, Button, icon_button};
use egui::{Ui, vec2};
use glassworks_protocol::chat::{ChatKind, ChatRecord, MessageRecord, MessageStatus, ReplyRecord, Role};
use glassworks_protocol::ids::{ChatId, JobId, MessageId, ModelId};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Edit, JobSpec};

/// What both are asked, and by whom it is answered.
pub struct Compare {
    chat: ChatId,
    /// A new one, which is not stored yet; else the conversation's newest.
    question: Option<MessageRecord>,
    parent: Option<MessageId>,
    text: String,
    sides: Vec<Side>,
}

struct Side {
    job: JobId,
    head: Head,
    page: Page,
    kept: bool,
}

impl Playground {
    /// The base of the tuned model that is chosen, if one is.
    fn base_beside(&self, cx: &PaneCx) -> Option<ModelId> {
        if self.tuned_now(cx).is_some() {
            return self.model;
        }
        let model = cx.model.library.get(self.model?)?;
        let base = cx.model.base_of(cx.model.maker_of(model)?)?;
        (base.id != model.id).then_some(base.id)
    }

    /// Asks both, where a tuned model is chosen.
    pub(super) fn compare_button(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        if view.job.is_some() || self.base_beside(cx).is_none() {
            return;
        }
        let why = match self.to_compare(view) {
            Some(_) if self.is_comparing(cx) => Some(cx.t("playground.busy")),
            Some(_) => None,
            None => Some(cx.t("playground.nothing_to_send")),
        };
        let button = Button::control(cx.t("playground.compare")).icon(icons::COLUMNS).off(why);
        if button.tooltip(cx.t("playground.compare_tip")).show(ui).clicked() {
            self.compare_now(cx, view);
        }
    }

    fn is_comparing(&self, cx: &PaneCx) -> bool {
        let writes = |side: &Side| cx.model.answers.get(side.job).is_some_and(|answer| !answer.ended);
        self.compare.as_ref().is_some_and(|compare| compare.sides.iter().any(writes))
    }

    /// What would be asked: what is typed, else what was asked last; and how much of the path stands before it.
    fn to_compare(&self, view: &View) -> Option<(String, usize)> {
        if view.record.kind == ChatKind::Completion {
            let text = self.editor.before_cursor();
            return (!text.is_empty()).then(|| (text.to_owned(), view.path.len()));
        }
        let draft = self.doc.as_ref().map(|doc| doc.draft.trim()).unwrap_or_default();
        if !draft.is_empty() {
            return Some((draft.to_owned(), view.path.len()));
        }
        let last = view.path.iter().rposition(|message| message.role == Role::User)?;
        Some((view.path[last].text.clone(), last))
    }

    fn compare_now(&mut self, cx: &mut PaneCx, view: &View) {
        let (Some(base), Some(asker), Some((text, before))) =
            (self.base_beside(cx), self.asker(cx), self.to_compare(view))
        else {
            return;
        };
        self.sampling.store(cx, true);
        let mut asker = asker;
        asker.sampling.seed.get_or_insert_with(|| super::sampling::drawn_seed(cx.now_ms));
        let asked_before = view.path.get(before).filter(|_| view.record.kind == ChatKind::Chat);
        let parent = view.path[..before].last().map(|message| message.id);
        let question = match asked_before {
            Some(_) => None,
            None => Some(asker.question(&view.record, parent, &text, self.editor.after_cursor())),
        };
        let alone = Asker { model: base, tuned: None, ..asker.clone() };
        let heads = [self.head(cx, &alone, true), self.head(cx, &asker, false)];
        let mut sides = Vec::new();
        for (asker, head) in [&alone, &asker].into_iter().zip(heads) {
            let job =
                cx.start(JobSpec::Generate(Box::new(asker.aside(&view.record, &view.path[..before], &text))));
            sides.push(Side { job, head, page: Page::default(), kept: false });
        }
        let parent = asked_before.map(|message| message.id).or(parent);
        self.compare = Some(Compare { chat: view.record.id, question, parent, text, sides });
        self.welcomed = true;
    }

    fn head(&self, cx: &PaneCx, asker: &Asker, is_base: bool) -> Head {
        let color = cx.theme.tokens.series[usize::from(is_base)];
        let name = cx.model.library.get(asker.model).map(|model| model.name.clone()).unwrap_or_default();
        let tuned = asker.tuned.and_then(|chosen| Some((chosen, cx.model.tuned(&chosen)?)));
        let Some((chosen, (run, part))) = tuned else {
            let key = if is_base { "playground.is_base" } else { "playground.is_tuned" };
            return Head { name, detail: cx.t(key), color };
        };
        let mut detail = tuned::part_words(cx, &part);
        if tuned::is_adapter(run) {
            detail = format!("{detail} · {}", tuned::strength_words(cx, chosen.strength));
        }
        Head { name: run.name.clone(), detail, color }
    }

    /// Whether both answers are shown in place of the document.
    #[must_use]
    pub(super) fn compares(&self, view: &View) -> bool {
        self.compare.as_ref().is_some_and(|compare| compare.chat == view.record.id)
    }

    /// What was asked and both answers.
    pub(super) fn compare_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        let busy = self.is_comparing(cx);
        let Some(compare) = &mut self.compare else { return };
        let (mut close, mut stop) = (false, false);
        ui.horizontal(|ui| {
            ui.set_height(size::HEADER);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.add_space(8.0);
                close = icon_button(ui, icons::X, cx.t("playground.compare_close")).clicked();
                if busy {
                    stop = Button::control(cx.t("shell.stop"))
                        .filled_icon(icons::STOP)
                        .small()
                        .show(ui)
                        .clicked();
                }
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    answer_column::question_card(ui, cx, &compare.text);
                });
            });
        });
        widgets::divider(ui);
        let rect = ui.available_rect_before_wrap();
        let mut keep = None;
        let columns = answer_column::columns(ui, rect, compare.sides.len());
        for (i, (side, rect)) in compare.sides.iter_mut().zip(columns).enumerate() {
            let answer = cx.model.answers.get(side.job);
            let asked =
                answer_column::answer_column(ui, cx, rect, &side.head, answer, &mut side.page, side.kept);
            match (asked, answer) {
                (Some(Asked::Copy), Some(answer)) => cx.copy(answer.text.clone()),
                (Some(Asked::Keep), Some(_)) => keep = Some(i),
                _ => {}
            }
        }
        ui.allocate_exact_size(vec2(rect.width(), rect.height()), egui::Sense::hover());
        if stop {
            let jobs: Vec<JobId> = compare.sides.iter().map(|side| side.job).collect();
            jobs.into_iter().for_each(|job| cx.cancel(job));
        }
        if let Some(side) = keep {
            self.keep(cx, &view.record, side);
        }
        if close {
            self.end_compare(cx);
        }
    }

    /// Takes the answers away; what is still being written is stopped.
    pub(super) fn end_compare(&mut self, cx: &mut PaneCx) {
        let Some(compare) = self.compare.take() else { return };
        for side in &compare.sides {
            if cx.model.answers.get(side.job).is_some_and(|answer| !answer.ended) {
                cx.cancel(side.job);
            }
        }
        self.composer.want_focus = true;
    }

    /// Puts an answer into the conversation, and what was asked if it is not there yet.
    fn keep(&mut self, cx: &mut PaneCx, record: &ChatRecord, side: usize) {
        let Some(compare) = &mut self.compare else { return };
        let Some(side) = compare.sides.get_mut(side) else { return };
        let Some(answer) = cx.model.answers.get(side.job).cloned() else { return };
        if let Some(doc) = &mut self.doc
            && doc.fresh.take().is_some()
        {
            cx.edit(Edit::CreateChat(ChatRecord { draft: String::new(), ..record.clone() }));
        }
        if let Some(question) = compare.question.take() {
            compare.parent = Some(question.id);
            if let Some(doc) = self.doc.as_mut().filter(|doc| doc.draft.trim() == question.text) {
                doc.draft.clear();
                doc.settled();
                if !record.draft.is_empty() {
                    cx.edit(Edit::SaveDraft { chat: record.id, text: String::new() });
                }
            }
            cx.edit(Edit::AddMessage(Box::new(question)));
        }
        let reply = ReplyRecord {
            model: cx.model.model_ref(&answer.spec),
            sampling: answer.spec.sampling.clone(),
            stats: answer.stats.clone(),
            tokens: answer.tokens.clone(),
        };
        let status = if answer.stats.is_some() { MessageStatus::Complete } else { MessageStatus::Stopped };
        let message = MessageRecord {
            id: MessageId::mint(),
            chat: record.id,
            parent: compare.parent,
            role: Role::Assistant,
            text: answer.text.clone(),
            tail: String::new(),
            status,
            created_at_ms: cx.now_ms,
            reply: Some(reply),
        };
        cx.edit(Edit::AddMessage(Box::new(message)));
        side.kept = true;
        let text = Text::new("playground.answer_stored").arg("name", &side.head.name);
        cx.toast(Toast::new(text).icon(icons::CHECK).undo(Edit::Undo(record.id)));
    }
}
