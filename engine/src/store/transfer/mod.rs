//! Chats as files: JSON, complete and exact; Markdown, readable, the shown branch only; and what other
//! programs write. Pure functions: no disk, no database.
//!
//! Whatever cannot be read is told as a problem, never dropped in silence.

mod foreign;
mod json;
mod markdown;
mod tidy;

use glassworks_protocol::chat::{ChatDocument, ChatFormat, MessageRecord};
use glassworks_protocol::ids::MessageId;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Failure, FailureKind};
use std::collections::HashMap;
use std::sync::Arc;

/// What a file held.
#[derive(Debug, Default)]
pub struct Incoming {
    pub documents: Vec<ChatDocument>,
    /// A sentence for each part that could not be read.
    pub problems: Vec<Text>,
}

/// The text of a file with `documents` in it. `language` is that of the headings in Markdown.
#[must_use]
pub fn write(documents: &[ChatDocument], format: ChatFormat, language: Language, now_ms: i64) -> String {
    match format {
        ChatFormat::Json => json::write(documents, now_ms),
        ChatFormat::Markdown => markdown::write(documents, language),
    }
}

/// Reads a file of any kind that we know; `file` is its name for the failure.
///
/// # Errors
/// When it is none of them.
pub fn read(bytes: &[u8], file: &str, now_ms: i64) -> Result<Incoming, Failure> {
    let unknown = || {
        let text = Text::new("failure.import_unknown").arg("file", file);
        Failure::new(FailureKind::Input, text).hint(Text::new("failure.import_unknown_hint"))
    };
    let text = std::str::from_utf8(bytes).map_err(|e| unknown().detail(e.to_string()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut incoming = if markdown::is_ours(text) {
        markdown::read(text, now_ms)
    } else {
        let values = json::values(text).map_err(|e| unknown().detail(e.to_string()))?;
        match values.as_slice() {
            [one] if json::is_ours(one) => json::read(one, now_ms),
            many => foreign::read(many, now_ms),
        }
    };
    if incoming.documents.is_empty() && incoming.problems.is_empty() {
        return Err(unknown());
    }
    for document in &mut incoming.documents {
        tidy::tidy(document, &mut incoming.problems);
    }
    Ok(incoming)
}

/// The messages from the root to the shown leaf.
fn shown_path(document: &ChatDocument) -> Vec<&Arc<MessageRecord>> {
    let by_id: HashMap<MessageId, &Arc<MessageRecord>> =
        document.messages.iter().map(|m| (m.id, m)).collect();
    let leaf = document.chat.leaf.or_else(|| document.messages.last().map(|m| m.id));
    let mut path = Vec::new();
    let mut at = leaf.and_then(|leaf| by_id.get(&leaf));
    // A circle of parents would otherwise have no end.
    while let Some(message) = at.filter(|_| path.len() < document.messages.len()) {
        path.push(*message);
        at = message.parent.and_then(|parent| by_id.get(&parent));
    }
    path.reverse();
    path
}
