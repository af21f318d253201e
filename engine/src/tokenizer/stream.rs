//! Ids to text as they come, never half a character.

use super::TextCodec;

/// Holds back the bytes of a character until it is whole.
pub struct StreamDecoder<'a> {
    codec: &'a TextCodec,
    open: Vec<u8>,
}

impl<'a> StreamDecoder<'a> {
    pub(super) fn new(codec: &'a TextCodec) -> Self {
        Self { codec, open: Vec::new() }
    }

    /// The text that `id` completes, possibly none; special tokens say nothing.
    ///
    /// Bytes that can't become a character any more show as U+FFFD.
    pub fn push(&mut self, id: u32) -> String {
        if !self.codec.is_special(id) {
            self.open.extend(self.codec.token_bytes(id));
        }
        let mut text = String::new();
        loop {
            match std::str::from_utf8(&self.open) {
                Ok(whole) => {
                    text.push_str(whole);
                    self.open.clear();
                    return text;
                }
                Err(error) => {
                    let (whole, rest) = self.open.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(whole));
                    // No length: the end of the bytes may still be continued.
                    let Some(broken) = error.error_len() else {
                        self.open = rest.to_vec();
                        return text;
                    };
                    text.push('\u{FFFD}');
                    self.open = rest[broken..].to_vec();
                }
            }
        }
    }
}
