//! One file after another, row by row.

use super::bad::Bad;
use super::columns::Columns;
use super::conll::Conll;
use super::found::{Plan, Planned, SAMPLE_BYTES, looked_at, plan, sample};
use super::input::Window;
use super::json::{Document, Field, JsonLines, ObjectOfColumns};
use super::parquet::Parquet;
use super::squad::Squad;
use super::table::{Dialect, Table};
use super::text::PlainText;
use super::{BadRow, sniff};
use anyhow::{Context as _, Result};
use glassworks_protocol::Failure;
use glassworks_protocol::datasets::import::{FileFormat, FoundFile, ImportSource, ReadOptions, TextEncoding};
use glassworks_protocol::datasets::{ColumnRecord, Split};
use glassworks_protocol::text::Text;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What [`Reader::next`] found.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// A row, and the split that its file's name says.
    Row {
        split: Option<Split>,
    },
    Bad(BadRow),
}

/// What a reader of one format found.
#[derive(Debug)]
pub(super) enum Got {
    Row,
    Bad(Bad),
    End,
}

/// Reads one file of one format.
pub(super) trait RowReader: Send {
    /// The next row, as canonical JSON in `line`.
    fn next(&mut self, line: &mut Vec<u8>) -> Result<Got>;

    /// Of those that read a text.
    fn window(&mut self) -> Option<&mut Window> {
        None
    }

    /// Why the file ends before its end; told once.
    fn damage(&mut self) -> Option<String> {
        self.window().and_then(Window::damage)
    }

    /// The split of the row told last, where the file says one.
    fn split(&self) -> Option<Split> {
        None
    }

    /// Of the row told last.
    fn fields(&self) -> &[Field];

    /// Names of columns that are known before their rows.
    fn name_columns(&self, _columns: &mut Columns) {}
}

/// Reads rows out of one or more files.
pub struct Reader {
    plan: Plan,
    found: Vec<FoundFile>,
    options: ReadOptions,
    /// The file that is read now, and how many of its rows were told.
    file: usize,
    n_rows: u64,
    rows: Option<Box<dyn RowReader>>,
    read: Arc<AtomicU64>,
    n_bad: u64,
    columns: Columns,
}

/// Opens what is to be imported. [`ImportSource::Starter`] is for the engine to turn into files or text.
///
/// # Errors
/// When a file is missing, cannot be read, or is of no known kind.
pub fn open(source: &ImportSource, options: &ReadOptions) -> Result<Reader, Failure> {
    let plan = plan(source, options)?;
    let found = plan.files.iter().map(|one| one.found.clone()).collect();
    Ok(Reader {
        plan,
        found,
        options: options.clone(),
        file: 0,
        n_rows: 0,
        rows: None,
        read: Arc::default(),
        n_bad: 0,
        columns: Columns::default(),
    })
}

impl Reader {
    /// All files, in the order in which they are read.
    #[must_use]
    pub fn files(&self) -> &[FoundFile] {
        &self.found
    }

    /// Files that are of no known kind.
    #[must_use]
    pub fn passed_over(&self) -> &[String] {
        &self.plan.passed_over
    }

    /// Columns of the rows read so far, in order of appearance.
    #[must_use]
    pub fn columns(&self) -> Vec<ColumnRecord> {
        self.columns.records()
    }

    /// Bytes on disk that were read.
    #[must_use]
    pub fn read_bytes(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Bytes on disk of all files.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        self.found.iter().map(|one| one.n_bytes).sum()
    }

    /// The next row, in `line` as canonical JSON, or the next bad one; `None` at the end.
    ///
    /// # Errors
    /// When the disk fails. What is wrong with a file's contents is a bad row.
    pub fn next(&mut self, line: &mut Vec<u8>) -> Result<Option<Read>> {
        while self.file < self.found.len() {
            let mut rows = match self.rows.take() {
                Some(rows) => rows,
                None => match self.begin()? {
                    Ok(rows) => rows,
                    Err(bad) => {
                        self.file += 1;
                        return Ok(Some(Read::Bad(bad)));
                    }
                },
            };
            let file = &self.found[self.file];
            match rows.next(line).with_context(|| format!("reading {}", file.name))? {
                Got::Row => {
                    self.n_rows += 1;
                    self.columns.add(line, rows.fields());
                    let split = rows.split().or(file.split);
                    self.rows = Some(rows);
                    return Ok(Some(Read::Row { split }));
                }
                Got::Bad(bad) => {
                    self.n_rows += 1;
                    self.rows = Some(rows);
                    return Ok(Some(Read::Bad(self.placed(bad))));
                }
                Got::End => {
                    let bad = rows.damage().map(|cause| self.damaged(cause));
                    self.file += 1;
                    if let Some(bad) = bad {
                        return Ok(Some(Read::Bad(bad)));
                    }
                }
            }
        }
        Ok(None)
    }

    fn placed(&mut self, bad: Bad) -> BadRow {
        let n = self.n_bad;
        self.n_bad += 1;
        bad.placed(n, &self.found[self.file].name)
    }

    /// The rest of a file that cannot be read.
    fn damaged(&mut self, cause: String) -> BadRow {
        let reason = Text::new("data.bad_damaged").arg("cause", cause);
        let bad = Bad::begun(self.n_rows + 1, reason, b"");
        self.placed(bad)
    }

    /// Opens the next file; one that cannot be opened any more is a bad row.
    fn begin(&mut self) -> Result<Result<Box<dyn RowReader>, BadRow>> {
        self.n_rows = 0;
        let mut file = self.plan.files[self.file].clone();
        if !file.looked_into {
            let split = file.found.split;
            match looked_at(&file.found.name, file.origin.clone(), &self.options, true) {
                Ok(looked) => file = looked,
                Err(failure) => return Ok(Err(self.damaged(failure.to_string()))),
            }
            file.found.split = file.found.split.or(split);
            self.found[self.file] = file.found.clone();
        }
        match rows(&file, &self.options, &self.read) {
            Ok(rows) => {
                rows.name_columns(&mut self.columns);
                Ok(Ok(rows))
            }
            Err(fault) => Ok(Err(self.damaged(format!("{fault:#}")))),
        }
    }
}

fn rows(file: &Planned, options: &ReadOptions, read: &Arc<AtomicU64>) -> Result<Box<dyn RowReader>> {
    let found = &file.found;
    let open = |read: Arc<AtomicU64>| -> Result<Window> {
        let bytes = file.origin.bytes(file.compression, read)?;
        Ok(Window::new(bytes, found.encoding.unwrap_or(TextEncoding::Utf8))?)
    };
    let counter = read.clone();
    if found.format == FileFormat::Parquet {
        return Ok(Box::new(Parquet::new(&file.origin, counter)?));
    }
    let mut window = open(counter)?;
    window.at_least(SAMPLE_BYTES)?;
    let (text, ended) = sample(&window);
    Ok(match found.format {
        FileFormat::Table => {
            let dialect = Dialect::of(text, ended, options, sniff::tabs_first(&found.name));
            Box::new(Table::new(window, dialect)?)
        }
        FileFormat::Text => Box::new(PlainText::new(window, options.text_rows)),
        FileFormat::Jsonl => Box::new(JsonLines::new(window)),
        FileFormat::Json if ObjectOfColumns::fits(text, ended) => {
            // Bytes are counted once: as the last column is read.
            let open = |last: bool| open(if last { read.clone() } else { Arc::default() });
            Box::new(ObjectOfColumns::new(open(false)?, &open)?)
        }
        FileFormat::Json => Box::new(Document::new(window)),
        FileFormat::Conll => Box::new(Conll::new(window)),
        FileFormat::Squad | FileFormat::Parquet => Box::new(Squad::new(window)),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::Value;

    /// A row, or what is bad: where, why, and its text.
    #[derive(Clone, Debug, PartialEq)]
    pub enum Told {
        Row(Value),
        Bad(u64, String, String),
    }

    pub fn row(value: Value) -> Told {
        Told::Row(value)
    }

    pub fn bad(row: u64, key: &str, text: &str) -> Told {
        Told::Bad(row, format!("data.bad_{key}"), text.to_owned())
    }

    pub fn rows_of(reader: &mut dyn RowReader) -> Vec<Told> {
        let (mut line, mut told) = (Vec::new(), Vec::new());
        loop {
            match reader.next(&mut line).unwrap() {
                Got::Row => {
                    let value: Value = serde_json::from_slice(&line).unwrap();
                    for field in reader.fields() {
                        let key: String =
                            serde_json::from_slice(&line[field.key.start - 1..=field.key.end]).unwrap();
                        let field: Value = serde_json::from_slice(&line[field.value.clone()]).unwrap();
                        assert_eq!(value[&key], field);
                    }
                    assert_eq!(value.as_object().unwrap().len(), reader.fields().len());
                    told.push(Told::Row(value));
                }
                Got::Bad(bad) => told.push(Told::Bad(bad.row, bad.reason.key.into_owned(), bad.text)),
                Got::End => return told,
            }
        }
    }
}
