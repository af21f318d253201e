//! Payment cards: brand, length and Luhn's check (ISO/IEC 7812).

use super::Found;
use super::context::{constant, is_numbered, stands_alone};
use glassworks_protocol::datasets::transform::PrivacyKind;
use regex::Regex;
use std::sync::LazyLock;

/// Groups of digits with one space or hyphen between them.
static GROUPS: LazyLock<Regex> = LazyLock::new(|| constant(r"\d+(?:[ \u{a0}-]\d+)*"));
static GROUP: LazyLock<Regex> = LazyLock::new(|| constant(r"\d+"));

/// A brand: first digits from, to, how many of them count, and lengths.
pub struct Brand {
    from: u32,
    to: u32,
    n_digits: usize,
    lengths: &'static [usize],
}

const fn brand(from: u32, to: u32, n_digits: usize, lengths: &'static [usize]) -> Brand {
    Brand { from, to, n_digits, lengths }
}

/// Visa, Mastercard, American Express, Discover, JCB, Diners Club, UnionPay, Mir, Maestro, RuPay.
const BRANDS: [Brand; 17] = [
    brand(4, 4, 1, &[16, 13, 19]),
    brand(51, 55, 2, &[16]),
    brand(2221, 2720, 4, &[16]),
    brand(34, 34, 2, &[15]),
    brand(37, 37, 2, &[15]),
    brand(6011, 6011, 4, &[16, 19]),
    brand(644, 659, 3, &[16, 19]),
    brand(3528, 3589, 4, &[16, 19]),
    brand(300, 305, 3, &[14]),
    brand(36, 36, 2, &[14]),
    brand(38, 39, 2, &[14]),
    brand(62, 62, 2, &[16, 17, 18, 19]),
    brand(2200, 2204, 4, &[16]),
    brand(5018, 5038, 4, &[16]),
    brand(6304, 6304, 4, &[16]),
    brand(6759, 6763, 4, &[16]),
    brand(6521, 6522, 4, &[16]),
];

/// The brand of a number of that length.
pub fn brand_of(digits: &[u8]) -> Option<&'static Brand> {
    BRANDS.iter().find(|brand| {
        let head = digits.iter().take(brand.n_digits).fold(0, |n, digit| n * 10 + u32::from(*digit));
        brand.lengths.contains(&digits.len()) && (brand.from..=brand.to).contains(&head)
    })
}

impl Brand {
    /// The first digits that the brand is known by.
    pub fn head(&self, digits: &[u8]) -> Vec<u8> {
        digits[..self.n_digits].to_vec()
    }
}

/// Luhn's sum of digits, the last one being the check; 0 where it is right.
pub fn luhn(digits: &[u8]) -> u8 {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, digit)| {
            let one = u32::from(*digit) * if i % 2 == 1 { 2 } else { 1 };
            one / 10 + one % 10
        })
        .sum();
    (sum % 10) as u8
}

pub fn find(text: &str, found: &mut Vec<Found>) {
    for run in GROUPS.find_iter(text).filter(|run| run.len() >= 13) {
        let groups: Vec<_> = GROUP
            .find_iter(run.as_str())
            .map(|one| run.start() + one.start()..run.start() + one.end())
            .collect();
        let mut first = 0;
        while first < groups.len() {
            let whole = (first + 1..=groups.len()).rev().find(|end| is_card(text, &groups[first..*end]));
            if let Some(end) = whole {
                found.push(Found { kind: PrivacyKind::Card, at: groups[first].start..groups[end - 1].end });
            }
            first = whole.unwrap_or(first + 1);
        }
    }
}

fn is_card(text: &str, groups: &[std::ops::Range<usize>]) -> bool {
    let (start, end) = (groups[0].start, groups[groups.len() - 1].end);
    let lengths: Vec<usize> = groups.iter().map(ExactSizeIterator::len).collect();
    let n: usize = lengths.iter().sum();
    if !(13..=19).contains(&n) || !is_grouped(&lengths) {
        return false;
    }
    let separators: Vec<&str> = groups.windows(2).map(|two| &text[two[0].end..two[1].start]).collect();
    let digits: Vec<u8> =
        text[start..end].bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect();
    let varied = digits.iter().any(|digit| *digit != digits[0]);
    varied
        && separators.windows(2).all(|two| two[0] == two[1])
        && brand_of(&digits).is_some()
        && luhn(&digits) == 0
        && stands_alone(text, start, end)
        && !is_numbered(text, start)
}

/// As cards are printed: whole, in fours, or as their brand has it.
fn is_grouped(lengths: &[usize]) -> bool {
    match lengths {
        [_] => true,
        [4, 6, 5 | 4] | [6, 13 | 10] | [8, 8 | 11] => true,
        [fours @ .., last] => fours.iter().all(|one| *one == 4) && (1..=4).contains(last) && fours.len() >= 3,
        [] => false,
    }
}
