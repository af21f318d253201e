//! Ways through a conversation's tree of messages.

use glassworks_protocol::chat::{ChatDocument, MessageRecord};
use glassworks_protocol::ids::MessageId;
use std::collections::HashMap;
use std::sync::Arc;

/// The messages from the root down to `leaf`.
#[must_use]
pub fn path_to(document: &ChatDocument, leaf: Option<MessageId>) -> Vec<Arc<MessageRecord>> {
    let by_id: HashMap<MessageId, &Arc<MessageRecord>> =
        document.messages.iter().map(|m| (m.id, m)).collect();
    let mut path = Vec::new();
    let mut next = leaf;
    while let Some(message) = next.and_then(|id| by_id.get(&id)) {
        // A stored tree has no circles; this keeps a broken one from hanging the window.
        if path.len() > document.messages.len() {
            break;
        }
        path.push(Arc::clone(message));
        next = message.parent;
    }
    path.reverse();
    path
}

/// The messages that share a parent with `id`, itself included, in order of making.
#[must_use]
pub fn siblings(document: &ChatDocument, id: MessageId) -> Vec<MessageId> {
    let Some(message) = document.messages.iter().find(|m| m.id == id) else { return Vec::new() };
    document.messages.iter().filter(|m| m.parent == message.parent).map(|m| m.id).collect()
}

/// Where the newest line of messages below `id` ends.
#[must_use]
pub fn newest_leaf_below(document: &ChatDocument, id: MessageId) -> MessageId {
    let mut at = id;
    // Children are made after their parents, so one pass from old to new follows a line to its end;
    // the newest child is found first from behind.
    for _ in 0..document.messages.len() {
        match document.messages.iter().rev().find(|m| m.parent == Some(at)) {
            Some(child) => at = child.id,
            None => break,
        }
    }
    at
}
