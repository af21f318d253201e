//! Texts, labels, pairs: fields that are one text each.

use super::{Look, Sink};
use crate::table::raw::{self, Raw, RawKind};
use glassworks_protocol::datasets::{Role, RowFlags};
use glassworks_protocol::text::Text;

/// What a missing or blank text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// It is what is read.
    Read,
    /// It is what is read, with something beside it that is enough.
    ReadBeside,
    /// It is what is learned.
    Learned,
    /// It may be left out.
    None,
}

impl<'a> Look<'a, '_> {
    /// Checks a role's text, and says whether there is something in it.
    pub(super) fn text(&mut self, role: Role, need: Need, sink: &mut impl Sink) -> bool {
        let empty = |look: &Self, sink: &mut dyn FnMut(RowFlags, Text)| match need {
            Need::Read => sink(RowFlags::EMPTY, look.say("data.issue_empty", role)),
            Need::Learned => sink(RowFlags::NO_TARGET, look.say("data.issue_no_target", role)),
            Need::ReadBeside | Need::None => (),
        };
        let mut tell = |flag, text| sink.tell(flag, || text);
        match self.field(role) {
            None if matches!(need, Need::Read | Need::ReadBeside) => {
                tell(RowFlags::BROKEN, self.say("data.issue_missing", role));
                false
            }
            None => {
                empty(self, &mut tell);
                false
            }
            Some(value) => match value.kind() {
                RawKind::Text => {
                    let has_something = self.measure(role, value, sink);
                    if !has_something {
                        empty(self, &mut |flag, text| sink.tell(flag, || text));
                    }
                    has_something
                }
                RawKind::Number => {
                    self.count(value.bytes().len());
                    true
                }
                RawKind::Null => {
                    empty(self, &mut tell);
                    false
                }
                RawKind::Bool | RawKind::List | RawKind::Object => {
                    tell(RowFlags::BROKEN, self.say("data.issue_not_text", role));
                    false
                }
            },
        }
    }

    /// Counts a text's characters, looks for stray ones, and says whether there is something in it.
    pub(super) fn measure(&mut self, role: Role, value: Raw<'a>, sink: &mut impl Sink) -> bool {
        let Some(inner) = value.inner() else { return false };
        let measure = raw::measure(inner);
        self.looked.n_chars = self.looked.n_chars.saturating_add(measure.n_chars);
        if measure.control {
            sink.tell(RowFlags::CONTROL, || self.say_control(role, &raw::read(inner)));
        }
        !measure.blank
    }

    pub(super) fn count(&mut self, n: usize) {
        self.looked.n_chars = self.looked.n_chars.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
    }

    fn say_control(&self, role: Role, text: &str) -> Text {
        let stray = |(at, (byte, one)): (usize, (usize, char))| {
            let newline_follows = text[byte + one.len_utf8()..].starts_with('\n');
            raw::is_control(one, newline_follows).then_some((at + 1, one))
        };
        let (at, one) = text.char_indices().enumerate().find_map(stray).unwrap_or_default();
        let key =
            if one == char::REPLACEMENT_CHARACTER { "data.issue_replacement" } else { "data.issue_control" };
        self.say(key, role).arg("code", format!("U+{:04X}", u32::from(one))).arg("at", at)
    }

    pub(super) fn classification(&mut self, sink: &mut impl Sink) {
        self.text_if_mapped(Role::Text, Need::Read, sink);
        self.label(true, sink);
    }

    pub(super) fn text_task(&mut self, sink: &mut impl Sink) {
        self.text_if_mapped(Role::Text, Need::Read, sink);
        self.label(false, sink);
    }

    pub(super) fn pairs(&mut self, sink: &mut impl Sink) {
        self.text_if_mapped(Role::Source, Need::Read, sink);
        self.text_if_mapped(Role::Target, Need::Learned, sink);
    }

    pub(super) fn text_if_mapped(&mut self, role: Role, need: Need, sink: &mut impl Sink) -> bool {
        self.checker.has(role) && self.text(role, need, sink)
    }

    fn label(&mut self, needed: bool, sink: &mut impl Sink) {
        if !self.checker.has(Role::Label) {
            return;
        }
        let value = self.value(Role::Label);
        if value.is_some_and(|value| matches!(value.kind(), RawKind::List | RawKind::Object)) {
            sink.tell(RowFlags::BROKEN, || self.say("data.issue_not_label", Role::Label));
            return;
        }
        let label = value.and_then(Raw::scalar).filter(|label| !label.trim().is_empty());
        match label {
            Some(label) => self.labels.push(label.into_owned()),
            None => self.looked.unlabelled |= needed,
        }
    }

    /// A row of which nothing is known: every text in it is read.
    pub(super) fn all_texts(&mut self, line: &[u8], sink: &mut impl Sink) {
        let (mut says_something, mut control) = (false, None);
        for (key, value) in raw::fields(line) {
            if let Some(inner) = value.inner() {
                let measure = raw::measure(inner);
                self.looked.n_chars = self.looked.n_chars.saturating_add(measure.n_chars);
                says_something |= !measure.blank;
                control = control.or(measure.control.then(|| (raw::read(key).into_owned(), inner)));
            } else {
                says_something |= value.kind() != RawKind::Null;
            }
        }
        if !says_something {
            sink.tell(RowFlags::EMPTY, || Text::new("data.issue_row_empty"));
        }
        if let Some((name, inner)) = control {
            sink.tell(RowFlags::CONTROL, || {
                let mut text = self.say_control(Role::Text, &raw::read(inner));
                text.args.retain(|(arg, _)| arg != "column");
                text.arg("column", name)
            });
        }
    }
}
