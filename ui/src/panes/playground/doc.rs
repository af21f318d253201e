//! The open document as the person works on it: its draft, and when that has to be stored.

use crate::model::{Model, path_to};
use crate::panes::PaneCx;
use glassworks_protocol::Edit;
use glassworks_protocol::chat::{ChatDocument, ChatKind, ChatRecord, MessageRecord};
use glassworks_protocol::ids::{ChatId, JobId};
use std::sync::Arc;

/// A draft is stored at most this long after the first change to it.
pub const AUTOSAVE_MS: i64 = 800;
/// Stands for a free text that was emptied on purpose; an empty draft means "no edits".
const EMPTIED: &str = "\u{feff}";

/// A document that is open in this pane.
#[derive(Clone, Debug)]
pub struct Doc {
    pub id: ChatId,
    /// Its fields while it has never been stored.
    pub fresh: Option<ChatRecord>,
    /// What stands in the composer; free texts keep theirs in [`super::completion::Editor`].
    pub draft: String,
    /// Whether the stored draft has been taken up.
    pub taken: bool,
    unsaved_since_ms: Option<i64>,
}

impl Doc {
    #[must_use]
    pub fn new(kind: ChatKind, now_ms: i64) -> Self {
        let record = ChatRecord::new(kind, now_ms);
        Self { fresh: Some(record.clone()), taken: true, ..Self::stored(record.id) }
    }

    #[must_use]
    pub fn stored(id: ChatId) -> Self {
        Self { id, fresh: None, draft: String::new(), taken: false, unsaved_since_ms: None }
    }

    /// As it stands in this frame; `None` while it is being fetched.
    #[must_use]
    pub fn view<'a>(&self, model: &'a Model) -> Option<View<'a>> {
        let document = model.chats.document(self.id);
        let record = match (document, &self.fresh) {
            (Some(document), _) => document.chat.clone(),
            (None, Some(fresh)) => fresh.clone(),
            (None, None) => return None,
        };
        let path = document.map(|d| path_to(d, record.leaf)).unwrap_or_default();
        let job = model.chats.live_in(self.id).map(|l| l.job).next();
        Some(View { record, document, path, job })
    }

    pub fn typed(&mut self, now_ms: i64) {
        self.unsaved_since_ms.get_or_insert(now_ms);
    }

    /// What was typed went into a message, or is stored.
    pub fn settled(&mut self) {
        self.unsaved_since_ms = None;
    }

    /// Stores `text` as the draft when it is time, or at once.
    pub fn autosave(&mut self, cx: &mut PaneCx, text: &str, at_once: bool) {
        let Some(since) = self.unsaved_since_ms else { return };
        if !at_once && cx.now_ms - since < AUTOSAVE_MS {
            return;
        }
        self.unsaved_since_ms = None;
        match self.fresh.take() {
            // Nothing was ever there: nothing to keep.
            Some(record) if text.is_empty() => self.fresh = Some(record),
            Some(record) => cx.edit(Edit::CreateChat(ChatRecord { draft: text.to_owned(), ..record })),
            None => cx.edit(Edit::SaveDraft { chat: self.id, text: text.to_owned() }),
        }
    }

    /// How long to wait before [`Self::autosave`] has something to do.
    #[must_use]
    pub fn due_ms(&self, now_ms: i64) -> Option<u64> {
        let since = self.unsaved_since_ms?;
        u64::try_from((since + AUTOSAVE_MS - now_ms).max(1)).ok()
    }

    /// Changes a field of a document that has never been stored; says whether that was so.
    pub fn change_fresh(&mut self, change: impl FnOnce(&mut ChatRecord)) -> bool {
        let Some(record) = &mut self.fresh else { return false };
        change(record);
        true
    }
}

/// The open document in one frame.
pub struct View<'a> {
    pub record: ChatRecord,
    /// `None` while nothing of it has been stored.
    pub document: Option<&'a ChatDocument>,
    /// The shown messages, root first.
    pub path: Vec<Arc<MessageRecord>>,
    /// The job that writes a reply in it.
    pub job: Option<JobId>,
}

impl View<'_> {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.document.is_none_or(|d| d.messages.is_empty())
    }

    /// The newest reply of the shown path.
    #[must_use]
    pub fn last_reply(&self) -> Option<&Arc<MessageRecord>> {
        self.path.iter().rev().find(|m| m.reply.is_some())
    }
}

/// What is stored as the draft of a free text: nothing when it is as the messages have it.
#[must_use]
pub fn encode_draft(text: &str, as_messages: &str) -> String {
    match text {
        _ if text == as_messages => String::new(),
        "" => EMPTIED.to_owned(),
        _ => text.to_owned(),
    }
}

/// The free text that a stored draft stands for; `None` is "as the messages have it".
#[must_use]
pub fn decode_draft(draft: &str) -> Option<&str> {
    match draft {
        "" => None,
        EMPTIED => Some(""),
        _ => Some(draft),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_of_free_texts_come_back() {
        for (text, messages) in [("a", "a"), ("", "a"), ("b", "a"), ("", "")] {
            let draft = encode_draft(text, messages);
            assert_eq!(decode_draft(&draft).unwrap_or(messages), text);
        }
        assert_eq!(encode_draft("a", "a"), "");
    }
}
