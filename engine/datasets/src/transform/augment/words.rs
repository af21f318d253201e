//! Words left out, neighbours that change places, and other cases.

use super::{is_free, share_of};
use crate::chance::Chance;
use crate::transform::edits::Edits;
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation as _;

/// Where words stand (Unicode Standard Annex 29: every Chinese character is one).
pub fn words(text: &str) -> Vec<Range<usize>> {
    text.unicode_word_indices().map(|(at, word)| at..at + word.len()).collect()
}

/// Without a share of its words, each with the space before or after it. One stays.
pub fn dropped(text: &str, kept: &[Range<usize>], share: f64, chance: &mut Chance) -> Edits {
    let all = words(text);
    let free: Vec<&Range<usize>> = all.iter().filter(|word| is_free(word, kept)).collect();
    let most = if free.len() == all.len() { free.len().saturating_sub(1) } else { free.len() };
    let mut edits = Edits::new();
    let mut from = 0;
    for i in chance.some(share_of(free.len(), share).min(most), free.len()) {
        let word = free[i];
        let space = |byte: Option<&u8>| byte == Some(&b' ');
        let (mut start, mut end) = (word.start, word.end);
        if word.start > from && space(text.as_bytes().get(word.start.wrapping_sub(1))) {
            start -= 1;
        } else if space(text.as_bytes().get(word.end)) {
            end += 1;
        }
        edits.push(text, start..end, "");
        from = end;
    }
    edits
}

/// With neighbours changed, as many words as the share says.
pub fn swapped(text: &str, kept: &[Range<usize>], share: f64, chance: &mut Chance) -> Edits {
    let all = words(text);
    // Neighbours with one space between them, or none: words of one clause.
    let near = |i: &usize| {
        let between = &text[all[*i].end..all[i + 1].start];
        (between.is_empty() || between == " ")
            && is_free(&(all[*i].start..all[i + 1].end), kept)
            && text[all[*i].clone()] != text[all[i + 1].clone()]
    };
    let mut pairs: Vec<usize> = (0..all.len().saturating_sub(1)).filter(near).collect();
    chance.shuffle(&mut pairs);
    let n = share_of(all.len(), share).div_ceil(2);
    let mut chosen: Vec<usize> = Vec::new();
    for pair in pairs {
        if chosen.len() < n && chosen.iter().all(|other| other.abs_diff(pair) > 1) {
            chosen.push(pair);
        }
    }
    chosen.sort_unstable();
    let mut edits = Edits::new();
    for i in chosen {
        edits.push(text, all[i].clone(), &text[all[i + 1].clone()]);
        edits.push(text, all[i + 1].clone(), &text[all[i].clone()]);
    }
    edits
}

/// In upper, lower or title case: one that it isn't in.
pub fn cased(text: &str, chance: &mut Chance) -> Edits {
    let first = chance.below(3);
    let cases = (0..3).map(|i| case(text, (first + i) % 3));
    cases.into_iter().find(|edits| !edits.is_empty()).unwrap_or_default()
}

fn case(text: &str, which: usize) -> Edits {
    let mut edits = Edits::new();
    let mut begins = true;
    for (at, one) in text.char_indices() {
        let upper = match which {
            0 => true,
            1 => false,
            _ => begins,
        };
        // A title's words begin after spaces and hyphens, not after an apostrophe.
        begins = one.is_whitespace() || matches!(one, '-' | '(' | '"' | '“' | '/');
        let new: String = if upper { one.to_uppercase().collect() } else { one.to_lowercase().collect() };
        edits.push(text, at..at + one.len_utf8(), new);
    }
    edits
}
