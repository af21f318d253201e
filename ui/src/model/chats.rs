//! The playground's documents: the list, the trash, searches, open documents.

use super::live::LiveReply;
use glassworks_protocol::chat::{ChatDocument, ChatRecord, ChatSummary, MessageRecord, MessageStatus};
use glassworks_protocol::ids::{ChatId, JobId, MessageId, QueryId};
use glassworks_protocol::{Edit, Failure, Query};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// An open document.
#[derive(Clone, Debug, Default)]
pub struct ChatState {
    /// `None` while it is being fetched.
    pub document: Option<ChatDocument>,
    /// Why it could not be fetched.
    pub failure: Option<Failure>,
    pub can_undo: bool,
    pub can_redo: bool,
}

/// What a search found; `rows` is `None` until the answer is there.
#[derive(Clone, Debug, Default)]
pub struct Search {
    pub text: String,
    pub trashed: bool,
    pub rows: Option<Vec<ChatSummary>>,
    asked: Option<QueryId>,
}

#[derive(Clone, Debug, Default)]
pub struct Chats {
    /// Newest first, trash aside.
    pub list: Vec<ChatSummary>,
    /// `None` until it was asked for.
    pub trash: Option<Vec<ChatSummary>>,
    pub search: Search,
    pub(super) open: HashMap<ChatId, ChatState>,
    pub(super) live: HashMap<JobId, LiveReply>,
    /// Questions that were asked here and that the engine has not yet said to be on disk.
    pub(super) unstored: HashSet<MessageId>,
}

impl Chats {
    pub(super) fn new(list: Vec<ChatSummary>) -> Self {
        Self { list, ..Self::default() }
    }

    #[must_use]
    pub fn get(&self, id: ChatId) -> Option<&ChatState> {
        self.open.get(&id)
    }

    #[must_use]
    pub fn document(&self, id: ChatId) -> Option<&ChatDocument> {
        self.open.get(&id)?.document.as_ref()
    }

    /// Whether the message is shown but not known to be on disk: a full disk may have kept it from getting there.
    #[must_use]
    pub fn is_unstored(&self, message: MessageId) -> bool {
        self.unstored.contains(&message)
    }

    #[must_use]
    pub fn is_open(&self, id: ChatId) -> bool {
        self.open.contains_key(&id)
    }

    pub fn open_ids(&self) -> impl Iterator<Item = ChatId> {
        self.open.keys().copied()
    }

    #[must_use]
    pub fn summary(&self, id: ChatId) -> Option<&ChatSummary> {
        self.list.iter().chain(self.trash.iter().flatten()).find(|s| s.id == id)
    }

    pub(super) fn edited(&mut self, edit: &Edit, now_ms: i64) {
        match edit {
            Edit::CreateChat(chat) => {
                let document = ChatDocument { chat: chat.clone(), messages: Vec::new() };
                self.open.insert(chat.id, ChatState { document: Some(document), ..ChatState::default() });
            }
            Edit::RenameChat { chat, title } => {
                if let Some(row) = self.list.iter_mut().find(|s| s.id == *chat) {
                    row.title.clone_from(title);
                }
                self.change(*chat, |c| {
                    c.title.clone_from(title);
                    c.titled_by_hand = true;
                });
            }
            Edit::SetSystemPrompt { chat, text } => self.change(*chat, |c| c.system_prompt.clone_from(text)),
            Edit::SetTemplate { chat, template } => self.change(*chat, |c| c.template = template.clone()),
            Edit::SaveDraft { chat, text } => self.change(*chat, |c| c.draft.clone_from(text)),
            Edit::ShowBranch { chat, leaf } => self.change(*chat, |c| c.leaf = Some(*leaf)),
            Edit::AddMessage(message) => {
                let chat = message.chat;
                if let Some(document) = self.open.get_mut(&chat).and_then(|s| s.document.as_mut()) {
                    put(&mut document.messages, Arc::new((**message).clone()));
                    document.chat.leaf = Some(message.id);
                }
            }
            Edit::TrashChat(chat) => self.trashed(*chat, now_ms),
            Edit::RestoreChat(chat) => self.restored(*chat),
            Edit::DeleteChatForever(chat) => self.deleted(*chat),
            Edit::EmptyTrash => self.trash = Some(Vec::new()),
            _ => {}
        }
    }

    pub(super) fn asked(&mut self, id: QueryId, query: &Query) {
        match query {
            Query::Chat(chat) => {
                self.open.entry(*chat).or_default().failure = None;
            }
            Query::Chats { search, trashed } if !search.is_empty() => {
                let rows = if self.search.trashed == *trashed { self.search.rows.take() } else { None };
                self.search = Search { text: search.clone(), trashed: *trashed, rows, asked: Some(id) };
            }
            _ => {}
        }
    }

    pub(super) fn fetched_list(&mut self, id: QueryId, search: &str, trashed: bool, rows: Vec<ChatSummary>) {
        if !search.is_empty() {
            if self.search.asked == Some(id) {
                self.search.rows = Some(rows);
            }
        } else if trashed {
            self.trash = Some(rows);
        } else {
            self.list = rows;
        }
    }

    pub(super) fn fetched_document(&mut self, fetched: &Arc<ChatDocument>) {
        let state = self.open.entry(fetched.chat.id).or_default();
        let mut new = (**fetched).clone();
        // A reply being written is further along here than on disk.
        if let Some(old) = &state.document {
            for live in self.live.values().filter(|l| l.chat == new.chat.id) {
                if let Some(message) = old.messages.iter().find(|m| m.id == live.message) {
                    put(&mut new.messages, Arc::clone(message));
                }
            }
        }
        state.document = Some(new);
        state.failure = None;
    }

    pub(super) fn stored_chat(&mut self, chat: &Arc<ChatRecord>, summary: &Arc<ChatSummary>) {
        if let Some(document) = self.open.get_mut(&chat.id).and_then(|s| s.document.as_mut()) {
            document.chat = (**chat).clone();
        }
        self.list.retain(|s| s.id != chat.id);
        if let Some(trash) = &mut self.trash {
            trash.retain(|s| s.id != chat.id);
        }
        let into = if summary.trashed_at_ms.is_some() { self.trash.as_mut() } else { Some(&mut self.list) };
        if let Some(list) = into {
            list.push((**summary).clone());
            list.sort_by_key(|s| std::cmp::Reverse(s.changed_at_ms));
        }
        if let Some(row) = self.search.rows.iter_mut().flatten().find(|s| s.id == chat.id) {
            let excerpt = row.excerpt.take();
            *row = ChatSummary { excerpt, ..(**summary).clone() };
        }
    }

    pub(super) fn stored_message(&mut self, message: Arc<MessageRecord>) {
        self.unstored.remove(&message.id);
        let Some(document) = self.open.get_mut(&message.chat).and_then(|s| s.document.as_mut()) else {
            return;
        };
        let n_tokens = |m: &MessageRecord| m.reply.as_ref().map_or(0, |r| r.tokens.len());
        let ahead = document.messages.iter().any(|m| m.id == message.id && n_tokens(m) > n_tokens(&message));
        if message.status == MessageStatus::Streaming && ahead {
            return;
        }
        put(&mut document.messages, message);
    }

    pub(super) fn deleted(&mut self, chat: ChatId) {
        self.list.retain(|s| s.id != chat);
        self.trash.iter_mut().for_each(|t| t.retain(|s| s.id != chat));
        self.search.rows.iter_mut().for_each(|t| t.retain(|s| s.id != chat));
        self.open.remove(&chat);
    }

    pub(super) fn undone(&mut self, chat: ChatId, can_undo: bool, can_redo: bool) {
        let state = self.open.entry(chat).or_default();
        state.can_undo = can_undo;
        state.can_redo = can_redo;
    }

    pub(super) fn failed(&mut self, chat: ChatId, failure: Failure) {
        self.open.entry(chat).or_default().failure = Some(failure);
    }

    fn trashed(&mut self, chat: ChatId, now_ms: i64) {
        if let Some(at) = self.list.iter().position(|s| s.id == chat) {
            let mut row = self.list.remove(at);
            row.trashed_at_ms = Some(now_ms);
            if let Some(trash) = &mut self.trash {
                trash.insert(0, row);
            }
        }
        self.search.rows.iter_mut().for_each(|t| t.retain(|s| s.id != chat));
        self.change(chat, |c| c.trashed_at_ms = Some(now_ms));
    }

    fn restored(&mut self, chat: ChatId) {
        if let Some(trash) = &mut self.trash
            && let Some(at) = trash.iter().position(|s| s.id == chat)
        {
            let mut row = trash.remove(at);
            row.trashed_at_ms = None;
            self.list.push(row);
            self.list.sort_by_key(|s| std::cmp::Reverse(s.changed_at_ms));
        }
        self.change(chat, |c| c.trashed_at_ms = None);
    }

    fn change(&mut self, chat: ChatId, change: impl FnOnce(&mut ChatRecord)) {
        if let Some(document) = self.open.get_mut(&chat).and_then(|s| s.document.as_mut()) {
            change(&mut document.chat);
        }
    }
}

/// Replaces the message of the same id, or adds it.
pub(super) fn put(messages: &mut Vec<Arc<MessageRecord>>, message: Arc<MessageRecord>) {
    match messages.iter_mut().find(|m| m.id == message.id) {
        Some(old) => *old = message,
        None => messages.push(message),
    }
}
