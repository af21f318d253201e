//! Makes a tree out of whatever messages came in: parents first, no circles, a leaf that exists.

use crate::store::title;
use glassworks_protocol::chat::{ChatDocument, MessageRecord, MessageStatus, Role};
use glassworks_protocol::ids::MessageId;
use glassworks_protocol::text::Text;
use std::collections::HashSet;
use std::sync::Arc;

pub(super) fn tidy(document: &mut ChatDocument, problems: &mut Vec<Text>) {
    let chat = &mut document.chat;
    let mut waiting: Vec<MessageRecord> = Vec::with_capacity(document.messages.len());
    let mut seen = HashSet::new();
    for message in std::mem::take(&mut document.messages) {
        let mut message = Arc::unwrap_or_clone(message);
        message.chat = chat.id;
        if message.status == MessageStatus::Streaming {
            message.status = MessageStatus::Interrupted;
        }
        if seen.insert(message.id) {
            waiting.push(message);
        } else {
            problems.push(Text::new("failure.import_message_twice").arg("chat", &chat.title));
        }
    }
    document.messages = parents_first(waiting, &chat.title, problems);
    if !document.messages.iter().any(|m| Some(m.id) == chat.leaf) {
        chat.leaf = document.messages.last().map(|m| m.id);
    }
    if chat.title.is_empty() {
        let first = document.messages.iter().find(|m| m.role != Role::Assistant);
        chat.title = first.map_or_else(String::new, |m| title::from_text(&m.text));
    }
}

fn parents_first(
    mut waiting: Vec<MessageRecord>,
    title: &str,
    problems: &mut Vec<Text>,
) -> Vec<Arc<MessageRecord>> {
    let mut placed: HashSet<MessageId> = HashSet::new();
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let before = ordered.len();
        let mut later = Vec::new();
        for message in waiting {
            if message.parent.is_none_or(|parent| placed.contains(&parent)) {
                placed.insert(message.id);
                ordered.push(Arc::new(message));
            } else {
                later.push(message);
            }
        }
        if ordered.len() == before {
            // The rest hangs on nothing, or in a circle: its first message becomes a root.
            if let Some(first) = root_of_rest(&mut later) {
                first.parent = None;
                problems.push(Text::new("failure.import_parent_missing").arg("chat", title));
            }
        }
        waiting = later;
    }
    ordered
}

/// A message whose parent isn't among the rest, or simply the first one.
fn root_of_rest(rest: &mut [MessageRecord]) -> Option<&mut MessageRecord> {
    let ids: HashSet<MessageId> = rest.iter().map(|m| m.id).collect();
    let idx = rest.iter().position(|m| m.parent.is_some_and(|p| !ids.contains(&p))).unwrap_or(0);
    rest.get_mut(idx)
}
