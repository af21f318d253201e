//! Places in texts and tags of words, read one way by the window that sets them and the engine that checks them.
//!
//! Places are counted in Unicode characters, ends exclusive: what Python's `text[start:end]` means.

/// Where something stands in a text, in characters.
pub type Place = (usize, usize);

/// What stands there; `None` where the text has no such place.
#[must_use]
pub fn between(text: &str, (start, end): Place) -> Option<&str> {
    let mut bytes = text.char_indices().map(|(byte, _)| byte).chain([text.len()]).skip(start);
    let from = bytes.next().filter(|_| start <= end)?;
    let to = if end == start { from } else { bytes.nth(end - start - 1)? };
    Some(&text[from..to])
}

/// Where words stand in a text, nearest to `near`.
#[must_use]
pub fn nearest(text: &str, words: &str, near: usize) -> Option<Place> {
    if words.is_empty() {
        return None;
    }
    let n_chars = words.chars().count();
    let (mut chars, mut byte) = (0, 0);
    let mut best: Option<usize> = None;
    // Overlapping ones count too: "aa" is twice in "aaa".
    while let Some(found) = text[byte..].find(words) {
        chars += text[byte..byte + found].chars().count();
        byte += found;
        if best.is_none_or(|best| chars.abs_diff(near) < best.abs_diff(near)) {
            best = Some(chars);
        }
        byte += text[byte..].chars().next().map_or(1, char::len_utf8);
        chars += 1;
    }
    best.map(|start| (start, start + n_chars))
}

/// Where what stood at a place stands after a text was changed in one piece; `None`: it is gone.
#[must_use]
pub fn carried(before: &str, after: &str, (start, end): Place) -> Option<Place> {
    let (n_before, n_after) = (before.chars().count(), after.chars().count());
    let head = before.chars().zip(after.chars()).take_while(|(a, b)| a == b).count();
    let most = n_before.min(n_after) - head;
    let tail = before.chars().rev().zip(after.chars().rev()).take(most).take_while(|(a, b)| a == b).count();
    let (gone, come) = (n_before - tail, n_after - tail);
    let later = |at: usize| at - gone + come;
    let place = match () {
        () if end <= head => (start, end),
        () if start >= gone => (later(start), later(end)),
        () if start <= head && end >= gone => (start, later(end)),
        () if start < head => (start, head),
        () if end > gone => (come, later(end)),
        () => return None,
    };
    (place.0 < place.1).then_some(place)
}

/// A tag of a word by the BIO scheme (Ramshaw and Marcus 1995, as CoNLL 2002 has it).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag<'a> {
    /// `O`
    Outside,
    /// `B-PER`
    Begin(&'a str),
    /// `I-PER`
    Inside(&'a str),
    /// None of these.
    Other(&'a str),
}

impl<'a> Tag<'a> {
    #[must_use]
    pub fn read(tag: &'a str) -> Self {
        match tag.split_once('-') {
            _ if tag == "O" => Self::Outside,
            Some(("B", kind)) if !kind.is_empty() => Self::Begin(kind),
            Some(("I", kind)) if !kind.is_empty() => Self::Inside(kind),
            _ => Self::Other(tag),
        }
    }

    /// What the word is part of.
    #[must_use]
    pub fn kind(self) -> Option<&'a str> {
        match self {
            Self::Begin(kind) | Self::Inside(kind) => Some(kind),
            Self::Other(kind) if !kind.is_empty() => Some(kind),
            Self::Outside | Self::Other(_) => None,
        }
    }
}

/// Whether the tags are no spans but a class for each word: parts of speech.
#[must_use]
pub fn is_by_word<'a>(tags: impl IntoIterator<Item = &'a str>) -> bool {
    let mut classes = 0;
    for tag in tags {
        match Tag::read(tag) {
            Tag::Outside => {}
            Tag::Other(class) if !class.is_empty() && unfolded(class).is_none() => classes += 1,
            _ => return false,
        }
    }
    classes > 0
}

/// The places of tags that are no BIO: none of its forms, or inside of what has not begun. Classes of words are
/// never wrong.
#[must_use]
pub fn wrong_tags(tags: &[&str]) -> Vec<usize> {
    if is_by_word(tags.iter().copied()) {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    let mut open = None;
    for (at, tag) in tags.iter().enumerate() {
        let read = Tag::read(tag);
        open = match read {
            Tag::Begin(kind) => Some(kind),
            Tag::Inside(kind) => {
                if open != Some(kind) {
                    wrong.push(at);
                }
                Some(kind)
            }
            Tag::Outside => None,
            Tag::Other(_) => {
                wrong.push(at);
                None
            }
        };
    }
    wrong
}

/// The same spans in BIO: what is inside of nothing begins, other schemes' letters become these, the rest is outside.
#[must_use]
pub fn repaired_tags(tags: &[&str]) -> Vec<String> {
    if is_by_word(tags.iter().copied()) {
        return tags.iter().map(|tag| (*tag).to_owned()).collect();
    }
    let mut open: Option<String> = None;
    let mut repaired = Vec::with_capacity(tags.len());
    for tag in tags {
        let (begins, kind) = match (Tag::read(tag), unfolded(tag)) {
            (Tag::Begin(kind), _) => (true, Some(kind)),
            (Tag::Inside(kind), _) => (false, Some(kind)),
            (Tag::Other(_), Some((begins, kind))) => (begins, Some(kind)),
            _ => (false, None),
        };
        repaired.push(match kind {
            None => "O".to_owned(),
            Some(kind) if begins || open.as_deref() != Some(kind) => format!("B-{kind}"),
            Some(kind) => format!("I-{kind}"),
        });
        open = kind.map(str::to_owned);
    }
    repaired
}

/// Whether it begins something, and what, in the letters of BIOES and BILOU, of either case.
fn unfolded(tag: &str) -> Option<(bool, &str)> {
    let (letter, kind) = tag.split_once(['-', '_'])?;
    let begins = match letter {
        "B" | "b" | "S" | "s" | "U" | "u" => true,
        "I" | "i" | "E" | "e" | "L" | "l" | "M" | "m" => false,
        _ => return None,
    };
    (!kind.is_empty()).then_some((begins, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters() {
        let text = "玻璃 is glass é";
        assert_eq!(between(text, (0, 2)), Some("玻璃"));
        assert_eq!(between(text, (11, 12)), Some(" "));
        assert_eq!(between(text, (12, 13)), Some("é"));
        assert_eq!(between(text, (13, 13)), Some(""));
        assert_eq!(between(text, (12, 14)), None);
        assert_eq!(between(text, (14, 14)), None);
        assert_eq!(between(text, (2, 1)), None);
        assert_eq!(nearest(text, "glass", 0), Some((6, 11)));
        assert_eq!(nearest("aaa 玻 aa", "aa", 5), Some((6, 8)));
        assert_eq!(nearest("aaa", "aa", 1), Some((1, 3)));
        assert_eq!(nearest(text, "ice", 0), None);
        assert_eq!(nearest(text, "", 0), None);
    }

    #[test]
    fn marks_go_with_their_words() {
        let check = |before: &str, after: &str, place, expected| {
            assert_eq!(carried(before, after, place), expected, "{before:?} to {after:?}");
        };
        check("in 巴黎 now", "now in 巴黎 now", (3, 5), Some((7, 9)));
        check("in Paris now", "in Paris then", (3, 8), Some((3, 8)));
        check("in Pars now", "in Paris now", (3, 7), Some((3, 8)));
        check("in Paris now", "in now", (3, 8), None);
        check("in Paris now", "in P now", (3, 8), Some((3, 4)));
        check("in Paris now", "inis now", (3, 8), Some((2, 4)));
        check("in Paris now", "in Parnow", (3, 8), Some((3, 6)));
        check("ab", "ab", (0, 2), Some((0, 2)));
        check("ab", "xab", (0, 2), Some((1, 3)));
        check("ab", "abx", (0, 2), Some((0, 2)));
        check("ab", "", (0, 2), None);
    }

    #[test]
    fn tags_are_bio_or_told() {
        let check = |tags: &[&str], wrong: &[usize], repaired: &[&str]| {
            assert_eq!(wrong_tags(tags), wrong, "{tags:?}");
            assert_eq!(repaired_tags(tags), repaired, "{tags:?}");
            let again = repaired_tags(tags);
            let again: Vec<&str> = again.iter().map(String::as_str).collect();
            assert_eq!(wrong_tags(&again), Vec::<usize>::new(), "{tags:?}");
        };
        check(&["O", "B-PER", "I-PER", "O"], &[], &["O", "B-PER", "I-PER", "O"]);
        check(&["I-PER", "I-PER"], &[0], &["B-PER", "I-PER"]);
        check(&["B-PER", "I-LOC", "I-LOC"], &[1], &["B-PER", "B-LOC", "I-LOC"]);
        check(&["S-PER", "b-per", "E-per", ""], &[0, 1, 2, 3], &["B-PER", "B-per", "I-per", "O"]);
        check(&["NOUN", "VERB", "O"], &[], &["NOUN", "VERB", "O"]);
        check(&["NOUN", "B-PER"], &[0], &["O", "B-PER"]);
        check(&["B-half-life", "I-half-life"], &[], &["B-half-life", "I-half-life"]);
        check(&["O", "O"], &[], &["O", "O"]);
        assert_eq!(Tag::read("B-PER").kind(), Some("PER"));
        assert_eq!((Tag::read("O").kind(), Tag::read("NOUN").kind()), (None, Some("NOUN")));
    }
}
