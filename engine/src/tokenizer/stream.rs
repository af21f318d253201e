//! Decoding as tokens come: never half a character, and the pieces joined are the text.

use super::TextCodec;

/// Made by [`TextCodec::stream`].
#[derive(Clone)]
pub struct StreamDecoder<'c> {
    codec: &'c TextCodec,
    /// Bytes of a character that is not whole yet.
    pending: Vec<u8>,
    window: Window,
}

/// For spellings that depend on the neighbours: tokens whose text is out already stay as context for the next.
#[derive(Clone, Default)]
struct Window {
    ids: Vec<u32>,
    n_context: usize,
    context: String,
}

impl<'c> StreamDecoder<'c> {
    pub(super) fn new(codec: &'c TextCodec) -> Self {
        Self { codec, pending: Vec::new(), window: Window::default() }
    }

    /// The text that this token completes: possibly none.
    pub fn push(&mut self, id: u32) -> String {
        if self.codec.is_special(id) {
            return String::new();
        }
        if self.codec.spelling.strips_leading_space().is_none() {
            return self.push_into_window(id);
        }
        self.pending.extend(self.codec.token_bytes(id));
        self.whole_characters()
    }

    /// What is left of an unfinished character, as U+FFFD.
    pub fn finish(&mut self) -> String {
        let rest = String::from_utf8_lossy(&self.pending).into_owned();
        self.pending.clear();
        let window = std::mem::take(&mut self.window);
        let text = self.codec.decode_whole(&window.ids, true).unwrap_or_default();
        match text.strip_prefix(&window.context) {
            Some(unsaid) if !window.ids.is_empty() => rest + unsaid,
            _ => rest,
        }
    }

    fn whole_characters(&mut self) -> String {
        let mut out = String::new();
        let mut rest = self.pending.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    out.push_str(text);
                    rest = &[];
                    break;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    out.push_str(&String::from_utf8_lossy(valid));
                    let Some(bad) = error.error_len() else {
                        rest = after;
                        break;
                    };
                    out.push(char::REPLACEMENT_CHARACTER);
                    rest = &after[bad..];
                }
            }
        }
        self.pending = rest.to_vec();
        out
    }

    fn push_into_window(&mut self, id: u32) -> String {
        let window = &mut self.window;
        window.ids.push(id);
        let text = self.codec.decode_whole(&window.ids, true).unwrap_or_default();
        if text.ends_with(char::REPLACEMENT_CHARACTER) {
            return String::new();
        }
        let Some(new) = text.strip_prefix(&window.context).filter(|new| !new.is_empty()) else {
            return String::new();
        };
        let new = new.to_owned();
        window.ids.drain(..window.n_context);
        window.n_context = window.ids.len();
        window.context = self.codec.decode_whole(&window.ids, true).unwrap_or_default();
        new
    }
}
