//! Other values of the same shape: the same for the same, and nobody's. Addresses are at example.com, numbers are from
//! ranges that are set aside or never given out, checks are right.

use super::card::{brand_of, luhn};
use super::id::{days, iban_rest, resident_check};
use super::plans;
use crate::chance::Chance;
use glassworks_protocol::datasets::transform::PrivacyKind;
use sha2::{Digest as _, Sha256};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is put in place of a value.
#[must_use]
pub fn of(kind: PrivacyKind, value: &str, salt: &[u8]) -> String {
    let draw = |of: &str| chance(kind, of, salt);
    match kind {
        PrivacyKind::Email => mail(value, &mut draw(&value.to_lowercase())),
        PrivacyKind::Phone => phone(value, &draw),
        PrivacyKind::Card => fill(value, &card(&digits(value), &mut draw(&text(&digits(value))))),
        PrivacyKind::Iban => iban(value, &draw),
        PrivacyKind::ChineseId => resident(value, &draw),
        PrivacyKind::UsSsn => fill(value, &social(&mut draw(&text(&digits(value))))),
        PrivacyKind::IpAddress => address(value, &draw),
        PrivacyKind::ApiKey => key(value, &mut draw(value)),
    }
}

/// A stream that nobody without the salt can repeat.
fn chance(kind: PrivacyKind, value: &str, salt: &[u8]) -> Chance {
    let mut hasher = Sha256::new();
    hasher.update((salt.len() as u64).to_le_bytes());
    hasher.update(salt);
    hasher.update([kind as u8]);
    hasher.update(value);
    let hash = hasher.finalize();
    let words: Vec<u64> =
        hash.chunks_exact(8).map(|chunk| chunk.iter().fold(0, |n, byte| n << 8 | u64::from(*byte))).collect();
    Chance::new(&words)
}

fn digits(value: &str) -> Vec<u8> {
    value.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect()
}

fn text(digits: &[u8]) -> String {
    digits.iter().map(|digit| char::from(b'0' + digit)).collect()
}

fn some_digits(n: usize, chance: &mut Chance) -> Vec<u8> {
    (0..n).map(|_| chance.below(10) as u8).collect()
}

/// The digits of a value replaced one by one; the rest of it stays.
fn fill(value: &str, with: &[u8]) -> String {
    let mut with = with.iter();
    value
        .chars()
        .map(|one| {
            if one.is_ascii_digit() { with.next().map_or(one, |digit| char::from(b'0' + digit)) } else { one }
        })
        .collect()
}

/// A sign of the same class; letters turn by turn, so that words can be spoken.
fn sign(one: char, vowel: bool, chance: &mut Chance) -> char {
    let letters: &[u8] = if vowel { b"aeiou" } else { b"bdfgklmnprstvz" };
    let letter = char::from(letters[chance.below(letters.len())]);
    match one {
        one if one.is_ascii_digit() => char::from(b'0' + chance.below(10) as u8),
        one if one.is_uppercase() => letter.to_ascii_uppercase(),
        one if one.is_alphabetic() => letter,
        other => other,
    }
}

fn mail(value: &str, chance: &mut Chance) -> String {
    let local = value.split('@').next().unwrap_or_default();
    let mut new: String = local.chars().enumerate().map(|(i, one)| sign(one, i % 2 == 1, chance)).collect();
    // Short names are few: so many that two people seldom share one.
    while new.chars().count() < 6 {
        new.push(sign('a', new.len() % 2 == 1, chance));
    }
    format!("{new}@example.{}", ["com", "org", "net"][chance.below(3)])
}

/// +1: 555-01xx, which is for fiction. Chinese mobiles: 154, which is not given out. All others: 000 behind the
/// country's code or the zero, where no number begins.
fn phone(value: &str, draw: &dyn Fn(&str) -> Chance) -> String {
    let all = text(&digits(value));
    let abroad = if value.starts_with('+') { Some(0) } else { value.starts_with("00").then_some(2) };
    let plan = abroad.and_then(|skip| plans::of(&all[skip..]).map(|plan| skip + plan.code.len()));
    // Numbers at home that are known for what they are have the same name as with their country's code.
    let kept = match plan {
        Some(kept) => kept,
        None if all.len() == 11 && all.starts_with('1') && !is_chinese(&all) => 1,
        None if all.len() == 13 && all.starts_with("86") => 2,
        None => 0,
    };
    let national = &all[kept..];
    let american =
        national.len() == 10 && national.as_bytes()[0] >= b'2' && matches!(&all[..kept], "" | "1" | "001");
    let chinese = is_chinese(national) && matches!(&all[..kept], "" | "86" | "0086");
    let new = if american {
        let mut chance = draw(&format!("1{national}"));
        let area = [2 + chance.below(8) as u8, chance.below(9) as u8, 2 + chance.below(8) as u8];
        [&area[..], &[5, 5, 5, 0, 1], &some_digits(2, &mut chance)].concat()
    } else if chinese {
        [&[1, 5, 4][..], &some_digits(8, &mut draw(&format!("86{national}")))].concat()
    } else {
        let mut chance = draw(&all);
        let n_zeros = national.len().min(3);
        [&vec![0; n_zeros][..], &some_digits(national.len() - n_zeros, &mut chance)].concat()
    };
    fill(value, &[&digits(&all[..kept])[..], &new].concat())
}

fn is_chinese(national: &str) -> bool {
    national.len() == 11 && national.starts_with('1') && national.as_bytes()[1] >= b'3'
}

/// The brand's first digits, zeros where the bank stands, and a right check.
fn card(old: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut new = brand_of(old).map_or_else(Vec::new, |brand| brand.head(old));
    new.resize(6, 0);
    new.extend(some_digits(old.len().saturating_sub(7), chance));
    new.push(0);
    let check = (10 - luhn(&new)) % 10;
    new.pop();
    new.push(check);
    new
}

/// The country stays, the bank becomes zeros.
fn iban(value: &str, draw: &dyn Fn(&str) -> Chance) -> String {
    let signs: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut chance = draw(&signs.to_ascii_uppercase());
    let body: String = signs[4..]
        .chars()
        .enumerate()
        .map(|(i, one)| match one {
            one if one.is_ascii_digit() && i < 4 => '0',
            one if one.is_ascii_digit() => char::from(b'0' + chance.below(10) as u8),
            one => {
                let letter = char::from(b'A' + chance.below(26) as u8);
                if one.is_ascii_lowercase() { letter.to_ascii_lowercase() } else { letter }
            }
        })
        .collect();
    let check = 98 - iban_rest(&format!("{}00{body}", &signs[..2]));
    let new = format!("{}{check:02}{body}", &signs[..2]);
    let mut new = new.chars();
    value
        .chars()
        .map(|one| if one.is_ascii_alphanumeric() { new.next().unwrap_or(one) } else { one })
        .collect()
}

/// A region that is a province as a whole, where nobody is registered, another birthday, a right check.
fn resident(value: &str, draw: &dyn Fn(&str) -> Chance) -> String {
    let old: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut chance = draw(&old.to_ascii_uppercase());
    let (year, month) = (1950 + chance.below(55) as u32, 1 + chance.below(12) as u32);
    let day = 1 + chance.below(days(year, month) as usize);
    let mut new = format!("{}0000{year}{month:02}{day:02}{}", &old[..2], text(&some_digits(3, &mut chance)));
    new.push(char::from(resident_check(new.as_bytes())));
    let mut new = new.chars();
    value
        .chars()
        .map(|one| if one.is_ascii_alphanumeric() { new.next().unwrap_or(one) } else { one })
        .collect()
}

/// Area 9xx with a group below 50, which neither social security nor taxes give out.
fn social(chance: &mut Chance) -> Vec<u8> {
    let mut new = vec![9];
    new.extend(some_digits(2, chance));
    let group = 1 + chance.below(49) as u8;
    new.extend([group / 10, group % 10]);
    let serial = 1 + chance.below(9_999);
    new.extend(digits(&format!("{serial:04}")));
    new
}

/// 198.18.0.0/15, which is for measurements (RFC 2544), and 2001:db8::/32 for documents (RFC 3849); private ones stay
/// private.
fn address(value: &str, draw: &dyn Fn(&str) -> Chance) -> String {
    match value.parse::<IpAddr>() {
        Ok(IpAddr::V4(old)) => {
            let mut byte = {
                let mut chance = draw(&old.to_string());
                move |from: usize, to: usize| (from + chance.below(to - from + 1)) as u8
            };
            let new = if old.is_private() {
                Ipv4Addr::new(10, byte(0, 255), byte(0, 255), byte(1, 254))
            } else {
                Ipv4Addr::new(198, byte(18, 19), byte(0, 255), byte(1, 254))
            };
            new.to_string()
        }
        Ok(IpAddr::V6(old)) => {
            let mut chance = draw(&old.to_string());
            let mut group = || chance.below(0x1_0000) as u16;
            Ipv6Addr::new(0x2001, 0xdb8, group(), group(), group(), group(), group(), group()).to_string()
        }
        Err(_) => fill(value, &digits(value)),
    }
}

/// What a key begins with stays, up to its last mark among the first; the rest is as random as it was.
fn key(value: &str, chance: &mut Chance) -> String {
    if value.starts_with("-----") {
        let lines = value
            .split('\n')
            .map(|line| if line.starts_with("-----") { line.to_owned() } else { scattered(line, chance) });
        return lines.collect::<Vec<_>>().join("\n");
    }
    let known = ["AKIA", "ASIA", "AROA", "AIDA", "AIza", "eyJ", "ya29.", "SG.", "hf_", "npm_", "github_pat_"];
    let named = known.iter().find(|known| value.starts_with(**known)).map(|known| known.len());
    let marked = value.get(..12).and_then(|head| head.rfind(['_', '-'])).map(|at| at + 1);
    let kept = named.or(marked.filter(|kept| *kept < value.len())).unwrap_or(0);
    format!("{}{}", &value[..kept], scattered(&value[kept..], chance))
}

fn scattered(value: &str, chance: &mut Chance) -> String {
    let new = |one: char| match one {
        '0'..='9' => char::from(b'0' + chance.below(10) as u8),
        'a'..='z' => char::from(b'a' + chance.below(26) as u8),
        'A'..='Z' => char::from(b'A' + chance.below(26) as u8),
        other => other,
    };
    value.chars().map(new).collect()
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;

    fn check(kind: PrivacyKind, value: &str) -> String {
        let new = of(kind, value, b"salt");
        assert_eq!(new, of(kind, value, b"salt"));
        assert_ne!(new, value);
        new
    }

    #[test]
    fn shapes_stay_and_checks_are_right() {
        let same = |a: &str, b: &str| {
            let class = |one: char| {
                if one.is_ascii_digit() {
                    '0'
                } else if one.is_alphabetic() {
                    'a'
                } else {
                    one
                }
            };
            assert!(a.chars().map(class).eq(b.chars().map(class)), "{a} {b}");
        };
        for (kind, value) in [
            (PrivacyKind::Card, "4111 1111 1111 1111"),
            (PrivacyKind::Card, "3782-822463-10005"),
            (PrivacyKind::Iban, "DE89 3704 0044 0532 0130 00"),
            (PrivacyKind::Iban, "GB82WEST12345698765432"),
            (PrivacyKind::ChineseId, "110105194912310029"),
        ] {
            let new = check(kind, value);
            if kind != PrivacyKind::ChineseId {
                same(value, &new);
            }
            let found = find(&new);
            assert_eq!(found.len(), 1, "{new}");
            assert_eq!((found[0].kind, found[0].at.len()), (kind, new.len()), "{new}");
        }
        let social = check(PrivacyKind::UsSsn, "219-09-9999");
        same(&social, "219-09-9999");
        assert!(social.starts_with('9'));
    }

    #[test]
    fn nobody_has_them() {
        assert!(check(PrivacyKind::Email, "Ann.Lee@firm.co.uk").contains("@example."));
        assert_eq!(
            check(PrivacyKind::Email, "Ann@b.cn"),
            of(PrivacyKind::Email, "ann@B.CN", b"salt").replacen(
                &of(PrivacyKind::Email, "ann@B.CN", b"salt")[..1],
                &check(PrivacyKind::Email, "Ann@b.cn")[..1],
                1
            )
        );
        let american = check(PrivacyKind::Phone, "(415) 867-5309");
        assert!(american.contains(") 555-01"), "{american}");
        let same = digits(&check(PrivacyKind::Phone, "+1 415.867.5309"));
        assert_eq!(digits(&american), same[1..], "with and without the country");
        let chinese = check(PrivacyKind::Phone, "13800138000");
        assert!(chinese.starts_with("154"), "{chinese}");
        assert!(check(PrivacyKind::Phone, "+86 138 0013 8000").ends_with(&format!(
            "{} {}",
            &chinese[3..7],
            &chinese[7..]
        )));
        assert!(check(PrivacyKind::Phone, "+49 30 901820").starts_with("+49 00 0"));
        assert!(check(PrivacyKind::IpAddress, "8.8.4.4").starts_with("198.1"));
        assert!(check(PrivacyKind::IpAddress, "192.168.1.20").starts_with("10."));
        assert!(check(PrivacyKind::IpAddress, "2a00:1450:4001:81b::200e").starts_with("2001:db8:"));
        assert!(check(PrivacyKind::ApiKey, "sk-proj-a8Kd02mQz7Lp51xVw9Rt").starts_with("sk-proj-"));
    }
}
