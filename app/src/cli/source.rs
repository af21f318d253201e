//! Which model `--model` means: a path, a name or id of the library, or `starter`.

use super::out::Stop;
use super::session::Session;
use crate::starter::STARTER;
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::model::ModelRecord;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, Page, Query};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The word for the model that comes with the program.
pub const STARTER_NAME: &str = "starter";

/// A model that was found, and the folder it may need while it is used.
pub struct Found {
    pub source: ModelSource,
    /// Its line in the library, if it stands there.
    pub record: Option<Arc<ModelRecord>>,
    /// Holds the starter's files when no home has them yet; removed with this.
    _unpacked: Option<TempDir>,
}

impl Found {
    /// Where the files lie.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match (&self.source, &self.record) {
            (ModelSource::Path(path), _) => Some(path),
            (ModelSource::Library(_), record) => record.as_ref().map(|record| record.path.as_path()),
        }
    }
}

/// Finds the model that `asked` names.
///
/// # Errors
/// `Failure { Missing }` when nothing does; a failure when the starter cannot be unpacked.
pub fn find(session: &Session, asked: &str) -> Result<Found, Stop> {
    let path = PathBuf::from(asked);
    if is_model_path(&path) {
        return Ok(Found { source: ModelSource::Path(path), record: None, _unpacked: None });
    }
    let models = library(session)?;
    if let Some(record) = in_library(&models, asked) {
        let source = ModelSource::Library(record.id);
        return Ok(Found { source, record: Some(Arc::clone(record)), _unpacked: None });
    }
    if asked == STARTER_NAME {
        let folder = unpack().map_err(|error| cannot_unpack(&error))?;
        let source = ModelSource::Path(folder.path().join(STARTER_NAME));
        return Ok(Found { source, record: None, _unpacked: Some(folder) });
    }
    // Looks like a path or is one: opening it says what is wrong with it.
    if path.exists() || path.components().count() > 1 || path.extension().is_some_and(|e| e == "gguf") {
        return Ok(Found { source: ModelSource::Path(path), record: None, _unpacked: None });
    }
    let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
    let hint = if names.is_empty() {
        Text::new("cli.no_such_model_hint")
    } else {
        Text::new("cli.no_such_model_known").arg("names", names.join(", "))
    };
    let summary = Text::new("cli.no_such_model").arg("name", asked);
    Err(Failure::new(FailureKind::Missing, summary).hint(hint).into())
}

/// All models of the library.
///
/// # Errors
/// When the library cannot be read.
pub fn library(session: &Session) -> Result<Vec<Arc<ModelRecord>>, Stop> {
    match session.fetch(Query::Models)? {
        Page::Models(models) => Ok(models),
        _ => Ok(Vec::new()),
    }
}

pub fn is_model_path(path: &Path) -> bool {
    path.is_file() || path.join("config.json").is_file()
}

/// By id, by name, by name without regard to case; the starter also by its word.
fn in_library<'a>(models: &'a [Arc<ModelRecord>], asked: &str) -> Option<&'a Arc<ModelRecord>> {
    let by = |test: &dyn Fn(&ModelRecord) -> bool| models.iter().find(|model| test(model));
    by(&|model| model.id.to_string() == asked)
        .or_else(|| by(&|model| model.name == asked))
        .or_else(|| by(&|model| model.starter && asked == STARTER_NAME))
        .or_else(|| by(&|model| model.name.to_lowercase() == asked.to_lowercase()))
}

/// The starter's files in a folder of their own: a home that may not be written may not have them.
fn unpack() -> std::io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("glassworks-").tempdir()?;
    let model = folder.path().join(STARTER_NAME);
    std::fs::create_dir(&model)?;
    for (name, bytes) in STARTER {
        std::fs::write(model.join(name), bytes)?;
    }
    Ok(folder)
}

fn cannot_unpack(error: &std::io::Error) -> Stop {
    Failure::new(FailureKind::Io, Text::new("cli.cannot_unpack"))
        .hint(Text::new("cli.cannot_unpack_hint"))
        .detail(error.to_string())
        .into()
}
