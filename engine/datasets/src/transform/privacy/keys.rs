//! Keys of programs: those whose makers gave them a prefix, and what is assigned to something called a key.

use super::Found;
use super::context::{before, constant, is_word};
use glassworks_protocol::datasets::transform::PrivacyKind;
use regex::Regex;
use std::sync::LazyLock;

/// Known by how they begin.
static PREFIXED: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"sk-(?:proj-|ant-(?:api\d+-)?|or-v1-|svcacct-)?[A-Za-z0-9_-]{20,}",
        r"|[srp]k_(?:live|test)_[A-Za-z0-9]{16,}",
        r"|(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}",
        r"|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{30,}",
        r"|glpat-[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{40,}",
        r"|xox[abeprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{20,}",
        r"|AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{30,}",
        r"|SG\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{30,}",
        r"|dop_v1_[a-f0-9]{64}|shpat_[a-fA-F0-9]{32}|key-[a-f0-9]{32}",
        r"|eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    ))
});

static PEM: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
    )
});

/// Assigned to a name that says so; the value is the group.
static ASSIGNED: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"(?i)(?:api[_ -]?key|apikey|secret(?:[_ -]?(?:access[_ -]?)?key)?|access[_ -]?(?:key|token)|auth[_ -]?token",
        r"|client[_ -]?secret|private[_ -]?key|account[_ -]?key|token|passwd|password|pwd|密钥|令牌)",
        r#"["'`]?\s*(?:=>|:=|[:=：]|\bis\b|为|是)\s*["'`]?([A-Za-z0-9_\-./+~!@#$%^&*]{16,200}={0,2})"#,
        r"|\b(?:bearer|authorization:\s*(?:token|basic))\s+([A-Za-z0-9_\-./+~]{20,400}={0,2})",
    ))
});

/// Words of values that are there to be replaced.
const PLACEHOLDERS: [&str; 14] = [
    "your",
    "example",
    "xxxx",
    "changeme",
    "placeholder",
    "insert",
    "process.env",
    "os.environ",
    "redacted",
    "dummy",
    "replace",
    "secrets.",
    "****",
    "getenv",
];

pub fn find(text: &str, found: &mut Vec<Found>) {
    let mut push = |at| found.push(Found { kind: PrivacyKind::ApiKey, at });
    if text.contains("PRIVATE KEY") {
        PEM.find_iter(text).for_each(|one| push(one.range()));
    }
    for one in PREFIXED.find_iter(text) {
        if !before(text, one.start()).is_some_and(is_word)
            && !is_placeholder(one.as_str())
            && is_mixed(one.as_str())
        {
            push(one.range());
        }
    }
    for one in ASSIGNED.captures_iter(text) {
        let value = one.get(1).or_else(|| one.get(2));
        if let Some(value) = value.filter(|value| is_secret(value.as_str())) {
            push(value.range());
        }
    }
}

fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    PLACEHOLDERS.iter().any(|word| lower.contains(word))
}

/// Behind its prefix more than words: a digit, or both cases.
fn is_mixed(value: &str) -> bool {
    let body = value.get(4..).unwrap_or_default();
    let (digit, upper, lower) = (
        body.bytes().any(|byte| byte.is_ascii_digit()),
        body.bytes().any(|byte| byte.is_ascii_uppercase()),
        body.bytes().any(|byte| byte.is_ascii_lowercase()),
    );
    entropy(body) >= 2.5 && !is_words(body) && (digit || upper && lower)
}

/// Whether a value is one that nobody can guess: letters and digits, mixed, and no name in a program.
fn is_secret(value: &str) -> bool {
    let n_digits = value.bytes().filter(u8::is_ascii_digit).count();
    let n_letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    n_digits >= 2 && n_letters >= 4 && entropy(value) >= 3.0 && !is_words(value) && !is_placeholder(value)
}

/// Words and short numbers with points, hyphens or underscores between them.
fn is_words(value: &str) -> bool {
    let is_part = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_alphabetic()) && is_cased_as_word(part)
            || part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit())
            || part.len() <= 3
    };
    value.split(['_', '-', '.', '/']).all(is_part)
}

/// `word`, `Word`, `WORD` or `someWords`: upper case begins a word, and words have vowels.
fn is_cased_as_word(part: &str) -> bool {
    let n_upper = part.bytes().filter(u8::is_ascii_uppercase).count();
    let n_vowels = part.bytes().filter(|byte| b"aeiouyAEIOUY".contains(byte)).count();
    (n_upper * 4 <= part.len() || n_upper == part.len()) && n_vowels * 6 >= part.len()
}

/// Bits a character.
fn entropy(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    value.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let n = value.len().max(1) as f64;
    let bits = |count: &u32| f64::from(*count) / n * (n / f64::from(*count)).log2();
    counts.iter().filter(|count| **count > 0).map(bits).sum()
}
