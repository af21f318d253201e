//! Words with tags, texts with spans, answers in their context.

use super::texts::Need;
use super::{Look, Sink};
use crate::table::raw::{Raw, RawKind};
use glassworks_protocol::datasets::marks::{self, Tag};
use glassworks_protocol::datasets::{Role, RowFlags};
use std::borrow::Cow;

/// As much of a text as a sentence shows.
const SHOWN: usize = 40;

impl<'a> Look<'a, '_> {
    pub(super) fn tagging(&mut self, sink: &mut impl Sink) {
        if self.checker.has(Role::Tokens) || self.checker.has(Role::Tags) {
            let n_words = self.words(sink);
            self.tags(n_words, sink);
        } else {
            self.text_if_mapped(Role::Text, Need::Read, sink);
            self.spans(sink);
        }
    }

    pub(super) fn question_answering(&mut self, sink: &mut impl Sink) {
        self.text_if_mapped(Role::Context, Need::Read, sink);
        self.text_if_mapped(Role::Question, Need::Read, sink);
        if self.checker.has(Role::Answers) {
            self.answers(sink);
        }
    }

    /// The words, with how many there are.
    fn words(&mut self, sink: &mut impl Sink) -> Option<usize> {
        if !self.checker.has(Role::Tokens) {
            return None;
        }
        let Some(value) = self.field(Role::Tokens) else {
            sink.tell(RowFlags::BROKEN, || self.say("data.issue_missing", Role::Tokens));
            return None;
        };
        let is_word = |word: Raw<'_>| matches!(word.kind(), RawKind::Text | RawKind::Number);
        if !matches!(value.kind(), RawKind::List | RawKind::Null) || !value.items().all(is_word) {
            sink.tell(RowFlags::BROKEN, || self.say("data.issue_not_words", Role::Tokens));
            return None;
        }
        let (mut n, mut says_something) = (0, false);
        for word in value.items() {
            if word.kind() == RawKind::Text {
                says_something |= self.measure(Role::Tokens, word, sink);
            } else {
                self.count(word.bytes().len());
                says_something = true;
            }
            n += 1;
        }
        // The spaces between them.
        self.count(usize::saturating_sub(n, 1));
        if !says_something {
            sink.tell(RowFlags::EMPTY, || self.say("data.issue_empty", Role::Tokens));
        }
        Some(n)
    }

    fn tags(&mut self, n_words: Option<usize>, sink: &mut impl Sink) {
        if !self.checker.has(Role::Tags) {
            return;
        }
        let Some(value) = self.value(Role::Tags) else {
            self.looked.unlabelled = true;
            return;
        };
        let tags: Option<Vec<Cow<'_, str>>> = match value.kind() {
            RawKind::List => value.items().map(Raw::scalar).collect(),
            _ => None,
        };
        let Some(tags) = tags else {
            sink.tell(RowFlags::BROKEN, || self.say("data.issue_not_tags", Role::Tags));
            return;
        };
        self.looked.unlabelled |= tags.is_empty() && n_words != Some(0);
        if let Some(n_words) = n_words.filter(|n| *n != tags.len() && !tags.is_empty()) {
            sink.tell(RowFlags::BAD_TAGS, || {
                self.say("data.issue_tags_count", Role::Tags)
                    .arg("n_words", n_words)
                    .arg("n_tags", tags.len())
            });
        }
        let tags: Vec<&str> = tags.iter().map(|tag| &**tag).collect();
        self.bio(&tags, sink);
        for kind in tags.iter().filter_map(|tag| Tag::read(tag).kind()) {
            if !self.labels.iter().any(|one| one == kind) {
                self.labels.push(kind.to_owned());
            }
        }
    }

    /// Whether tags are BIO, or classes of words.
    fn bio(&self, tags: &[&str], sink: &mut impl Sink) {
        for at in marks::wrong_tags(tags) {
            let tag = Tag::read(tags[at]);
            let say = |key| self.say(key, Role::Tags).arg("n", at + 1).arg("tag", tags[at]);
            sink.tell(RowFlags::BAD_TAGS, || match tag {
                Tag::Inside(kind) => {
                    let before = at.checked_sub(1).map_or("O", |before| tags[before]);
                    say("data.issue_tag_alone").arg("kind", kind).arg("before", before)
                }
                _ => say("data.issue_not_bio"),
            });
        }
    }

    fn spans(&mut self, sink: &mut impl Sink) {
        if !self.checker.has(Role::Spans) {
            return;
        }
        let Some(value) = self.value(Role::Spans) else {
            self.looked.unlabelled = true;
            return;
        };
        if value.kind() != RawKind::List {
            sink.tell(RowFlags::BROKEN, || self.say("data.issue_not_spans", Role::Spans));
            return;
        }
        let text = self.value(Role::Text).and_then(Raw::scalar);
        let mut taken: Vec<(u64, u64, usize)> = Vec::new();
        for (at, span) in value.items().enumerate() {
            let say = |key| self.say(key, Role::Spans).arg("n", at + 1);
            let ends = |name| span.field(name).and_then(Raw::whole);
            let label = span.field("label").and_then(Raw::scalar).filter(|label| !label.trim().is_empty());
            let (Some(start), Some(end), Some(label)) = (ends("start"), ends("end"), label) else {
                sink.tell(RowFlags::BROKEN, || say("data.issue_not_span"));
                continue;
            };
            if let Some(text) = &text {
                let said = span.field("text").and_then(Raw::text);
                literal_span(text, start..end, said.as_deref(), sink, &say);
            }
            if let Some((.., other)) = taken.iter().find(|(from, to, _)| start < *to && *from < end) {
                sink.tell(RowFlags::BAD_TAGS, || say("data.issue_spans_overlap").arg("other", other));
            }
            taken.push((start, end, at + 1));
            if !self.labels.iter().any(|one| *one == label) {
                self.labels.push(label.into_owned());
            }
        }
        self.looked.unlabelled |= taken.is_empty() && value.items().next().is_none();
    }

    fn answers(&mut self, sink: &mut impl Sink) {
        let Some(value) = self.value(Role::Answers) else {
            self.looked.unlabelled = true;
            return;
        };
        let list = |name| value.field(name).filter(|list| list.kind() == RawKind::List);
        let (Some(texts), Some(starts)) = (list("text"), list("answer_start")) else {
            sink.tell(RowFlags::BROKEN, || self.say("data.issue_not_answers", Role::Answers));
            return;
        };
        let texts: Option<Vec<Cow<'_, str>>> = texts.items().map(Raw::text).collect();
        let starts: Option<Vec<u64>> = starts.items().map(Raw::whole).collect();
        let (texts, starts) = match (texts, starts) {
            (Some(texts), Some(starts)) if texts.len() == starts.len() => (texts, starts),
            _ => {
                sink.tell(RowFlags::BROKEN, || self.say("data.issue_not_answers", Role::Answers));
                return;
            }
        };
        self.looked.unlabelled |= texts.is_empty();
        let Some(context) = self.value(Role::Context).and_then(Raw::scalar) else { return };
        for (at, (text, start)) in texts.iter().zip(starts).enumerate() {
            let from = char_at(&context, start);
            if !text.trim().is_empty() && from.is_some_and(|from| context[from..].starts_with(&**text)) {
                continue;
            }
            sink.tell(RowFlags::NOT_LITERAL, || {
                let name = self.checker.name(Role::Context);
                let say = |key| {
                    self.say(key, Role::Answers)
                        .arg("n", at + 1)
                        .arg("answer", shown(text))
                        .arg("context", name)
                };
                match context.find(&**text).filter(|_| !text.trim().is_empty()) {
                    _ if text.trim().is_empty() => say("data.issue_answer_empty"),
                    None => say("data.issue_answer_not_there"),
                    Some(place) => say("data.issue_answer_elsewhere")
                        .arg("start", start)
                        .arg("found", context[..place].chars().count()),
                }
            });
        }
    }
}

/// Whether a span lies on its text and says what stands there.
fn literal_span(
    text: &str,
    span: std::ops::Range<u64>,
    said: Option<&str>,
    sink: &mut impl Sink,
    say: &dyn Fn(&'static str) -> glassworks_protocol::text::Text,
) {
    let (from, to) = (char_at(text, span.start), char_at(text, span.end));
    let (Some(from), Some(to), true) = (from, to, span.start < span.end) else {
        sink.tell(RowFlags::NOT_LITERAL, || {
            say("data.issue_span_outside")
                .arg("start", span.start)
                .arg("end", span.end)
                .arg("n_chars", text.chars().count())
        });
        return;
    };
    if let Some(said) = said.filter(|said| *said != &text[from..to]) {
        sink.tell(RowFlags::NOT_LITERAL, || {
            say("data.issue_span_text").arg("said", shown(said)).arg("text", shown(&text[from..to]))
        });
    }
}

/// Where a character begins, or where the text ends.
fn char_at(text: &str, at: u64) -> Option<usize> {
    let at = usize::try_from(at).ok()?;
    if text.is_ascii() {
        return (at <= text.len()).then_some(at);
    }
    text.char_indices().map(|(byte, _)| byte).chain([text.len()]).nth(at)
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
