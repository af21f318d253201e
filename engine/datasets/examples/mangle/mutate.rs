//! What is done to good files: bytes, and what a format is made of.

use super::dice::Dice;
use super::pages;
use super::target::Target;
use encoding_rs::{GB18030, WINDOWS_1252};
use std::io::{Read as _, Write as _};

const JSON: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\ud800",
    "\\u0000",
    "\\ud83d\\ude00",
    "\\/",
    "\\x",
    "null",
    "true",
    "{}",
    "[]",
    "\"\":0,",
    "{\"role\":\"user\",\"content\":",
    "[{\"from\":\"human\",\"value\":1}]",
    "\"translation\":{",
    "[[0,1,\"A\"]]",
    "\"answers\":[{\"text\":\"x\",\"answer_start\":0}],",
    "\"columns\":[\"a\"],",
    "\"data\":[[",
    "\u{FEFF}",
];
const TABLE: &[&str] = &[
    "\"",
    "'",
    "\"\"",
    ",",
    "\t",
    ";",
    "|",
    "\r",
    "\n",
    "\r\n",
    "\n\n",
    "sep=;\n",
    " \"",
    "\" ",
    "null",
    "True",
    "-0",
    "[1,",
    "{\"a\":1}",
];
const CONLL: &[&str] = &[
    "\tO\n",
    "\n\n",
    "#",
    "# ",
    "-DOCSTART- -X- O O\n",
    "1-2\t",
    "1.1\t",
    "\t",
    "  ",
    " B-X\n",
    "\r\n",
    "\r",
];
const TEXT: &[&str] =
    &["\n\n", "\r\n\r\n", "\r", "\n", " \t\n", "\u{B}", "\u{C}", "\u{85}", "\u{2028}", "\u{FEFF}", "\0"];
const SQUAD: &[&str] = &[
    "\"paragraphs\":[",
    "\"qas\":[",
    "\"context\":",
    "\"answers\":",
    "\"answer_start\":",
    "\"question\":1,",
    "{}",
    "[]",
    "]}",
    "\"data\":[{",
    "\"plausible_answers\":[],",
    "null",
    "}",
    "{",
    "]",
    ",",
];
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-1",
    "00",
    "1e999",
    "-1e-999",
    "1e308",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "99999999999999999999",
    "0.1000000000000000055",
    "1.",
    ".5",
    "1E+2",
    "NaN",
    "Infinity",
    "0x10",
];
const SIZES: [u64; 10] =
    [0, 1, 127, 128, 1 << 16, (1 << 31) - 1, 1 << 31, u32::MAX as u64, 1 << 40, u64::MAX];

/// A broken copy of `bytes`; `other` is one of the same corpus to take pieces from.
pub fn mangled(target: &Target, name: &str, bytes: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    match target.name {
        "parquet" if !dice.rarely(4) => {
            let file = pages::mangled(bytes, dice).unwrap_or_else(|| bytes.to_vec());
            if dice.rarely(4) { by_bytes(file, dice) } else { file }
        }
        "parquet" => by_bytes(bytes.to_vec(), dice),
        "gz" | "zst" if dice.rarely(2) => wrapped(target.name, name, bytes, other, dice),
        "gz" | "zst" => by_bytes(bytes.to_vec(), dice),
        _ if dice.rarely(4) => by_bytes(bytes.to_vec(), dice),
        "utf-16le" | "utf-16be" | "gbk" | "latin-1" => {
            let text = decoded(target.name, bytes);
            let text = by_text(text.into_bytes(), &decoded(target.name, other).into_bytes(), TABLE, dice);
            encoded(target.name, &String::from_utf8_lossy(&text))
        }
        _ => by_text(bytes.to_vec(), other, pieces(target.name, dice), dice),
    }
}

fn pieces(name: &str, dice: &mut Dice) -> &'static [&'static str] {
    match name {
        "jsonl" | "json" => JSON,
        "table" => TABLE,
        "conll" => CONLL,
        "squad" => SQUAD,
        "text" | "folder" => TEXT,
        _ => [JSON, TABLE, CONLL, TEXT][dice.below(4)],
    }
}

/// Bytes changed, cut off, taken out, told twice.
fn by_bytes(mut bytes: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    for _ in 0..[1, 1, 2, 8][dice.below(4)] {
        // A footer is hit as often as the rest.
        let reach = if dice.rarely(3) { bytes.len().min(512) } else { bytes.len() };
        let at = bytes.len() - reach + dice.below(reach);
        let some = (at + 1 + dice.below(64)).min(bytes.len());
        match dice.below(6) {
            0 if at < bytes.len() => bytes[at] = dice.next() as u8,
            1 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at.min(some)..some)),
            4 => {
                let again = bytes[at.min(some)..some].to_vec();
                drop(bytes.splice(at..at, again));
            }
            _ => {
                let end = (at + [4, 8][dice.below(2)]).min(bytes.len());
                let size = SIZES[dice.below(SIZES.len())].to_le_bytes();
                drop(bytes.splice(at..end, size[..end - at].iter().copied()));
            }
        }
    }
    bytes
}

/// Tokens of the format, numbers at their edges, lines, pieces of another file, depth and length.
fn by_text(mut text: Vec<u8>, other: &[u8], pieces: &[&str], dice: &mut Dice) -> Vec<u8> {
    for _ in 0..[1, 1, 2, 3, 8][dice.below(5)] {
        let at = place(&text, dice);
        match dice.below(12) {
            0..=2 => drop(text.splice(at..at, dice.one_of(pieces).bytes())),
            3 => {
                let end = (at + 1 + dice.below(3)).min(text.len());
                drop(text.splice(at..end, dice.one_of(pieces).bytes()));
            }
            4 => number(&mut text, at, dice),
            5..=6 => lines(&mut text, dice),
            7 => {
                let from = place(other, dice);
                let end = (from + 1 + dice.below(other.len())).min(other.len());
                drop(text.splice(at.., other[from..end].iter().copied()));
            }
            8 => {
                let from = place(other, dice);
                let end = (from + 1 + dice.below(80)).min(other.len());
                drop(text.splice(at..at, other[from..end].iter().copied()));
            }
            9 => {
                let deep = dice.one_of(&["[", "{\"a\":", "[{\"a\":", "\"", "("]);
                let n = [2, 50, 98, 101, 129, 2000][dice.below(6)];
                drop(text.splice(at..at, deep.repeat(n).bytes()));
            }
            10 if dice.rarely(400) => {
                let n = [70_000, 300_000, 17 << 20][dice.below(3)];
                drop(text.splice(
                    at..at,
                    std::iter::repeat_n(dice.one_of(&["x", " ", "9", ",", "é"]), n).flat_map(str::bytes),
                ));
            }
            _ => text = by_bytes(text, dice),
        }
    }
    text
}

/// Most often beside what structures a text.
fn place(text: &[u8], dice: &mut Dice) -> usize {
    let at = dice.below(text.len() + 1);
    if dice.rarely(3) {
        return at;
    }
    let structure = |one: &u8| b"\"{}[],:\\\n\r\t;|".contains(one);
    let next = text[at..].iter().position(structure).map_or(at, |n| at + n);
    (next + dice.below(2)).min(text.len())
}

/// Another number in place of the one that comes next.
fn number(text: &mut Vec<u8>, at: usize, dice: &mut Dice) {
    let Some(from) = text[at..].iter().position(u8::is_ascii_digit).map(|n| at + n) else { return };
    let end = text[from..].iter().position(|one| !one.is_ascii_digit()).map_or(text.len(), |n| from + n);
    drop(text.splice(from..end, dice.one_of(NUMBERS).bytes()));
}

/// A line twice, gone, or at another place; or all ends of lines made others.
fn lines(text: &mut Vec<u8>, dice: &mut Dice) {
    let mut lines: Vec<Vec<u8>> = text.split_inclusive(|one| *one == b'\n').map(<[u8]>::to_vec).collect();
    let (a, b) = (dice.below(lines.len()), dice.below(lines.len()));
    if lines.is_empty() {
        return;
    }
    match dice.below(5) {
        0 => drop(lines.remove(a)),
        1 => lines.insert(b, lines[a].clone()),
        2 => lines.swap(a, b),
        3 => {
            let end = dice.one_of(&["\r", "\r\n", "\n\n"]);
            *text = lines.concat().split(|one| *one == b'\n').collect::<Vec<_>>().join(end.as_bytes());
            return;
        }
        _ => lines.truncate(a + 1),
    }
    *text = lines.concat();
}

/// What is inside broken and packed again, packed in pieces, or followed by something else.
fn wrapped(kind: &str, name: &str, bytes: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let inside = by_text(unpacked(kind, bytes), &unpacked(kind, other), pieces(name, dice), dice);
    let at = dice.below(inside.len() + 1);
    match dice.below(5) {
        0 => [packed(kind, &inside[..at]), packed(kind, &inside[at..])].concat(),
        1 => [packed(kind, &inside), inside[at..].to_vec()].concat(),
        2 => {
            let whole = packed(kind, &inside);
            whole[..dice.below(whole.len())].to_vec()
        }
        3 => packed(kind, &packed(kind, &inside)),
        _ => packed(kind, &inside),
    }
}

fn unpacked(kind: &str, bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let most = 1 << 20;
    let read = if kind == "gz" {
        flate2::read::MultiGzDecoder::new(bytes).take(most).read_to_end(&mut text)
    } else {
        zstd::Decoder::new(bytes).and_then(|decoder| decoder.take(most).read_to_end(&mut text))
    };
    // Of a damaged one what comes before.
    drop(read);
    text
}

fn packed(kind: &str, text: &[u8]) -> Vec<u8> {
    if kind == "gz" {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(text).and_then(|()| out.finish()).unwrap_or_default()
    } else {
        zstd::encode_all(text, 1).unwrap_or_default()
    }
}

fn decoded(name: &str, bytes: &[u8]) -> String {
    let units = |of: fn([u8; 2]) -> u16| -> Vec<u16> {
        bytes.chunks_exact(2).map(|two| of([two[0], two[1]])).collect()
    };
    match name {
        "utf-16le" => String::from_utf16_lossy(&units(u16::from_le_bytes)),
        "utf-16be" => String::from_utf16_lossy(&units(u16::from_be_bytes)),
        "gbk" => GB18030.decode_without_bom_handling(bytes).0.into_owned(),
        _ => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

fn encoded(name: &str, text: &str) -> Vec<u8> {
    match name {
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "gbk" => GB18030.encode(text).0.into_owned(),
        _ => WINDOWS_1252.encode(text).0.into_owned(),
    }
}
