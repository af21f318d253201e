//! How many tokens are learned of each answer, and where in it the model's limit falls.

use super::turns::role_of;
use glassworks_protocol::datasets::measure::{SeenRow, SeenToken};
use serde_json::Value;
use std::ops::Range;

/// What the model sees of a turn that it learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaidTurn {
    /// Learned ones, the end of the turn included.
    pub n_tokens: usize,
    /// From this character on nothing is seen.
    pub cut: Option<usize>,
}

/// For each turn of a conversation, where the tokens tell it: one stretch of learned tokens for each answer.
#[must_use]
pub fn said_turns(seen: Option<&SeenRow>, turns: &[Value]) -> Vec<Option<SaidTurn>> {
    let Some(seen) = seen else { return Vec::new() };
    let stretches = learned(&seen.tokens);
    let answers = turns.iter().filter(|turn| role_of(turn) == "assistant").count();
    if answers != stretches.len() {
        return Vec::new();
    }
    let mut stretches = stretches.into_iter();
    let one = |turn: &Value| {
        let stretch = (role_of(turn) == "assistant").then(|| stretches.next()).flatten()?;
        let text = turn.get("content").and_then(Value::as_str).unwrap_or_default();
        Some(said(seen, stretch, text))
    };
    turns.iter().map(one).collect()
}

/// The same of a row with one answer.
#[must_use]
pub fn said_once(seen: Option<&SeenRow>, text: &str) -> Option<SaidTurn> {
    let seen = seen?;
    match learned(&seen.tokens).as_slice() {
        [one] => Some(said(seen, one.clone(), text)),
        _ => None,
    }
}

fn said(seen: &SeenRow, stretch: Range<usize>, text: &str) -> SaidTurn {
    let n_tokens = stretch.len();
    let n_kept = seen.n_kept as usize;
    let is_cut = !seen.in_pieces && n_kept < stretch.end;
    SaidTurn { n_tokens, cut: is_cut.then(|| cut(seen, stretch, n_kept, text)).flatten() }
}

/// Where the text is cut, if what is kept of its tokens is the beginning of it.
fn cut(seen: &SeenRow, stretch: Range<usize>, n_kept: usize, text: &str) -> Option<usize> {
    let kept = &seen.tokens[stretch.start..n_kept.clamp(stretch.start, stretch.end)];
    let kept: String = kept.iter().filter(|one| !one.special).map(|one| one.text.as_str()).collect();
    // A part of a character stands before the whole one. Templates trim, or put a newline before.
    let kept = kept.replace('\u{fffd}', "");
    let kept = kept.trim_start();
    let lead = text.len() - text.trim_start().len();
    let begins = text[lead..].starts_with(kept);
    let n_chars = text[..lead].chars().count() + kept.chars().count();
    (begins && n_chars < text.trim_end().chars().count()).then_some(n_chars)
}

/// Stretches of learned tokens.
#[must_use]
pub fn learned(tokens: &[SeenToken]) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match all.last_mut() {
            Some(last) if token.learned && last.end == at => last.end += 1,
            _ if token.learned => all.push(at..at + 1),
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::turns::turn_of;
    use super::*;
    use glassworks_protocol::datasets::RowId;

    fn seen(tokens: &[(&str, bool)], n_kept: u32) -> SeenRow {
        let token = |(text, learned): &(&str, bool)| SeenToken {
            id: 1,
            text: (*text).to_owned(),
            special: text.starts_with('<'),
            learned: *learned,
        };
        SeenRow {
            row: RowId(0),
            tokens: tokens.iter().map(token).collect(),
            n_targets: 0,
            n_kept,
            n_kept_targets: 0,
            max_length: n_kept,
            in_pieces: false,
            problem: None,
        }
    }

    #[test]
    fn answers_are_counted_and_the_limit_found_in_them() {
        let tokens = [
            ("<u>", false),
            ("Hi", false),
            ("<a>", false),
            ("Hello", true),
            ("\u{fffd} 你好", true),
            ("<e>", true),
        ];
        let turns = [turn_of("user", "Hi"), turn_of("assistant", "Hello 你好")];
        let whole = said_turns(Some(&seen(&tokens, 6)), &turns);
        assert_eq!(whole, [None, Some(SaidTurn { n_tokens: 3, cut: None })]);
        let cut = said_turns(Some(&seen(&tokens, 4)), &turns);
        assert_eq!(cut[1], Some(SaidTurn { n_tokens: 3, cut: Some(5) }));
        let all = said_turns(Some(&seen(&tokens, 2)), &turns);
        assert_eq!(all[1].unwrap().cut, Some(0));
        // Only the end is cut off: all of the text is seen.
        assert_eq!(said_turns(Some(&seen(&tokens, 5)), &turns)[1].unwrap().cut, None);
        // Tokens of another text tell nothing about where.
        let other = [turn_of("user", "Hi"), turn_of("assistant", "Goodbye")];
        assert_eq!(said_turns(Some(&seen(&tokens, 4)), &other)[1].unwrap().cut, None);
        assert!(said_turns(Some(&seen(&tokens, 4)), &turns[..1]).is_empty());
        assert_eq!(said_once(Some(&seen(&tokens, 4)), "Hello 你好").unwrap().cut, Some(5));
    }
}
