//! Slips of the finger.

use super::{is_free, share_of};
use crate::chance::Chance;
use crate::transform::edits::Edits;
use std::ops::Range;

/// Rows of a keyboard (QWERTY); neighbours are those beside a key and above and below it.
const KEYS: [&str; 3] = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];

/// The keys around a letter.
fn neighbours(letter: char) -> Vec<char> {
    let lower = letter.to_ascii_lowercase();
    let found = KEYS.iter().enumerate().find_map(|(row, keys)| keys.find(lower).map(|at| (row, at)));
    let Some((row, at)) = found else { return Vec::new() };
    let key = |row: usize, at: usize| {
        KEYS.get(row).and_then(|keys| keys.as_bytes().get(at)).map(|key| char::from(*key))
    };
    // The rows are set off by about half a key.
    let around = [
        at.checked_sub(1).and_then(|at| key(row, at)),
        key(row, at + 1),
        row.checked_sub(1).and_then(|row| key(row, at)),
        row.checked_sub(1).and_then(|row| key(row, at + 1)),
        at.checked_sub(1).and_then(|at| key(row + 1, at)),
        key(row + 1, at),
    ];
    around
        .into_iter()
        .flatten()
        .map(|key| if letter.is_ascii_uppercase() { key.to_ascii_uppercase() } else { key })
        .collect()
}

/// With a share of its letters left out, doubled, swapped with the next, or hit beside.
pub fn noisy(text: &str, kept: &[Range<usize>], share: f64, chance: &mut Chance) -> Edits {
    let letters: Vec<(usize, char)> = text
        .char_indices()
        .filter(|(at, one)| one.is_alphabetic() && is_free(&(*at..at + one.len_utf8()), kept))
        .collect();
    let mut edits = Edits::new();
    let mut done = 0;
    for i in chance.some(share_of(letters.len(), share), letters.len()) {
        let (at, one) = letters[i];
        if at < done {
            continue;
        }
        let mut end = at + one.len_utf8();
        let next = letters.get(i + 1).filter(|(next, other)| *next == end && *other != one);
        let beside = neighbours(one);
        let with = match (chance.below(4), next) {
            (0, Some((_, other))) => {
                end += other.len_utf8();
                format!("{other}{one}")
            }
            (1, _) => format!("{one}{one}"),
            (2, _) if !beside.is_empty() => chance.pick(&beside).map_or_else(String::new, char::to_string),
            // A word of one letter stays a word.
            _ if next.is_none() && !text[..at].chars().next_back().is_some_and(char::is_alphabetic) => {
                format!("{one}{one}")
            }
            _ => String::new(),
        };
        edits.push(text, at..end, with);
        done = end;
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_lie_beside() {
        assert_eq!(neighbours('a'), ['s', 'q', 'w', 'z']);
        assert_eq!(neighbours('G'), ['F', 'H', 'T', 'Y', 'V', 'B']);
        assert_eq!(neighbours('中'), []);
    }
}
