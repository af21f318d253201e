//! A prompt's text with its variables in braces: finding, filling and escaping them. Plain functions of text, so that
//! window and engine agree on every character.
//!
//! `{name}` is a variable; `{{` stands for one brace. A brace that opens neither stays what it is, so that JSON and
//! code can be pasted as they are.

use std::ops::Range;

/// Letters of a variable's name, at most.
const LONGEST_NAME: usize = 48;

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Stays as it is.
    Text(&'a str),
    /// `{{`, which stands for `{`.
    Brace,
    /// The name between braces.
    Variable(&'a str),
}

/// The parts of `text` in order, each with its place in bytes; together they are the whole text.
#[must_use]
pub fn pieces(text: &str) -> Vec<(Range<usize>, Piece<'_>)> {
    let mut found = Vec::new();
    let (mut plain, mut at) = (0, 0);
    while let Some(open) = text[at..].find('{').map(|open| at + open) {
        let rest = &text[open + 1..];
        let (piece, end) = if rest.starts_with('{') {
            (Piece::Brace, open + 2)
        } else if let Some(name) = rest.find('}').map(|end| &rest[..end]).filter(|name| is_name(name)) {
            (Piece::Variable(name), open + name.len() + 2)
        } else {
            at = open + 1;
            continue;
        };
        if plain < open {
            found.push((plain..open, Piece::Text(&text[plain..open])));
        }
        found.push((open..end, piece));
        (plain, at) = (end, end);
    }
    if plain < text.len() {
        found.push((plain..text.len(), Piece::Text(&text[plain..])));
    }
    found
}

/// Whether a variable can be called so: a letter or `_`, then letters, digits, `_`, `-` and single spaces.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let begins = name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
    begins
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '))
        && !name.ends_with(' ')
        && !name.contains("  ")
        && name.chars().count() <= LONGEST_NAME
}

/// The variables of `text`, each once, in the order in which they come.
#[must_use]
pub fn names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for (_, piece) in pieces(text) {
        if let Piece::Variable(name) = piece
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

/// `text` with what `value` says in the place of its variables. Those that it doesn't know stay. What is filled in is
/// never looked into again.
#[must_use]
pub fn fill<'a>(text: &str, value: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut filled = String::with_capacity(text.len());
    for (range, piece) in pieces(text) {
        filled.push_str(match piece {
            Piece::Text(text) => text,
            Piece::Brace => "{",
            Piece::Variable(name) => value(name).unwrap_or(&text[range]),
        });
    }
    filled
}

/// A text that [`fill`] makes `plain` of, whatever the values are.
#[must_use]
pub fn escape(plain: &str) -> String {
    plain.replace('{', "{{")
}

/// Names in doubled braces, as other programs write variables: here they are no variables.
#[must_use]
pub fn doubled(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("{{") {
        let rest = &text[at + 2..];
        if let Some(name) = rest.find("}}").map(|end| rest[..end].trim()).filter(|name| is_name(name))
            && !found.contains(&name)
        {
            found.push(name);
        }
    }
    found
}

/// The same text with single braces around those names.
#[must_use]
pub fn undoubled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let inside = &rest[open + 2..];
        let named =
            inside.find("}}").map(|end| (&inside[..end], end)).filter(|(name, _)| is_name(name.trim()));
        let Some((name, end)) = named else {
            out.push_str(&rest[..open + 2]);
            rest = inside;
            continue;
        };
        out.push_str(&rest[..open]);
        out.push('{');
        out.push_str(name.trim());
        out.push('}');
        rest = &inside[end + 2..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        fill(text, |name| match name {
            "a" => Some("{b}"),
            "b" => Some("2"),
            "first name" => Some("Ada"),
            "名字" => Some("艾达"),
            _ => None,
        })
    }

    #[test]
    fn variables_are_filled_once_and_everything_else_stays() {
        let check = |text: &str, expected: &str| assert_eq!(filled(text), expected, "{text}");
        check("", "");
        check("{a} and {b}", "{b} and 2");
        check("{first name}, {名字}", "Ada, 艾达");
        check("{{a} {{{a}", "{a} {{b}");
        check("{\"a\": {\"b\": 1}}", "{\"a\": {\"b\": 1}}");
        check("{ a } {a\nb} {1} {} { {a", "{ a } {a\nb} {1} {} { {a");
        check("{unknown} {b}}", "{unknown} 2}");
        assert_eq!(names("{b} {a} {b} {{c}"), ["b", "a"]);
    }

    #[test]
    fn pieces_are_the_whole_text() {
        for text in ["a{b}c{{d}e{", "{a}{b}", "{{}}{", "没有{变量}吗"] {
            let joined: String = pieces(text).into_iter().map(|(range, _)| &text[range]).collect();
            assert_eq!(joined, text);
        }
    }

    #[test]
    fn braces_of_other_programs_are_found_and_mended() {
        let text = "Dear {{ name }}, {{x}} {{\"json\": 1}} {ok}";
        assert_eq!(doubled(text), ["name", "x"]);
        assert_eq!(undoubled(text), "Dear {name}, {x} {{\"json\": 1}} {ok}");
    }

    /// Texts of few letters, among them those that mean something.
    fn random_texts() -> impl Iterator<Item = String> {
        let mut state = 7_u64;
        let mut next = move |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        (0..4000).map(move |_| {
            let letters = ['{', '}', 'a', 'b', ' ', '\n', '界', '{', '"'];
            (0..next(14)).map(|_| letters[next(letters.len() as u64) as usize]).collect()
        })
    }

    #[test]
    fn what_is_escaped_comes_back_whatever_it_is() {
        for text in random_texts() {
            assert_eq!(filled(&escape(&text)), text);
            assert_eq!(names(&escape(&text)), Vec::<&str>::new(), "{text:?}");
        }
    }

    #[test]
    fn values_are_never_looked_into() {
        let values: Vec<String> = random_texts().take(400).collect();
        for (value, around) in values.iter().zip(random_texts().skip(500)) {
            // Whatever stands in a value comes out as it went in, between what stands around it.
            let text = format!("{}{{a}}{}", escape(&around), escape(&around));
            let filled = fill(&text, |name| (name == "a").then_some(value.as_str()));
            assert_eq!(filled, format!("{around}{value}{around}"));
        }
    }
}
