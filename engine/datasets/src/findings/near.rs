//! Groups of texts that are nearly the same: candidates by MinHash, each verified, joined.

use super::minhash::{Bands, fold, jaccard, plain, shingles, signature};
use crate::Tick;
use crate::steps::{self, Pace};
use anyhow::Result;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// Hands out text `i` of those that are compared.
pub type TextAt<'a> = &'a mut dyn FnMut(usize, &mut String) -> Result<()>;

/// Sets of things that belong together.
#[derive(Clone, Debug)]
pub struct Together(Vec<u32>);

impl Together {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self((0..n as u32).collect())
    }

    /// The first of those that `one` belongs to.
    pub fn first(&mut self, one: u32) -> u32 {
        let mut root = one;
        while self.0[root as usize] != root {
            root = self.0[root as usize];
        }
        let mut at = one;
        while at != root {
            at = std::mem::replace(&mut self.0[at as usize], root);
        }
        root
    }

    pub fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.first(a), self.first(b));
        // The lower one stays the first.
        self.0[a.max(b) as usize] = a.min(b);
    }

    /// Those of two and more, by their first ones, each in order.
    pub fn groups(&mut self) -> Vec<Vec<u32>> {
        let mut groups: Vec<Vec<u32>> = Vec::new();
        let mut places: HashMap<u32, usize> = HashMap::new();
        for one in 0..self.0.len() as u32 {
            let first = self.first(one);
            if first == one {
                continue;
            }
            let place = *places.entry(first).or_insert_with(|| {
                groups.push(vec![first]);
                groups.len() - 1
            });
            groups[place].push(one);
        }
        groups.sort_unstable_by_key(|group| group[0]);
        groups
    }
}

/// How many others a text is compared with in one bucket before it is left alone: many texts that share a band and
/// nothing else would be compared each with each.
const MOST_COMPARED: usize = 64;
/// Shingles kept for comparing again, 8 bytes each.
const MOST_KEPT: usize = 4 << 20;
/// Pairs that were found not to be near, remembered, for they meet in several bands.
const MOST_REFUSED: usize = 1 << 20;

/// Groups of those of `n` texts that are as near as `near` (Jaccard of shingles, over lower case and single spaces),
/// through others of their group at least. No pair is joined that wasn't compared; of pairs just as near as that,
/// some in a thousand are missed. Empty texts are like none.
///
/// # Errors
/// As the texts are handed out, and the tick's.
pub fn groups(n: usize, near: f64, text: TextAt<'_>, tick: Tick<'_>) -> Result<Vec<Vec<u32>>> {
    let bands = Bands::of(near);
    let mut together = Together::new(n);
    let (found, keys) = sign(n, bands, &mut together, text, tick)?;
    let pace = Pace::new(tick);
    let (kept, refused) = (HashMap::new(), HashSet::new());
    let mut pairs = Pairs { near, text, kept, n_kept: 0, refused, pace, done: n as u64 };
    let mut bucket: Vec<(u32, u32)> = Vec::with_capacity(found.len());
    let mut spare = Vec::new();
    for band in 0..bands.n {
        let mut passed = steps::by_items(tick, pairs.done);
        bucket.clear();
        for (part, from) in found.chunks(steps::STEP).zip((0..).step_by(steps::STEP)) {
            let key = |i: usize| keys[(from + i) * bands.n + band];
            bucket.extend(part.iter().enumerate().map(|(i, one)| (key(i), *one)));
            passed(part.len())?;
        }
        steps::sort(&mut bucket, &mut spare, &mut passed)?;
        for same in bucket.chunk_by(|a, b| a.0 == b.0) {
            passed(same.len())?;
            if same.len() > 1 {
                join(same, &mut together, &mut pairs)?;
            }
        }
        pairs.done += 1;
    }
    Ok(together.groups())
}

/// The keys of all texts that are not empty, each once: those that are the same are joined here.
fn sign(
    n: usize,
    bands: Bands,
    together: &mut Together,
    text: TextAt<'_>,
    tick: Tick<'_>,
) -> Result<(Vec<u32>, Vec<u32>)> {
    let (mut raw, mut chars, mut hashes) = (String::new(), Vec::new(), Vec::new());
    let (mut found, mut keys) = (Vec::new(), Vec::new());
    let mut seen: HashMap<u128, u32> = HashMap::new();
    let mut pace = Pace::new(tick);
    for i in 0..n {
        raw.clear();
        text(i, &mut raw)?;
        pace.passed(raw.len(), i as u64)?;
        plain(&raw, &mut chars);
        shingles(&chars, &mut hashes);
        if hashes.is_empty() {
            continue;
        }
        let first = *seen.entry(whole(&chars)).or_insert(i as u32);
        if first != i as u32 {
            together.join(first, i as u32);
            continue;
        }
        found.push(i as u32);
        keys.extend(bands.keys(&signature(&hashes)));
    }
    Ok((found, keys))
}

/// A text's hash, wide enough that no two texts have the same.
fn whole(chars: &[char]) -> u128 {
    let (mut a, mut b) = (0x2d35_8dcc_aa6c_78a5 ^ chars.len() as u64, 0x8bb8_4b93_962e_acc9);
    for six in chars.chunks(6) {
        let at = |i: usize| six.get(i).map_or(0x1f_ffff, |one| u64::from(u32::from(*one)));
        let (low, high) = (at(0) | at(1) << 21 | at(2) << 42, at(3) | at(4) << 21 | at(5) << 42);
        (a, b) = (fold(a ^ low, high ^ 0xa076_1d64_78bd_642f), fold(b ^ high, low ^ 0xe703_7ed1_a0b4_28db));
    }
    u128::from(a) << 64 | u128::from(b)
}

/// Joins what is near in one bucket: each with the first of every group in it, and in small buckets with every one.
fn join(bucket: &[(u32, u32)], together: &mut Together, pairs: &mut Pairs<'_>) -> Result<()> {
    let mut firsts: Vec<u32> = Vec::new();
    for (i, (_, one)) in bucket.iter().enumerate() {
        pairs.looked_at(1)?;
        let known = firsts.iter().any(|first| together.first(*first) == together.first(*one));
        let near = |with: u32, pairs: &mut Pairs<'_>| pairs.near(with, *one);
        let mut joined = known;
        for first in &firsts {
            if !joined && near(*first, pairs)? {
                together.join(*first, *one);
                joined = true;
            }
        }
        if bucket.len() <= MOST_COMPARED {
            for (_, other) in &bucket[..i] {
                if together.first(*other) != together.first(*one) && near(*other, pairs)? {
                    together.join(*other, *one);
                    joined = true;
                }
            }
        }
        if !joined && firsts.len() < MOST_COMPARED {
            firsts.push(*one);
        }
    }
    Ok(())
}

/// Compares pairs, and remembers.
struct Pairs<'a> {
    near: f64,
    text: TextAt<'a>,
    kept: HashMap<u32, Rc<Vec<u64>>>,
    n_kept: usize,
    refused: HashSet<u64>,
    pace: Pace<'a>,
    /// What the tick is told.
    done: u64,
}

impl Pairs<'_> {
    /// So many shingles, or firsts of groups, were looked at.
    fn looked_at(&mut self, n: usize) -> Result<()> {
        self.pace.passed(n, self.done)
    }

    fn near(&mut self, a: u32, b: u32) -> Result<bool> {
        let pair = u64::from(a.min(b)) << 32 | u64::from(a.max(b));
        if self.refused.contains(&pair) {
            return Ok(false);
        }
        let (a, b) = (self.shingles(a)?, self.shingles(b)?);
        self.looked_at(a.len() + b.len())?;
        let is_near = jaccard(&a, &b) >= self.near;
        if !is_near && self.refused.len() < MOST_REFUSED {
            self.refused.insert(pair);
        }
        Ok(is_near)
    }

    fn shingles(&mut self, of: u32) -> Result<Rc<Vec<u64>>> {
        if let Some(kept) = self.kept.get(&of) {
            return Ok(Rc::clone(kept));
        }
        let (mut raw, mut chars, mut hashes) = (String::new(), Vec::new(), Vec::new());
        (self.text)(of as usize, &mut raw)?;
        plain(&raw, &mut chars);
        shingles(&chars, &mut hashes);
        hashes.sort_unstable();
        hashes.dedup();
        if self.n_kept > MOST_KEPT {
            self.kept.clear();
            self.n_kept = 0;
        }
        // Sorting them takes several times as long as going through them.
        self.looked_at(8 * hashes.len())?;
        self.n_kept += hashes.len();
        let hashes = Rc::new(hashes);
        self.kept.insert(of, Rc::clone(&hashes));
        Ok(hashes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;

    fn told(texts: &[String], near: f64, tick: Tick<'_>) -> Result<Vec<Vec<u32>>> {
        let mut text = |i: usize, into: &mut String| {
            into.push_str(&texts[i]);
            Ok(())
        };
        groups(texts.len(), near, &mut text, tick)
    }

    fn of(texts: &[String], near: f64) -> Vec<Vec<u32>> {
        told(texts, near, &|_| Ok(())).unwrap()
    }

    fn set(text: &str) -> Vec<u64> {
        let (mut chars, mut hashes) = (Vec::new(), Vec::new());
        plain(text, &mut chars);
        shingles(&chars, &mut hashes);
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    fn words(n: usize, chance: &mut Chance) -> String {
        let word = |chance: &mut Chance| {
            (0..3 + chance.below(6)).map(|_| char::from(b'a' + chance.below(26) as u8)).collect::<String>()
        };
        (0..n).map(|_| word(chance)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn those_that_are_nearly_the_same_are_found_and_no_others() {
        let mut chance = Chance::new(&[1]);
        let mut texts: Vec<String> = (0..300).map(|_| words(40, &mut chance)).collect();
        // A word of forty is another one: 0.8 and more.
        let changed: Vec<String> = texts[..50].iter().map(|text| format!("{text} more")).collect();
        texts.extend(changed);
        texts.push(texts[7].to_uppercase());
        texts.extend([String::new(), String::new(), " ".to_owned()]);
        let found = of(&texts, 0.8);
        assert_eq!(found.len(), 50);
        for (i, group) in found.iter().enumerate() {
            let expected = if i == 7 { vec![7, 307, 350] } else { vec![i as u32, 300 + i as u32] };
            assert_eq!(*group, expected);
        }
    }

    #[test]
    fn chinese_texts_are_compared_by_their_characters() {
        let texts = [
            "今天北京的天气非常好，我们打算一起去颐和园散步，然后在附近吃一顿晚饭，最后坐地铁回家。",
            "今天北京的天气非常好，我们打算一起去颐和园散步，然后在附近吃一顿晚饭，最后坐地铁回去。",
            "股票市场在经历了三个月的下跌以后终于开始回升，投资者的信心正在逐渐恢复。",
        ];
        assert_eq!(of(&texts.map(str::to_owned), 0.8), [[0, 1]]);
    }

    #[test]
    fn no_pair_is_joined_below_the_share() {
        // Templates: alike, and not that alike.
        let texts: Vec<String> = (0..200)
            .map(|i| format!("Write a short story about {} for a child.", words(1, &mut Chance::new(&[i]))))
            .collect();
        assert_eq!(of(&texts, 0.8), Vec::<Vec<u32>>::new());
        // Every pair that is as near as that, found by comparing each with each.
        let sets: Vec<Vec<u64>> = texts.iter().map(|text| set(text)).collect();
        let mut expected = Together::new(texts.len());
        for a in 0..texts.len() {
            for b in a + 1..texts.len() {
                if jaccard(&sets[a], &sets[b]) >= 0.6 {
                    expected.join(a as u32, b as u32);
                }
            }
        }
        assert!(!expected.groups().is_empty());
        assert_eq!(of(&texts, 0.6), expected.groups());
    }

    #[test]
    fn sets_are_joined() {
        let mut together = Together::new(6);
        together.join(4, 2);
        together.join(5, 4);
        together.join(0, 1);
        assert_eq!(together.groups(), [vec![0, 1], vec![2, 4, 5]]);
    }

    #[test]
    fn it_stops_when_told() {
        let texts = vec!["the same text again and again".to_owned(); 1_000];
        let stop = |n: u64| if n > 300 { anyhow::bail!("enough") } else { Ok(()) };
        let asked = told(&texts, 0.8, &stop);
        assert!(asked.is_err());
    }
}
