//! Models that think aloud: `<think>…</think>` is told apart from the answer.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    Said(&'a str),
    /// Not closed yet while it is being written.
    Thought {
        text: &'a str,
        closed: bool,
    },
}

/// Parts that say nothing are left out. Some templates open the block in the prompt, so that a reply may begin
/// inside it and show only its end.
#[must_use]
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    if let Some(close) = rest.find(CLOSE)
        && rest.find(OPEN).is_none_or(|open| open > close)
    {
        parts.push(Part::Thought { text: rest[..close].trim(), closed: true });
        rest = &rest[close + CLOSE.len()..];
    }
    while let Some(open) = rest.find(OPEN) {
        parts.push(Part::Said(&rest[..open]));
        rest = &rest[open + OPEN.len()..];
        let Some(close) = rest.find(CLOSE) else {
            parts.push(Part::Thought { text: rest.trim(), closed: false });
            rest = "";
            break;
        };
        parts.push(Part::Thought { text: rest[..close].trim(), closed: true });
        rest = &rest[close + CLOSE.len()..];
    }
    parts.push(Part::Said(rest));
    parts.retain(|part| match part {
        Part::Said(text) => !text.trim().is_empty(),
        Part::Thought { text, closed } => !text.is_empty() || !closed,
    });
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[Part]) {
        assert_eq!(parts(text), expected, "{text}");
    }

    #[test]
    fn thoughts_are_told_from_words() {
        let thought = |text, closed| Part::Thought { text, closed };
        check("Hi", &[Part::Said("Hi")]);
        check("<think>hm</think>Hi", &[thought("hm", true), Part::Said("Hi")]);
        check("<think>\n\n</think>\n\nHi", &[Part::Said("\n\nHi")]);
        check("<think>hm", &[thought("hm", false)]);
        check("hm</think> Hi", &[thought("hm", true), Part::Said(" Hi")]);
        check(
            "a<think>b</think>c<think>d",
            &[Part::Said("a"), thought("b", true), Part::Said("c"), thought("d", false)],
        );
        check("", &[]);
    }
}
