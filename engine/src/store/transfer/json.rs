//! Our own JSON: everything there is to a chat, exact to the last digit.

use super::Incoming;
use crate::store::lenient::overlay;
use glassworks_protocol::chat::{
    ChatDocument, ChatKind, ChatRecord, MessageRecord, MessageStatus, ReplyRecord, Role,
};
use glassworks_protocol::generate::{Alternative, TokenPiece};
use glassworks_protocol::ids::{ChatId, MessageId};
use glassworks_protocol::text::Text;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;

const FORMAT: &str = "glassworks-chats";
/// Readers of an older version pass over fields they don't know; raised when that would mislead them.
const VERSION: u64 = 1;

/// id, text, log-probability (null for minus infinity), sampled probability, rank, entropy, alternatives.
#[derive(Serialize, Deserialize)]
struct PieceRow(u32, String, Option<f32>, f32, u32, f32, Vec<AlternativeRow>);

/// id, text, probability, sampled probability.
#[derive(Serialize, Deserialize)]
struct AlternativeRow(u32, String, f32, f32);

pub(super) fn write(documents: &[ChatDocument], now_ms: i64) -> String {
    let chats: Vec<Value> = documents
        .iter()
        .map(|document| {
            let messages: Vec<Value> = document.messages.iter().map(|m| message_value(m)).collect();
            json!({ "chat": value_of(&document.chat), "messages": messages })
        })
        .collect();
    let file = json!({ "format": FORMAT, "version": VERSION, "exported_at_ms": now_ms, "chats": chats });
    let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
    text.push('\n');
    text
}

/// By way of text, so that a 0.7 of 32 bits stays a 0.7.
fn value_of(record: &impl Serialize) -> Value {
    serde_json::to_string(record).and_then(|text| serde_json::from_str(&text)).unwrap_or_default()
}

fn message_value(message: &MessageRecord) -> Value {
    let mut plain = message.clone();
    let tokens = plain.reply.as_mut().map(|reply| std::mem::take(&mut reply.tokens));
    let mut value = value_of(&plain);
    if let Some(tokens) = tokens {
        let rows: Vec<PieceRow> = tokens.iter().map(PieceRow::from).collect();
        value["reply"]["tokens"] = value_of(&rows);
    }
    value
}

impl From<&TokenPiece> for PieceRow {
    fn from(p: &TokenPiece) -> Self {
        let row = |a: &Alternative| AlternativeRow(a.id, a.text.clone(), a.prob, a.sampled_prob);
        let logprob = p.logprob.is_finite().then_some(p.logprob);
        let top = p.top.iter().map(row).collect();
        Self(p.id, p.text.clone(), logprob, p.sampled_prob, p.rank, p.entropy, top)
    }
}

impl From<PieceRow> for TokenPiece {
    fn from(row: PieceRow) -> Self {
        let PieceRow(id, text, logprob, sampled_prob, rank, entropy, top) = row;
        let alternative =
            |AlternativeRow(id, text, prob, sampled_prob)| Alternative { id, text, prob, sampled_prob };
        let top = top.into_iter().map(alternative).collect();
        Self { id, text, logprob: logprob.unwrap_or(f32::NEG_INFINITY), sampled_prob, rank, entropy, top }
    }
}

/// The values of a JSON file, of a JSON array, or of a file with one a line.
pub(super) fn values(text: &str) -> serde_json::Result<Vec<Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Array(values)) => Ok(values),
        Ok(value) => Ok(vec![value]),
        Err(whole) => serde_json::Deserializer::from_str(text)
            .into_iter()
            .collect::<serde_json::Result<Vec<Value>>>()
            .ok()
            .filter(|values| values.len() > 1)
            .ok_or(whole),
    }
}

pub(super) fn is_ours(value: &Value) -> bool {
    value["format"] == FORMAT
}

pub(super) fn read(file: &Value, now_ms: i64) -> Incoming {
    let mut incoming = Incoming::default();
    if file["version"].as_u64().is_none_or(|version| version > VERSION) {
        incoming.problems.push(Text::new("failure.import_newer"));
    }
    let empty = Vec::new();
    for (idx, entry) in file["chats"].as_array().unwrap_or(&empty).iter().enumerate() {
        match (entry["chat"].as_object(), entry["messages"].as_array()) {
            (Some(chat), Some(messages)) => {
                let document = document(chat, messages, now_ms, &mut incoming.problems);
                incoming.documents.push(document);
            }
            _ => incoming.problems.push(Text::new("failure.import_chat_unreadable").arg("n", idx + 1)),
        }
    }
    incoming
}

fn document(
    fields: &Map<String, Value>,
    messages: &[Value],
    now_ms: i64,
    problems: &mut Vec<Text>,
) -> ChatDocument {
    let (chat, bad) = overlay(ChatRecord::new(ChatKind::Chat, now_ms), fields);
    problems.extend(bad.iter().map(|field| bad_field(&chat.title, field)));
    // What hung on a message that cannot be read hangs on its parent instead.
    let mut skipped: HashMap<MessageId, Option<MessageId>> = HashMap::new();
    let mut read = Vec::with_capacity(messages.len());
    for (idx, value) in messages.iter().enumerate() {
        match message(chat.id, &chat.title, value, now_ms, problems) {
            Some(message) => read.push(message),
            None => {
                let text = Text::new("failure.import_message_unreadable");
                problems.push(text.arg("n", idx + 1).arg("chat", &chat.title));
                if let Some(id) = id_of(&value["id"]) {
                    skipped.insert(id, id_of(&value["parent"]));
                }
            }
        }
    }
    for message in &mut read {
        for _ in 0..=skipped.len() {
            let Some(parent) = message.parent.and_then(|parent| skipped.get(&parent)) else { break };
            message.parent = *parent;
        }
    }
    ChatDocument { chat, messages: read.into_iter().map(Arc::new).collect() }
}

fn id_of(value: &Value) -> Option<MessageId> {
    value.as_str()?.parse().ok()
}

fn bad_field(chat: &str, field: &str) -> Text {
    Text::new("failure.import_field_unreadable").arg("field", field).arg("chat", chat)
}

fn message(
    chat: ChatId,
    title: &str,
    value: &Value,
    now_ms: i64,
    problems: &mut Vec<Text>,
) -> Option<MessageRecord> {
    let mut fields = value.as_object()?.clone();
    let role: Role = serde_json::from_value(fields.get("role")?.clone()).ok()?;
    let text = fields.get("text")?.as_str()?.to_owned();
    let reply = fields.shift_remove("reply").unwrap_or_default();
    let base = MessageRecord {
        id: MessageId::mint(),
        chat,
        parent: None,
        role,
        text,
        tail: String::new(),
        status: MessageStatus::Complete,
        created_at_ms: now_ms,
        reply: None,
    };
    let (mut message, bad) = overlay(base, &fields);
    problems.extend(bad.iter().map(|field| bad_field(title, field)));
    if !reply.is_null() {
        message.reply = read_reply(reply, title, problems);
        if message.reply.is_none() {
            problems.push(bad_field(title, "reply"));
        }
    }
    Some(message)
}

fn read_reply(mut value: Value, title: &str, problems: &mut Vec<Text>) -> Option<ReplyRecord> {
    let fields = value.as_object_mut()?;
    let tokens = fields.shift_remove("tokens").unwrap_or_else(|| json!([]));
    let model = serde_json::from_value(fields.get("model")?.clone()).ok()?;
    let base = ReplyRecord { model, sampling: Default::default(), stats: None, tokens: Arc::default() };
    let (mut reply, bad) = overlay(base, fields);
    problems.extend(bad.iter().map(|field| bad_field(title, field)));
    match serde_json::from_value::<Vec<PieceRow>>(tokens) {
        Ok(rows) => reply.tokens = Arc::new(rows.into_iter().map(TokenPiece::from).collect()),
        Err(_) => problems.push(bad_field(title, "tokens")),
    }
    Some(reply)
}
