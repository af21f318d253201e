//! New rows made of others.
//!
//! What a model is given is changed: of conversations the user's turns, of instructions the instruction, of pairs the
//! source. What it is to say stays, and words that are tagged, marked or an answer stay as they are, unless only
//! their case or their names change. Names and genders change in all of a row, the same everywhere.

mod counterfactual;
mod marks;
mod noise;
mod synonyms;
mod words;

pub use counterfactual::Names;
pub use synonyms::Synonyms;

use super::edits::Edits;
use super::texts::{self, Place, Reach};
use super::work::Work;
use crate::chance::Chance;
use crate::findings::said::hash;
use anyhow::Result;
use counterfactual::Swap;
use glassworks_protocol::datasets::transform::{AugmentSpec, AugmentWay};
use glassworks_protocol::datasets::{Made, MadeHow, Mapping, Role, Row};
use std::collections::HashSet;
use std::ops::Range;

/// Word lists as they lie in `assets/synonyms`.
#[derive(Clone, Copy, Debug, Default)]
pub struct WordLists<'a> {
    /// `word<TAB>part of speech<TAB>synonym,synonym…`, a line each.
    pub synonyms: &'a str,
    /// Given names and pairs of words by language and gender, JSON.
    pub names: &'a str,
}

/// Keeps these draws apart from others of the same seed.
const AUGMENTING: u64 = 0x61_75_67;
/// How often another one is tried where a new row is one that is there.
const MOST_TRIES: u64 = 4;

/// Makes new rows of those that are learned from. One that is the same as its source or as another new one is not
/// added, and counted.
///
/// # Errors
/// When rows cannot be read or written, a word list is none, or the tick ends the work.
pub fn run(work: &mut Work<'_>, spec: &AugmentSpec, lists: WordLists<'_>) -> Result<()> {
    let augment = Augment::new(spec.way, lists)?;
    let mut seen: HashSet<u64> = HashSet::new();
    let rows: Vec<_> = work.rows.iter().copied().filter(|row| work.is_learned(*row)).collect();
    work.each(&rows, &mut |work, row, value| {
        for copy in 0..u64::from(spec.copies) {
            let new = (0..MOST_TRIES).find_map(|again| {
                let mut chance = Chance::new(&[AUGMENTING, spec.seed, u64::from(row.0), copy, again]);
                let new = augment.make(&value, work.table.mapping(), &mut chance)?;
                (new != value && seen.insert(hash(&serde_json::to_string(&new).ok()?))).then_some(new)
            });
            match new {
                Some(new) => work.add(&value, &new, Made { from: row, how: augment.how() })?,
                None => work.report.n_same += 1,
            }
        }
        Ok(())
    })
}

/// Makes rows in one way.
#[derive(Debug)]
pub struct Augment<'a> {
    way: AugmentWay,
    synonyms: Synonyms<'a>,
    names: Names,
}

impl<'a> Augment<'a> {
    /// # Errors
    /// When a word list that the way needs cannot be read.
    pub fn new(way: AugmentWay, lists: WordLists<'a>) -> Result<Self> {
        let synonyms = match way {
            AugmentWay::Synonyms(_) => Synonyms::read(lists.synonyms)?,
            _ => Synonyms::default(),
        };
        let names = match way {
            AugmentWay::Counterfactual => Names::read(lists.names)?,
            _ => Names::default(),
        };
        Ok(Self { way, synonyms, names })
    }

    #[must_use]
    pub fn how(&self) -> MadeHow {
        match self.way {
            AugmentWay::TokenDropout(_) => MadeHow::TokenDropout,
            AugmentWay::TokenSwap(_) => MadeHow::TokenSwap,
            AugmentWay::CharacterNoise(_) => MadeHow::CharacterNoise,
            AugmentWay::Synonyms(_) => MadeHow::Synonyms,
            AugmentWay::Casing => MadeHow::Casing,
            AugmentWay::Punctuation(_) => MadeHow::Punctuation,
            AugmentWay::Counterfactual => MadeHow::Counterfactual,
        }
    }

    /// Another row, if there is anything in this one to change.
    #[must_use]
    pub fn make(&self, row: &Row, mapping: &Mapping, chance: &mut Chance) -> Option<Row> {
        let mut new = row.clone();
        if self.way == AugmentWay::Counterfactual {
            let mut swap = Swap::new(&self.names, row, mapping, chance);
            let changed = texts::edit(&mut new, mapping, &Reach::Texts, &mut |_, text| swap.text(text));
            return changed.then_some(new);
        }
        let changed = texts::edit(&mut new, mapping, &Reach::Texts, &mut |place, text| {
            if is_given(place) { self.text(place, text, chance) } else { Edits::new() }
        });
        changed.then_some(new)
    }

    fn text(&self, place: Place<'_>, text: &str, chance: &mut Chance) -> Edits {
        let kept = bytes(text, place.marked);
        match self.way {
            AugmentWay::TokenDropout(share) => words::dropped(text, &kept, share, chance),
            AugmentWay::TokenSwap(share) => words::swapped(text, &kept, share, chance),
            AugmentWay::CharacterNoise(share) => noise::noisy(text, &kept, share, chance),
            AugmentWay::Synonyms(share) => self.synonyms.text(text, &kept, share, chance),
            AugmentWay::Casing => words::cased(text, chance),
            AugmentWay::Punctuation(share) => marks::changed(text, &kept, share, chance),
            AugmentWay::Counterfactual => Edits::new(),
        }
    }
}

/// Whether a text is what a model is given and a person wrote.
fn is_given(place: Place<'_>) -> bool {
    match place.role {
        Some(Role::Completion | Role::Chosen | Role::Rejected | Role::Target | Role::System) => false,
        _ => place.said_by.is_none_or(|speaker| speaker == "user"),
    }
}

/// Places in characters as ranges of bytes, in order.
fn bytes(text: &str, places: &[(usize, usize)]) -> Vec<Range<usize>> {
    if places.is_empty() {
        return Vec::new();
    }
    let at: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let range = |(start, end): &(usize, usize)| Some(*at.get(*start)?..*at.get(*end)?);
    let mut ranges: Vec<Range<usize>> = places.iter().filter_map(range).collect();
    ranges.sort_by_key(|range| range.start);
    ranges
}

/// Whether a range touches none of those that are kept.
fn is_free(range: &Range<usize>, kept: &[Range<usize>]) -> bool {
    kept.iter().all(|kept| range.end <= kept.start || kept.end <= range.start)
}

/// How many of `n` things a share is: one at least, where there are any.
fn share_of(n: usize, share: f64) -> usize {
    ((n as f64 * share.clamp(0.0, 1.0)).round() as usize).clamp(1, n.max(1)).min(n)
}

#[cfg(test)]
mod tests;
