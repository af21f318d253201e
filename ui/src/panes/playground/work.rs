//! What the playground does apart from drawing: which document and model are open, and what is asked of the engine.

use super::Playground;
use super::ask::{self, Asker};
use super::doc::{Doc, View, decode_draft, encode_draft};
use crate::action::Toast;
use crate::command::UiCommand;
use crate::model::{ModelState, newest_leaf_below, siblings};
use crate::panes::PaneCx;
use crate::theme::icons;
use egui::Ui;
use glassworks_protocol::chat::{ChatKind, Role};
use glassworks_protocol::generate::{Forced, ModelSource};
use glassworks_protocol::ids::{ChatId, MessageId, ModelId};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Edit, JobSpec, Query};

/// Models up to this size are brought into memory as soon as they are chosen at the start.
const QUICK_TO_LOAD_BYTES: u64 = 400_000_000;

impl Playground {
    /// Makes sure that a model and a document are open, as far as there are any.
    pub(super) fn begin(&mut self, cx: &mut PaneCx) {
        self.begin_model(cx);
        self.begin_tuned(cx);
        if self.doc.is_none() {
            let newest = || cx.model.chats.list.first().map(|c| c.id);
            let last = cx.settings().last_chat.filter(|id| cx.model.chats.list.iter().any(|c| c.id == *id));
            // A document stands behind Compare too, where that was open last.
            let compares = self.compare.shown;
            match last.or_else(newest) {
                Some(id) => self.open_chat(id, cx),
                None => self.new_document(self.natural_kind(cx), cx),
            }
            self.compare.shown = compares;
        }
        let Some(doc) = &mut self.doc else { return };
        let known = cx.model.chats.is_open(doc.id);
        if known {
            doc.fresh = None;
            self.list.asked.remove(&doc.id);
        } else if doc.fresh.is_none() && !self.list.asked.contains(&doc.id) {
            self.list.asked.insert(doc.id);
            cx.fetch(Query::Chat(doc.id));
        }
        if let Some(document) = cx.model.chats.document(doc.id) {
            if !doc.taken {
                doc.taken = true;
                doc.draft = match document.chat.kind {
                    ChatKind::Chat => document.chat.draft.clone(),
                    ChatKind::Completion => decode_draft(&document.chat.draft).unwrap_or_default().to_owned(),
                };
            }
            self.last_of_kind[document.chat.kind as usize] = Some(doc.id);
        }
    }

    fn begin_model(&mut self, cx: &mut PaneCx) {
        let library = &cx.model.library;
        let known = |id: &ModelId| library.get(*id).is_some();
        let chosen = self.model.filter(known);
        if chosen.is_some() && self.begun {
            return;
        }
        self.begun = true;
        let first = || library.models().first().map(|m| m.id);
        let last = || cx.settings().last_model.filter(known).or(library.starter.filter(known)).or_else(first);
        self.model = chosen.or_else(last);
        let Some(record) = self.model.and_then(|id| library.get(id)) else { return };
        let quick = record.starter || record.card.size_bytes <= QUICK_TO_LOAD_BYTES;
        if quick && *library.state(record.id) == ModelState::Idle {
            cx.start(JobSpec::LoadModel(ModelSource::Library(record.id)));
        }
    }

    /// Models that were made to converse get a conversation, others a text to go on with.
    pub(super) fn natural_kind(&self, cx: &PaneCx) -> ChatKind {
        match self.model.and_then(|id| cx.model.library.get(id)) {
            Some(model) if !model.card.is_chat() => ChatKind::Completion,
            _ => ChatKind::Chat,
        }
    }

    pub(super) fn new_document(&mut self, kind: ChatKind, cx: &mut PaneCx) {
        self.leave(cx);
        self.doc = Some(Doc::new(kind, cx.now_ms));
        self.composer.want_focus = true;
    }

    pub(super) fn open_chat(&mut self, id: ChatId, cx: &mut PaneCx) {
        self.welcomed = true;
        self.leave_compare();
        if self.doc.as_ref().is_some_and(|d| d.id == id) {
            return;
        }
        self.leave(cx);
        self.doc = Some(Doc::stored(id));
        self.list.asked.remove(&id);
        self.composer.want_focus = true;
        cx.set(move |s| s.last_chat = Some(id));
    }

    /// Stores what is half done before another document takes its place.
    fn leave(&mut self, cx: &mut PaneCx) {
        self.leave_compare();
        self.store_system_prompt(cx);
        self.autosave(cx, true);
        self.messages.leave();
        self.editor = Default::default();
        self.options = Default::default();
        self.preview = Default::default();
    }

    pub(super) fn autosave(&mut self, cx: &mut PaneCx, at_once: bool) {
        let Some(doc) = &mut self.doc else { return };
        let Some(view) = doc.view(cx.model) else { return };
        match view.record.kind {
            ChatKind::Chat => {
                let draft = doc.draft.clone();
                doc.autosave(cx, &draft, at_once);
            }
            // While a reply is being written there is nothing of the person's own to keep.
            ChatKind::Completion if view.job.is_some() => {}
            ChatKind::Completion => {
                let draft = encode_draft(&self.editor.written.text, &self.editor.as_messages);
                doc.autosave(cx, &draft, at_once);
            }
        }
    }

    pub(super) fn choose_model(&mut self, id: ModelId, cx: &mut PaneCx) {
        self.model = Some(id);
        self.tuned = None;
        cx.set(move |s| s.last_model = Some(id));
        if matches!(cx.model.library.state(id), ModelState::Idle | ModelState::Failed(_)) {
            cx.start(JobSpec::LoadModel(ModelSource::Library(id)));
        }
        let kind = self.natural_kind(cx);
        let empty = self.doc.as_ref().and_then(|d| d.view(cx.model)).is_some_and(|v| v.is_empty());
        if let Some(doc) = self.doc.as_mut().filter(|_| empty) {
            doc.change_fresh(|record| record.kind = kind);
        }
        self.composer.want_focus = true;
    }

    pub(super) fn asker(&self, cx: &PaneCx) -> Option<Asker> {
        Some(Asker {
            model: self.model?,
            tuned: self.tuned_now(cx).map(|(_, _, tuned)| tuned),
            sampling: self.sampling.spec(cx),
            precision: cx.settings().precision,
            cache: cx.settings().cache,
            now_ms: cx.now_ms,
        })
    }

    /// Starts a reply and remembers its job.
    pub(super) fn start_reply(&mut self, cx: &mut PaneCx, spec: Option<JobSpec>) {
        let Some(JobSpec::Generate(spec)) = spec else { return };
        self.sampling.store(cx, true);
        let reply = spec.keep.as_ref().map(|k| k.reply);
        let job = cx.start(JobSpec::Generate(spec));
        if let Some(reply) = reply {
            self.jobs.insert(reply, job);
        }
        self.messages.to_end = true;
        self.welcomed = true;
    }

    /// Sends what stands in the composer.
    pub(super) fn send(&mut self, cx: &mut PaneCx, view: &View) {
        let Some(asker) = self.asker(cx) else { return self.opener.open() };
        self.store_system_prompt(cx);
        let Some(doc) = &mut self.doc else { return };
        let text = doc.draft.trim().to_owned();
        if text.is_empty() || view.job.is_some() {
            return;
        }
        // A stored draft is cleared by an edit of its own, as a reply leaves the rest of its chat alone.
        let stored_draft = !view.record.draft.is_empty();
        doc.draft.clear();
        doc.settled();
        let spec = match view.record.kind {
            ChatKind::Chat => asker.send(&view.record, &view.path, &text),
            ChatKind::Completion => asker.complete(&view.record, &view.path, &text, ""),
        };
        let id = view.record.id;
        self.start_reply(cx, Some(spec));
        if stored_draft {
            cx.edit(Edit::SaveDraft { chat: id, text: String::new() });
        }
        cx.set(move |s| s.last_chat = Some(id));
        self.composer.want_focus = true;
    }

    pub(super) fn stop(&mut self, cx: &mut PaneCx, view: &View) -> bool {
        let Some(job) = view.job else { return false };
        cx.cancel(job);
        true
    }

    /// Escape stops the reply, unless something is open that it closes.
    pub(super) fn escape_stops(&mut self, ui: &Ui, cx: &mut PaneCx, view: &View, something_open: bool) {
        let pressed = cx.focused && !something_open && ui.input(|i| i.key_pressed(egui::Key::Escape));
        if pressed && self.stop(cx, view) {
            self.composer.want_focus = true;
        }
    }

    /// Whether Escape closes something that is open at the beginning of this frame.
    pub(super) fn something_open(&self, ui: &Ui) -> bool {
        egui::Popup::is_any_open(ui.ctx())
            || ui.memory(|m| m.top_modal_layer().is_some())
            || self.messages.is_editing()
            || self.drawer
    }

    /// What covered the pane is gone: the keyboard goes to the composer, unless something else has it.
    pub(super) fn take_keyboard_back(&mut self, ui: &Ui, cx: &PaneCx, covered: bool) {
        if covered {
            self.was_covered = true;
        } else if self.was_covered && cx.focused && ui.memory(|m| m.focused().is_none()) {
            self.was_covered = false;
            self.composer.want_focus = true;
        }
    }

    pub(super) fn regenerate(&mut self, cx: &mut PaneCx, view: &View, idx: usize) {
        if view.job.is_none()
            && let Some(asker) = self.asker(cx)
        {
            let chats = &cx.model.chats;
            let spec = asker.regenerate(&view.record, &view.path, idx, |id| chats.is_unstored(id));
            self.start_reply(cx, spec);
        }
    }

    pub(super) fn go_on(&mut self, cx: &mut PaneCx, view: &View, idx: usize) {
        let message = &view.path[idx];
        if self.is_of_another_model(cx, message) {
            let n_kept = message.reply.as_ref().map_or(0, |reply| reply.tokens.len());
            return self.branch(cx, view, idx, n_kept, Forced::Text(String::new()));
        }
        if view.job.is_none()
            && let Some(asker) = self.asker(cx)
        {
            self.start_reply(cx, asker.go_on(&view.record, &view.path, idx));
        }
    }

    /// Shows the branch before or after the one that `message` is in.
    pub(super) fn step_branch(
        &mut self,
        cx: &mut PaneCx,
        view: &View,
        message: MessageId,
        step: isize,
    ) -> bool {
        let Some(document) = view.document else { return false };
        let all = siblings(document, message);
        let Some(at) = all.iter().position(|id| *id == message) else { return false };
        let Some(to) = at.checked_add_signed(step).and_then(|to| all.get(to)) else { return false };
        let leaf = newest_leaf_below(document, *to);
        cx.edit(Edit::ShowBranch { chat: view.record.id, leaf });
        true
    }

    /// The same for the lowest fork of the shown path.
    pub(super) fn step_newest_branch(&mut self, cx: &mut PaneCx, view: &View, step: isize) -> bool {
        let Some(document) = view.document else { return false };
        let fork = view.path.iter().rev().find(|m| siblings(document, m.id).len() > 1).map(|m| m.id);
        fork.is_some_and(|message| self.step_branch(cx, view, message, step))
    }

    pub(super) fn trash_chat(&mut self, cx: &mut PaneCx, id: ChatId) {
        cx.edit(Edit::TrashChat(id));
        let text = Text::new("playground.trashed");
        cx.toast(Toast::new(text).icon(icons::TRASH).undo(Edit::RestoreChat(id)));
        if self.doc.as_ref().is_some_and(|d| d.id == id) {
            let next = cx.model.chats.list.iter().find(|c| c.id != id && c.n_messages > 0).map(|c| c.id);
            match next {
                Some(next) => self.open_chat(next, cx),
                None => self.new_document(self.natural_kind(cx), cx),
            }
        }
    }

    /// Pictures that are pasted are declined with a word.
    pub(super) fn refuse_pictures(&mut self, ui: &Ui, cx: &mut PaneCx) {
        let pasted = |i: &egui::InputState| i.events.iter().any(|e| matches!(e, egui::Event::PasteImage(_)));
        if cx.focused && ui.input(pasted) {
            self.decline_picture(cx);
        }
    }

    pub(super) fn decline_picture(&mut self, cx: &mut PaneCx) {
        cx.toast(Toast::new(Text::new("playground.no_pictures")).icon(icons::IMAGE_BROKEN));
    }

    pub(super) fn run_command(&mut self, command: UiCommand, cx: &mut PaneCx) -> bool {
        match command {
            UiCommand::NewChat => {
                self.welcomed = true;
                self.new_document(ChatKind::Chat, cx);
            }
            UiCommand::NewCompletion => {
                self.welcomed = true;
                self.new_document(ChatKind::Completion, cx);
            }
            UiCommand::OpenModel => self.opener.open(),
            UiCommand::SearchChats => {
                self.list.search_wanted = true;
                self.list.picker_wanted = true;
            }
            UiCommand::ImportChats => self.transfer.ask_import(),
            UiCommand::Inspector if self.inspector_folds => self.drawer = !self.drawer,
            UiCommand::Inspector => self.inspector_hidden = !self.inspector_hidden,
            _ => return self.run_document_command(command, cx),
        }
        true
    }

    fn run_document_command(&mut self, command: UiCommand, cx: &mut PaneCx) -> bool {
        if self.compare.shown {
            return self.compare_command(command, cx);
        }
        let Some(view) = self.doc.as_ref().and_then(|d| d.view(cx.model)) else { return false };
        let id = view.record.id;
        let stored = self.stored_document().is_some();
        let last = view.path.len().wrapping_sub(1);
        match command {
            UiCommand::Send if self.messages.is_editing() => self.messages.send_edit = true,
            UiCommand::Send if view.record.kind == ChatKind::Completion && !self.is_welcome(cx, &view) => {
                self.complete(cx, &view);
            }
            UiCommand::Send => self.send(cx, &view),
            UiCommand::Stop => return self.stop(cx, &view),
            UiCommand::Regenerate => self.regenerate(cx, &view, last),
            UiCommand::ContinueReply => {
                if view.path.last().is_some_and(|m| m.role == Role::Assistant && ask::can_go_on(m)) {
                    self.go_on(cx, &view, last);
                }
            }
            UiCommand::PreviousBranch => return self.step_newest_branch(cx, &view, -1),
            UiCommand::NextBranch => return self.step_newest_branch(cx, &view, 1),
            UiCommand::SystemPrompt => self.options.open_wanted = true,
            UiCommand::RenameChat if stored => self.list.rename(id, &view.record.title),
            UiCommand::TrashChat if stored => self.trash_chat(cx, id),
            UiCommand::ExportChat if stored => self.transfer.ask_export(vec![id], &view.record.title),
            _ => return false,
        }
        true
    }
}
