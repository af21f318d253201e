//! Which stretches of a free text a model wrote: they follow the text through edits, and end where it was changed.

use glassworks_protocol::chat::{MessageRecord, Role};
use std::ops::Range;
use std::sync::Arc;

/// A free text and the byte ranges of it that a model wrote, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    pub text: String,
    pub ranges: Vec<Range<usize>>,
}

impl Written {
    /// The text that the last reply of `path` stands in.
    #[must_use]
    pub fn of_path(path: &[Arc<MessageRecord>]) -> Self {
        let mut written = Self::default();
        let mut tail = "";
        for message in path {
            match message.role {
                Role::Assistant => {
                    let at = written.text.len().saturating_sub(tail.len());
                    written.insert(at, &message.text);
                }
                Role::Prompt | Role::User => {
                    written.change(&format!("{}{}", message.text, message.tail));
                    tail = &message.tail;
                }
            }
        }
        written
    }

    /// What a model wrote at a byte offset.
    fn insert(&mut self, at: usize, text: &str) {
        self.text.insert_str(at, text);
        let moved = std::mem::take(&mut self.ranges);
        let mut new = Some(at..at + text.len());
        for range in moved {
            if range.end <= at {
                self.ranges.push(range);
                continue;
            }
            if range.start < at {
                self.ranges.push(range.start..at);
            }
            self.ranges.extend(new.take());
            self.ranges.push(range.start.max(at) + text.len()..range.end + text.len());
        }
        self.ranges.extend(new);
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
        let mut ranges = Vec::with_capacity(self.ranges.len() + 1);
        for range in &self.ranges {
            ranges.push(range.start..range.end.min(front));
            let start = range.start.max(end);
            if start < range.end {
                ranges.push(shift(start)..shift(range.end));
            }
        }
        self.ranges = ranges;
        text.clone_into(&mut self.text);
        self.tidy();
    }

    /// Drops what is empty, and keeps every border between two characters.
    fn tidy(&mut self) {
        let text = &self.text;
        self.ranges.retain(|r| r.start < r.end);
        for range in &mut self.ranges {
            while !text.is_char_boundary(range.start) {
                range.start += 1;
            }
            while !text.is_char_boundary(range.end) {
                range.end -= 1;
            }
        }
        self.ranges.retain(|r| r.start < r.end);
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

    fn parts(written: &Written) -> Vec<&str> {
        written.ranges.iter().map(|r| &written.text[r.clone()]).collect()
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
        let mut written =
            Written { text: "abc model wrote xyz".into(), ranges: std::iter::once(4..15).collect() };
        written.change("abc model wrote, xyz");
        assert_eq!(parts(&written), ["model wrote"]);
        written.change("abc model has wrote, xyz");
        assert_eq!(parts(&written), ["model ", "wrote"]);
        written.change("new abc model has wrote, xyz");
        assert_eq!(parts(&written), ["model ", "wrote"]);
        written.change("new");
        assert!(written.ranges.is_empty());
    }

    #[test]
    fn characters_are_never_cut() {
        let mut written = Written { text: "玻璃窗".into(), ranges: std::iter::once(0..9).collect() };
        written.change("玻琉窗");
        assert_eq!(parts(&written), ["玻", "窗"]);
        written.change("");
        assert_eq!(written, Written::default());
    }

    #[test]
    fn text_written_inside_written_text_splits_it() {
        let mut written = Written { text: "ab".into(), ranges: std::iter::once(0..2).collect() };
        written.insert(1, "--");
        assert_eq!(parts(&written).concat(), "a--b");
    }
}
