//! Texts in lines: words and patterns.
//!
//! A line is JSON, in which texts have escapes. What is sought is made a *prefilter* over the line's bytes where that
//! can be: never blind to a line that has it, at times fooled by one that has not. Where it finds something, the
//! texts of the line are read and looked through. Texts are a row's texts and those inside of lists and objects;
//! numbers and truth values are texts as they are written; the `role` of a turn is none.

use crate::table::raw::{self, Raw, RawKind};
use anyhow::Result;
use glassworks_protocol::datasets::Filter;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use memchr::{memchr, memmem};
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::literal::{ExtractKind, Extractor, Seq};
use regex_syntax::hir::{Hir, HirKind};

/// Bytes that a compiled pattern may take.
const PATTERN_BYTES: usize = 4 << 20;

/// A prefilter of more beginnings finds too much.
const MOST_LITERALS: usize = 128;

/// Of parts of a pattern, as many are looked at for what must be there.
const MOST_PARTS: usize = 16;

enum Finder {
    Words(Box<memmem::Finder<'static>>),
    Pattern(Regex),
}

impl Finder {
    fn words(words: &[u8]) -> Self {
        Self::Words(Box::new(memmem::Finder::new(words).into_owned()))
    }

    fn find(&self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Words(words) => words.find(bytes),
            Self::Pattern(pattern) => pattern.find(bytes).map(|found| found.start()),
        }
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Words(words) => words.find(bytes).is_some(),
            Self::Pattern(pattern) => pattern.is_match(bytes),
        }
    }
}

/// Looks for something in the texts of lines.
pub struct Matcher {
    /// A column's name as it stands in lines; `None`: any.
    column: Option<Vec<u8>>,
    prefilter: Option<Finder>,
    finder: Finder,
}

impl std::fmt::Debug for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Matcher {{ prefilter: {} }}", self.prefilter.is_some())
    }
}

impl Matcher {
    /// That of a filter; `None` where it is none over texts.
    ///
    /// # Errors
    /// A `Failure` when a pattern cannot be read or is too large.
    pub fn of(filter: &Filter) -> Result<Option<Self>> {
        Ok(match filter {
            Filter::Contains { text, column, case_sensitive } => {
                Some(Self::words(text, column.as_deref(), *case_sensitive)?)
            }
            Filter::Regex { pattern, column } => Some(Self::pattern(pattern, column.as_deref())?),
            _ => None,
        })
    }

    /// Looks for words. Unless case counts, letters are the same that Unicode folds to one (simple case folding).
    ///
    /// # Errors
    /// When the words are too many.
    pub fn words(words: &str, column: Option<&str>, case_sensitive: bool) -> Result<Self> {
        let column = column.map(raw::escape);
        let inner = raw::escape(words);
        let (prefilter, finder) = if case_sensitive || !words.chars().any(has_case) {
            (Finder::words(&inner), Finder::words(words.as_bytes()))
        } else {
            let pattern = |words: &str| {
                compile(RegexBuilder::new(&regex::escape(words)).case_insensitive(true)).map(Finder::Pattern)
            };
            (pattern(&String::from_utf8_lossy(&inner))?, pattern(words)?)
        };
        let prefilter = (!words.is_empty()).then_some(prefilter);
        Ok(Self { column, prefilter, finder })
    }

    /// Looks for a pattern as the regex crate reads it.
    ///
    /// # Errors
    /// A `Failure` when it cannot be read or is too large.
    pub fn pattern(pattern: &str, column: Option<&str>) -> Result<Self> {
        let parsed = regex_syntax::ParserBuilder::new().utf8(false).build().parse(pattern);
        let parsed = parsed.map_err(|error| unreadable(&error))?;
        let finder = Finder::Pattern(compile(&mut RegexBuilder::new(pattern))?);
        Ok(Self { column: column.map(raw::escape), prefilter: prefilter(&parsed), finder })
    }

    #[must_use]
    pub fn has_prefilter(&self) -> bool {
        self.prefilter.is_some()
    }

    /// Where in the bytes of lines it may be; `None`: in none of them.
    #[must_use]
    pub fn prefilter(&self, bytes: &[u8]) -> Option<usize> {
        self.prefilter.as_ref().map_or(Some(0), |prefilter| prefilter.find(bytes))
    }

    /// Whether a line has it. `scratch` is for texts with escapes.
    pub fn matches(&self, line: &[u8], scratch: &mut Vec<u8>) -> bool {
        if self.prefilter.as_ref().is_some_and(|prefilter| !prefilter.is_in(line)) {
            return false;
        }
        raw::fields(line)
            .filter(|(key, _)| self.column.as_ref().is_none_or(|column| column == key))
            .any(|(_, value)| any_text(value, &mut |text| self.is_in(text, scratch)))
    }

    /// Whether it is in what stands between quotes.
    fn is_in(&self, inner: &[u8], scratch: &mut Vec<u8>) -> bool {
        if memchr(b'\\', inner).is_none() {
            return self.finder.is_in(inner);
        }
        scratch.clear();
        raw::unescape(inner, scratch);
        self.finder.is_in(scratch)
    }
}

/// Whether a text of a value, as it stands between quotes, is one that `is` says yes to.
pub(super) fn any_text<'a>(value: Raw<'a>, is: &mut dyn FnMut(&'a [u8]) -> bool) -> bool {
    match value.kind() {
        RawKind::Text => value.inner().is_some_and(is),
        RawKind::Number | RawKind::Bool => is(value.bytes()),
        RawKind::List => value.items().any(|item| any_text(item, is)),
        RawKind::Object => {
            value.fields().filter(|(key, _)| *key != b"role").any(|(_, value)| any_text(value, is))
        }
        RawKind::Null => false,
    }
}

fn has_case(one: char) -> bool {
    !one.to_lowercase().eq([one]) || !one.to_uppercase().eq([one])
}

fn compile(builder: &mut RegexBuilder) -> Result<Regex> {
    builder.size_limit(PATTERN_BYTES).build().map_err(|error| {
        let summary = Text::new("data.pattern_too_large");
        Failure::new(FailureKind::Input, summary)
            .hint(Text::new("data.pattern_too_large_hint"))
            .detail(error.to_string())
            .into()
    })
}

fn unreadable(error: &regex_syntax::Error) -> anyhow::Error {
    let (reason, at) = match error {
        regex_syntax::Error::Parse(error) => (error.kind().to_string(), error.span().start.column),
        regex_syntax::Error::Translate(error) => (error.kind().to_string(), error.span().start.column),
        other => (other.to_string(), 1),
    };
    let summary = Text::new("data.pattern_unreadable").arg("at", at).arg("reason", reason);
    Failure::new(FailureKind::Input, summary)
        .hint(Text::new("data.pattern_unreadable_hint"))
        .detail(error.to_string())
        .into()
}

/// Looks for what every match must have literally in it, as it stands in lines: the longest there is.
fn prefilter(pattern: &Hir) -> Option<Finder> {
    let literals: Vec<Vec<u8>> =
        required(pattern, 0)?.literals()?.iter().map(|one| escaped(one.as_bytes())).collect();
    if let [one] = &literals[..] {
        return Some(Finder::words(one));
    }
    let hex = |literal: &Vec<u8>| literal.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let any = literals.iter().map(hex).collect::<Vec<_>>().join("|");
    compile(RegexBuilder::new(&any).unicode(false)).ok().map(Finder::Pattern)
}

/// Beginnings of which one stands in every match: of the whole, or of a part that every match has.
fn required(pattern: &Hir, depth: u32) -> Option<Seq> {
    let mut best = usable(beginnings(pattern));
    if depth < 16 {
        let parts: Vec<Hir> = match pattern.kind() {
            HirKind::Concat(parts) => {
                (1..parts.len().min(MOST_PARTS)).map(|at| Hir::concat(parts[at..].to_vec())).collect()
            }
            HirKind::Capture(capture) => vec![(*capture.sub).clone()],
            HirKind::Repetition(repetition) if repetition.min > 0 => vec![(*repetition.sub).clone()],
            _ => Vec::new(),
        };
        let inner: Vec<Hir> = match pattern.kind() {
            HirKind::Concat(parts) => parts.iter().take(MOST_PARTS).cloned().collect(),
            _ => Vec::new(),
        };
        let found = parts.iter().map(|part| usable(beginnings(part)));
        let deeper = parts.iter().chain(&inner).filter(|part| !matches!(part.kind(), HirKind::Concat(_)));
        for one in found.chain(deeper.map(|part| required(part, depth + 1))).flatten() {
            if best.as_ref().is_none_or(|best| worth(&one) > worth(best)) {
                best = Some(one);
            }
        }
    }
    best
}

fn beginnings(pattern: &Hir) -> Seq {
    let mut seq = Extractor::new().kind(ExtractKind::Prefix).extract(pattern);
    seq.minimize_by_preference();
    seq
}

fn usable(seq: Seq) -> Option<Seq> {
    let n = seq.len()?;
    (n > 0 && n <= MOST_LITERALS && seq.min_literal_len()? >= 2).then_some(seq)
}

/// Long ones find least, and few are found fast.
fn worth(seq: &Seq) -> (usize, std::cmp::Reverse<usize>) {
    (seq.min_literal_len().unwrap_or(0).min(8), std::cmp::Reverse(seq.len().unwrap_or(usize::MAX)))
}

/// Bytes as they stand between quotes. Those past ASCII stand for themselves, also a part of a character.
fn escaped(bytes: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii() {
            escaped.extend(raw::escape(char::from(*byte).encode_utf8(&mut [0; 4])));
        } else {
            escaped.push(*byte);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(matcher: &Matcher, text: &str, expected: bool) {
        for line in [json!({"id": 1, "t": text}), json!({"id": 1, "t": [{"role": "zz", "content": text}]})] {
            let line = serde_json::to_vec(&line).unwrap();
            assert_eq!(matcher.matches(&line, &mut Vec::new()), expected, "{text:?}");
            let found = matcher.prefilter(&line).is_some();
            assert!(found || !expected, "the prefilter is blind to {text:?}");
        }
    }

    #[test]
    fn words_are_found_whatever_their_case() {
        let words = |words, case| Matcher::words(words, None, case).unwrap();
        check(&words("Straße", false), "die STRAßE", true);
        check(&words("ΣΑΣ", false), "σας", true);
        check(&words("hello", false), "oh, HeLLo", true);
        check(&words("hello", true), "oh, HeLLo", false);
        check(&words("文好", false), "中文好", true);
        check(&words("a\n\"b\\", true), "xa\n\"b\\", true);
        check(&words("A\n\"b\\", false), "xa\n\"B\\", true);
        check(&words("n", true), "x\ny", false);
        check(&words("\u{1}x", false), "\u{1}X", true);
        check(&words("", false), "", true);
        // Neither names of columns nor roles are texts.
        check(&words("zz", true), "x", false);
        check(&words("content", true), "x", false);
        check(&words("t", true), "x", false);
    }

    #[test]
    fn patterns_are_found_in_texts_as_they_are_read() {
        let pattern = |pattern: &str| Matcher::pattern(pattern, None).unwrap();
        check(&pattern("^a.b$"), "axb", true);
        check(&pattern("^a.b$"), "a\nb", false);
        check(&pattern("(?s)^a.b$"), "a\nb", true);
        check(&pattern(r"x\ny"), "x\ny", true);
        check(&pattern(r#""q"\d+"#), "say \"q\"12", true);
        check(&pattern(r"[a-z]+@example\.com"), "me@example.com", true);
        check(&pattern(r"[a-z]+@example\.com"), "@example.com", false);
        check(&pattern("(?i)grüße"), "GRÜSSE GRÜßE", true);
        check(&pattern(r"\bcat\b"), "concat", false);
        check(&pattern("(foo|bar)+baz"), "barbaz", true);
        check(&pattern("中.好"), "中文好", true);
        check(&pattern("a*"), "", true);
    }

    #[test]
    fn what_a_pattern_must_have_is_a_prefilter() {
        for (pattern, has) in [
            (r"\d+ apples", true),
            (r"[a-z]+@example\.com", true),
            ("(?:red|green|blue) car", true),
            ("(?i)hello", true),
            (r"\d{3}-\d{4}", false),
            (r"\w+", false),
            ("x?y?", false),
            ("a|[bc]?", false),
        ] {
            assert_eq!(Matcher::pattern(pattern, None).unwrap().has_prefilter(), has, "{pattern}");
        }
    }

    #[test]
    fn a_column_alone_is_looked_through() {
        let line = serde_json::to_vec(&json!({"a": "x", "b\"": 12.5, "c": true})).unwrap();
        let find = |words: &str, column| {
            Matcher::words(words, Some(column), true).unwrap().matches(&line, &mut Vec::new())
        };
        assert!(find("x", "a") && find("2.5", "b\"") && find("tru", "c"));
        assert!(!find("x", "c") && !find("x", "d"));
    }

    #[test]
    fn patterns_that_cannot_be_read_say_where() {
        let failure = |pattern: &str| {
            Matcher::pattern(pattern, None).unwrap_err().downcast::<Failure>().unwrap().summary
        };
        let summary = failure("ab(c");
        assert_eq!(summary.key, "data.pattern_unreadable");
        assert_eq!(summary.args[0].1, "3");
        assert_eq!(failure(r"\w{500}{500}").key, "data.pattern_too_large");
    }
}
