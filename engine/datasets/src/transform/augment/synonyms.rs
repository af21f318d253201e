//! Other words that mean the same, from WordNet.

use super::words::words;
use super::{is_free, share_of};
use crate::chance::Chance;
use crate::transform::edits::Edits;
use anyhow::{Context as _, Result};
use std::collections::HashMap;
use std::ops::Range;

/// How many of a word's synonyms are used: the likeliest come first, and the last are far-fetched.
const LIKELY: usize = 3;

/// Words and what can stand for them, in the forms in which they are listed: a word in another form is left alone, for
/// its synonym would have to be bent as well.
#[derive(Debug, Default)]
pub struct Synonyms<'a>(HashMap<&'a str, Vec<&'a str>>);

impl<'a> Synonyms<'a> {
    /// Reads `word<TAB>part of speech<TAB>synonym,synonym…`.
    ///
    /// # Errors
    /// When a line is none.
    pub fn read(table: &'a str) -> Result<Self> {
        let mut all: HashMap<&str, Vec<&str>> = HashMap::new();
        for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut fields = line.split('\t');
            let (word, _, synonyms) = (fields.next(), fields.next(), fields.next());
            let (word, synonyms) = word.zip(synonyms).with_context(|| format!("no synonyms in {line:?}"))?;
            let likely = synonyms.split(',').filter(|one| *one != word && !one.is_empty()).take(LIKELY);
            all.entry(word).or_default().extend(likely);
        }
        Ok(Self(all))
    }

    /// With others in place of a share of its words, or of those that have one.
    pub fn text(&self, text: &str, kept: &[Range<usize>], share: f64, chance: &mut Chance) -> Edits {
        let all = words(text);
        let known = |(i, word): (usize, &Range<usize>)| {
            let others = self.others(text, &all, i);
            (!others.is_empty() && is_free(word, kept)).then_some((i, others))
        };
        let known: Vec<(usize, Vec<&str>)> = all.iter().enumerate().filter_map(known).collect();
        let mut edits = Edits::new();
        for i in chance.some(share_of(all.len(), share).min(known.len()), known.len()) {
            let (at, others) = &known[i];
            if let Some(other) = chance.pick(others) {
                let word = all[*at].clone();
                let with = cased_like(&text[word.clone()], other);
                edits.push(text, word, with);
            }
        }
        edits
    }

    /// What can stand in a word's place: after “a” only what begins with a consonant as the word does, after “an”
    /// only with a vowel.
    fn others(&self, text: &str, words: &[Range<usize>], i: usize) -> Vec<&'a str> {
        let word = &text[words[i].clone()];
        let is_plain = word.len() > 2 && (is_lower(word) || is_upper(word) || is_title(word));
        // A word in title case within a sentence is a name.
        let begins = || {
            let before = text[..words[i].start].trim_end();
            before.is_empty() || before.ends_with(['.', '!', '?', '\n', ':', '"', '“'])
        };
        if !is_plain || is_title(word) && !begins() {
            return Vec::new();
        }
        let article = i.checked_sub(1).map(|before| text[words[before].clone()].to_ascii_lowercase());
        let fits = |other: &&&str| match article.as_deref() {
            Some("a" | "an") => vowel(other) == vowel(word),
            _ => true,
        };
        self.0.get(&*word.to_lowercase()).into_iter().flatten().filter(fits).copied().collect()
    }
}

fn vowel(word: &str) -> bool {
    word.starts_with(|one: char| "aeiouAEIOU".contains(one))
}

fn is_lower(word: &str) -> bool {
    word.chars().all(char::is_lowercase)
}

fn is_upper(word: &str) -> bool {
    word.chars().all(char::is_uppercase)
}

fn is_title(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
        && is_lower(word.trim_start_matches(char::is_uppercase))
        && word.chars().nth(1).is_some_and(char::is_lowercase)
}

/// A word in the case of another one: upper, title, or as it is.
pub fn cased_like(model: &str, word: &str) -> String {
    if model.chars().count() > 1 && is_upper(model) {
        return word.to_uppercase();
    }
    let mut signs = word.chars();
    match signs.next() {
        Some(first) if model.starts_with(char::is_uppercase) => first.to_uppercase().chain(signs).collect(),
        _ => word.to_owned(),
    }
}
