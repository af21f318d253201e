//! Where in a conversation's text the assistant speaks: by the template's own `{% generation %}` marks where it has
//! them, as transformers' `return_assistant_tokens_mask`; else by rendering the conversation turn by turn.

use super::{ChatTemplate, parse, render};
use crate::tokenizer::TextCodec;
use glassworks_protocol::Failure;
use glassworks_protocol::chat::{TemplateOptions, Turn};
use std::ops::Range;

/// Stand around an answer in a marked rendering: two characters that are in no text (Unicode calls them
/// noncharacters).
pub const MARKS: [char; 2] = ['\u{fdd0}', '\u{fdd1}'];

/// A conversation's text and what of it the assistant writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    pub text: String,
    /// In bytes, in order. An answer that cannot be told apart is not among them.
    pub spans: Vec<Range<usize>>,
    /// Whether the template itself says where they are.
    pub marked: bool,
}

/// The text of turns, with the beginning of the next answer after it or without; with [`MARKS`] where the template
/// has them.
pub(super) type Render<'a> = &'a dyn Fn(&[Turn], bool) -> Result<String, Failure>;

impl ChatTemplate {
    /// The text of a whole conversation and the places of its answers, with what ends them.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn answers(&self, turns: &[Turn], codec: &TextCodec, now_ms: i64) -> Result<Answers, Failure> {
        let marks = parse::marks_answers(&self.default);
        let how = if marks { render::Answers::Marked } else { render::Answers::Plain };
        found(marks, turns, &|turns, add_generation_prompt| {
            let options = TemplateOptions { add_generation_prompt, ..TemplateOptions::default() };
            self.render_as(turns, &options, codec, now_ms, how)
        })
    }
}

/// The same by whatever renders; `marks` says whether it writes [`MARKS`].
pub(super) fn found(marks: bool, turns: &[Turn], render: Render<'_>) -> Result<Answers, Failure> {
    if marks {
        return Ok(marked(&render(turns, false)?));
    }
    let text = render(turns, false)?;
    let mut spans = Vec::new();
    for (i, _) in turns.iter().enumerate().filter(|(_, turn)| turn.role == "assistant") {
        let through = if i + 1 == turns.len() { text.clone() } else { render(&turns[..=i], false)? };
        let before = if i == 0 { String::new() } else { render(&turns[..i], true)? };
        // A template that writes a turn otherwise once more follows it leaves nothing to compare.
        if text.starts_with(&through) && through.starts_with(&before) && before.len() < through.len() {
            spans.push(before.len()..through.len());
        }
    }
    Ok(Answers { text, spans, marked: false })
}

fn marked(marked: &str) -> Answers {
    let mut text = String::with_capacity(marked.len());
    let (mut spans, mut from) = (Vec::new(), None);
    for c in marked.chars() {
        if c == MARKS[0] {
            from = Some(text.len());
        } else if c == MARKS[1] {
            spans.extend(from.take().map(|from| from..text.len()));
        } else {
            text.push(c);
        }
    }
    spans.retain(|span| !span.is_empty());
    Answers { text, spans, marked: true }
}
