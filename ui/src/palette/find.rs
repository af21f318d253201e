//! Fuzzy search over the palette's entries.

use super::entries::{Entry, Target};
use crate::command::UiCommand;

pub(super) struct Found {
    pub index: usize,
    /// Which letters of the name matched.
    pub letters: Vec<usize>,
}

/// The entries for `query`, best first; without one the recent ones, then the table's order.
pub(super) fn find(entries: &[Entry], query: &str, recent: &[UiCommand]) -> Vec<Found> {
    let rank = |e: &Entry| match e.target {
        Target::Command(c) => recent.iter().position(|r| *r == c).unwrap_or(recent.len()),
        _ => recent.len(),
    };
    let mut found: Vec<(i32, usize, Found)> = entries
        .iter()
        .enumerate()
        .filter(|(_, e)| !query.is_empty() || !matches!(e.target, Target::Chat(_)))
        .filter_map(|(index, e)| {
            if query.is_empty() {
                return Some((0, rank(e), Found { index, letters: Vec::new() }));
            }
            let (score, letters) = fuzzy(query, &e.name)
                .or_else(|| fuzzy(query, &e.other).map(|(score, _)| (score - 20, Vec::new())))?;
            Some((-score, rank(e), Found { index, letters }))
        })
        .collect();
    found.sort_by_key(|(score, rank, _)| (*score, *rank));
    found.into_iter().map(|(_, _, f)| f).take(60).collect()
}

/// Whether the letters of `query` stand in `name` in this order, how well, and where.
fn fuzzy(query: &str, name: &str) -> Option<(i32, Vec<usize>)> {
    let lower = |c: char| c.to_lowercase().next().unwrap_or(c);
    let name: Vec<char> = name.chars().collect();
    let query: Vec<char> = query.chars().filter(|c| !c.is_whitespace()).map(lower).collect();
    let first = *query.first()?;
    let starts = (0..name.len()).filter(|i| lower(name[*i]) == first);
    starts.filter_map(|start| match_from(&query, &name, start)).max_by_key(|(score, _)| *score)
}

fn match_from(query: &[char], name: &[char], start: usize) -> Option<(i32, Vec<usize>)> {
    let lower = |c: char| c.to_lowercase().next().unwrap_or(c);
    let begins_word = |i: usize| i == 0 || !name[i - 1].is_alphanumeric();
    let mut letters = Vec::with_capacity(query.len());
    let mut score = if start == 0 { 8 } else { 0 };
    let mut at = start;
    for wanted in query {
        // A word's first letter is preferred over a letter in the middle of one, unless it follows directly.
        let next = (at..name.len()).find(|i| lower(name[*i]) == *wanted)?;
        let better = (at..name.len()).find(|i| lower(name[*i]) == *wanted && begins_word(*i));
        let i = match better {
            Some(word) if next != at && word != next => word,
            _ => next,
        };
        if letters.last().is_some_and(|last| last + 1 == i) {
            score += 6;
        }
        if begins_word(i) {
            score += 5;
        }
        score -= (i - at).min(4) as i32;
        letters.push(i);
        at = i + 1;
    }
    Some((score - (name.len() / 16) as i32, letters))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, name: &str, letters: Option<&[usize]>) {
        let got = fuzzy(query, name).map(|(_, letters)| letters);
        assert_eq!(got.as_deref(), letters, "{query} in {name}");
    }

    #[test]
    fn letters_are_found_in_order() {
        check("dark", "Dark theme", Some(&[0, 1, 2, 3]));
        check("dt", "Dark theme", Some(&[0, 5]));
        check("new chat", "New chat", Some(&[0, 1, 2, 4, 5, 6, 7]));
        check("主题", "深色主题", Some(&[2, 3]));
        check("xyz", "Dark theme", None);
        check("dd", "Dark theme", None);
    }

    #[test]
    fn whole_words_win() {
        let score = |query, name| fuzzy(query, name).map_or(i32::MIN, |(score, _)| score);
        assert!(score("chat", "New chat") > score("chat", "Catch what"));
        assert!(score("new", "New chat") > score("new", "Rename wall"));
    }
}
