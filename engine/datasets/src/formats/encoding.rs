//! Which encoding bytes are in, and from there to UTF-8.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, DecoderResult, Encoding, GB18030, UTF_16BE, UTF_16LE, WINDOWS_1252};
use glassworks_protocol::datasets::import::TextEncoding;
use std::io::{self, Read};
use std::ops::Range;

/// What stands in UTF-8 for bytes that the encoding does not know: never valid, so that the row is found.
const UNKNOWN: u8 = 0xFF;

/// The encoding of a file by pieces of it; the first is its beginning. `None`: no text at all.
pub(super) fn detect(pieces: &[&[u8]]) -> Option<TextEncoding> {
    let head = pieces.first().copied().unwrap_or_default();
    match head {
        [0xEF, 0xBB, 0xBF, ..] => return Some(TextEncoding::Utf8),
        [0xFF, 0xFE, ..] => return Some(TextEncoding::Utf16Le),
        [0xFE, 0xFF, ..] => return Some(TextEncoding::Utf16Be),
        _ => {}
    }
    if let Some(encoding) = utf16_by_zeros(head) {
        return Some(encoding);
    }
    if head.contains(&0) && binary(head) {
        return None;
    }
    let (mut whole, mut broken) = (0, 0);
    for (at, piece) in pieces.iter().enumerate() {
        let (w, b) = utf8_characters(piece, at > 0);
        whole += w;
        broken += b;
    }
    // A few broken bytes in a file of UTF-8 are bad rows; a file of something else has hardly one that is whole.
    if broken == 0 || whole >= 8 * broken {
        return Some(TextEncoding::Utf8);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    for piece in pieces {
        // The detector looks at what is no ASCII; a quarter of a megabyte of that is enough.
        detector.feed(&piece[..piece.len().min(256 << 10)], false);
    }
    detector.feed(b"", true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    Some(if guess == encoding_rs::GBK || guess == GB18030 { TextEncoding::Gbk } else { TextEncoding::Latin1 })
}

/// UTF-16 without a mark: of western text every other byte is 0, of Chinese text line ends and spaces are.
fn utf16_by_zeros(head: &[u8]) -> Option<TextEncoding> {
    let pairs = head.len() / 2;
    if pairs < 2 {
        return None;
    }
    let (mut first, mut second, mut both) = (0usize, 0usize, 0usize);
    for pair in head.chunks_exact(2) {
        match pair {
            [0, 0] => both += 1,
            [0, _] => first += 1,
            [_, 0] => second += 1,
            _ => {}
        }
    }
    // What is UTF-8 too, with a few zeros in it, is most likely that.
    let share = if std::str::from_utf8(head).is_ok() { 4 } else { 50 };
    let enough = |zeros: usize, others: usize| zeros * share >= pairs && zeros >= 2 && others * 20 <= zeros;
    if both * 100 > pairs {
        None
    } else if enough(second, first) {
        Some(TextEncoding::Utf16Le)
    } else if enough(first, second) {
        Some(TextEncoding::Utf16Be)
    } else {
        None
    }
}

/// Whether bytes with zeros are something else than text with a stray zero.
fn binary(head: &[u8]) -> bool {
    let odd = |one: &&u8| matches!(one, 0..=8 | 14..=31);
    head.iter().filter(odd).count() * 50 > head.len()
}

/// Characters of several bytes that are whole, and faults. What is cut off at the ends is neither.
fn utf8_characters(mut piece: &[u8], cut_before: bool) -> (usize, usize) {
    if cut_before {
        let inside = piece.iter().take(3).take_while(|one| **one & 0xC0 == 0x80).count();
        piece = &piece[inside..];
    }
    let (mut whole, mut broken) = (0, 0);
    loop {
        match std::str::from_utf8(piece) {
            Ok(_) => return (whole + beginnings(piece), broken),
            Err(fault) => {
                whole += beginnings(&piece[..fault.valid_up_to()]);
                let Some(n) = fault.error_len() else { return (whole, broken) };
                broken += 1;
                piece = &piece[fault.valid_up_to() + n..];
            }
        }
    }
}

fn beginnings(valid: &[u8]) -> usize {
    valid.iter().filter(|one| **one >= 0xC0).count()
}

fn named(encoding: TextEncoding) -> Option<&'static Encoding> {
    match encoding {
        TextEncoding::Utf8 => None,
        TextEncoding::Utf16Le => Some(UTF_16LE),
        TextEncoding::Utf16Be => Some(UTF_16BE),
        TextEncoding::Gbk => Some(GB18030),
        TextEncoding::Latin1 => Some(WINDOWS_1252),
    }
}

/// The bytes of `inner` in UTF-8, a mark at the beginning included.
pub(super) fn in_utf8(inner: Box<dyn Read + Send>, encoding: TextEncoding) -> Box<dyn Read + Send> {
    match named(encoding) {
        None => inner,
        Some(encoding) => Box::new(Transcoder {
            inner,
            decoder: encoding.new_decoder_without_bom_handling(),
            raw: vec![0; 64 << 10],
            left: 0..0,
            text: vec![0; 128 << 10],
            ready: 0..0,
            ended: false,
            done: false,
        }),
    }
}

struct Transcoder {
    inner: Box<dyn Read + Send>,
    decoder: Decoder,
    raw: Vec<u8>,
    /// What of `raw` is still to be decoded.
    left: Range<usize>,
    text: Vec<u8>,
    /// What of `text` is still to be handed out.
    ready: Range<usize>,
    ended: bool,
    done: bool,
}

impl Transcoder {
    /// Decodes some more; `ready` stays empty at the end alone.
    fn decode(&mut self) -> io::Result<()> {
        while self.ready.is_empty() && !self.done {
            if self.left.is_empty() && !self.ended {
                let n = self.inner.read(&mut self.raw)?;
                self.left = 0..n;
                self.ended = n == 0;
            }
            // A byte is left for the mark of one that is unknown.
            let room = self.text.len() - 1;
            let source = &self.raw[self.left.clone()];
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(source, &mut self.text[..room], self.ended);
            self.left.start += read;
            self.ready = 0..written;
            match result {
                DecoderResult::InputEmpty => self.done = self.ended,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    self.text[written] = UNKNOWN;
                    self.ready.end += 1;
                }
            }
        }
        Ok(())
    }
}

impl Read for Transcoder {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.decode()?;
        let n = out.len().min(self.ready.len());
        out[..n].copy_from_slice(&self.text[self.ready.start..self.ready.start + n]);
        self.ready.start += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHINESE: &str = "编号,文本\n1,今天天气很好我们去公园散步吧\n2,这部电影真的很难看不推荐\n";
    const FRENCH: &str = "id,texte\n1,\"L'été à la plage, déjà passé\"\n2,Où êtes-vous ? Français naïf\n";

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: TextEncoding, text: &str) {
        assert_eq!(detect(&[bytes]), Some(expected));
        let mut read = Vec::new();
        in_utf8(Box::new(io::Cursor::new(bytes.to_vec())), expected).read_to_end(&mut read).unwrap();
        assert_eq!(String::from_utf8(read).unwrap(), text);
    }

    #[test]
    fn encodings_are_found_and_read() {
        for text in [CHINESE, FRENCH, "plain\n"] {
            check(text.as_bytes(), TextEncoding::Utf8, text);
            check(&utf16(text, false), TextEncoding::Utf16Le, text);
            check(&utf16(text, true), TextEncoding::Utf16Be, text);
            let marked = format!("\u{FEFF}{text}");
            check(marked.as_bytes(), TextEncoding::Utf8, &marked);
            check(&utf16(&marked, true), TextEncoding::Utf16Be, &marked);
        }
        check(&GB18030.encode(CHINESE).0, TextEncoding::Gbk, CHINESE);
        check(&WINDOWS_1252.encode(FRENCH).0, TextEncoding::Latin1, FRENCH);
    }

    #[test]
    fn what_is_far_into_a_file_counts() {
        let late = WINDOWS_1252.encode("déjà vu, été, naïve").0;
        assert_eq!(detect(&[b"id,text\n1,plain\n", &late]), Some(TextEncoding::Latin1));
        // A piece that begins within a character says nothing against UTF-8.
        let cut = &"été".as_bytes()[1..];
        assert_eq!(detect(&[b"id,text\n1,plain\n", cut]), Some(TextEncoding::Utf8));
    }

    #[test]
    fn a_few_broken_bytes_do_not_make_another_encoding() {
        let mut bytes = CHINESE.repeat(5).into_bytes();
        bytes[40] = 0xFF;
        assert_eq!(detect(&[&bytes]), Some(TextEncoding::Utf8));
    }

    #[test]
    fn what_is_no_text_is_told() {
        assert_eq!(detect(&[&[0, 1, 2, 3, 0, 0, 0, 9, 200, 1, 0, 0]]), None);
    }

    #[test]
    fn bytes_the_encoding_does_not_know_are_marked() {
        let mut read = Vec::new();
        let bytes = [b"a".as_slice(), &[0xFF], b"b\n"].concat();
        in_utf8(Box::new(io::Cursor::new(bytes)), TextEncoding::Gbk).read_to_end(&mut read).unwrap();
        assert_eq!(read.iter().filter(|one| **one == UNKNOWN).count(), 1, "{read:?}");
    }
}
