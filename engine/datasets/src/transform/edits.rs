//! Changes inside one text, and where its places come to lie after them.

use std::ops::Range;

/// What is put in place of some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub at: Range<usize>,
    pub with: String,
}

/// Changes of one text, in its order, none over another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits(Vec<Edit>);

impl Edits {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Another change, behind those before. One that changes nothing is none.
    ///
    /// # Panics
    /// In tests' builds, when it lies over the one before.
    pub fn push(&mut self, text: &str, at: Range<usize>, with: impl Into<String>) {
        debug_assert!(self.0.last().is_none_or(|last| last.at.end <= at.start), "{at:?} in order");
        let with = with.into();
        if text[at.clone()] != with {
            self.0.push(Edit { at, with });
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Edit> {
        self.0.iter()
    }

    /// The text after them.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let mut changed = String::with_capacity(text.len());
        let mut from = 0;
        for edit in &self.0 {
            changed.push_str(&text[from..edit.at.start]);
            changed.push_str(&edit.with);
            from = edit.at.end;
        }
        changed.push_str(&text[from..]);
        changed
    }

    /// Where the text's places lie after them.
    #[must_use]
    pub fn places(&self, text: &str) -> Places {
        let mut steps = Vec::with_capacity(self.0.len());
        let (mut bytes, mut old, mut new) = (0, 0, 0);
        for edit in &self.0 {
            let between = text[bytes..edit.at.start].chars().count();
            let begins = (old + between, new + between);
            let ends =
                (begins.0 + text[edit.at.clone()].chars().count(), begins.1 + edit.with.chars().count());
            steps.push(Step { old: begins.0..ends.0, new: begins.1..ends.1 });
            (bytes, old, new) = (edit.at.end, ends.0, ends.1);
        }
        Places(steps)
    }
}

#[derive(Clone, Debug)]
struct Step {
    old: Range<usize>,
    new: Range<usize>,
}

/// From places before to places after, in Unicode characters.
#[derive(Clone, Debug)]
pub struct Places(Vec<Step>);

impl Places {
    /// Where what begins here begins then; what begins inside a change takes all of what came in its place.
    #[must_use]
    pub fn start(&self, at: usize) -> usize {
        let before = self.0.partition_point(|step| step.old.start <= at);
        match before.checked_sub(1).map(|i| &self.0[i]) {
            None => at,
            Some(step) if at < step.old.end => step.new.start,
            Some(step) => step.new.end + (at - step.old.end),
        }
    }

    /// Where what ends before here ends then.
    #[must_use]
    pub fn end(&self, at: usize) -> usize {
        let before = self.0.partition_point(|step| step.old.start < at);
        match before.checked_sub(1).map(|i| &self.0[i]) {
            None => at,
            Some(step) if at <= step.old.end => step.new.end,
            Some(step) => step.new.end + (at - step.old.end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::datasets::marks::between;

    fn slice(text: &str, at: Range<usize>) -> Option<&str> {
        between(text, (at.start, at.end))
    }

    fn edits(text: &str, of: &[(&str, &str)]) -> Edits {
        let mut edits = Edits::new();
        let mut from = 0;
        for (find, with) in of {
            let at = from + text[from..].find(find).unwrap();
            from = at + find.len();
            edits.push(text, at..from, *with);
        }
        edits
    }

    #[test]
    fn spans_move_with_their_texts() {
        let text = "Ämne: Paris är stort";
        let edits = edits(text, &[("Ämne: ", ""), ("är", "is very")]);
        let changed = edits.apply(text);
        assert_eq!(changed, "Paris is very stort");
        let places = edits.places(text);
        let moved = |at: Range<usize>| slice(&changed, places.start(at.start)..places.end(at.end)).unwrap();
        assert_eq!(moved(6..11), "Paris");
        assert_eq!(moved(12..14), "is very");
        assert_eq!(moved(13..20), "is very stort", "cut off inside: all of what came");
        assert_eq!(moved(15..20), "stort");
        assert_eq!(moved(0..6), "", "gone");
        assert_eq!(moved(2..11), "Paris");
    }

    #[test]
    fn what_is_put_beside_a_span_is_outside() {
        let text = "ab";
        let mut edits = Edits::new();
        edits.push(text, 0..0, "<");
        edits.push(text, 1..1, "|");
        edits.push(text, 2..2, ">");
        let (changed, places) = (edits.apply(text), edits.places(text));
        assert_eq!(changed, "<a|b>");
        assert_eq!(slice(&changed, places.start(0)..places.end(1)), Some("a"));
        assert_eq!(slice(&changed, places.start(1)..places.end(2)), Some("b"));
        assert_eq!(slice(&changed, places.start(0)..places.end(2)), Some("a|b"));
    }

    #[test]
    fn what_changes_nothing_is_no_change() {
        let mut edits = Edits::new();
        edits.push("aa", 0..1, "a");
        assert!(edits.is_empty());
    }
}
