//! Names and genders changed for the other: the same sentence about somebody else.
//!
//! English words are found as they stand, Chinese ones by the longest that matches. A name is changed for the same
//! other name throughout a row, and never for one that is in it already.

use super::synonyms::cased_like;
use super::words::words;
use crate::chance::Chance;
use crate::transform::edits::Edits;
use crate::transform::texts::{self, Reach};
use anyhow::{Context as _, Result};
use glassworks_protocol::datasets::{Mapping, Row};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Men's forms that are used of anybody, or mean something else: only their women's forms are changed.
const OF_ANYBODY: [&str; 14] = [
    "count",
    "host",
    "hosts",
    "master",
    "author",
    "poet",
    "conductor",
    "sculptor",
    "bull",
    "ram",
    "drake",
    "god",
    "lord",
    "guys",
];
/// Names that are words too: at the beginning of a sentence they may be those.
const WORDS_TOO: [&str; 12] =
    ["Mark", "Grace", "Rose", "Frank", "Jack", "Drew", "Pat", "Sage", "Robin", "Victor", "Lee", "Parker"];
/// What follows “her” where it is no possessive.
const AFTER_OBJECT: [&str; 58] = [
    "and",
    "or",
    "but",
    "to",
    "in",
    "on",
    "at",
    "for",
    "with",
    "from",
    "by",
    "that",
    "because",
    "when",
    "if",
    "as",
    "the",
    "a",
    "an",
    "is",
    "was",
    "again",
    "then",
    "so",
    "very",
    "about",
    "up",
    "down",
    "out",
    "off",
    "over",
    "into",
    "of",
    "before",
    "after",
    "while",
    "who",
    "what",
    "how",
    "where",
    "why",
    "not",
    "yesterday",
    "today",
    "tomorrow",
    "here",
    "there",
    "now",
    "too",
    "through",
    "until",
    "since",
    "this",
    "his",
    "my",
    "your",
    "during",
    "without",
];
/// Family names before which a given name is one. Those that are words as well are not among them.
const FAMILIES: &str = "王李张刘陈杨赵周吴徐孙胡朱郭罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎潘戴夏钟汪田任姜范姚谭廖邹熊陆郝孔崔邱秦江史顾侯邵孟龙段雷钱汤";
/// Words in which 他 is not somebody.
const OTHERS: [&str; 8] = ["其他", "吉他", "他人", "他国", "他乡", "利他", "排他", "他日"];

/// Names and pairs of words by gender.
#[derive(Debug, Default)]
pub struct Names {
    english: HashMap<String, String>,
    chinese: HashMap<String, String>,
    longest: usize,
    /// Where a name stands: its list.
    lists: HashMap<String, usize>,
    /// Each with the list that its names are changed for.
    pools: Vec<Vec<String>>,
    others: Vec<usize>,
}

impl Names {
    /// Reads `{"en": {"names": {"male": […], "female": […], "neutral": […]}, "pairs": [{"male", "female"}, …]}, "zh": …}`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn read(json: &str) -> Result<Self> {
        let all: Value = serde_json::from_str(json).context("reading names")?;
        let mut names = Self::default();
        for language in ["en", "zh"] {
            let of = all.get(language).with_context(|| format!("no names for {language}"))?;
            let base = names.pools.len();
            for (i, gender) in ["male", "female", "neutral"].into_iter().enumerate() {
                let list = of.get("names").and_then(|names| names.get(gender)).and_then(Value::as_array);
                let list: Vec<String> =
                    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
                names.lists.extend(list.iter().map(|name| (name.clone(), base + i)));
                names.pools.push(list);
                names.others.push(base + [1, 0, 2][i]);
            }
            let pairs = of.get("pairs").and_then(Value::as_array).context("no pairs of words")?;
            for pair in pairs {
                let word = |gender: &str| pair.get(gender).and_then(Value::as_str);
                if let Some((male, female)) = word("male").zip(word("female")) {
                    names.pair(language == "zh", male, female);
                }
            }
        }
        names.longest = names.chinese.keys().map(|word| word.chars().count()).max().unwrap_or(0);
        Ok(names)
    }

    /// The first partner of a word is its likeliest.
    fn pair(&mut self, chinese: bool, male: &str, female: &str) {
        let words = if chinese { &mut self.chinese } else { &mut self.english };
        // Of single characters only 他 and 她 always mean what they say.
        if chinese && male.chars().count() == 1 && male != "他" {
            return;
        }
        if chinese || !OF_ANYBODY.contains(&male) {
            words.entry(male.to_owned()).or_insert_with(|| female.to_owned());
        }
        words.entry(female.to_owned()).or_insert_with(|| male.to_owned());
    }
}

/// The changes in one row.
#[derive(Debug)]
pub struct Swap<'a> {
    names: &'a Names,
    partners: BTreeMap<String, String>,
}

/// A name or a word in a text.
struct Hit<'t> {
    at: usize,
    word: &'t str,
    is_name: bool,
}

impl<'a> Swap<'a> {
    pub fn new(names: &'a Names, row: &Row, mapping: &Mapping, chance: &mut Chance) -> Self {
        let mut found: Vec<String> = Vec::new();
        texts::each(row, mapping, &Reach::Texts, &mut |text| {
            for hit in names.hits(text).into_iter().filter(|hit| hit.is_name) {
                let name = known_name(names, hit.word);
                if let Some(name) = name.filter(|name| !found.contains(name)) {
                    found.push(name);
                }
            }
        });
        let mut used: HashSet<String> = found.iter().cloned().collect();
        let mut partners = BTreeMap::new();
        for name in found {
            let pool = names.lists.get(&name).map(|list| &names.pools[names.others[*list]]);
            // Chinese names keep their length.
            let alike = |other: &&String| {
                !used.contains(*other) && (name.is_ascii() || name.chars().count() == other.chars().count())
            };
            let free: Vec<&String> = pool.into_iter().flatten().filter(alike).collect();
            if let Some(partner) = chance.pick(&free) {
                used.insert((*partner).clone());
                partners.insert(name, (*partner).clone());
            }
        }
        Self { names, partners }
    }

    pub fn text(&mut self, text: &str) -> Edits {
        let mut edits = Edits::new();
        for hit in self.names.hits(text) {
            let at = hit.at..hit.at + hit.word.len();
            let with = if hit.is_name {
                known_name(self.names, hit.word).and_then(|name| self.partners.get(&name)).cloned()
            } else {
                self.names.partner(text, &hit)
            };
            if let Some(with) = with {
                edits.push(text, at, cased_like(hit.word, &with));
            }
        }
        edits
    }
}

/// A name as it is listed: `JOHN` is John.
fn known_name(names: &Names, word: &str) -> Option<String> {
    if names.lists.contains_key(word) {
        return Some(word.to_owned());
    }
    let title = cased_like("Ab", &word.to_lowercase());
    (word.chars().count() > 1 && word.chars().all(char::is_uppercase) && names.lists.contains_key(&title))
        .then_some(title)
}

impl Names {
    fn hits<'t>(&self, text: &'t str) -> Vec<Hit<'t>> {
        let mut hits = Vec::new();
        let mut done = 0;
        for word in words(text) {
            if word.start < done {
                continue;
            }
            let here = &text[word.clone()];
            if here.chars().next().is_some_and(is_chinese) {
                if let Some(hit) = self.chinese_hit(text, word.start) {
                    done = hit.at + hit.word.len();
                    hits.push(hit);
                }
                continue;
            }
            let bare = here.strip_suffix("'s").or_else(|| here.strip_suffix("’s")).unwrap_or(here);
            let named = known_name(self, bare)
                .is_some_and(|name| !(WORDS_TOO.contains(&name.as_str()) && begins(text, word.start)));
            let titled = bare.starts_with(char::is_uppercase);
            // "miss" is a verb too.
            let paired = self.english.contains_key(&bare.to_lowercase()) && (bare != "miss" || titled);
            if named || paired {
                hits.push(Hit { at: word.start, word: bare, is_name: named });
            }
        }
        hits
    }

    /// The longest word here, or a given name behind a family name, or one of two characters by itself.
    fn chinese_hit<'t>(&self, text: &'t str, at: usize) -> Option<Hit<'t>> {
        let ends: Vec<usize> = text[at..]
            .char_indices()
            .map(|(i, one)| at + i + one.len_utf8())
            .take(self.longest.max(3))
            .collect();
        let is_other = OTHERS.iter().any(|other| overlaps(text, at, other));
        for end in ends.iter().rev() {
            let word = &text[at..*end];
            if self.chinese.contains_key(word) && !is_other {
                return Some(Hit { at, word, is_name: false });
            }
        }
        let first = text[at..].chars().next()?;
        let after_family = text[..at].chars().next_back().is_some_and(|family| FAMILIES.contains(family));
        let n_least = if after_family { 1 } else { 2 };
        if FAMILIES.contains(first) && !after_family {
            return None;
        }
        let name = ends.iter().enumerate().rev().map(|(i, end)| (i + 1, &text[at..*end]));
        let name = name
            .filter(|(n, word)| *n >= n_least && *n <= 2 && self.lists.contains_key(*word))
            .map(|(_, word)| word)
            .next()?;
        Some(Hit { at, word: name, is_name: true })
    }

    /// A word's partner, by what it does in its sentence where it could be two.
    fn partner(&self, text: &str, hit: &Hit<'_>) -> Option<String> {
        if let Some(partner) = self.chinese.get(hit.word) {
            return Some(partner.clone());
        }
        let rest = text[hit.at + hit.word.len()..].strip_prefix([' ', '\u{a0}']);
        let next = rest.map(|rest| {
            rest.split(|one: char| !one.is_alphanumeric() && one != '\'')
                .next()
                .unwrap_or_default()
                .to_lowercase()
        });
        let possesses = next.is_some_and(|next| !next.is_empty() && !AFTER_OBJECT.contains(&next.as_str()));
        match hit.word.to_lowercase().as_str() {
            "her" => Some(if possesses { "his" } else { "him" }.to_owned()),
            "his" => Some(if possesses { "her" } else { "hers" }.to_owned()),
            word => self.english.get(word).cloned(),
        }
    }
}

fn is_chinese(one: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&one)
}

/// Whether a word of two characters stands over the place.
fn overlaps(text: &str, at: usize, word: &str) -> bool {
    let first = word.chars().next().map_or(0, char::len_utf8);
    text[at..].starts_with(word)
        || at.checked_sub(first).and_then(|from| text.get(from..)).is_some_and(|here| here.starts_with(word))
}

/// Whether a sentence begins here.
fn begins(text: &str, at: usize) -> bool {
    let before = text[..at].trim_end();
    before.is_empty() || before.ends_with(['.', '!', '?', '\n', ':', '"', '“', '。', '！', '？', '：'])
}
