//! Conversations: one tree of messages each, kept for good.

use crate::generate::{ReplyStats, SamplingSpec, TokenPiece};
use crate::ids::{ChatId, MessageId};
use crate::model::ModelRef;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// What a document in the playground is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ChatKind {
    /// Turns of a conversation, through the model's chat template.
    #[default]
    Chat,
    /// Free text that the model continues.
    Completion,
}

/// A document of the playground, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatRecord {
    pub id: ChatId,
    pub kind: ChatKind,
    /// As shown; made from the first words until a person renames it.
    pub title: String,
    /// Whether a person chose the title.
    pub titled_by_hand: bool,
    /// Sent as the first turn when not empty; chats only.
    pub system_prompt: String,
    /// What stands in the composer (chat) or in the text field (completion), not yet sent.
    pub draft: String,
    /// The message whose path from the root is shown.
    pub leaf: Option<MessageId>,
    pub template: TemplateOptions,
    /// Milliseconds since 1970, UTC.
    pub created_at_ms: i64,
    pub changed_at_ms: i64,
    /// When it was put into the trash.
    pub trashed_at_ms: Option<i64>,
}

impl ChatRecord {
    /// An empty document made now; the clock is the caller's.
    #[must_use]
    pub fn new(kind: ChatKind, now_ms: i64) -> Self {
        Self {
            id: ChatId::mint(),
            kind,
            title: String::new(),
            titled_by_hand: false,
            system_prompt: String::new(),
            draft: String::new(),
            leaf: None,
            template: TemplateOptions::default(),
            created_at_ms: now_ms,
            changed_at_ms: now_ms,
            trashed_at_ms: None,
        }
    }
}

/// A line in the list of chats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatSummary {
    pub id: ChatId,
    pub kind: ChatKind,
    pub title: String,
    pub changed_at_ms: i64,
    pub trashed_at_ms: Option<i64>,
    /// Messages in the whole tree.
    pub n_messages: u32,
    /// Leaves of the tree, 1 when nothing was ever regenerated or edited.
    pub n_branches: u32,
    /// Name of the model that wrote the newest reply.
    pub model_name: Option<String>,
    /// The words around the match when the list answers a search.
    pub excerpt: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    User,
    Assistant,
    /// Completion documents: all text up to the cursor, from which the model went on.
    Prompt,
}

/// A node in a chat's tree. Regenerating and editing add siblings; nothing is overwritten.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageRecord {
    pub id: MessageId,
    pub chat: ChatId,
    pub parent: Option<MessageId>,
    pub role: Role,
    pub text: String,
    /// Completion documents, on a `Prompt`: the text that stood after the cursor.
    pub tail: String,
    pub status: MessageStatus,
    pub created_at_ms: i64,
    /// Replies only: who wrote it, how, and each token with its probabilities.
    pub reply: Option<ReplyRecord>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplyRecord {
    pub model: ModelRef,
    pub sampling: SamplingSpec,
    /// Known once the reply has ended.
    pub stats: Option<ReplyStats>,
    pub tokens: Arc<Vec<TokenPiece>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageStatus {
    Complete,
    /// Being written now.
    Streaming,
    /// A person stopped it.
    Stopped,
    /// The program ended while it was being written.
    Interrupted,
    /// The engine failed while writing it.
    Failed,
}

/// A chat with its whole tree, in order of making.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatDocument {
    pub chat: ChatRecord,
    pub messages: Vec<Arc<MessageRecord>>,
}

/// One turn as a chat template sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// `system`, `user`, `assistant` or `tool`.
    pub role: String,
    pub content: String,
}

impl Turn {
    #[must_use]
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self { role: role.into(), content: content.into() }
    }
}

/// The variables that chat templates ask for, each with a visible value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TemplateOptions {
    /// Ask the template to open the assistant's turn.
    pub add_generation_prompt: bool,
    /// Passed only when a person set it: templates test whether it is defined.
    pub enable_thinking: Option<bool>,
    /// A JSON array of tool descriptions, as text; empty for none.
    pub tools: String,
}

impl Default for TemplateOptions {
    fn default() -> Self {
        Self { add_generation_prompt: true, enable_thinking: None, tools: String::new() }
    }
}

/// Where a chat template came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TemplateSource {
    /// `tokenizer_config.json`, `chat_template.jinja` or the GGUF metadata.
    Model(String),
    /// The model has none: the named fallback is used.
    Fallback(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChatFormat {
    Markdown,
    Json,
}

/// Write chats to a file a person chose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportChatsSpec {
    pub chats: Vec<ChatId>,
    pub format: ChatFormat,
    pub to: PathBuf,
    /// Whether a file that is there already may go: a dialog has asked, a typed path has not.
    pub replace: bool,
}
