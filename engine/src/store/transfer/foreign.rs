//! What other programs write: OpenAI's `messages` and ShareGPT's `conversations`, one or many to a file.

use super::Incoming;
use glassworks_protocol::chat::{ChatDocument, ChatKind, ChatRecord, MessageRecord, MessageStatus, Role};
use glassworks_protocol::ids::MessageId;
use glassworks_protocol::text::Text;
use serde_json::Value;
use std::sync::Arc;

pub(super) fn read(values: &[Value], now_ms: i64) -> Incoming {
    let mut incoming = Incoming::default();
    let n_known = values.iter().filter(|value| turns(value).is_some()).count();
    for (idx, value) in values.iter().enumerate() {
        match turns(value) {
            Some(turns) => incoming.documents.push(document(value, turns, now_ms, &mut incoming.problems)),
            // A file with nothing of ours in it is refused as a whole.
            None if n_known == 0 => {}
            None => incoming.problems.push(Text::new("failure.import_chat_unreadable").arg("n", idx + 1)),
        }
    }
    incoming
}

fn turns(value: &Value) -> Option<&Vec<Value>> {
    let turns = value["messages"].as_array().or_else(|| value["conversations"].as_array())?;
    turns.iter().any(|turn| who(turn).is_some()).then_some(turns)
}

fn who(turn: &Value) -> Option<&str> {
    turn["role"].as_str().or_else(|| turn["from"].as_str())
}

fn document(value: &Value, turns: &[Value], now_ms: i64, problems: &mut Vec<Text>) -> ChatDocument {
    let mut chat = ChatRecord::new(ChatKind::Chat, now_ms);
    if let Some(title) = value["title"].as_str() {
        chat.title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        chat.titled_by_hand = !chat.title.is_empty();
    }
    let name = chat.title.clone();
    let mut system: Vec<String> =
        value["system"].as_str().filter(|s| !s.is_empty()).map(str::to_owned).into_iter().collect();
    let mut messages: Vec<Arc<MessageRecord>> = Vec::new();
    for (idx, turn) in turns.iter().enumerate() {
        let left_out = || {
            let text = Text::new("failure.import_message_unreadable");
            text.arg("n", idx + 1).arg("chat", &name)
        };
        let Some(text) = content(turn, &name, problems) else {
            problems.push(left_out());
            continue;
        };
        let role = match who(turn).unwrap_or_default().to_ascii_lowercase().as_str() {
            "user" | "human" => Role::User,
            "assistant" | "gpt" | "bot" | "model" | "chatgpt" => Role::Assistant,
            "system" | "developer" => {
                if !messages.is_empty() {
                    problems.push(Text::new("failure.import_system_late").arg("chat", &name));
                }
                system.push(text);
                continue;
            }
            _ => {
                problems.push(left_out());
                continue;
            }
        };
        messages.push(Arc::new(MessageRecord {
            id: MessageId::mint(),
            chat: chat.id,
            parent: messages.last().map(|m| m.id),
            role,
            text,
            tail: String::new(),
            status: MessageStatus::Complete,
            created_at_ms: now_ms,
            reply: None,
        }));
    }
    chat.system_prompt = system.join("\n\n");
    ChatDocument { chat, messages }
}

/// The text of a turn; parts that are no text (pictures, sounds) become problems.
fn content(turn: &Value, chat: &str, problems: &mut Vec<Text>) -> Option<String> {
    let content = turn.get("content").or_else(|| turn.get("value"))?;
    if let Some(text) = content.as_str() {
        return Some(text.to_owned());
    }
    let mut texts = Vec::new();
    for part in content.as_array()? {
        match part.as_str().or_else(|| part["text"].as_str()) {
            Some(text) => texts.push(text),
            None => {
                let kind = part["type"].as_str().unwrap_or("?");
                problems.push(Text::new("failure.import_part_left_out").arg("kind", kind).arg("chat", chat));
            }
        }
    }
    Some(texts.join("\n"))
}
