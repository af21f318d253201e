//! Telephone numbers: international ones by their country's plan; North American, Chinese and European ones by how
//! they are written; any other where they are called so.

use super::Found;
use super::context::{constant, is_called, is_numbered, is_word, stands_alone};
use super::plans;
use glassworks_protocol::datasets::transform::PrivacyKind;
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

static ABROAD: LazyLock<Regex> = LazyLock::new(|| constant(r"(?:\+|00)[ ]?\(?[1-9]\d{0,2}"));
static AMERICA: LazyLock<Regex> = LazyLock::new(|| {
    constant(r"(?:1[-. ])?(?:\(([2-9]\d{2})\) ?|([2-9]\d{2})([-. /]))([2-9]\d{2})([-. ])\d{4}")
});
static CHINA: LazyLock<Regex> = LazyLock::new(|| constant(r"(?:86[- ]?)?1[3-9]\d([- ]?)\d{4}([- ]?)\d{4}"));
static CHINA_LAND: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"(?:[(（]0(?:10|2\d|[3-9]\d{2})[)）][- ]?|0(?:10|2\d|[3-9]\d{2})[- ])[2-8]\d{2,3}[- ]?\d{4}|[48]00[- ]\d{3}[- ]\d{4}|[48]00[- ]\d{4}[- ]\d{3}",
    )
});
static EUROPE: LazyLock<Regex> =
    LazyLock::new(|| constant(r"\(?0\d{1,4}\)?(?:(?:[ .\u{a0}-]|[ ]?/[ ]?| - )\d{2,8}){1,5}"));
static RUSSIA: LazyLock<Regex> =
    LazyLock::new(|| constant(r"(?:8[ -]?)?(?:\(\d{3}\)|\d{3})[ -]?\d{3}[- ]\d{2}[- ]\d{2}"));
static ANY: LazyLock<Regex> = LazyLock::new(|| constant(r"\(?\d[\d ().\u{a0}/-]{4,18}\d"));
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"^(?:(?:19|20)\d{2}[-./](?:0?[1-9]|1[0-2])[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](?:\d{2}|\d{4}))(?:\D|$)",
    )
});

pub fn find(text: &str, found: &mut Vec<Found>) {
    let mut push = |at: Range<usize>| found.push(Found { kind: PrivacyKind::Phone, at });
    for one in ABROAD.find_iter(text) {
        if let Some(end) = abroad(text, one.start()) {
            push(one.start()..end);
        }
    }
    for one in AMERICA.captures_iter(text) {
        let Some(whole) = one.get(0) else { continue };
        let area = one.get(1).or_else(|| one.get(2)).map_or("", |area| area.as_str());
        let separators = (one.get(3).map(|one| one.as_str()), one.get(5).map(|one| one.as_str()));
        let even =
            matches!(separators, (None, _) | (Some(" " | "/"), Some("-"))) || separators.0 == separators.1;
        if !area.ends_with("11") && even && stands(text, whole.range()) && !in_a_row(text, whole.range()) {
            push(whole.range());
        }
    }
    for one in CHINA.captures_iter(text) {
        let (Some(whole), one, two) = (one.get(0), &one[1], &one[2]) else { continue };
        if one == two && stands(text, whole.range()) {
            push(whole.range());
        }
    }
    for one in CHINA_LAND.find_iter(text).chain(RUSSIA.find_iter(text)) {
        if stands(text, one.range()) && !in_a_row(text, one.range()) {
            push(one.range());
        }
    }
    for one in EUROPE.find_iter(text) {
        if is_european(one.as_str()) && stands(text, one.range()) && !in_a_row(text, one.range()) {
            push(one.range());
        }
    }
    for one in ANY.find_iter(text) {
        let n_digits = one.as_str().bytes().filter(u8::is_ascii_digit).count();
        let called = (7..=13).contains(&n_digits) && is_called(text, one.start());
        if called && !DATE.is_match(one.as_str()) && stands_alone(text, one.start(), one.end()) {
            push(one.range());
        }
    }
}

/// By itself, and not called a number of something else.
fn stands(text: &str, at: Range<usize>) -> bool {
    stands_alone(text, at.start, at.end) && !is_numbered(text, at.start)
}

/// Whether there are more numbers on either side with nothing but a space between: a row of figures.
fn in_a_row(text: &str, at: Range<usize>) -> bool {
    let spaced = text[at.clone()].contains(' ') && !text[at.clone()].contains(['-', '(', '.']);
    let ahead = text[..at.start]
        .strip_suffix(' ')
        .is_some_and(|rest| rest.ends_with(|one: char| one.is_ascii_digit()));
    let behind = text[at.end..]
        .strip_prefix(' ')
        .is_some_and(|rest| rest.starts_with(|one: char| one.is_ascii_digit()));
    spaced && (ahead || behind)
}

/// Where an international number ends that begins with `+` or `00`: at the last end of a group of digits at which its
/// country has numbers that long.
fn abroad(text: &str, start: usize) -> Option<usize> {
    let ahead = text[..start].chars().next_back();
    if ahead.is_some_and(|one| is_word(one) || matches!(one, '+' | '.' | '-' | '/')) {
        return None;
    }
    let plus = text[start..].starts_with('+');
    let from = start + if plus { 1 } else { 2 };
    let (digits, ends, separated) = digits_from(text, from);
    let plan = plans::of(&digits)?;
    let national = &digits[plan.code.len()..];
    // `+44 (0)20`: the zero is dialled at home alone.
    let trunk = usize::from(text[from..].chars().take(8).collect::<String>().contains("(0)"));
    if national.starts_with('0') && trunk == 0 && plan.code != "39" {
        return None;
    }
    let america = |n: usize| {
        plan.code != "1" || n == 10 && matches!(national.as_bytes(), [b'2'..=b'9', _, _, b'2'..=b'9', ..])
    };
    let fits = |n_digits: usize| {
        let n = n_digits.checked_sub(plan.code.len() + trunk);
        n.is_some_and(|n| (plan.shortest..=plan.longest).contains(&n) && america(n))
    };
    let end = ends.iter().rev().find(|(n, _)| fits(*n)).map(|(_, end)| *end)?;
    let certain = plus || separated || is_called(text, start);
    let varied = national.bytes().any(|byte| byte != national.as_bytes()[0]);
    (certain && varied && !is_numbered(text, start)).then_some(end)
}

/// Up to fifteen digits and what separates them, the ends of their groups, and whether there are several.
fn digits_from(text: &str, from: usize) -> (String, Vec<(usize, usize)>, bool) {
    let (mut digits, mut ends, mut gap) = (String::new(), Vec::new(), 0);
    for (at, one) in text[from..].char_indices() {
        if one.is_ascii_digit() && digits.len() < 16 {
            digits.push(one);
            gap = 0;
            let end = from + at + 1;
            if !text[end..].starts_with(|next: char| is_word(next)) {
                ends.push((digits.len(), end));
            }
        } else if matches!(one, ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}' | '–') && gap < 2 {
            gap += 1;
        } else {
            break;
        }
    }
    let separated = ends.len() > 1;
    (digits, ends, separated)
}

/// With a zero in front: five pairs as in France; else an area and two parts at most, nine to twelve digits.
fn is_european(text: &str) -> bool {
    let groups: Vec<usize> =
        text.split(|one: char| !one.is_ascii_digit()).map(str::len).filter(|n| *n > 0).collect();
    let n_digits: usize = groups.iter().sum();
    let points = text.contains('.');
    match groups[..] {
        [2, 2, 2, 2, 2] => {
            let separators: Vec<&str> =
                text.split(|one: char| one.is_ascii_digit()).filter(|one| !one.is_empty()).collect();
            !text.starts_with("00") && separators.windows(2).all(|two| two[0] == two[1])
        }
        [2, 8] => text.starts_with("06") && !points,
        // A postal code of the United States with its four digits more.
        [5, 4] if text.contains('-') => false,
        [first, ..] if first >= 3 => {
            !points && (9..=12).contains(&n_digits) && groups.len() <= 4 && !text.starts_with("00")
        }
        _ => false,
    }
}
