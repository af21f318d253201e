//! The tokens of a capture, and how they make words, sentences, lines and turns.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A token as it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenToken {
    pub id: u32,
    /// The text that it completes: empty for the first part of a character.
    pub text: String,
    /// As the vocabulary has it.
    pub name: String,
    pub special: bool,
}

/// A turn of a conversation, with the marks that the template puts around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnSpan {
    pub role: String,
    pub tokens: Range<u32>,
}

/// What tokens are put together to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Segmenting {
    #[default]
    Token,
    Word,
    Sentence,
    Line,
    Turn,
}

/// Where segments lie: one after the other, every token in one. By what token texts say alone, and for turns by `turns`
/// (what lies between two of them is with the one before).
#[must_use]
pub fn segments(tokens: &[SeenToken], turns: &[TurnSpan], by: Segmenting) -> Vec<Range<u32>> {
    let mut begins = vec![false; tokens.len()];
    match by {
        Segmenting::Token => begins.fill(true),
        Segmenting::Turn => {
            for turn in turns {
                if let Some(begin) = begins.get_mut(turn.tokens.start as usize) {
                    *begin = true;
                }
            }
        }
        Segmenting::Word | Segmenting::Sentence | Segmenting::Line => {
            let mut before = "";
            for (at, token) in tokens.iter().enumerate() {
                let other = at > 0 && (token.special || tokens[at - 1].special);
                begins[at] = other || begins_after(before, &token.text, by);
                // Parts of a character have no text: they go on with what they complete.
                if !token.text.is_empty() {
                    before = &token.text;
                }
            }
        }
    }
    if let Some(first) = begins.first_mut() {
        *first = true;
    }
    let starts: Vec<u32> =
        begins.iter().enumerate().filter(|(_, begin)| **begin).map(|(at, _)| at as u32).collect();
    let ends = starts.iter().skip(1).copied().chain([tokens.len() as u32]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

/// Whether a segment begins with `text`, which comes after `before`.
fn begins_after(before: &str, text: &str, by: Segmenting) -> bool {
    match by {
        Segmenting::Line => before.ends_with('\n'),
        Segmenting::Sentence => {
            let said = before.trim_end();
            let ended = said.ends_with(['。', '！', '？'])
                || said.ends_with(['.', '!', '?', '…'])
                    && (before != said || text.starts_with(char::is_whitespace));
            ended || before.ends_with('\n')
        }
        _ => match (before.chars().next_back(), text.chars().next()) {
            (Some(last), Some(first)) => !(is_word(last) && is_word(first)),
            _ => false,
        },
    }
}

/// Letters, digits and what joins them; scripts without spaces between words are taken character by character.
fn is_word(c: char) -> bool {
    let alone = matches!(c, '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}');
    !alone && (c.is_alphanumeric() || c == '\'' || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(texts: &[&str], by: Segmenting, expected: &[&str]) {
        let token = |text: &&str| SeenToken {
            id: 0,
            text: (*text).to_owned(),
            name: (*text).to_owned(),
            special: text.starts_with('<'),
        };
        let tokens: Vec<SeenToken> = texts.iter().map(token).collect();
        let found: Vec<String> = segments(&tokens, &[], by)
            .into_iter()
            .map(|range| texts[range.start as usize..range.end as usize].concat())
            .collect();
        assert_eq!(found, expected, "{by:?}");
    }

    #[test]
    fn tokens_make_words_sentences_and_lines() {
        let texts = ["<s>", "It", " did", "n", "'t", " rain", ".", " Why", "?", "\n", "No", " one", "."];
        check(
            &texts,
            Segmenting::Word,
            &["<s>", "It", " didn't", " rain", ".", " Why", "?", "\n", "No", " one", "."],
        );
        check(&texts, Segmenting::Sentence, &["<s>", "It didn't rain.", " Why?", "\n", "No one."]);
        check(&texts, Segmenting::Line, &["<s>", "It didn't rain. Why?\n", "No one."]);
        check(&texts, Segmenting::Token, &texts);
        check(&["", "", "玻", "璃。", "好"], Segmenting::Sentence, &["玻璃。", "好"]);
        check(&["3", ".", "14"], Segmenting::Sentence, &["3.14"]);
        check(&[], Segmenting::Word, &[]);
    }

    #[test]
    fn turns_take_what_lies_behind_them() {
        let token = SeenToken { id: 0, text: "a".to_owned(), name: "a".to_owned(), special: false };
        let tokens = vec![token; 9];
        let turn = |tokens| TurnSpan { role: "user".to_owned(), tokens };
        assert_eq!(segments(&tokens, &[turn(2..4), turn(5..9)], Segmenting::Turn), [0..2, 2..5, 5..9]);
        let whole = segments(&tokens, &[], Segmenting::Turn);
        assert_eq!((whole.len(), whole.first()), (1, Some(&(0..9))));
    }
}
