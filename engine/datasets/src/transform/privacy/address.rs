//! Internet addresses. Those that name nobody are left: masks, the machine itself, all machines. Four numbers with
//! points are a version where they are called so, and where all are below ten an address only where they are called
//! that.

use super::Found;
use super::context::{constant, is_host, is_version, is_word};
use glassworks_protocol::datasets::transform::PrivacyKind;
use regex::Regex;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

static FOUR: LazyLock<Regex> = LazyLock::new(|| constant(r"\d{1,3}(?:\.\d{1,3}){3}"));
static SIX: LazyLock<Regex> =
    LazyLock::new(|| constant(r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:(?:\.\d{1,3}){3})?"));

pub fn find(text: &str, found: &mut Vec<Found>) {
    for one in FOUR.find_iter(text) {
        if is_four(text, one.start(), one.end()) {
            found.push(Found { kind: PrivacyKind::IpAddress, at: one.range() });
        }
    }
    if !text.contains(':') {
        return;
    }
    for one in SIX.find_iter(text) {
        let mut end = one.end();
        // A colon behind it belongs to the sentence.
        if text[one.start()..end].ends_with(':') && !text[one.start()..end].ends_with("::") {
            end -= 1;
        }
        if is_six(text, one.start(), end) {
            found.push(Found { kind: PrivacyKind::IpAddress, at: one.start()..end });
        }
    }
}

fn is_four(text: &str, start: usize, end: usize) -> bool {
    let Ok(address) = text[start..end].parse::<Ipv4Addr>() else { return false };
    let bits = u32::from(address);
    let is_mask = bits.leading_ones() + bits.trailing_zeros() >= 32 && bits.leading_ones() >= 8;
    let mut ahead = text[..start].chars().rev();
    let left = match (ahead.next(), ahead.next()) {
        (Some('.'), Some(two)) => !two.is_ascii_alphanumeric(),
        (Some('-' | '_'), Some(two)) => two.is_ascii_digit() || two == ' ',
        (Some('/'), Some(two)) => !two.is_ascii_alphabetic(),
        (Some(one), _) => !is_word(one),
        _ => true,
    };
    let mut behind = text[end..].chars();
    let right = match (behind.next(), behind.next()) {
        (Some('.'), Some(two)) => !two.is_ascii_alphanumeric(),
        (Some('-' | '+'), Some(two)) => !two.is_ascii_alphabetic(),
        (Some(one), _) => !is_word(one),
        _ => true,
    };
    let names_somebody =
        !(is_mask || address.is_unspecified() || address.is_loopback() || address.is_broadcast());
    left && right
        && names_somebody
        && !is_version(text, start)
        && (address.octets().iter().any(|one| *one > 9) || is_host(text, start))
}

fn is_six(text: &str, start: usize, end: usize) -> bool {
    let Ok(address) = text[start..end].parse::<Ipv6Addr>() else { return false };
    let alone = |one: Option<char>| !one.is_some_and(|one| is_word(one) || matches!(one, ':' | '.'));
    let right = match text[end..].strip_prefix('.') {
        Some(rest) => !rest.starts_with(is_word),
        None => alone(text[end..].chars().next()) || text[end..].starts_with(": "),
    };
    // `Face::dad` of a program can be read as one: then one of the ranges that are given out has to be there.
    let first = address.segments()[0];
    let given_out = matches!(first >> 12, 2 | 3)
        || first & 0xfe00 == 0xfc00
        || first & 0xffc0 == 0xfe80
        || first >> 8 == 0xff;
    let groups = text[start..end].split(':');
    let long = groups.clone().filter(|group| group.len() >= 3).count();
    let shaped = if text[start..end].contains("::") { given_out } else { long >= 2 };
    let has_digit = text[start..end].bytes().any(|byte| byte.is_ascii_digit());
    alone(text[..start].chars().next_back()) && right && shaped && has_digit && !address.is_loopback()
}
