//! Which files there are, what each is, and which split its name says.

use super::input::{Compression, Origin};
use super::sniff;
use super::table::Dialect;
use glassworks_protocol::datasets::Split;
use glassworks_protocol::datasets::import::{FileFormat, FoundFile, ImportSource, ReadOptions, TextEncoding};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// As much of a file's text is looked at to tell what it is.
pub(super) const SAMPLE_BYTES: usize = 256 << 10;

/// As many files are looked into before reading; of others name and size are known.
const LOOKED_INTO: usize = 64;

/// A file and where its bytes are.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub found: FoundFile,
    pub origin: Origin,
    pub compression: Option<Compression>,
    /// What it is was looked up, not only told by its name.
    pub looked_into: bool,
}

/// All that would be read, and what is passed over.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub files: Vec<Planned>,
    pub passed_over: Vec<String>,
}

/// # Errors
/// When a path is not there, cannot be read or is of no known kind, and when nothing is left to read.
pub(super) fn plan(source: &ImportSource, options: &ReadOptions) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    match source {
        ImportSource::Text(text) => {
            plan.push("", Origin::Bytes(Arc::from(text.as_bytes())), options, true)?
        }
        ImportSource::Files(paths) => {
            for path in paths {
                let meta = path.metadata().map_err(|fault| unreadable(path, &fault))?;
                if meta.is_dir() {
                    plan.folder(path, options)?;
                } else {
                    plan.push(&file_name(path), Origin::Path(path.clone()), options, true)?;
                }
            }
        }
        ImportSource::Starter(name) => {
            return Err(Failure::new(FailureKind::Bug, Text::new("data.file_missing").arg("name", name)));
        }
    }
    if plan.files.is_empty() {
        let hint = Text::new("data.import_nothing_hint");
        return Err(Failure::new(FailureKind::Input, Text::new("data.import_nothing")).hint(hint));
    }
    Ok(plan)
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

pub(super) fn unreadable(path: &Path, fault: &io::Error) -> Failure {
    let missing = fault.kind() == io::ErrorKind::NotFound;
    let (kind, key) = if missing {
        (FailureKind::Missing, "data.file_missing")
    } else {
        (FailureKind::Io, "data.file_unreadable")
    };
    Failure::new(kind, Text::new(key).arg("name", path.display())).detail(fault.to_string())
}

impl Plan {
    fn folder(&mut self, folder: &Path, options: &ReadOptions) -> Result<(), Failure> {
        let mut paths = Vec::new();
        walk(folder, 0, &mut paths)?;
        paths.sort();
        let name = |path: &Path| path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
        let kind = |path: &PathBuf| sniff::by_name(&file_name(path)).filter(|_| !is_about(path));
        // Texts beside tables are about them.
        let only_texts = paths.iter().filter_map(kind).all(|format| format == FileFormat::Text);
        let base = split_of(&file_name(folder));
        for path in paths {
            let fits = kind(&path).is_some_and(|format| only_texts || format != FileFormat::Text);
            if !fits {
                self.passed_over.push(name(&path));
                continue;
            }
            let looks = self.files.len() < LOOKED_INTO;
            self.push(&name(&path), Origin::Path(path), options, looks)?;
            if let Some(last) = self.files.last_mut() {
                last.found.split = last.found.split.or(base);
            }
        }
        Ok(())
    }

    fn push(
        &mut self,
        name: &str,
        origin: Origin,
        options: &ReadOptions,
        looks: bool,
    ) -> Result<(), Failure> {
        let file = looked_at(name, origin, options, looks)?;
        self.files.push(file);
        Ok(())
    }
}

/// What is in a folder and below, hidden files apart.
fn walk(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let entries = folder.read_dir().map_err(|fault| unreadable(folder, &fault))?;
    for entry in entries {
        let entry = entry.map_err(|fault| unreadable(folder, &fault))?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        // Links are followed, in circles only so far.
        if path.is_dir() {
            if depth < 16 {
                walk(&path, depth + 1, paths)?;
            }
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

/// Files that say something of the data and are none.
fn is_about(path: &Path) -> bool {
    let name = file_name(path).to_lowercase();
    let stem = name.split('.').next().unwrap_or_default();
    matches!(stem, "readme" | "license" | "licence" | "notice" | "changelog" | "citation" | "dataset_infos")
        || matches!(name.as_str(), "dataset_info.json" | "dataset_dict.json" | "state.json" | "config.json")
}

/// Looks into a file, or goes by its name.
pub(super) fn looked_at(
    name: &str,
    origin: Origin,
    options: &ReadOptions,
    looks: bool,
) -> Result<Planned, Failure> {
    let fails = |fault: io::Error| match &origin {
        Origin::Path(path) => unreadable(path, &fault),
        Origin::Bytes(_) => unreadable(Path::new(name), &fault),
    };
    let mut found = FoundFile {
        name: name.to_owned(),
        n_bytes: origin.n_bytes().map_err(fails)?,
        format: options.format.or_else(|| sniff::by_name(name)).unwrap_or(FileFormat::Text),
        encoding: None,
        separator: None,
        compression: None,
        header: None,
        split: name.rsplit(['/', '\\']).find_map(split_of),
    };
    if !looks {
        return Ok(Planned { found, origin, compression: None, looked_into: false });
    }
    let magic = origin.magic().map_err(fails)?;
    let compression = Compression::of(&magic);
    found.compression = compression.map(|one| one.word().to_owned());
    if options.format.is_none() && magic.starts_with(b"PAR1") {
        found.format = FileFormat::Parquet;
    }
    if found.format != FileFormat::Parquet {
        look_into(&mut found, &origin, compression, options)?;
    }
    Ok(Planned { found, origin, compression, looked_into: true })
}

fn look_into(
    found: &mut FoundFile,
    origin: &Origin,
    compression: Option<Compression>,
    options: &ReadOptions,
) -> Result<(), Failure> {
    let name = found.name.clone();
    let fails = |fault: io::Error| match origin {
        Origin::Path(path) => unreadable(path, &fault),
        Origin::Bytes(_) => unreadable(Path::new(&name), &fault),
    };
    let encoding = match (options.encoding, origin) {
        (Some(encoding), _) => encoding,
        (None, Origin::Bytes(_)) => TextEncoding::Utf8,
        (None, Origin::Path(_)) => match origin.encoding(compression).map_err(fails)? {
            Some(encoding) => encoding,
            // What calls itself a text may have control characters in it.
            None if options.format.is_some() || sniff::by_name(&found.name).is_some() => TextEncoding::Utf8,
            None => return Err(unknown(&found.name)),
        },
    };
    found.encoding = Some(encoding);
    let bytes = origin.bytes(compression, Arc::default()).map_err(fails)?;
    let mut window = super::input::Window::new(bytes, encoding).map_err(fails)?;
    window.at_least(SAMPLE_BYTES).map_err(fails)?;
    let (sample, ended) = sample(&window);
    found.format = options.format.unwrap_or_else(|| sniff::of(&found.name, sample, ended));
    if found.format == FileFormat::Table {
        let dialect = Dialect::of(sample, ended, options, sniff::tabs_first(&found.name));
        found.separator = Some(char::from(dialect.marks.separator));
        found.header = Some(dialect.header);
    }
    Ok(())
}

/// The beginning of a text, and whether that is all.
pub(super) fn sample(window: &super::input::Window) -> (&[u8], bool) {
    let bytes = window.bytes();
    let len = bytes.len().min(SAMPLE_BYTES);
    (&bytes[..len], window.ended() && len == bytes.len())
}

fn unknown(name: &str) -> Failure {
    let hint = match name.to_lowercase().rsplit_once('.').map(|(_, ending)| ending.to_owned()).as_deref() {
        Some("xlsx" | "xls" | "ods" | "numbers") => "data.file_sheet_hint",
        Some("zip" | "tar" | "7z" | "rar" | "bz2" | "xz") => "data.file_packed_hint",
        _ => "data.file_unknown_hint",
    };
    Failure::new(FailureKind::Input, Text::new("data.file_unknown").arg("name", name)).hint(Text::new(hint))
}

/// The split that a file's or folder's name says: `train`, `train-00000-of-00002`, `my_dev`.
fn split_of(name: &str) -> Option<Split> {
    let name = name.to_lowercase();
    let mut words = name.split(|one: char| !one.is_alphabetic());
    words.find_map(|word| match word {
        "train" | "training" => Some(Split::Train),
        "validation" | "valid" | "val" | "dev" => Some(Split::Validation),
        "test" | "testing" => Some(Split::Test),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(plan: &Plan) -> Vec<(&str, Option<Split>)> {
        plan.files.iter().map(|one| (one.found.name.as_str(), one.found.split)).collect()
    }

    #[test]
    fn folders_are_read_in_order_and_names_say_splits() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "data/train-00000-of-00001.jsonl",
            "data/test.jsonl",
            "dev/b.jsonl",
            "a.csv",
            "README.md",
            "notes.txt",
            ".hidden.csv",
            "picture.png",
            "dataset_infos.json",
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "{\"a\": 1}\n").unwrap();
        }
        let source = ImportSource::Files(vec![folder.path().to_owned()]);
        let found = plan(&source, &ReadOptions::default()).unwrap();
        let expected = [
            ("a.csv", None),
            ("data/test.jsonl", Some(Split::Test)),
            ("data/train-00000-of-00001.jsonl", Some(Split::Train)),
            ("dev/b.jsonl", Some(Split::Validation)),
        ];
        assert_eq!(names(&found), expected);
        assert_eq!(found.passed_over, ["README.md", "dataset_infos.json", "notes.txt", "picture.png"]);
    }

    #[test]
    fn folders_of_texts_are_texts() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["train/a.txt", "train/b.md", "train/README.md"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "Once upon a time").unwrap();
        }
        let source = ImportSource::Files(vec![folder.path().join("train")]);
        let found = plan(&source, &ReadOptions::default()).unwrap();
        assert_eq!(names(&found), [("a.txt", Some(Split::Train)), ("b.md", Some(Split::Train))]);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let failure = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            plan(&ImportSource::Files(vec![path]), &ReadOptions::default()).unwrap_err()
        };
        let sheet = failure("a.xlsx", b"PK\x03\x04\0\0\0\0\x01\x02\0\0\0\0");
        assert_eq!(
            (sheet.summary.key, sheet.hint.unwrap().key),
            ("data.file_unknown".into(), "data.file_sheet_hint".into())
        );
        let missing = ImportSource::Files(vec![folder.path().join("none.csv")]);
        let failure = plan(&missing, &ReadOptions::default()).unwrap_err();
        assert_eq!((failure.kind, failure.summary.key.as_ref()), (FailureKind::Missing, "data.file_missing"));
        let empty = ImportSource::Files(vec![tempfile::tempdir().unwrap().path().to_owned()]);
        assert!(plan(&empty, &ReadOptions::default()).is_err());
        let nothing = tempfile::tempdir().unwrap();
        let failure =
            plan(&ImportSource::Files(vec![nothing.path().to_owned()]), &ReadOptions::default()).unwrap_err();
        assert_eq!(failure.summary.key, "data.import_nothing");
    }

    #[test]
    fn splits_are_words_of_names() {
        assert_eq!(split_of("my_dev.csv"), Some(Split::Validation));
        assert_eq!(split_of("TRAIN"), Some(Split::Train));
        assert_eq!(split_of("contest.csv"), None);
        assert_eq!(split_of("latest-trained.csv"), None);
    }
}
