//! Punctuation left out or repeated.

use super::{is_free, share_of};
use crate::chance::Chance;
use crate::transform::edits::Edits;
use std::ops::Range;

const MARKS: &str = ".,!?;:…。，！？；：、";

/// With a share of its marks left out or repeated. A point or comma between digits is part of a number.
pub fn changed(text: &str, kept: &[Range<usize>], share: f64, chance: &mut Chance) -> Edits {
    let in_number = |at: usize, one: char| {
        let digit = |one: Option<char>| one.is_some_and(|one| one.is_ascii_digit());
        digit(text[..at].chars().next_back()) && digit(text[at + one.len_utf8()..].chars().next())
    };
    let marks: Vec<(usize, char)> = text
        .char_indices()
        .filter(|(at, one)| {
            MARKS.contains(*one) && is_free(&(*at..at + one.len_utf8()), kept) && !in_number(*at, *one)
        })
        .collect();
    let mut edits = Edits::new();
    for i in chance.some(share_of(marks.len(), share), marks.len()) {
        let (at, one) = marks[i];
        let with =
            if chance.below(2) == 0 { String::new() } else { one.to_string().repeat(2 + chance.below(2)) };
        edits.push(text, at..at + one.len_utf8(), with);
    }
    edits
}
