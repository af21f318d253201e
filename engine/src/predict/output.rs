//! The new file: written aside, with a note beside it of how far it is, and renamed when it is whole.

use crate::data::table;
use crate::durable;
use anyhow::{Context as _, Result, ensure};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fs::{File, OpenOptions};
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Lines,
    /// With what separates its columns.
    Table(char),
}

impl Format {
    /// # Errors
    /// `Failure { Input }` for a table made of rows that have no fixed columns, and for other endings.
    pub fn of(data: &Path, out: &Path) -> Result<Self, Failure> {
        let ending = |path: &Path| path.extension().unwrap_or_default().to_ascii_lowercase();
        let of_data = ending(data);
        match ending(out).to_str() {
            Some("jsonl" | "ndjson") => Ok(Self::Lines),
            Some("csv") if of_data == "csv" || of_data == "tsv" => Ok(Self::Table(',')),
            Some("tsv") if of_data == "csv" || of_data == "tsv" => Ok(Self::Table('\t')),
            _ => {
                let summary = Text::new("failure.predict_kind").arg("file", out.display());
                Err(Failure::new(FailureKind::Input, summary).hint(Text::new("failure.predict_kind_hint")))
            }
        }
    }
}

/// The note beside a file that is not whole.
#[derive(Serialize, Deserialize)]
struct Note {
    /// What the rows depend on.
    identity: String,
    /// Rows that are written.
    n_rows: u64,
    /// Of the file, when this was noted: what lies behind was not whole.
    n_bytes: u64,
}

/// What a job has left that was stopped or killed.
pub struct Left {
    pub part: PathBuf,
    /// Rows that are whole, and where they end.
    pub n_rows: u64,
    pub n_bytes: u64,
}

/// What there is of a file that is not whole.
#[must_use]
pub fn left(out: &Path) -> Option<Left> {
    let part = part_of(out);
    let note = read_note(out).filter(|_| part.is_file())?;
    Some(Left { part, n_rows: note.n_rows, n_bytes: note.n_bytes })
}

/// Removes what there is of a file that is not whole.
///
/// # Errors
/// When the disk says no.
pub fn remove_unfinished(out: &Path) -> std::io::Result<()> {
    for path in [note_of(out), part_of(out)] {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn beside(out: &Path, ending: &str) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    out.with_file_name(name)
}

fn part_of(out: &Path) -> PathBuf {
    beside(out, ".incomplete")
}

fn note_of(out: &Path) -> PathBuf {
    beside(out, ".incomplete.json")
}

fn read_note(out: &Path) -> Option<Note> {
    std::fs::read_to_string(note_of(out)).ok().and_then(|text| serde_json::from_str(&text).ok())
}

pub struct Output {
    format: Format,
    identity: String,
    part: PathBuf,
    note: PathBuf,
    file: File,
    n_bytes: u64,
}

impl Output {
    /// Opens what another job of the same identity has left, at its last whole group, or an empty file; and how many
    /// rows are in it.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn begin(out: &Path, format: Format, identity: &str) -> Result<(Self, u64)> {
        if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        let (part, note) = (part_of(out), note_of(out));
        let known = read_note(out);
        let known = known.filter(|known| {
            let long_enough = part.metadata().is_ok_and(|file| file.len() >= known.n_bytes);
            known.identity == identity && long_enough
        });
        let (n_rows, n_bytes) = known.map_or((0, 0), |known| (known.n_rows, known.n_bytes));
        let options = OpenOptions::new().write(true).create(true).truncate(false).open(&part);
        let mut file = options.with_context(|| format!("writing {}", part.display()))?;
        file.set_len(n_bytes)?;
        file.seek(std::io::SeekFrom::End(0))?;
        Ok((Self { format, identity: identity.to_owned(), part, note, file, n_bytes }, n_rows))
    }

    /// Adds a group; the header first, where there is one and nothing was written.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn write(
        &mut self,
        columns: &[String],
        rows: &[Map<String, Value>],
        said: Vec<Vec<Value>>,
    ) -> Result<()> {
        ensure!(rows.len() == said.len(), "an answer for each row");
        let mut text = String::new();
        if let (Format::Table(separator), 0) = (self.format, self.n_bytes) {
            let names: Vec<&str> = columns.iter().map(String::as_str).collect();
            text.push_str(&(table::written(&names, separator) + "\n"));
        }
        for (row, said) in rows.iter().zip(said) {
            let added = &columns[columns.len().saturating_sub(said.len())..];
            let mut row = row.clone();
            added.iter().for_each(|name| drop(row.shift_remove(name)));
            row.extend(added.iter().cloned().zip(said));
            match self.format {
                Format::Lines => text.push_str(&(Value::Object(row).to_string() + "\n")),
                Format::Table(separator) => {
                    let fields: Vec<String> = columns.iter().map(|name| super::text_of(&row, name)).collect();
                    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
                    text.push_str(&(table::written(&fields, separator) + "\n"));
                }
            }
        }
        self.file.write_all(text.as_bytes()).with_context(|| format!("writing {}", self.part.display()))?;
        self.n_bytes += text.len() as u64;
        Ok(())
    }

    /// Notes how far it is, so that another job can go on from here.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn keep(&self, n_rows: u64) -> Result<()> {
        // First the rows: a note is never ahead of them.
        self.file.sync_data()?;
        let note = Note { identity: self.identity.clone(), n_rows, n_bytes: self.n_bytes };
        let aside = self.note.with_extension("json.next");
        let mut file = File::create(&aside).with_context(|| format!("writing {}", aside.display()))?;
        file.write_all(serde_json::to_string(&note)?.as_bytes())?;
        file.sync_data()?;
        std::fs::rename(&aside, &self.note).with_context(|| format!("renaming {}", aside.display()))
    }

    /// Gives the whole file its name.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn finish(self, out: &Path) -> Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.part, out).with_context(|| format!("renaming {}", self.part.display()))?;
        std::fs::remove_file(&self.note).with_context(|| format!("removing {}", self.note.display()))?;
        if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            durable::sync_folder(folder)?;
        }
        Ok(())
    }
}
