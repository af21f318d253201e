//! Unpacks the bundled model into the home folder and enters it into the library; and the bundled data.

use crate::home::Home;
use crate::shelf::ModelFiles;
use crate::store::Store;
use anyhow::{Context as _, Result};
use glassworks_protocol::ids::ModelId;
use glassworks_protocol::model::{ModelCard, ModelRecord};
use serde::Deserialize;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Its folder under the home's `models`.
const FOLDER: &str = "starter";
/// What the starter says of itself.
const ABOUT: &str = "starter.json";

#[derive(Deserialize)]
struct About {
    name: String,
    description: String,
    prompts: Vec<String>,
}

/// The starter's id in the library; `None` when there is nothing bundled, or for a reader on a home without it.
pub async fn install(
    home: &Home,
    store: &Store,
    files: &[(&str, &[u8])],
    now_ms: i64,
) -> Result<Option<ModelId>> {
    let known = store.models().await?.into_iter().find(|model| model.starter);
    if files.is_empty() || !home.is_writer() {
        return Ok(known.map(|model| model.id));
    }
    let folder = home.models().join(FOLDER);
    let mut changed = false;
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    for (name, contents) in files {
        changed |= write_if_different(&folder.join(name), contents)?;
    }
    if let Some(known) = known.as_ref().filter(|known| !changed && known.path == folder) {
        return Ok(Some(known.id));
    }
    let about: About =
        serde_json::from_slice(&fs::read(folder.join(ABOUT))?).context("reading starter.json")?;
    let opened = ModelFiles::open(&folder)?;
    let card = ModelCard {
        content_hash: opened.hash(&|_, _| Ok(()))?,
        description: Some(about.description),
        examples: about.prompts,
        labels: Vec::new(),
        run_only: false,
        ..opened.card()?
    };
    let record = ModelRecord {
        id: known.as_ref().map_or_else(ModelId::mint, |known| known.id),
        name: about.name,
        path: folder,
        card,
        added_at_ms: known.map_or(now_ms, |known| known.added_at_ms),
        used_at_ms: None,
        starter: true,
    };
    Ok(Some(store.add_model(&record).await?.id))
}

/// Unpacks the bundled data into the home folder; the paths of its tables. None for a reader.
pub fn samples(home: &Home, files: &[(&str, &[u8])]) -> Result<Vec<PathBuf>> {
    if !home.is_writer() {
        return Ok(Vec::new());
    }
    let mut tables = Vec::new();
    for (name, contents) in files {
        let path = home.datasets().join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        write_if_different(&path, contents)?;
        tables.extend(path.extension().is_some_and(|ending| ending == "csv").then_some(path));
    }
    Ok(tables)
}

/// Writes aside and renames, so that a crash leaves the old file or the new one; true if there was a need to.
pub(crate) fn write_if_different(path: &Path, contents: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|old| old == contents) {
        return Ok(false);
    }
    let aside = path.with_extension("incomplete");
    let mut file = fs::File::create(&aside).with_context(|| format!("writing {}", aside.display()))?;
    file.write_all(contents)
        .and_then(|()| file.sync_all())
        .with_context(|| format!("writing {}", aside.display()))?;
    fs::rename(&aside, path).with_context(|| format!("putting {} in place", path.display()))?;
    Ok(true)
}
