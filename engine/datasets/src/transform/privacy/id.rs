//! Numbers that a state gave to a person or a bank to an account: IBAN, Chinese resident ids, US social security.

use super::Found;
use super::context::{after, before, constant, is_numbered, is_social, is_word, stands_alone};
use glassworks_protocol::datasets::transform::PrivacyKind;
use regex::Regex;
use std::sync::LazyLock;

static IBAN: LazyLock<Regex> = LazyLock::new(|| constant(r"(?i)[a-z]{2}\d{2}[ \u{a0}-]?[a-z0-9]"));
static RESIDENT: LazyLock<Regex> = LazyLock::new(|| constant(r"[1-8]\d{5}[ -]?\d{8}[ -]?\d{3}[0-9Xx]"));
static SOCIAL: LazyLock<Regex> = LazyLock::new(|| constant(r"\d{3}-\d{2}-\d{4}|\d{3} \d{2} \d{4}|\d{9}"));

/// Countries and the lengths of their numbers (SWIFT's registry of IBAN).
const COUNTRIES: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30";

/// Provinces, the first two digits of a resident's id (GB/T 2260).
const PROVINCES: [u32; 35] = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54,
    61, 62, 63, 64, 65, 71, 81, 82, 83,
];

pub fn find(text: &str, found: &mut Vec<Found>) {
    let mut push = |kind, at| found.push(Found { kind, at });
    let mut from = 0;
    while let Some(one) = IBAN.find_at(text, from) {
        let end = iban_end(text, one.start());
        if let Some(end) = end {
            push(PrivacyKind::Iban, one.start()..end);
        }
        from = end.unwrap_or(one.start() + 1);
    }
    for one in RESIDENT.find_iter(text) {
        let around =
            before(text, one.start()).is_some_and(is_word) || after(text, one.end()).is_some_and(is_word);
        if !around && is_resident(one.as_str()) {
            push(PrivacyKind::ChineseId, one.range());
        }
    }
    for one in SOCIAL.find_iter(text) {
        if is_us_social(text, one.start(), one.end()) {
            push(PrivacyKind::UsSsn, one.range());
        }
    }
}

/// Where the number that begins here ends, if it is one.
fn iban_end(text: &str, start: usize) -> Option<usize> {
    if before(text, start).is_some_and(is_word) {
        return None;
    }
    let country = text.get(start..start + 2)?.to_ascii_uppercase();
    let length: usize = COUNTRIES.split(' ').find_map(|one| one.strip_prefix(&country))?.parse().ok()?;
    let (mut signs, mut end, mut gap) = (String::new(), start, false);
    for (at, one) in text[start..].char_indices() {
        match one {
            _ if signs.len() == length => break,
            one if one.is_ascii_alphanumeric() => {
                signs.push(one.to_ascii_uppercase());
                (end, gap) = (start + at + 1, false);
            }
            ' ' | '\u{a0}' | '-' if !gap => gap = true,
            _ => break,
        }
    }
    let whole = signs.len() == length && !after(text, end).is_some_and(is_word);
    (whole && iban_rest(&signs) == 1).then_some(end)
}

/// The rest of 97 of a number with its check digits (ISO 7064); 1 where they are right.
pub fn iban_rest(signs: &str) -> u32 {
    let turned = signs[4..].bytes().chain(signs[..4].bytes());
    turned.fold(0, |rest, sign| match sign {
        b'0'..=b'9' => (rest * 10 + u32::from(sign - b'0')) % 97,
        _ => (rest * 100 + u32::from(sign.to_ascii_uppercase() - b'A') + 10) % 97,
    })
}

fn is_resident(text: &str) -> bool {
    let signs: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let number =
        |at: std::ops::Range<usize>| signs[at].iter().fold(0, |n, sign| n * 10 + u32::from(sign - b'0'));
    let (year, month, day) = (number(6..10), number(10..12), number(12..14));
    PROVINCES.contains(&number(0..2))
        && (1900..=2099).contains(&year)
        && (1..=days(year, month)).contains(&day)
        && signs[17].eq_ignore_ascii_case(&resident_check(&signs[..17]))
}

/// How many days a month has; of no month none.
pub fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    }
}

/// The check sign of seventeen digits (GB 11643, ISO 7064 mod 11-2).
pub fn resident_check(digits: &[u8]) -> u8 {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    b"10X98765432"[(sum % 11) as usize]
}

/// A number that can have been given out: no area 000, 666 or 900 and more, no group 00, no serial 0000. Without
/// hyphens only where it is called so.
fn is_us_social(text: &str, start: usize, end: usize) -> bool {
    let digits: String = text[start..end].chars().filter(char::is_ascii_digit).collect();
    let (area, group, serial) = (&digits[..3], &digits[3..5], &digits[5..]);
    let given = area != "000" && area != "666" && !area.starts_with('9') && group != "00" && serial != "0000";
    let called = is_social(text, start);
    let hyphens = text[start..end].contains('-');
    given && (called || hyphens) && stands_alone(text, start, end) && (called || !is_numbered(text, start))
}
