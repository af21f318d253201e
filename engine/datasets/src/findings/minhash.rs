//! How much two texts have in common: shingles, MinHash signatures, and bands of them by which texts that are nearly
//! the same find each other (Broder 1997; Leskovec, Rajaraman and Ullman, "Mining of massive datasets", chapter 3).
//!
//! A signature is taken in sixteen rounds of eight bins (one permutation hashing: Li, Owen and Zhang 2012, with
//! Shrivastava's densification of 2017), so that a shingle costs eight multiplications instead of one for each of the
//! signature's numbers.

/// Characters of a shingle.
pub const SHINGLE: usize = 5;
/// Numbers of a signature.
pub const N: usize = 128;
const BINS: usize = 8;
const ROUNDS: usize = N / BINS;
const EMPTY: u32 = u32::MAX;

pub type Signature = [u32; N];

/// Odd numbers to multiply by: the digits of √2, √3, √5 … behind the point.
const KEYS: [u64; ROUNDS / 2] = [
    0x6a09_e667_f3bc_c909,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

pub(super) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// A text for comparing: lower case, white space as single spaces.
pub fn plain(text: &str, into: &mut Vec<char>) {
    into.clear();
    for word in text.split_whitespace() {
        if !into.is_empty() {
            into.push(' ');
        }
        for one in word.chars() {
            if one.is_ascii() {
                into.push(one.to_ascii_lowercase());
            } else {
                into.extend(one.to_lowercase());
            }
        }
    }
}

/// Hashes of every five characters in a row; of all there are where they are fewer. Unordered, repeats and all.
pub fn shingles(plain: &[char], into: &mut Vec<u64>) {
    into.clear();
    let hash = |window: &[char]| {
        let at = |i: usize| window.get(i).map_or(0x1f_ffff, |one| u64::from(u32::from(*one)));
        fold(
            (at(0) | at(1) << 21 | at(2) << 42) ^ 0x2d35_8dcc_aa6c_78a5,
            (at(3) | at(4) << 21) ^ 0x8bb8_4b93_962e_acc9,
        )
    };
    if plain.len() < SHINGLE {
        if !plain.is_empty() {
            into.push(hash(plain));
        }
        return;
    }
    into.extend(plain.windows(SHINGLE).map(hash));
}

/// The signature of shingles; all of nothing where there are none.
#[must_use]
pub fn signature(shingles: &[u64]) -> Signature {
    let mut signature = [EMPTY; N];
    for shingle in shingles {
        for (pair, key) in KEYS.iter().enumerate() {
            let hash = fold(shingle ^ key, KEYS[(pair + 3) % KEYS.len()]);
            for (half, value) in [(0, hash as u32), (1, (hash >> 32) as u32)] {
                // The top bits choose the bin, the rest is its value.
                let bin = (value >> (u32::BITS - BINS.trailing_zeros())) as usize;
                let place = &mut signature[(2 * pair + half) * BINS + bin];
                *place = (*place).min(value & (EMPTY >> BINS.trailing_zeros()));
            }
        }
    }
    if !shingles.is_empty() {
        signature.chunks_exact_mut(BINS).for_each(fill);
    }
    signature
}

/// Empty bins take the value of one that isn't: which one is tried after which is each bin's own.
fn fill(round: &mut [u32]) {
    let full = <[u32; BINS]>::try_from(&*round).unwrap_or([EMPTY; BINS]);
    if full.iter().all(|value| *value == EMPTY) {
        return;
    }
    for (bin, value) in round.iter_mut().enumerate().filter(|(_, value)| **value == EMPTY) {
        let tried = (0u64..).map(|attempt| {
            let at = crate::chance::mix((bin as u64) << 32 | attempt) as usize % BINS;
            full[at]
        });
        *value = tried.take(1_000).find(|value| *value != EMPTY).unwrap_or(EMPTY);
    }
}

/// What two signatures say of their texts' likeness.
#[must_use]
pub fn estimate(a: &Signature, b: &Signature) -> f64 {
    a.iter().zip(b).filter(|(a, b)| a == b).count() as f64 / N as f64
}

/// The share of common shingles (Jaccard) of two ordered sets.
#[must_use]
pub fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let (mut i, mut j, mut both) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, both) = (i + 1, j + 1, both + 1),
        }
    }
    let all = a.len() + b.len() - both;
    if all == 0 { 0.0 } else { both as f64 / all as f64 }
}

/// How a signature is cut: texts whose numbers are all the same in one band are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bands {
    pub n: usize,
    pub rows: usize,
}

impl Bands {
    /// The widest bands by which at least 99.5 of 100 pairs that are just as near still meet.
    #[must_use]
    pub fn of(near: f64) -> Self {
        let missed = |rows: usize| (1.0 - near.powi(rows as i32)).powi((N / rows) as i32);
        let rows = (1..=16).rev().find(|rows| missed(*rows) <= 0.005).unwrap_or(1);
        Self { n: N / rows, rows }
    }

    /// Each band's key.
    pub fn keys(self, signature: &Signature) -> impl Iterator<Item = u32> {
        signature.chunks_exact(self.rows).take(self.n).map(|band| {
            let key = band.iter().fold(0x1234_5678_9abc_def1, |key, value| {
                fold(key ^ u64::from(*value), 0xa076_1d64_78bd_642f)
            });
            (key ^ (key >> 32)) as u32
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Vec<u64> {
        let (mut chars, mut hashes) = (Vec::new(), Vec::new());
        plain(text, &mut chars);
        shingles(&chars, &mut hashes);
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    #[test]
    fn shingles_are_five_characters_each() {
        assert_eq!(set("").len(), 0);
        assert_eq!(set(" \n").len(), 0);
        assert_eq!(set("abc").len(), 1);
        assert_eq!(set("abcde").len(), 1);
        assert_eq!(set("abcdef").len(), 2);
        assert_eq!(set("今天天气很好").len(), 2);
        assert_eq!(set("Hello \n World"), set("hello world"));
        assert_ne!(set("abcd"), set("abcd\u{0}"));
    }

    #[test]
    fn likeness_is_what_is_common_of_all() {
        assert!((jaccard(&[1, 2, 3], &[2, 3, 4]) - 0.5).abs() < 1e-9);
        assert!(jaccard(&[], &[]) < 1e-9);
        let text = "the quick brown fox jumps over the lazy dog and runs away";
        assert!((jaccard(&set(text), &set(text)) - 1.0).abs() < 1e-9);
        assert!((estimate(&signature(&set(text)), &signature(&set(text))) - 1.0).abs() < 1e-9);
        let other = "an entirely different sentence about nothing of the kind at all";
        assert!(estimate(&signature(&set(text)), &signature(&set(other))) < 0.15);
    }

    #[test]
    fn bands_are_wide_where_texts_must_be_near() {
        assert_eq!(Bands::of(0.5), Bands { n: 42, rows: 3 });
        assert_eq!(Bands::of(0.8), Bands { n: 21, rows: 6 });
        assert_eq!(Bands::of(1.0), Bands { n: 8, rows: 16 });
        for near in [0.5, 0.6, 0.7, 0.8, 0.9, 0.95] {
            let Bands { n, rows } = Bands::of(near);
            assert!(n * rows <= N);
            assert!(1.0 - (1.0 - f64::powi(near, rows as i32)).powi(n as i32) >= 0.995, "{near}");
        }
    }
}
