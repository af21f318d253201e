//! Which stretches of a free text a model wrote: they follow the text through edits, and end where it was changed.

use glassworks_protocol::chat::{MessageRecord, Role};
use std::ops::Range;
use std::sync::Arc;

/// A free text and the stretches of it that a model wrote, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    pub text: String,
    pub stretches: Vec<Stretch>,
}

/// Bytes of a text that a model wrote, and whence they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    pub range: Range<usize>,
    /// Index of the reply in the path.
    pub message: usize,
    /// Where it begins in that reply.
    pub offset: usize,
}

impl Stretch {
    /// The part of it from `start` to `end`, which may be none of it.
    fn part(&self, start: usize, end: usize) -> Self {
        let range = self.range.start.max(start)..self.range.end.min(end);
        let offset = self.offset + (range.start - self.range.start);
        Self { range, offset, ..*self }
    }

    fn moved(mut self, to: impl Fn(usize) -> usize) -> Self {
        if self.range.start < self.range.end {
            self.range = to(self.range.start)..to(self.range.end);
        }
        self
    }
}

impl Written {
    /// The text that the last reply of `path` stands in.
    #[must_use]
    pub fn of_path(path: &[Arc<MessageRecord>]) -> Self {
        let mut written = Self::default();
        let mut tail = "";
        for (idx, message) in path.iter().enumerate() {
            match message.role {
                Role::Assistant => {
                    let at = written.text.len().saturating_sub(tail.len());
                    written.insert(at, &message.text, idx);
                }
                Role::Prompt | Role::User => {
                    written.change(&format!("{}{}", message.text, message.tail));
                    tail = &message.tail;
                }
            }
        }
        written
    }

    /// What a model wrote at a byte offset, as the message `idx` of the path.
    fn insert(&mut self, at: usize, text: &str, idx: usize) {
        self.text.insert_str(at, text);
        let mut stretches = Vec::with_capacity(self.stretches.len() + 2);
        stretches.extend(self.stretches.iter().map(|old| old.part(0, at)));
        stretches.push(Stretch { range: at..at + text.len(), message: idx, offset: 0 });
        let after = self.stretches.iter().map(|old| old.part(at, usize::MAX).moved(|byte| byte + text.len()));
        stretches.extend(after);
        self.stretches = stretches;
        self.tidy();
    }

    /// The text as a person left it: what was changed is theirs.
    pub fn change(&mut self, text: &str) {
        let (old, new) = (self.text.as_bytes(), text.as_bytes());
        if old == new {
            return;
        }
        let front = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        let room = old.len().min(new.len()) - front;
        let back = old.iter().rev().zip(new.iter().rev()).take(room).take_while(|(a, b)| a == b).count();
        let end = old.len() - back;
        let shift = |at: usize| at + new.len() - old.len();
        let mut stretches = Vec::with_capacity(self.stretches.len() + 1);
        for old in &self.stretches {
            stretches.push(old.part(0, front));
            stretches.push(old.part(end, usize::MAX).moved(shift));
        }
        self.stretches = stretches;
        text.clone_into(&mut self.text);
        self.tidy();
    }

    /// Drops what is empty, and keeps every border between two characters.
    fn tidy(&mut self) {
        let text = &self.text;
        self.stretches.retain(|s| s.range.start < s.range.end);
        for stretch in &mut self.stretches {
            while !text.is_char_boundary(stretch.range.start) {
                stretch.range.start += 1;
                stretch.offset += 1;
            }
            while !text.is_char_boundary(stretch.range.end) {
                stretch.range.end -= 1;
            }
        }
        self.stretches.retain(|s| s.range.start < s.range.end);
        self.stretches.sort_by_key(|s| s.range.start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::chat::{ChatKind, ChatRecord, MessageStatus};
    use glassworks_protocol::ids::MessageId;

    fn message(role: Role, text: &str, tail: &str) -> Arc<MessageRecord> {
        Arc::new(MessageRecord {
            id: MessageId::mint(),
            chat: ChatRecord::new(ChatKind::Completion, 0).id,
            parent: None,
            role,
            text: text.into(),
            tail: tail.into(),
            status: MessageStatus::Complete,
            created_at_ms: 0,
            reply: None,
        })
    }

    fn written_by_model(text: &str, range: Range<usize>) -> Written {
        Written { text: text.into(), stretches: vec![Stretch { range, message: 0, offset: 0 }] }
    }

    fn parts(written: &Written) -> Vec<&str> {
        written.stretches.iter().map(|s| &written.text[s.range.clone()]).collect()
    }

    #[test]
    fn replies_stand_where_the_cursor_was() {
        let path = [
            message(Role::Prompt, "Once", " The end"),
            message(Role::Assistant, " upon a time", ""),
            message(Role::Prompt, "Once upon a time", " there was. The end"),
            message(Role::Assistant, " long ago", ""),
        ];
        let written = Written::of_path(&path[..2]);
        assert_eq!(written.text, "Once upon a time The end");
        assert_eq!(parts(&written), [" upon a time"]);
        let written = Written::of_path(&path);
        assert_eq!(written.text, "Once upon a time long ago there was. The end");
        assert_eq!(parts(&written), [" upon a time", " long ago"]);
    }

    #[test]
    fn an_edit_makes_its_place_the_persons_own() {
        let mut written = written_by_model("abc model wrote xyz", 4..15);
        written.change("abc model wrote, xyz");
        assert_eq!(parts(&written), ["model wrote"]);
        written.change("abc model has wrote, xyz");
        assert_eq!(parts(&written), ["model ", "wrote"]);
        assert_eq!(written.stretches[1].offset, "model ".len());
        written.change("new abc model has wrote, xyz");
        assert_eq!(parts(&written), ["model ", "wrote"]);
        written.change("new");
        assert!(written.stretches.is_empty());
    }

    #[test]
    fn characters_are_never_cut() {
        let mut written = written_by_model("玻璃窗", 0..9);
        written.change("玻琉窗");
        assert_eq!(parts(&written), ["玻", "窗"]);
        written.change("");
        assert_eq!(written, Written::default());
    }

    #[test]
    fn text_written_inside_written_text_splits_it() {
        let mut written = written_by_model("ab", 0..2);
        written.insert(1, "--", 1);
        assert_eq!(parts(&written).concat(), "a--b");
        let whence: Vec<_> = written.stretches.iter().map(|s| (s.message, s.offset)).collect();
        assert_eq!(whence, [(0, 0), (1, 0), (0, 1)]);
    }
}
