//! Answers that are kept: in the conversation that the question followed, or in a new one.

use super::super::Playground;
use super::round::Round;
use crate::action::{Open, Toast, ToastAction};
use crate::panes::PaneCx;
use crate::theme::icons;
use glassworks_protocol::Edit;
use glassworks_protocol::chat::{ChatRecord, MessageRecord, MessageStatus, ReplyRecord, Role};
use glassworks_protocol::ids::MessageId;
use glassworks_protocol::text::Text;

impl Playground {
    /// Puts an answer into its conversation, and what was asked if it is not there yet.
    pub(super) fn keep(&mut self, cx: &mut PaneCx, seat: usize, round: &mut Round) {
        let one = &round.seats[seat];
        let Some(answer) = cx.model.answers.get(one.job).cloned() else { return };
        let is_new = !round.stored && self.doc.as_ref().is_none_or(|doc| doc.id != round.record.id);
        if !round.stored {
            let system_prompt = match is_new {
                true => one.contender.system_prompt.clone(),
                false => round.record.system_prompt.clone(),
            };
            let record = ChatRecord { draft: String::new(), system_prompt, ..round.record.clone() };
            cx.edit(Edit::CreateChat(record));
            if let Some(doc) = self.doc.as_mut().filter(|doc| doc.id == round.record.id) {
                doc.fresh = None;
            }
            round.stored = true;
        }
        if let Some(question) = round.question.take() {
            round.parent = Some(question.id);
            self.clear_draft(cx, &round.record, &question);
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
            chat: round.record.id,
            parent: round.parent,
            role: Role::Assistant,
            text: answer.text.clone(),
            tail: String::new(),
            status,
            created_at_ms: cx.now_ms,
            reply: Some(reply),
        };
        cx.edit(Edit::AddMessage(Box::new(message)));
        round.seats[seat].kept = true;
        let name = &round.seats[seat].head.name;
        let toast = match is_new {
            true => {
                let open = ToastAction::Open(Open::Chat(round.record.id));
                let text = Text::new("compare.kept_new").arg("name", name);
                Toast::new(text).action(Text::new("compare.open_kept"), open)
            }
            false => {
                let text = Text::new("playground.answer_stored").arg("name", name);
                Toast::new(text).undo(Edit::Undo(round.record.id))
            }
        };
        cx.toast(toast.icon(icons::CHECK));
    }

    /// What stood in the document's composer has become a message.
    fn clear_draft(&mut self, cx: &mut PaneCx, record: &ChatRecord, question: &MessageRecord) {
        let doc = self.doc.as_mut().filter(|doc| doc.id == record.id && doc.draft.trim() == question.text);
        let Some(doc) = doc else { return };
        doc.draft.clear();
        doc.settled();
        if !record.draft.is_empty() {
            cx.edit(Edit::SaveDraft { chat: record.id, text: String::new() });
        }
    }
}
