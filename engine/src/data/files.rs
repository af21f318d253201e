//! Rows out of files, one after the other, whatever the file's length.

use super::rows::{Content, Row, of_json};
use super::table::Table;
use anyhow::Result;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// No row is longer.
const MAX_LINE_BYTES: u64 = 16 << 20;
/// A text's paragraphs are brought together up to so many bytes.
const BLOCK_BYTES: usize = 64 << 10;

pub struct RowFile {
    path: PathBuf,
    file: BufReader<File>,
    kind: Kind,
    len: u64,
    read: u64,
    /// Bytes before the row that was read last.
    began: u64,
    number: u64,
}

enum Kind {
    Lines,
    /// A JSON file that is one array: what is left of it.
    Array(std::vec::IntoIter<Value>),
    Table {
        table: Table,
        /// The columns' names, once they have been read.
        header: Option<Vec<String>>,
    },
    Text,
}

/// A row as it is, and its number, counted from 1; or why it is none.
pub type Numbered = (u64, Result<Value, Text>);

/// Bytes that are read at once.
const AHEAD: usize = 1 << 20;

/// # Errors
/// `Failure` naming the file.
pub fn open(path: &Path) -> Result<RowFile, Failure> {
    open_as(path, path, AHEAD)
}

/// A file that is of the kind that another name says, read by so many bytes at once.
///
/// # Errors
/// `Failure` naming the file.
pub fn open_as(path: &Path, named: &Path, ahead: usize) -> Result<RowFile, Failure> {
    let ending = named.extension().unwrap_or_default().to_ascii_lowercase();
    let kind = match ending.to_str() {
        Some("jsonl" | "json" | "ndjson") => Kind::Lines,
        Some("csv") => Kind::Table { table: Table::new(','), header: None },
        Some("tsv") => Kind::Table { table: Table::new('\t'), header: None },
        Some("txt" | "md" | "text") => Kind::Text,
        _ => {
            let summary = Text::new("failure.data_kind").arg("file", path.display());
            return Err(Failure::new(FailureKind::Input, summary).hint(Text::new("failure.data_kind_hint")));
        }
    };
    let file = File::open(path).map_err(|e| unreadable(path, &e))?;
    let metadata = file.metadata().map_err(|e| unreadable(path, &e))?;
    if !metadata.is_file() {
        return Err(unreadable(path, &std::io::Error::other("not an ordinary file")));
    }
    let file = BufReader::with_capacity(ahead, file);
    Ok(RowFile { path: path.to_owned(), file, kind, len: metadata.len(), read: 0, began: 0, number: 0 })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => FailureKind::Missing,
        _ => FailureKind::Io,
    };
    Failure::new(kind, Text::new("failure.data_unreadable").arg("file", path.display()))
        .hint(Text::new("failure.data_unreadable_hint"))
        .detail(error.to_string())
}

impl RowFile {
    pub fn len_bytes(&self) -> u64 {
        self.len
    }

    pub fn read_bytes(&self) -> u64 {
        self.read
    }

    /// Bytes before the row that was read last: where [`Self::go_to`] finds it again.
    pub fn row_begins(&self) -> u64 {
        self.began
    }

    /// Goes to the row that begins after so many bytes, of a file of lines or of a table whose first row has been
    /// read. Numbers of rows mean nothing afterwards.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn go_to(&mut self, bytes: u64) -> Result<()> {
        self.file.seek(SeekFrom::Start(bytes)).map_err(|e| unreadable(&self.path, &e))?;
        self.read = bytes;
        self.number = self.number.max(1);
        if let Kind::Table { table, .. } = &mut self.kind {
            *table = Table::new(table.separator());
        }
        Ok(())
    }

    /// The next row; everything read goes into `hasher`.
    ///
    /// # Errors
    /// `Failure` when the file cannot be read.
    pub fn next(&mut self, hasher: &mut Sha256) -> Result<Option<Row>> {
        if matches!(self.kind, Kind::Text) {
            return self.next_block(hasher);
        }
        let next = self.next_value(hasher)?;
        let row =
            |(number, value): Numbered| Row { number, content: value.and_then(|value| of_json(&value)) };
        Ok(next.map(row))
    }

    /// The next row as it is, with its number; a table's as an object of texts. A plain text has none.
    ///
    /// # Errors
    /// `Failure` when the file cannot be read.
    pub fn next_value(&mut self, hasher: &mut Sha256) -> Result<Option<Numbered>> {
        if matches!(self.kind, Kind::Lines) && self.number == 0 && self.is_array()? {
            let mut bytes = Vec::new();
            self.file.read_to_end(&mut bytes).map_err(|e| unreadable(&self.path, &e))?;
            hasher.update(&bytes);
            self.read = self.len;
            match serde_json::from_slice::<Vec<Value>>(&bytes) {
                Ok(values) => self.kind = Kind::Array(values.into_iter()),
                Err(_) => {
                    self.kind = Kind::Array(Vec::new().into_iter());
                    self.number = 1;
                    return Ok(Some((1, Err(Text::new("train.row.not_json")))));
                }
            }
        }
        match &mut self.kind {
            Kind::Array(values) => {
                self.number += 1;
                let number = self.number;
                Ok(values.next().map(|value| (number, Ok(value))))
            }
            Kind::Table { .. } => self.next_record(hasher),
            Kind::Text => Ok(None),
            Kind::Lines => loop {
                self.began = self.read;
                let Some(line) = self.line(hasher)? else { return Ok(None) };
                let value = match line {
                    Err(reason) => Err(reason),
                    Ok(line) if line.trim().is_empty() => continue,
                    Ok(line) => serde_json::from_str(&line).map_err(|_| Text::new("train.row.not_json")),
                };
                return Ok(Some((self.number, value)));
            },
        }
    }

    /// A record of a table, by its columns' names.
    fn next_record(&mut self, hasher: &mut Sha256) -> Result<Option<Numbered>> {
        let mut first = None;
        loop {
            if first.is_none() {
                self.began = self.read;
            }
            let line = self.line(hasher)?;
            let number = *first.get_or_insert(self.number);
            let Kind::Table { table, header } = &mut self.kind else { return Ok(None) };
            let line = match line {
                // A quote that nobody closed takes the rest of the file.
                None if table.is_open() => {
                    *table = Table::new(table.separator());
                    return Ok(Some((number, Err(Text::new("train.row.open_quote")))));
                }
                None => return Ok(None),
                Some(Err(reason)) => return Ok(Some((number, Err(reason)))),
                Some(Ok(line)) if line.trim().is_empty() && !table.is_open() => {
                    first = None;
                    continue;
                }
                Some(Ok(line)) => line,
            };
            let Some(fields) = table.line(&line) else {
                if table.n_bytes() as u64 > MAX_LINE_BYTES {
                    *table = Table::new(table.separator());
                    return Ok(Some((number, Err(Text::new("train.row.too_long").arg("max", "16 MiB")))));
                }
                continue;
            };
            let Some(header) = header else {
                *header = Some(fields.into_iter().map(|name| name.trim().to_owned()).collect());
                first = None;
                continue;
            };
            if fields.len() != header.len() {
                let reason =
                    Text::new("train.row.n_columns").arg("n", fields.len()).arg("expected", header.len());
                return Ok(Some((number, Err(reason))));
            }
            let object = header.iter().cloned().zip(fields.into_iter().map(Value::String)).collect();
            return Ok(Some((number, Ok(Value::Object(object)))));
        }
    }

    /// Whether the file begins as a JSON array.
    fn is_array(&mut self) -> Result<bool> {
        let ahead = self.file.fill_buf().map_err(|e| unreadable(&self.path, &e))?;
        let ahead = ahead.strip_prefix(b"\xef\xbb\xbf").unwrap_or(ahead);
        Ok(ahead.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'['))
    }

    /// A line without its end, or why it is none.
    fn line(&mut self, hasher: &mut Sha256) -> Result<Option<Result<String, Text>>> {
        let mut bytes = Vec::new();
        let mut part = self.file.by_ref().take(MAX_LINE_BYTES);
        let n = part.read_until(b'\n', &mut bytes).map_err(|e| unreadable(&self.path, &e))?;
        if n == 0 {
            return Ok(None);
        }
        hasher.update(&bytes);
        self.read += n as u64;
        self.number += 1;
        if n as u64 == MAX_LINE_BYTES && !bytes.ends_with(b"\n") {
            self.skip_line(hasher)?;
            return Ok(Some(Err(Text::new("train.row.too_long").arg("max", "16 MiB"))));
        }
        let text = String::from_utf8(bytes).map_err(|_| Text::new("train.row.not_utf8"));
        Ok(Some(
            text.map(|text| text.trim_end_matches(['\n', '\r']).trim_start_matches('\u{feff}').to_owned()),
        ))
    }

    fn skip_line(&mut self, hasher: &mut Sha256) -> Result<()> {
        loop {
            let ahead = self.file.fill_buf().map_err(|e| unreadable(&self.path, &e))?;
            let end = ahead.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let n = end.unwrap_or(ahead.len());
            hasher.update(&ahead[..n]);
            self.file.consume(n);
            self.read += n as u64;
            if end.is_some() || n == 0 {
                return Ok(());
            }
        }
    }

    /// Some paragraphs of a text.
    fn next_block(&mut self, hasher: &mut Sha256) -> Result<Option<Row>> {
        let mut block = String::new();
        let first = self.number + 1;
        loop {
            match self.line(hasher)? {
                None if block.trim().is_empty() => return Ok(None),
                None => {
                    let content = Ok(Content::Text { text: block, ends: true, label: None });
                    return Ok(Some(Row { number: first, content }));
                }
                Some(Err(reason)) => return Ok(Some(Row { number: self.number, content: Err(reason) })),
                Some(Ok(line)) => {
                    let is_gap = line.trim().is_empty();
                    block.push_str(&line);
                    block.push('\n');
                    if is_gap && block.len() >= BLOCK_BYTES {
                        let ends = self.file.fill_buf().map_err(|e| unreadable(&self.path, &e))?.is_empty();
                        let content = Ok(Content::Text { text: block, ends, label: None });
                        return Ok(Some(Row { number: first, content }));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, contents: &[u8]) -> Vec<(u64, String)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, contents).unwrap();
        let (mut file, mut hasher) = (open(&path).unwrap(), Sha256::new());
        let mut rows = Vec::new();
        while let Some(row) = file.next(&mut hasher).unwrap() {
            let said = match row.content {
                Ok(Content::Text { text, ends, .. }) => {
                    format!("{}{}", text.trim_end(), if ends { "." } else { "…" })
                }
                Ok(Content::Turns(turns)) => turns[0].content.clone(),
                Err(reason) => reason.key.into_owned(),
            };
            rows.push((row.number, said));
        }
        assert_eq!(hasher.finalize(), Sha256::digest(contents), "{name}");
        assert_eq!(file.read_bytes(), contents.len() as u64, "{name}");
        rows
    }

    fn check(name: &str, contents: &[u8], expected: &[(u64, &str)]) {
        let rows = read(name, contents);
        let rows: Vec<(u64, &str)> = rows.iter().map(|(n, said)| (*n, said.as_str())).collect();
        assert_eq!(rows, expected, "{name}");
    }

    #[test]
    fn rows_keep_their_numbers() {
        check(
            "a.jsonl",
            b"\xef\xbb\xbf{\"text\":\"a\"}\r\n\n{\"text\":\n\xff\xfe\n{\"text\":\"b\"}",
            &[(1, "a."), (3, "train.row.not_json"), (4, "train.row.not_utf8"), (5, "b.")],
        );
        check("a.json", b" [{\"text\":\"a\"}, 3]", &[(1, "a."), (2, "train.row.not_json")]);
        check("b.json", b"[{\"text\":\"a\"}", &[(1, "train.row.not_json")]);
        check("c.json", b"{\"text\":\"a\"}", &[(1, "a.")]);
        let table = b"label,text\r\n\r\ngood,\"a, \"\"b\"\"\nc\"\r\nbad\nbad,d\nbad,\"open\n";
        let expected =
            [(3, "a, \"b\"\nc."), (5, "train.row.n_columns"), (6, "d."), (7, "train.row.open_quote")];
        check("a.csv", table, &expected);
        check("a.tsv", b"text\tlabel\na, b\tc\n", &[(2, "a, b.")]);
        check("a.txt", b"one\n\ntwo\n", &[(1, "one\n\ntwo.")]);
        check("e.txt", b"", &[]);
    }

    #[test]
    fn long_lines_and_texts_are_bounded() {
        let mut long = vec![b'x'; MAX_LINE_BYTES as usize + 10];
        long.extend(b"\n{\"text\":\"b\"}\n");
        check("a.jsonl", &long, &[(1, "train.row.too_long"), (2, "b.")]);
        let paragraph = format!("{}\n\n", "word ".repeat(4000));
        let rows = read("a.txt", paragraph.repeat(10).as_bytes());
        assert_eq!(rows.len(), 3);
        assert!(rows[0].1.ends_with('…') && rows[2].1.ends_with('.'));
    }

    #[test]
    fn other_files_are_refused() {
        assert_eq!(open(Path::new("a.parquet")).err().unwrap().summary.key, "failure.data_kind");
        assert_eq!(open(Path::new("none.jsonl")).err().unwrap().kind, FailureKind::Missing);
    }
}
