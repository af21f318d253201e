//! From a row to tokens and labels: through the model's own template, learning what the assistant says.

use super::rows::{Content, start_of};
use crate::chat_template::{Answers, ChatTemplate, Rendering};
use crate::tokenizer::{Places, TextCodec};
use glassworks_protocol::chat::{TemplateSource, Turn};
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::train::TaskSpec;
use std::ops::Range;

/// Tokens that a piece is known by.
const PIECE_START: usize = 48;
/// What is not learned, as in transformers.
pub(super) const IGNORED: i32 = -100;

/// Tokens, and of each the label: itself, or nothing where it is not learned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    pub ids: Vec<u32>,
    pub labels: Vec<i32>,
    /// What the whole was sorted as: the place of its label among all; then no token is learned.
    pub class: Option<u32>,
}

impl Example {
    /// How many tokens are learned: the first has nothing before it. A class is one more.
    #[must_use]
    pub fn n_targets(&self) -> usize {
        let class = usize::from(self.class.is_some());
        class + self.labels.iter().skip(1).filter(|label| **label != IGNORED).count()
    }

    /// The tokens that are learned, from and to, without the first of all.
    pub(super) fn learned_spans(&self) -> Vec<(u32, u32)> {
        let mut spans: Vec<(u32, u32)> = Vec::new();
        for (at, _) in self.labels.iter().enumerate().skip(1).filter(|(_, label)| **label != IGNORED) {
            let at = at as u32;
            match spans.last_mut() {
                Some((_, to)) if *to == at => *to += 1,
                _ => spans.push((at, at + 1)),
            }
        }
        spans
    }

    pub(super) fn truncate(&mut self, most: usize) {
        self.ids.truncate(most);
        self.labels.truncate(most);
    }

    /// Pieces of at most `most` tokens, each with something to learn.
    pub(super) fn pieces(&self, most: usize) -> impl Iterator<Item = Self> {
        let parts = self.ids.chunks(most.max(1)).zip(self.labels.chunks(most.max(1)));
        let piece = |(ids, labels): (&[u32], &[i32])| Self {
            ids: ids.to_vec(),
            labels: labels.to_vec(),
            class: None,
        };
        parts.map(piece).filter(|piece| piece.n_targets() > 0)
    }
}

/// Turns rows into examples for one model.
pub struct Encoder<'a> {
    pub task: TaskSpec,
    pub codec: &'a TextCodec,
    pub template: &'a ChatTemplate,
    /// For templates that write the date; fixed for a run.
    pub now_ms: i64,
    /// The template as it has been read for many rows, where it has.
    pub rendering: Option<&'a Rendering<'a>>,
}

impl Encoder<'_> {
    /// Whether a long row is cut into pieces, not off.
    #[must_use]
    pub fn cuts_into_pieces(&self) -> bool {
        matches!(self.task, TaskSpec::Text | TaskSpec::Scratch(_))
    }

    /// # Errors
    /// Why the row cannot be learned from.
    pub fn example(&self, content: &Content) -> Result<Example, Text> {
        match (self.task, content) {
            (TaskSpec::Chat, Content::Turns(turns)) => self.conversation(turns),
            (TaskSpec::Chat, Content::Text { .. }) => Err(Text::new("train.row.no_answer")),
            (TaskSpec::Text | TaskSpec::Scratch(_), Content::Turns(turns)) => {
                let (ids, _) = self.tokens(&self.answers(turns)?)?;
                Ok(everything(ids))
            }
            (TaskSpec::Text | TaskSpec::Scratch(_), Content::Text { text, ends, .. }) => {
                self.text(text, *ends)
            }
            // Which class its label is, only all rows together can tell.
            (TaskSpec::Classification(_), Content::Text { text, label: Some(_), .. }) => self.sorted(text),
            (TaskSpec::Classification(_), _) => Err(Text::new("train.row.no_label")),
        }
    }

    /// The tokens of a row that cannot be learned from, to be looked at; `None` where it has none.
    #[must_use]
    pub fn unlearned(&self, content: &Content) -> Option<Example> {
        let ids = match content {
            Content::Turns(turns) => self.tokens(&self.answers(turns).ok()?).ok()?.0,
            Content::Text { text, .. } => self.codec.encode(text, true).ok()?,
        };
        Some(Example { labels: vec![IGNORED; ids.len()], ids, class: None })
    }

    /// A text to be sorted, by its last token.
    ///
    /// # Errors
    /// Why it cannot be.
    pub fn sorted(&self, text: &str) -> Result<Example, Text> {
        if text.trim().is_empty() {
            return Err(Text::new("train.row.empty"));
        }
        let mut ids = self.codec.encode(text, true).map_err(|e| refused(&e))?;
        // transformers looks at the last token that is no padding, and where a model has no padding its end of text
        // stands for it: what follows is not seen.
        while ids.len() > 1 && ids.last().is_some_and(|last| self.codec.eos_ids().contains(last)) {
            ids.pop();
        }
        let labels = vec![IGNORED; ids.len()];
        Ok(Example { ids, labels, class: None })
    }

    /// How a piece of a text begins.
    #[must_use]
    pub fn start(&self, ids: &[u32]) -> String {
        let some = &ids[..ids.len().min(PIECE_START)];
        start_of(&self.codec.decode(some, true).unwrap_or_default())
    }

    fn text(&self, text: &str, ends: bool) -> Result<Example, Text> {
        if text.trim().is_empty() {
            return Err(Text::new("train.row.empty"));
        }
        let mut ids = self.codec.encode(text, true).map_err(|e| refused(&e))?;
        let eos = self.codec.eos_ids();
        if ends && ids.last().is_some_and(|last| !eos.contains(last)) {
            ids.extend(eos.first());
        }
        Ok(everything(ids))
    }

    fn conversation(&self, turns: &[Turn]) -> Result<Example, Text> {
        if !turns.iter().any(|turn| turn.role == "assistant" && !turn.content.trim().is_empty()) {
            return Err(Text::new("train.row.no_answer"));
        }
        let answers = self.answers(turns)?;
        if answers.spans.is_empty() {
            return Err(Text::new("train.row.template_changes"));
        }
        let (ids, places) = self.tokens(&answers)?;
        let mut labels = vec![IGNORED; ids.len()];
        for span in &answers.spans {
            let mut learned = overlapping(&places, span);
            if !answers.marked {
                // A turn ends with its end token: what a template writes after it is not the assistant's.
                let is_end = |id: &u32| self.codec.eos_ids().contains(id);
                if let Some(last) = ids[learned.clone()].iter().rposition(is_end) {
                    learned.end = learned.start + last + 1;
                }
            }
            for i in learned {
                labels[i] = ids[i].cast_signed();
            }
        }
        let example = Example { ids, labels, class: None };
        if example.n_targets() == 0 { Err(Text::new("train.row.no_answer")) } else { Ok(example) }
    }

    fn answers(&self, turns: &[Turn]) -> Result<Answers, Text> {
        let answers = match self.rendering {
            Some(rendering) => rendering.answers(turns),
            None => self.template.answers(turns, self.codec, self.now_ms),
        };
        answers.map_err(|failure| {
            let why = Language::English.render(&failure.summary);
            Text::new("train.row.template").arg("why", why)
        })
    }

    fn tokens(&self, answers: &Answers) -> Result<(Vec<u32>, Places), Text> {
        // A fallback writes no special tokens of its own, so the tokenizer adds what it always adds.
        let add_special = matches!(self.template.source(), TemplateSource::Fallback(_));
        self.codec.encode_places(&answers.text, add_special).map_err(|e| refused(&e))
    }
}

fn refused(error: &anyhow::Error) -> Text {
    Text::new("train.row.template").arg("why", error)
}

fn everything(ids: Vec<u32>) -> Example {
    let labels = ids.iter().map(|id| id.cast_signed()).collect();
    Example { ids, labels, class: None }
}

/// The tokens that have a part in `span`: one that begins before it belongs to it too, as in transformers.
fn overlapping(places: &[(usize, usize)], span: &Range<usize>) -> Range<usize> {
    let touches = |(from, to): &(usize, usize)| *from < span.end && *to > span.start && from < to;
    let first = places.iter().position(touches).unwrap_or(0);
    let last = places.iter().rposition(touches).map_or(first, |last| last + 1);
    first..last
}
