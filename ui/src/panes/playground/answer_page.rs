//! The parsed text of an answer that is not a message.

use super::markdown::{self, Block};
use std::rc::Rc;

/// Parsed again when the text has grown.
#[derive(Default)]
pub struct Page {
    parsed: Option<(usize, Rc<Vec<Block>>)>,
}

impl Page {
    pub(super) fn of(&mut self, text: &str) -> Rc<Vec<Block>> {
        match &self.parsed {
            Some((len, blocks)) if *len == text.len() => Rc::clone(blocks),
            _ => {
                let blocks = Rc::new(markdown::parse(text));
                self.parsed = Some((text.len(), Rc::clone(&blocks)));
                blocks
            }
        }
    }
}
