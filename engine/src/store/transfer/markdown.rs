//! Markdown to read: the shown branch of a chat under headings.
//!
//! What is read back are comments before the headings, invisible once rendered, so that headings and fences in
//! a message survive. A line of a message that looks like such a comment gets a backslash in front.

use super::{Incoming, shown_path};
use glassworks_protocol::chat::{
    ChatDocument, ChatKind, ChatRecord, MessageRecord, MessageStatus, ReplyRecord, Role,
};
use glassworks_protocol::ids::MessageId;
use glassworks_protocol::model::ModelRef;
use glassworks_protocol::text::{Language, Text};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::sync::Arc;

const MARK: &str = "<!-- glassworks ";
const MARK_END: &str = " -->";
/// Stands between two chats in one file.
const NEXT: &str = "<!-- glassworks next -->";

/// What the comment before a heading says.
#[derive(Serialize, Deserialize)]
struct Mark {
    part: Part,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<MessageStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<ModelRef>,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    System,
    User,
    Assistant,
    Prompt,
    /// What stood after the cursor of the prompt before.
    Tail,
    Draft,
}

pub(super) fn write(documents: &[ChatDocument], language: Language) -> String {
    let texts: Vec<String> = documents.iter().map(|document| write_one(document, language)).collect();
    texts.join(&format!("\n{NEXT}\n"))
}

fn write_one(document: &ChatDocument, language: Language) -> String {
    let path = shown_path(document);
    let chat = &document.chat;
    let mut out = front_matter(chat, &path);
    if !chat.title.is_empty() {
        push(&mut out, format_args!("\n# {}\n", chat.title));
    }
    let mut section = |part, message: Option<&MessageRecord>, text: &str| {
        let mark = Mark {
            part,
            at_ms: message.map(|m| m.created_at_ms),
            status: message.map(|m| m.status).filter(|s| *s != MessageStatus::Complete),
            model: message.and_then(|m| Some(m.reply.as_ref()?.model.clone())),
        };
        // `>` would end the comment early.
        let mark = serde_json::to_string(&mark).unwrap_or_default().replace('>', "\\u003e");
        let heading = language.get(heading(part, chat.kind));
        push(&mut out, format_args!("\n{MARK}{mark}{MARK_END}\n## {heading}\n\n"));
        for (idx, line) in text.split('\n').enumerate() {
            if idx > 0 {
                out.push('\n');
            }
            if line.trim_start_matches('\\').starts_with(MARK) {
                out.push('\\');
            }
            out.push_str(line);
        }
        out.push('\n');
    };
    if !chat.system_prompt.is_empty() {
        section(Part::System, None, &chat.system_prompt);
    }
    for message in path {
        let part = match message.role {
            Role::User => Part::User,
            Role::Assistant => Part::Assistant,
            Role::Prompt => Part::Prompt,
        };
        section(part, Some(message), &message.text);
        if !message.tail.is_empty() {
            section(Part::Tail, None, &message.tail);
        }
    }
    if !chat.draft.is_empty() {
        section(Part::Draft, None, &chat.draft);
    }
    out
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    if out.write_fmt(text).is_err() {
        tracing::error!("a String refused text");
    }
}

fn heading(part: Part, kind: ChatKind) -> &'static str {
    match (part, kind) {
        (Part::System, _) => "playground.markdown_system",
        (Part::User, _) => "playground.markdown_user",
        (Part::Assistant, ChatKind::Chat) => "playground.markdown_assistant",
        (Part::Assistant, ChatKind::Completion) => "playground.markdown_continuation",
        (Part::Prompt, _) => "playground.markdown_prompt",
        (Part::Tail, _) => "playground.markdown_tail",
        (Part::Draft, _) => "playground.markdown_draft",
    }
}

fn front_matter(chat: &ChatRecord, path: &[&Arc<MessageRecord>]) -> String {
    let quote = |text: &str| serde_json::to_string(text).unwrap_or_default();
    let time = |ms| jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    let kind = match chat.kind {
        ChatKind::Chat => "chat",
        ChatKind::Completion => "completion",
    };
    let mut out = format!("---\nglassworks: 1\ntitle: {}\nkind: {kind}\n", quote(&chat.title));
    if chat.titled_by_hand {
        out.push_str("titled_by_hand: true\n");
    }
    let model = path.iter().rev().find_map(|m| m.reply.as_ref()).map(|reply| &reply.model.name);
    if let Some(model) = model {
        push(&mut out, format_args!("model: {}\n", quote(model)));
    }
    let (created, changed) = (time(chat.created_at_ms), time(chat.changed_at_ms));
    push(&mut out, format_args!("created: {created}\nchanged: {changed}\n---\n"));
    out
}

pub(super) fn is_ours(text: &str) -> bool {
    let mut lines = text.lines();
    lines.next() == Some("---")
        && lines.take_while(|line| *line != "---").any(|l| l.starts_with("glassworks:"))
}

pub(super) fn read(text: &str, now_ms: i64) -> Incoming {
    let mut incoming = Incoming::default();
    // Some editors change every line end at once.
    let text = if text.starts_with("---\r\n") { text.replace("\r\n", "\n") } else { text.to_owned() };
    for (idx, one) in text.split(&format!("\n{NEXT}\n")).enumerate() {
        if is_ours(one) {
            incoming.documents.push(read_one(one, now_ms, &mut incoming.problems));
        } else {
            incoming.problems.push(Text::new("failure.import_chat_unreadable").arg("n", idx + 1));
        }
    }
    incoming
}

fn read_one(text: &str, now_ms: i64, problems: &mut Vec<Text>) -> ChatDocument {
    let mut chat = ChatRecord::new(ChatKind::Chat, now_ms);
    let version = read_front_matter(&mut chat, text);
    if version > 1 {
        problems.push(Text::new("failure.import_newer"));
    }
    let mut messages: Vec<Arc<MessageRecord>> = Vec::new();
    for (n, (mark, text)) in sections(text).into_iter().enumerate() {
        let Ok(mark) = serde_json::from_str::<Mark>(mark) else {
            let problem = Text::new("failure.import_message_unreadable");
            problems.push(problem.arg("n", n + 1).arg("chat", &chat.title));
            continue;
        };
        let role = match mark.part {
            Part::System => {
                chat.system_prompt = text;
                continue;
            }
            Part::Draft => {
                chat.draft = text;
                continue;
            }
            Part::Tail => {
                if let Some(prompt) = messages.last_mut() {
                    Arc::make_mut(prompt).tail = text;
                }
                continue;
            }
            Part::User => Role::User,
            Part::Assistant => Role::Assistant,
            Part::Prompt => Role::Prompt,
        };
        let sampling = Default::default();
        let reply =
            mark.model.map(|model| ReplyRecord { model, sampling, stats: None, tokens: Arc::default() });
        messages.push(Arc::new(MessageRecord {
            id: MessageId::mint(),
            chat: chat.id,
            parent: messages.last().map(|m| m.id),
            role,
            text,
            tail: String::new(),
            status: mark.status.unwrap_or(MessageStatus::Complete),
            created_at_ms: mark.at_ms.unwrap_or(now_ms),
            reply,
        }));
    }
    ChatDocument { chat, messages }
}

/// Each mark with the text below its heading.
fn sections(text: &str) -> Vec<(&str, String)> {
    let mut sections: Vec<(&str, Vec<String>)> = Vec::new();
    for line in text.split('\n') {
        let mark = line.trim_end().strip_prefix(MARK).and_then(|rest| rest.strip_suffix(MARK_END));
        match (mark, sections.last_mut()) {
            (Some(mark), _) => sections.push((mark, Vec::new())),
            (None, Some((_, lines))) => {
                let escaped = line.starts_with('\\') && line.trim_start_matches('\\').starts_with(MARK);
                lines.push(if escaped { line[1..].to_owned() } else { line.to_owned() });
            }
            (None, None) => {}
        }
    }
    let text = |(mark, mut lines): (_, Vec<String>)| {
        // Above the text stand its heading and an empty line, below it one more line end.
        lines.drain(..lines.len().min(2));
        if lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        (mark, lines.join("\n"))
    };
    sections.into_iter().map(text).collect()
}

/// Returns the version; what is missing keeps its default.
fn read_front_matter(chat: &mut ChatRecord, text: &str) -> u32 {
    let mut version = 1;
    for line in text.lines().skip(1).take_while(|line| *line != "---") {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        let time = || value.parse::<jiff::Timestamp>().ok().map(|t| t.as_millisecond());
        match key {
            "glassworks" => version = value.parse().unwrap_or(1),
            "title" => chat.title = serde_json::from_str(value).unwrap_or_else(|_| value.to_owned()),
            "kind" if value == "completion" => chat.kind = ChatKind::Completion,
            "titled_by_hand" => chat.titled_by_hand = value == "true",
            "created" => chat.created_at_ms = time().unwrap_or(chat.created_at_ms),
            "changed" => chat.changed_at_ms = time().unwrap_or(chat.changed_at_ms),
            _ => {}
        }
    }
    version
}
