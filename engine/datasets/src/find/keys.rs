//! What rows are put in order by, as numbers that compare as the keys do: numbers before texts, rows without a key
//! last either way; what is the same stays as it came.
//!
//! Of a text as many bytes as fit are looked at first; where several rows begin alike, the next bytes of those, and so
//! on. So nearly all comparisons are of numbers that lie side by side.

use crate::Tick;
use crate::steps::{Passed, by_items, sort};
use crate::table::raw;
use anyhow::Result;

/// Letters of a text that its place depends on.
pub(super) const LETTERS: usize = 64;

/// Bytes of a text that are looked at together; how many there are, or that more follow, is the sixteenth byte.
const BLOCK: usize = 15;

/// A key, or a block of one, and whose it is: places count from 0.
type Entry = (u64, u64, u32);

/// Keys of rows, which are told in their order.
pub(super) struct Keys {
    descending: bool,
    n: u32,
    numbers: Vec<Entry>,
    texts: Vec<Entry>,
    none: Vec<u32>,
    /// Of all texts, one after the other, and where those of each place end.
    letters: Vec<u8>,
    ends: Vec<usize>,
}

impl Keys {
    pub(super) fn new(descending: bool) -> Self {
        let (numbers, texts, none) = (Vec::new(), Vec::new(), Vec::new());
        Self { descending, n: 0, numbers, texts, none, letters: Vec::new(), ends: Vec::new() }
    }

    /// The next row goes by a number.
    pub(super) fn number(&mut self, number: f64) {
        // As `f64::total_cmp` has them.
        let bits = number.to_bits();
        let rising = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
        let at = self.next();
        self.numbers.push(self.turned(rising, 0, at));
    }

    /// The next row goes by a text as it stands between quotes: by its first letters, whatever their case.
    pub(super) fn text(&mut self, inner: &[u8]) {
        let head = &inner[..inner.len().min(LETTERS)];
        let n_plain = head.iter().position(|byte| !byte.is_ascii() || *byte == b'\\').unwrap_or(head.len());
        self.letters.extend(head[..n_plain].iter().map(u8::to_ascii_lowercase));
        for one in raw::letters(&inner[n_plain..]).take(LETTERS - n_plain) {
            if one.is_ascii() {
                self.letters.push(one.to_ascii_lowercase() as u8);
            } else {
                let lower = one.to_lowercase();
                lower.for_each(|one| self.letters.extend_from_slice(one.encode_utf8(&mut [0; 4]).as_bytes()));
            }
        }
        let at = self.next();
        let first = self.block(at, 0);
        self.texts.push(first);
    }

    /// The next row has nothing to go by.
    pub(super) fn none(&mut self) {
        let at = self.next();
        self.none.push(at);
    }

    fn next(&mut self) -> u32 {
        let at = self.n;
        self.n += 1;
        self.ends.push(self.letters.len());
        at
    }

    fn turned(&self, high: u64, low: u64, at: u32) -> Entry {
        if self.descending { (!high, !low, at) } else { (high, low, at) }
    }

    fn letters_of(&self, at: u32) -> &[u8] {
        let at = at as usize;
        let begin = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.letters[begin..self.ends[at]]
    }

    /// A block of a text, by number.
    fn block(&self, at: u32, number: usize) -> Entry {
        let rest = self.letters_of(at).get(number * BLOCK..).unwrap_or_default();
        let mut bytes = [0; 16];
        let n = rest.len().min(BLOCK);
        bytes[..n].copy_from_slice(&rest[..n]);
        bytes[BLOCK] = rest.len().min(BLOCK + 1) as u8;
        let all = u128::from_be_bytes(bytes);
        self.turned((all >> 64) as u64, all as u64, at)
    }

    /// The places of all rows in their order; `tick` is told how many there are.
    ///
    /// # Errors
    /// When `tick` ends the work.
    pub(super) fn places(mut self, tick: Tick<'_>) -> Result<Vec<u32>> {
        let mut passed = by_items(tick, u64::from(self.n));
        let (mut numbers, mut texts) = (std::mem::take(&mut self.numbers), std::mem::take(&mut self.texts));
        let mut spare = Vec::new();
        sort(&mut numbers, &mut spare, &mut passed)?;
        self.settle(&mut texts, 0, &mut spare, &mut passed)?;
        let (first, second) = if self.descending { (texts, numbers) } else { (numbers, texts) };
        Ok(first.into_iter().chain(second).map(|(.., at)| at).chain(self.none).collect())
    }

    /// Puts texts in order that are the same in all blocks before this one.
    fn settle(
        &self,
        texts: &mut [Entry],
        number: usize,
        spare: &mut Vec<Entry>,
        passed: Passed<'_>,
    ) -> Result<()> {
        sort(texts, spare, passed)?;
        for same in texts.chunk_by_mut(|a, b| (a.0, a.1) == (b.0, b.1)) {
            passed(same.len())?;
            // Where one of them goes on, all do.
            if same.len() > 1 && self.letters_of(same[0].2).len() > (number + 1) * BLOCK {
                for one in &mut *same {
                    *one = self.block(one.2, number + 1);
                    passed(1)?;
                }
                self.settle(same, number + 1, spare, passed)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;

    #[derive(Clone, Debug)]
    enum Key {
        Number(f64),
        Text(String),
        None,
    }

    fn key() -> impl Strategy<Value = Key> {
        let letters =
            prop::sample::select(vec!["a", "A", "b", "\0", "é", "É", "İ", "中", "ß", "😀", "\"", "\n", "z"]);
        // Long ones that begin alike, so that several blocks count.
        let text = (0..9_usize, prop::collection::vec(letters, 0..5)).prop_map(|(n, letters)| {
            Key::Text(["abc中x", "ABC中X"][n % 2].repeat(n * 2) + &letters.concat())
        });
        let number = prop::sample::select(vec![0.0, -0.0, 1.5, -2.0, 1e300, -1e-300]);
        prop_oneof![6 => text, 2 => number.prop_map(Key::Number), 1 => Just(Key::None)]
    }

    fn lower(text: &str) -> String {
        text.chars().take(LETTERS).flat_map(char::to_lowercase).collect()
    }

    fn naive(keys: &[Key], descending: bool) -> Vec<u32> {
        let group = |key: &Key| match key {
            Key::Number(_) => 0,
            Key::Text(_) => 1,
            Key::None => 2,
        };
        let mut places: Vec<u32> = (0..keys.len() as u32).collect();
        places.sort_by(|a, b| {
            let (a, b) = (&keys[*a as usize], &keys[*b as usize]);
            let order = match (a, b) {
                (Key::None, _) | (_, Key::None) => return group(a).cmp(&group(b)),
                (Key::Number(a), Key::Number(b)) => a.total_cmp(b),
                (Key::Text(a), Key::Text(b)) => lower(a).cmp(&lower(b)),
                _ => group(a).cmp(&group(b)),
            };
            if descending { order.reverse() } else { order }
        });
        places
    }

    fn of(keys: &[Key], descending: bool) -> Keys {
        let mut all = Keys::new(descending);
        for key in keys {
            match key {
                Key::Number(number) => all.number(*number),
                Key::Text(text) => all.text(&raw::escape(text)),
                Key::None => all.none(),
            }
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_order_is_that_of_comparing_each_with_each(keys in prop::collection::vec(key(), 0..60), descending: bool) {
            prop_assert_eq!(of(&keys, descending).places(&|_| Ok(())).unwrap(), naive(&keys, descending));
        }
    }

    /// More than are sorted in one step, most of which begin alike for several blocks.
    fn many() -> Vec<Key> {
        let key = |i: u64| {
            let n = crate::chance::mix(i) % 50_000;
            Key::Text(format!("Write a short story about a child that is called {n}"))
        };
        (0..100_000).map(key).collect()
    }

    #[test]
    fn many_that_begin_alike_are_put_in_order() {
        let keys = many();
        for descending in [false, true] {
            assert_eq!(of(&keys, descending).places(&|_| Ok(())).unwrap(), naive(&keys, descending));
        }
    }

    #[test]
    fn every_block_can_be_ended() {
        let keys = many();
        let told = Cell::new(0);
        let count = |_| {
            told.set(told.get() + 1);
            Ok(())
        };
        of(&keys, false).places(&count).unwrap();
        let n_told = told.get();
        // Four blocks, each of which is sorted: in runs and two mergings, with their copies; and looked through.
        assert!(n_told >= 4 * 5 * (100_000 >> 15), "asked {n_told} times");
        for after in 0..n_told {
            told.set(0);
            let stop = |_| {
                told.set(told.get() + 1);
                if told.get() > after { anyhow::bail!("enough") } else { Ok(()) }
            };
            if after % 25 == 0 {
                assert!(of(&keys, false).places(&stop).is_err());
            }
        }
    }
}
