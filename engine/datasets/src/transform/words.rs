//! Words with tags: they are changed as one text, with single spaces, and taken apart again so that every word keeps
//! its tag.

use super::edits::Edits;
use super::texts::{Editor, Place};
use glassworks_protocol::datasets::marks::repaired_tags;
use glassworks_protocol::datasets::{Role, Row};
use serde_json::Value;
use std::ops::Range;

/// Changes a row's words; whether any changed.
pub fn edit(row: &mut Row, tokens: &str, tags: Option<&str>, editor: &mut Editor<'_>) -> bool {
    let Some(words) = row.get(tokens).and_then(Value::as_array).and_then(|words| strings(words)) else {
        return false;
    };
    let tag_list = tags.and_then(|tags| row.get(tags)).and_then(Value::as_array);
    let marked = tag_list.map(|tags| tagged(&words, tags)).unwrap_or_default();
    let joined = words.join(" ");
    let edits = editor(Place { role: Some(Role::Tokens), said_by: None, marked: &marked }, &joined);
    let changes = changes(&words, &joined, &edits);
    // Tags that are numbers cannot be mended, so that no word may go.
    let named = tag_list.is_none_or(|tags| tags.len() == words.len() && tags.iter().all(Value::is_string));
    let mut kept: Vec<Option<String>> = words.iter().map(|word| Some((*word).to_owned())).collect();
    for change in changes {
        let n = change.words.len();
        for (i, word) in change.words.clone().enumerate() {
            let new = match &change.with[..] {
                [] if named => None,
                [] => kept[word].take(),
                with if with.len() == n => Some(with[i].clone()),
                with if i == 0 || !named => Some(with.join(" ")),
                _ => None,
            };
            kept[word] = new;
        }
    }
    if kept.iter().map(Option::as_deref).eq(words.iter().map(|word| Some(*word))) {
        return false;
    }
    let stays: Vec<bool> = kept.iter().map(Option::is_some).collect();
    let words = kept.into_iter().flatten().map(Value::String).collect();
    row.insert(tokens.to_owned(), Value::Array(words));
    if let Some(list) = tags.and_then(|tags| row.get_mut(tags)).and_then(Value::as_array_mut)
        && stays.contains(&false)
    {
        let mut stay = stays.iter();
        list.retain(|_| stay.next().is_none_or(|stays| *stays));
        let left: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
        if left.len() == list.len() {
            *list = repaired_tags(&left).into_iter().map(Value::String).collect();
        }
    }
    true
}

fn strings(words: &[Value]) -> Option<Vec<&str>> {
    words.iter().map(Value::as_str).collect()
}

/// Where words that are tagged stand among the joined ones, in characters.
fn tagged(words: &[&str], tags: &[Value]) -> Vec<(usize, usize)> {
    let mut at = 0;
    let mut places = Vec::new();
    for (word, tag) in words.iter().zip(tags) {
        let end = at + word.chars().count();
        let outside = tag.as_str() == Some("O") || tag.as_u64() == Some(0);
        if !outside {
            places.push((at, end));
        }
        at = end + 1;
    }
    places
}

/// Words that change together, and what they become.
struct Change {
    words: Range<usize>,
    with: Vec<String>,
}

/// Which words the edits touch: those touched by one edit change together. An edit of the space between two words
/// alone is none.
fn changes(words: &[&str], joined: &str, edits: &Edits) -> Vec<Change> {
    let mut places: Vec<Range<usize>> = Vec::with_capacity(words.len());
    for word in words {
        let start = places.last().map_or(0, |last| last.end + 1);
        places.push(start..start + word.len());
    }
    let touches = |edit: &Range<usize>, word: &Range<usize>| {
        if edit.is_empty() {
            word.contains(&edit.start) || edit.start == word.end
        } else {
            edit.start < word.end && word.start < edit.end
        }
    };
    let mut changes: Vec<(Range<usize>, Edits)> = Vec::new();
    for edit in edits.iter() {
        let first = places.iter().position(|word| touches(&edit.at, word));
        let Some(first) = first else { continue };
        let mut end = first + 1;
        while !edit.at.is_empty() && end < places.len() && touches(&edit.at, &places[end]) {
            end += 1;
        }
        // What lies in the space around them stays outside.
        let within = edit.at.start.max(places[first].start)..edit.at.end.min(places[end - 1].end);
        match changes.last_mut() {
            Some((words, edits)) if first < words.end => {
                words.end = words.end.max(end);
                edits.push(joined, within, edit.with.clone());
            }
            _ => {
                let mut edits = Edits::new();
                edits.push(joined, within, edit.with.clone());
                changes.push((first..end, edits));
            }
        }
    }
    let become_ = |(words, edits): (Range<usize>, Edits)| {
        let from = places[words.start].start..places[words.end - 1].end;
        let mut inside = Edits::new();
        for edit in edits.iter() {
            inside.push(
                &joined[from.clone()],
                edit.at.start - from.start..edit.at.end - from.start,
                edit.with.clone(),
            );
        }
        let text = inside.apply(&joined[from]);
        // A word that has spaces stays one.
        let with = match text.trim() {
            "" => Vec::new(),
            one if words.len() == 1 => vec![one.to_owned()],
            several => several.split_whitespace().map(str::to_owned).collect(),
        };
        Change { words, with }
    };
    changes.into_iter().map(become_).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Replaces one thing by another in words and shows what is left.
    fn check(words: &Value, tags: &Value, find: &str, with: &str, expected: &Value) {
        let mut row = Row::new();
        row.insert("w".to_owned(), words.clone());
        row.insert("t".to_owned(), tags.clone());
        edit(&mut row, "w", Some("t"), &mut |_, text| {
            let mut edits = Edits::new();
            for (at, found) in text.match_indices(find) {
                edits.push(text, at..at + found.len(), with);
            }
            edits
        });
        assert_eq!(json!([row["w"], row["t"]]), *expected);
    }

    #[test]
    fn every_word_keeps_its_tag() {
        let words = json!(["call", "New", "York", "now"]);
        let tags = json!(["O", "B-LOC", "I-LOC", "O"]);
        check(&words, &tags, "York", "Orleans", &json!([["call", "New", "Orleans", "now"], tags]));
        check(&words, &tags, "New York", "Los Angeles", &json!([["call", "Los", "Angeles", "now"], tags]));
        check(&words, &tags, "New York", "Rome", &json!([["call", "Rome", "now"], ["O", "B-LOC", "O"]]));
        check(&words, &tags, "New ", "", &json!([["call", "York", "now"], ["O", "B-LOC", "O"]]));
        check(&words, &tags, " ", "_", &json!([words, tags]));
        check(&words, &tags, "ll New Yo", "x", &json!([["caxrk", "now"], ["O", "O"]]));
    }

    #[test]
    fn tags_that_are_numbers_stay_as_many() {
        let (words, tags) = (json!(["New", "York"]), json!([1, 2]));
        check(&words, &tags, "New York", "Rome", &json!([["Rome", "Rome"], tags]));
        check(&words, &tags, "York", "", &json!([["New", "York"], tags]));
    }
}
