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

impl ChatTemplate {
    /// The text of a whole conversation and the places of its answers, with what ends them.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn answers(&self, turns: &[Turn], codec: &TextCodec, now_ms: i64) -> Result<Answers, Failure> {
        if parse::marks_answers(&self.default) {
            return self.marked_answers(turns, codec, now_ms);
        }
        let render = |n: usize, add_generation_prompt: bool| {
            let options = TemplateOptions { add_generation_prompt, ..TemplateOptions::default() };
            self.render(&turns[..n], &options, codec, now_ms)
        };
        let text = render(turns.len(), false)?;
        let mut spans = Vec::new();
        for (i, _) in turns.iter().enumerate().filter(|(_, turn)| turn.role == "assistant") {
            let through = if i + 1 == turns.len() { text.clone() } else { render(i + 1, false)? };
            let before = if i == 0 { String::new() } else { render(i, true)? };
            // A template that writes a turn otherwise once more follows it leaves nothing to compare.
            if text.starts_with(&through) && through.starts_with(&before) && before.len() < through.len() {
                spans.push(before.len()..through.len());
            }
        }
        Ok(Answers { text, spans, marked: false })
    }

    fn marked_answers(&self, turns: &[Turn], codec: &TextCodec, now_ms: i64) -> Result<Answers, Failure> {
        let options = TemplateOptions { add_generation_prompt: false, ..TemplateOptions::default() };
        let marked = self.render_as(turns, &options, codec, now_ms, render::Answers::Marked)?;
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
        Ok(Answers { text, spans, marked: true })
    }
}
