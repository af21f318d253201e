//! Rows of chats and messages turned into records, and back into words.

use super::error::{Result, StoreError};
use super::lenient::overlay;
use super::tokens;
use glassworks_protocol::chat::{
    ChatKind, ChatRecord, ChatSummary, MessageRecord, MessageStatus, ReplyRecord, Role,
};
use glassworks_protocol::generate::{ReplyStats, SamplingSpec};
use glassworks_protocol::ids::{ChatId, MessageId};
use glassworks_protocol::model::ModelRef;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::FromRow;
use std::sync::Arc;

/// What a `reply` column holds.
#[derive(Serialize, Deserialize)]
struct ReplyMeta {
    model: ModelRef,
    #[serde(default)]
    sampling: SamplingSpec,
    #[serde(default)]
    stats: Option<ReplyStats>,
}

#[derive(FromRow)]
pub(super) struct ChatRow {
    id: Vec<u8>,
    kind: String,
    title: String,
    titled_by_hand: bool,
    system_prompt: String,
    draft: String,
    leaf: Option<Vec<u8>>,
    template: String,
    created_at_ms: i64,
    changed_at_ms: i64,
    trashed_at_ms: Option<i64>,
}

#[derive(FromRow)]
pub(super) struct SummaryRow {
    id: Vec<u8>,
    kind: String,
    title: String,
    changed_at_ms: i64,
    trashed_at_ms: Option<i64>,
    n_messages: u32,
    n_branches: u32,
    model_name: Option<String>,
}

#[derive(FromRow)]
pub(super) struct MessageRow {
    pub id: Vec<u8>,
    chat: Vec<u8>,
    parent: Option<Vec<u8>>,
    role: String,
    text: String,
    tail: String,
    status: String,
    created_at_ms: i64,
    reply: Option<String>,
}

impl SummaryRow {
    pub fn record(self) -> Result<ChatSummary> {
        Ok(ChatSummary {
            id: chat_id(&self.id)?,
            kind: kind(&self.kind)?,
            title: self.title,
            changed_at_ms: self.changed_at_ms,
            trashed_at_ms: self.trashed_at_ms,
            n_messages: self.n_messages,
            n_branches: self.n_branches.max(1),
            model_name: self.model_name,
            excerpt: None,
        })
    }
}

impl ChatRow {
    pub fn record(self) -> Result<ChatRecord> {
        Ok(ChatRecord {
            id: chat_id(&self.id)?,
            kind: kind(&self.kind)?,
            title: self.title,
            titled_by_hand: self.titled_by_hand,
            system_prompt: self.system_prompt,
            draft: self.draft,
            leaf: self.leaf.as_deref().map(message_id).transpose()?,
            // Options of a shape we don't know fall back to the defaults.
            template: serde_json::from_str(&self.template).unwrap_or_default(),
            created_at_ms: self.created_at_ms,
            changed_at_ms: self.changed_at_ms,
            trashed_at_ms: self.trashed_at_ms,
        })
    }
}

impl MessageRow {
    pub fn record(self, runs: Vec<tokens::Run>) -> Result<MessageRecord> {
        let reply = self.reply.as_deref().and_then(|json| reply(json, runs));
        Ok(MessageRecord {
            id: message_id(&self.id)?,
            chat: chat_id(&self.chat)?,
            parent: self.parent.as_deref().map(message_id).transpose()?,
            role: role(&self.role)?,
            text: self.text,
            tail: self.tail,
            status: status(&self.status)?,
            created_at_ms: self.created_at_ms,
            reply,
        })
    }
}

/// What cannot be read of it costs only itself; without its model it is no reply record.
fn reply(json: &str, runs: Vec<tokens::Run>) -> Option<ReplyRecord> {
    let tokens = Arc::new(tokens::join(runs));
    if let Ok(ReplyMeta { model, sampling, stats }) = serde_json::from_str(json) {
        return Some(ReplyRecord { model, sampling, stats, tokens });
    }
    let fields: Map<String, Value> = serde_json::from_str(json).ok()?;
    let model = serde_json::from_value(fields.get("model")?.clone()).ok()?;
    let base = ReplyMeta { model, sampling: SamplingSpec::default(), stats: None };
    let (ReplyMeta { model, sampling, stats }, bad) = overlay(base, &fields);
    tracing::warn!("parts of a reply cannot be read: {}", bad.join(", "));
    Some(ReplyRecord { model, sampling, stats, tokens })
}

pub(super) fn reply_json(reply: &ReplyRecord) -> Result<String> {
    let meta = ReplyMeta {
        model: reply.model.clone(),
        sampling: reply.sampling.clone(),
        stats: reply.stats.clone(),
    };
    Ok(serde_json::to_string(&meta)?)
}

pub(super) fn chat_id(bytes: &[u8]) -> Result<ChatId> {
    ChatId::from_slice(bytes).ok_or_else(|| StoreError::Word(String::from("an id of a wrong length")))
}

pub(super) fn message_id(bytes: &[u8]) -> Result<MessageId> {
    MessageId::from_slice(bytes).ok_or_else(|| StoreError::Word(String::from("an id of a wrong length")))
}

pub(super) fn kind_word(kind: ChatKind) -> &'static str {
    match kind {
        ChatKind::Chat => "chat",
        ChatKind::Completion => "completion",
    }
}

fn kind(word: &str) -> Result<ChatKind> {
    match word {
        "chat" => Ok(ChatKind::Chat),
        "completion" => Ok(ChatKind::Completion),
        _ => Err(StoreError::Word(format!("a chat of kind {word}"))),
    }
}

pub(super) fn role_word(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Prompt => "prompt",
    }
}

fn role(word: &str) -> Result<Role> {
    match word {
        "user" => Ok(Role::User),
        "assistant" => Ok(Role::Assistant),
        "prompt" => Ok(Role::Prompt),
        _ => Err(StoreError::Word(format!("a message of role {word}"))),
    }
}

pub(super) fn status_word(status: MessageStatus) -> &'static str {
    match status {
        MessageStatus::Complete => "complete",
        MessageStatus::Streaming => "streaming",
        MessageStatus::Stopped => "stopped",
        MessageStatus::Interrupted => "interrupted",
        MessageStatus::Failed => "failed",
    }
}

fn status(word: &str) -> Result<MessageStatus> {
    match word {
        "complete" => Ok(MessageStatus::Complete),
        "streaming" => Ok(MessageStatus::Streaming),
        "stopped" => Ok(MessageStatus::Stopped),
        "interrupted" => Ok(MessageStatus::Interrupted),
        "failed" => Ok(MessageStatus::Failed),
        _ => Err(StoreError::Word(format!("a message in the state {word}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_survives_parts_that_make_no_sense() {
        let read = reply(
            r#"{"model":{"base":"ab","name":"SmolLM2","precision":"Exact"},
                "sampling":{"temperature":0.5},"stats":{"n_prompt":null}}"#,
            Vec::new(),
        );
        let read = read.unwrap();
        assert_eq!((read.model.name.as_str(), read.sampling.temperature, read.stats), ("SmolLM2", 0.5, None));
        assert!(reply(r#"{"sampling":{}}"#, Vec::new()).is_none());
        assert!(reply("garbage", Vec::new()).is_none());
    }
}
