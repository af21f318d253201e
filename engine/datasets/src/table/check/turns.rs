//! Conversations, instructions, preferences.

use super::texts::Need;
use super::{Look, Sink};
use crate::table::raw::{Raw, RawKind};
use glassworks_protocol::datasets::{Role, RowFlags};
use glassworks_protocol::text::Text;

/// What a list of turns is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turns {
    /// All of a conversation, with something to learn.
    Whole,
    /// What an answer goes on from.
    Prompt,
    /// An answer that may go on from a prompt.
    Answer { after_prompt: bool },
}

impl<'a> Look<'a, '_> {
    pub(super) fn chat(&mut self, sink: &mut impl Sink) {
        self.text_if_mapped(Role::System, Need::None, sink);
        if self.checker.has(Role::Messages) {
            self.turns(Role::Messages, Turns::Whole, sink);
            return;
        }
        let beside = self.text_if_mapped(Role::Input, Need::None, sink);
        let need = if beside { Need::ReadBeside } else { Need::Read };
        self.text_or_turns(Role::Prompt, need, Turns::Prompt, sink);
        self.text_if_mapped(Role::Completion, Need::Learned, sink);
    }

    pub(super) fn preference(&mut self, sink: &mut impl Sink) {
        self.text_if_mapped(Role::System, Need::None, sink);
        self.text_or_turns(Role::Prompt, Need::Read, Turns::Prompt, sink);
        let answer = Turns::Answer { after_prompt: self.checker.has(Role::Prompt) };
        self.text_or_turns(Role::Chosen, Need::Learned, answer, sink);
        self.text_or_turns(Role::Rejected, Need::Learned, answer, sink);
        let (chosen, rejected) = (self.value(Role::Chosen), self.value(Role::Rejected));
        if chosen.is_some() && chosen == rejected && chosen.and_then(Raw::inner) != Some(b"") {
            sink.tell(RowFlags::NO_TARGET, || {
                let name = |role| self.checker.name(role);
                Text::new("data.issue_same_answers")
                    .arg("chosen", name(Role::Chosen))
                    .arg("rejected", name(Role::Rejected))
            });
        }
    }

    fn text_or_turns(&mut self, role: Role, need: Need, turns: Turns, sink: &mut impl Sink) {
        if !self.checker.has(role) {
            return;
        }
        if self.field(role).is_some_and(|value| value.kind() == RawKind::List) {
            self.turns(role, turns, sink);
        } else {
            self.text(role, need, sink);
        }
    }

    /// A list of turns.
    fn turns(&mut self, role: Role, kind: Turns, sink: &mut impl Sink) {
        let Some(value) = self.field(role) else {
            sink.tell(RowFlags::BROKEN, || self.say("data.issue_missing", role));
            return;
        };
        if !matches!(value.kind(), RawKind::List | RawKind::Null) {
            sink.tell(RowFlags::BROKEN, || self.say("data.issue_not_turns", role));
            return;
        }
        let (mut before, mut answered, mut says_something) = (None, false, false);
        for (at, turn) in value.items().enumerate() {
            let say = |look: &Self, key| look.say(key, role).arg("turn", at + 1);
            let Some((speaker, content)) = parts(turn) else {
                sink.tell(RowFlags::BROKEN, || say(self, "data.issue_not_turn"));
                before = None;
                continue;
            };
            if let Some(key) = misplaced(before, &speaker, at, kind) {
                sink.tell(RowFlags::BAD_TURNS, || say(self, key).arg("role", &speaker));
            }
            let has_content = content.is_some_and(|content| self.measure(role, content, sink));
            // A call of a tool is an answer without words.
            answered |= speaker == "assistant" && (has_content || turn.field("tool_calls").is_some());
            says_something |= has_content;
            before = Some(speaker);
        }
        if !says_something && !answered {
            let flag =
                if matches!(kind, Turns::Answer { .. }) { RowFlags::NO_TARGET } else { RowFlags::EMPTY };
            sink.tell(flag, || self.say("data.issue_no_turns", role));
        } else if !answered && kind != Turns::Prompt {
            sink.tell(RowFlags::NO_TARGET, || self.say("data.issue_no_reply", role));
        }
    }
}

/// A turn's role, and its content where it has some.
fn parts(turn: Raw<'_>) -> Option<(String, Option<Raw<'_>>)> {
    let speaker = turn.field("role").and_then(Raw::text)?.into_owned();
    let content = turn.field("content").filter(|content| content.kind() != RawKind::Null);
    match content {
        Some(content) if content.kind() == RawKind::Text => Some((speaker, Some(content))),
        None if turn.field("tool_calls").is_some() => Some((speaker, None)),
        _ => None,
    }
}

/// What is wrong with where a turn stands.
fn misplaced(before: Option<String>, speaker: &str, at: usize, kind: Turns) -> Option<&'static str> {
    let goes_on = matches!(kind, Turns::Answer { after_prompt: true });
    let last = before.as_deref().filter(|last| *last != "system");
    match speaker {
        "system" => (at > 0).then_some("data.issue_turn_system"),
        "user" => (last == Some("user")).then_some("data.issue_turn_twice"),
        "assistant" => match last {
            Some("assistant") => Some("data.issue_turn_twice"),
            None if !goes_on && (at == 0 || before.is_some()) => Some("data.issue_turn_first"),
            _ => None,
        },
        "tool" => {
            let answers = matches!(last, Some("assistant" | "tool")) || at == 0 && goes_on;
            (!answers).then_some("data.issue_turn_tool")
        }
        _ => Some("data.issue_turn_role"),
    }
}
