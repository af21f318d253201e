//! Tokens as they are shown: alone, with what cannot be seen made visible, and in running text.

use glassworks_protocol::ids::CaptureId;
use glassworks_protocol::inside::{Capture, SeenToken};
use std::ops::Range;

/// The tokens of the capture that is shown.
#[derive(Default)]
pub struct Names {
    of: Option<(CaptureId, usize)>,
    pub alone: Vec<String>,
    pub running: Vec<String>,
}

impl Names {
    pub fn follow(&mut self, capture: &Capture) {
        let of = Some((capture.id, capture.tokens.len()));
        if self.of != of {
            self.of = of;
            self.alone = capture.tokens.iter().map(alone).collect();
            self.running = capture.tokens.iter().map(running).collect();
        }
    }

    /// A segment's name: its tokens, without the space that it begins with where it is more than one.
    #[must_use]
    pub fn segment(&self, tokens: Range<usize>) -> String {
        match self.alone.get(tokens.clone()) {
            Some([one]) => one.clone(),
            Some(several) => several.concat().replace('·', " ").trim().to_owned(),
            None => String::new(),
        }
    }
}

/// `·it`, `⏎`, `⟨s⟩`; part of a character by its name in the vocabulary.
fn alone(token: &SeenToken) -> String {
    match (token.special, token.text.as_str()) {
        (true, _) => special(&token.name),
        (false, "") => token.name.clone(),
        (false, text) => visible(text),
    }
}

/// Spaces and line breaks made visible.
#[must_use]
pub fn visible(text: &str) -> String {
    text.replace('\n', "⏎").replace('\t', "⇥").replace('\r', "␍").replace(' ', "·")
}

/// In a text; the first part of a character shows nothing.
fn running(token: &SeenToken) -> String {
    match token.special {
        true => special(&token.name),
        false => token.text.replace('\n', "⏎\n").replace('\t', "⇥\t").replace('\r', "␍"),
    }
}

/// `⟨im_start⟩` of `<|im_start|>`.
fn special(name: &str) -> String {
    let bare = name.trim_start_matches(['<', '|', '[']).trim_end_matches(['>', '|', ']']);
    format!("⟨{}⟩", if bare.is_empty() { name } else { bare })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, name: &str, is_special: bool, expected: (&str, &str)) {
        let token = SeenToken { id: 1, text: text.into(), name: name.into(), special: is_special };
        assert_eq!((alone(&token).as_str(), running(&token).as_str()), expected);
    }

    #[test]
    fn what_cannot_be_seen_is_made_to_be() {
        check(" it", "Ġit", false, ("·it", " it"));
        check("\n", "Ċ", false, ("⏎", "⏎\n"));
        check("<s>", "<s>", true, ("⟨s⟩", "⟨s⟩"));
        check("", "<|im_start|>", true, ("⟨im_start⟩", "⟨im_start⟩"));
        check("", "çĶ", false, ("çĶ", ""));
    }
}
