//! The readers one by one: how each is asked for, and what must hold of any file that is read, good or broken.
//!
//! A case is a file or a folder. Whatever its bytes, reading ends; what comes out as a row is one for everybody; the
//! beginning that is shown is the beginning of all; and what stands in the file comes in as a row or a bad row.

use glassworks_datasets::formats::{BAD_TEXT_BYTES, Read, open, preview};
use glassworks_datasets::from_line;
use glassworks_protocol::datasets::import::{
    BadRow, FileFormat, ImportSource, PreviewSpec, ReadOptions, TextEncoding, TextRows,
};
use std::path::Path;

/// One reader, under the name of its folder in the corpus.
pub struct Target {
    pub name: &'static str,
    pub format: Option<FileFormat>,
    pub encoding: Option<TextEncoding>,
}

const fn of(name: &'static str, format: FileFormat) -> Target {
    Target { name, format: Some(format), encoding: None }
}

const fn found(name: &'static str, encoding: Option<TextEncoding>) -> Target {
    Target { name, format: None, encoding }
}

pub const TARGETS: [Target; 15] = [
    of("jsonl", FileFormat::Jsonl),
    of("json", FileFormat::Json),
    of("table", FileFormat::Table),
    of("parquet", FileFormat::Parquet),
    of("text", FileFormat::Text),
    of("folder", FileFormat::Text),
    of("conll", FileFormat::Conll),
    of("squad", FileFormat::Squad),
    found("gz", None),
    found("zst", None),
    found("utf-8-bom", Some(TextEncoding::Utf8)),
    found("utf-16le", Some(TextEncoding::Utf16Le)),
    found("utf-16be", Some(TextEncoding::Utf16Be)),
    found("gbk", Some(TextEncoding::Gbk)),
    found("latin-1", Some(TextEncoding::Latin1)),
];

/// What a case was read as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub rows: u64,
    pub bad: u64,
    /// Not read at all, with a reason.
    pub refused: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.bad += other.bad;
        self.refused += other.refused;
    }
}

/// Reads a case with its reader and as it is found to be.
///
/// # Panics
/// When something does not hold that must.
pub fn read(path: &Path, target: &Target) -> Counts {
    let mut counts = Counts::default();
    let ways: &[TextRows] = match target.format {
        Some(FileFormat::Text) => &[TextRows::Paragraph, TextRows::Line, TextRows::File],
        _ => &[TextRows::Paragraph],
    };
    for text_rows in ways {
        let options = ReadOptions {
            format: target.format,
            encoding: target.encoding,
            text_rows: *text_rows,
            ..ReadOptions::default()
        };
        counts += read_as(path, &options);
    }
    counts += read_as(path, &ReadOptions::default());
    counts
}

/// All that a file says.
#[derive(Default)]
struct Told {
    /// Lines of rows and texts of bad ones, one after another.
    said: Vec<u8>,
    rows: u64,
    bad: Vec<BadRow>,
}

fn read_as(path: &Path, options: &ReadOptions) -> Counts {
    let source = ImportSource::Files(vec![path.to_owned()]);
    let beginning = preview(&PreviewSpec { source: source.clone(), options: options.clone() });
    let Ok(mut reader) = open(&source, options) else {
        assert!(beginning.is_err(), "what cannot be opened was shown");
        return Counts { refused: 1, ..Counts::default() };
    };
    let beginning = beginning.expect("what can be opened is shown");
    let (mut told, mut line) = (Told::default(), Vec::new());
    let mut shown = beginning.rows.iter();
    while let Some(read) = reader.next(&mut line).expect("what is wrong with contents is a bad row") {
        match read {
            Read::Row { .. } => {
                let row = from_line(&line).expect("a row is one for everybody");
                if let Some(shown) = shown.next() {
                    assert_eq!(&row, shown, "another row than was shown");
                }
                told.rows += 1;
                told.said.extend_from_slice(&line);
                told.said.push(b'\n');
            }
            Read::Bad(bad) => told.hear(bad),
        }
    }
    assert!(shown.next().is_none(), "rows were shown that are not there");
    if beginning.whole {
        assert_eq!(beginning.bad, told.bad, "other bad rows than were shown");
    }
    for column in reader.columns() {
        told.said.extend_from_slice(column.name.as_bytes());
        told.said.push(b'\n');
    }
    if let [file] = reader.files()
        && file.compression.is_none()
        && path.is_file()
        && file.encoding == Some(TextEncoding::Utf8)
        // Between letters there are no words.
        && file.separator.is_none_or(|one| !one.is_ascii_alphanumeric())
    {
        let bytes = std::fs::read(path).expect("it is there");
        let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        told.accounts(text, file.format, options.text_rows, file.header == Some(true));
    }
    Counts { rows: told.rows, bad: told.bad.len() as u64, refused: 0 }
}

impl Told {
    fn hear(&mut self, bad: BadRow) {
        assert_eq!(bad.n, self.bad.len() as u64, "bad rows are counted");
        assert!(bad.row > 0, "rows are counted from 1");
        // Bytes that are no text are shown as three.
        assert!(bad.text.len() <= 3 * BAD_TEXT_BYTES, "a bad row of {} bytes", bad.text.len());
        self.said.extend_from_slice(bad.text.as_bytes());
        self.said.push(b'\n');
        self.bad.push(bad);
    }

    /// Rows and bad rows are all that the file holds.
    fn accounts(&self, text: &[u8], format: FileFormat, rows: TextRows, header: bool) {
        let n = self.rows + self.bad.len() as u64;
        match (format, rows) {
            (FileFormat::Jsonl, _) | (FileFormat::Text, TextRows::Line) => {
                assert_eq!(n, lines(text).filter(|line| !is_blank(line)).count() as u64, "lines");
            }
            (FileFormat::Text, TextRows::File) => assert_eq!(n, u64::from(!is_blank(text)), "files"),
            (FileFormat::Text, TextRows::Paragraph) => {
                assert_eq!(n, paragraphs(text, |_| true), "paragraphs")
            }
            (FileFormat::Conll, _) => {
                // A comment is passed over, but what begins like one may be a word.
                let most = paragraphs(text, |line| !line.starts_with(b"-DOCSTART-"));
                assert!(n <= most, "{n} of {most} sentences");
                let least = paragraphs(&without_comments(text), |line| !line.starts_with(b"-DOCSTART-"));
                assert!(n >= least, "{n} of at least {least} sentences");
            }
            // Within quotes a record takes several lines.
            (FileFormat::Table, _) if !text.iter().any(|one| matches!(one, b'"' | b'\'')) => {
                let said = u64::from(text.starts_with(b"sep=") && is_separator_line(text));
                let lines = lines(text).filter(|line| !line.is_empty()).count() as u64;
                assert_eq!(n + u64::from(header), lines - said, "records");
            }
            (FileFormat::Json, _) => self.elements(text, n),
            _ => {}
        }
        // What else an object of lists or of questions says is not kept.
        let parts = format == FileFormat::Squad || format == FileFormat::Json && !begins(text, b'[');
        if !parts && self.bad.iter().all(|bad| bad.whole) {
            self.words(text, format);
        }
    }

    /// As many rows as a list has elements, where other readers of JSON can read it.
    fn elements(&self, text: &[u8], n: u64) {
        if let Ok(serde_json::Value::Array(list)) = serde_json::from_slice(text) {
            assert_eq!(n, list.len() as u64, "elements");
        }
        let content = |one: &u8| !one.is_ascii_whitespace() && !b"[]{},".contains(one);
        if n == 0 && begins(text, b'[') {
            assert!(!text.iter().any(content), "nothing is told of what is there");
        }
    }

    /// Words like `mk7km` are in the corpus for this: each that is in the file is in a row or a bad row.
    fn words(&self, text: &[u8], format: FileFormat) {
        for line in lines(text) {
            // Comments, and words that stand for several others, are no words of a sentence.
            let head = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
            if format == FileFormat::Conll
                && (line.starts_with(b"#")
                    || line.starts_with(b"-DOCSTART-")
                    || head.iter().any(u8::is_ascii_digit))
            {
                continue;
            }
            for (at, _) in line.windows(2).enumerate().filter(|(_, two)| *two == b"mk") {
                let digits = line[at + 2..].iter().take_while(|one| one.is_ascii_digit()).count();
                let end = at + 2 + digits;
                if digits > 0 && line[end..].starts_with(b"km") {
                    let word = &line[at..end + 2];
                    let there = self.said.windows(word.len()).any(|one| one == word);
                    assert!(there, "{} was dropped in silence", String::from_utf8_lossy(word));
                }
            }
        }
    }
}

/// As `\n`, `\r\n` and `\r` end them; that an empty one comes of `\r\n` does not matter here.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|one| matches!(one, b'\n' | b'\r'))
}

fn is_blank(text: &[u8]) -> bool {
    text.trim_ascii().is_empty()
}

fn begins(text: &[u8], with: u8) -> bool {
    text.trim_ascii_start().first() == Some(&with)
}

fn is_separator_line(text: &[u8]) -> bool {
    lines(text).next().is_some_and(|line| line.trim_ascii_end().len() == 5)
}

/// Stretches of lines that are not blank and that `counts` says are content; others end them as blank lines do.
fn paragraphs(text: &[u8], counts: impl Fn(&[u8]) -> bool) -> u64 {
    // `\r\n` is one end of a line: without the empty line between.
    let (mut n, mut inside, mut at) = (0, false, 0);
    while at < text.len() {
        let end =
            text[at..].iter().position(|one| matches!(one, b'\n' | b'\r')).map_or(text.len(), |n| at + n);
        let line = &text[at..end];
        let content = !is_blank(line) && counts(line);
        n += u64::from(content && !inside);
        inside = content;
        at = end + if text[end..].starts_with(b"\r\n") { 2 } else { 1 };
    }
    n
}

fn without_comments(text: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.iter().position(|one| matches!(one, b'\n' | b'\r')).unwrap_or(rest.len());
        let end = (end + if rest[end..].starts_with(b"\r\n") { 2 } else { 1 }).min(rest.len());
        if !rest.starts_with(b"#") {
            kept.extend_from_slice(&rest[..end]);
        }
        rest = &rest[end..];
    }
    kept
}
