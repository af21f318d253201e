//! Datasets that come with the program, and those whose record was lost.

use super::{ABOUT, GONE, import};
use crate::job_cx::Shared;
use crate::store::{DatasetCommit, Log};
use anyhow::{Context as _, Result};
use glassworks_protocol::datasets::edit::VersionRecord;
use glassworks_protocol::datasets::import::{FileFormat, ImportSource, ImportSpec, ReadOptions};
use glassworks_protocol::datasets::{DataTask, DatasetRecord, DatasetStored, Mapping, Role};
use glassworks_protocol::ids::DatasetId;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Event, Stored};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// The ids of those that were put there: what a person has deleted does not come back.
const INSTALLED: &str = "starters.json";
const INDEX: &str = "datasets/index.json";

/// What is known of a dataset, beside its rows.
#[derive(Serialize, Deserialize)]
pub(super) struct About {
    pub record: DatasetRecord,
    pub state: u32,
}

/// A line of the index of those that come with the program.
#[derive(Deserialize)]
struct Listed {
    id: String,
    /// By language.
    name: BTreeMap<String, String>,
    task: DataTask,
    roles: BTreeMap<Role, String>,
    licence: String,
    folder: String,
    #[serde(default = "rows_file")]
    file: String,
}

fn rows_file() -> String {
    "data.jsonl".to_owned()
}

/// The name that a starter's id is made of: the same on every machine.
fn id_of(name: &str) -> Option<DatasetId> {
    let hash = Sha256::digest(format!("glassworks dataset {name}"));
    DatasetId::from_slice(hash.get(..16)?)
}

/// Sweeps what was being deleted, takes in folders that the database does not know, and puts those that come with the
/// program among them, once: the last on a thread of its own, for nobody waits for it. Each is told as it is there.
/// Trouble is logged: nobody has asked for anything yet.
pub fn begin(shared: &Arc<Shared>, files: &'static [(&'static str, &'static [u8])]) {
    if !shared.home.is_writer() {
        return;
    }
    // Before anything is imported: a folder that nobody knows is one of an import that was killed.
    report(sweep(shared));
    report(adopt(shared));
    let context = Arc::clone(shared);
    let work = move || report(install(&context, files));
    if let Err(error) = std::thread::Builder::new().name("starters".to_owned()).spawn(work) {
        tracing::warn!("starting a thread: {error}");
    }
}

fn report(done: Result<()>) {
    if let Err(error) = done {
        tracing::warn!("datasets: {error:#}");
    }
}

fn told(shared: &Shared, record: Arc<DatasetRecord>) {
    shared.outbox.send(Event::Stored(Stored::Dataset(DatasetStored::Dataset(record))));
}

/// Folders on their way out, and those of imports that were killed.
fn sweep(shared: &Shared) -> Result<()> {
    let known = known(shared)?;
    for entry in std::fs::read_dir(shared.home.datasets())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let id: Option<DatasetId> = name.parse().ok();
        let killed = id.is_some_and(|id| !known.contains(&id)) && !path.join(ABOUT).exists();
        if path.extension().is_some_and(|ending| ending == GONE) || killed {
            std::fs::remove_dir_all(&path).with_context(|| format!("deleting {}", path.display()))?;
        }
    }
    Ok(())
}

fn known(shared: &Shared) -> Result<BTreeSet<DatasetId>> {
    let kept = shared.runtime.block_on(shared.store.datasets())?;
    Ok(kept.into_iter().map(|one| one.record.id).collect())
}

/// After a database was lost, its datasets are as they were at their last version.
fn adopt(shared: &Shared) -> Result<()> {
    let known = known(shared)?;
    for entry in std::fs::read_dir(shared.home.datasets())? {
        let folder = entry?.path();
        let Ok(json) = std::fs::read(folder.join(ABOUT)) else { continue };
        let about: About = match serde_json::from_slice(&json) {
            Ok(about) => about,
            Err(error) => {
                tracing::warn!("{} is not taken in: {error}", folder.display());
                continue;
            }
        };
        let id = about.record.id;
        if known.contains(&id) || super::folder(&shared.home, id) != folder {
            continue;
        }
        let n = about.record.version.max(1);
        let version = VersionRecord {
            n,
            what: Text::new("data.version_found"),
            label: String::new(),
            n_rows: about.record.n_rows,
            at_ms: (shared.clock)(),
        };
        let commit = DatasetCommit {
            record: about.record,
            state: Some(about.state),
            // The state knows which ids were given.
            next_row: 0,
            log: Log::Nothing,
            version: Some((version, about.state)),
            bad_done: Vec::new(),
        };
        let record = shared.runtime.block_on(shared.store.commit_dataset(commit))?;
        tracing::warn!("{}: the dataset {} is found again", folder.display(), record.name);
        told(shared, record.into());
    }
    Ok(())
}

fn install(shared: &Shared, files: &[(&str, &[u8])]) -> Result<()> {
    let Some((_, index)) = files.iter().find(|(name, _)| *name == INDEX) else { return Ok(()) };
    let listed: Vec<Listed> = serde_json::from_slice(index).context("reading the index of datasets")?;
    let path = shared.home.datasets().join(INSTALLED);
    let mut installed: BTreeSet<String> = match std::fs::read(&path) {
        Ok(json) => serde_json::from_slice(&json).unwrap_or_default(),
        Err(_) => BTreeSet::new(),
    };
    for one in &listed {
        if installed.contains(&one.id) {
            continue;
        }
        let Some(id) = id_of(&one.id) else { continue };
        if shared.runtime.block_on(shared.store.dataset(id)).is_err() {
            told(shared, import(shared, id, one, files)?);
        }
        installed.insert(one.id.clone());
        crate::starter::write_if_different(&path, &serde_json::to_vec(&installed)?)?;
    }
    Ok(())
}

fn import(
    shared: &Shared,
    id: DatasetId,
    one: &Listed,
    files: &[(&str, &[u8])],
) -> Result<Arc<DatasetRecord>> {
    let file = |name: &str| {
        let path = format!("{}/{name}", one.folder);
        files.iter().find(|(file, _)| *file == path).map(|(_, bytes)| String::from_utf8_lossy(bytes))
    };
    let rows = file(&one.file).with_context(|| format!("{} has no rows", one.id))?;
    let language = match shared.language {
        Language::English => "en",
        Language::Chinese => "zh-Hans",
    };
    let name = one.name.get(language).or_else(|| one.name.get("en")).unwrap_or(&one.id);
    let is_table = Path::new(&one.file).extension().is_some_and(|ending| ending == "csv");
    let format = if is_table { FileFormat::Table } else { FileFormat::Jsonl };
    let spec = ImportSpec {
        dataset: id,
        append: false,
        name: name.clone(),
        source: ImportSource::Text(rows.into_owned()),
        options: ReadOptions { format: Some(format), ..ReadOptions::default() },
        mapping: Some(Mapping { task: one.task, roles: one.roles.clone() }),
        split: None,
    };
    let about = DatasetRecord {
        notes: file("README.md").map(|card| without_head(&card).to_owned()).unwrap_or_default(),
        licence: one.licence.clone(),
        starter: true,
        ..import::about(&spec, (shared.clock)())
    };
    import::bring_in(shared, &spec, about, &|_, _| Ok(()))?;
    // A licence stays beside what it is for.
    for (path, text) in files {
        let name = path.strip_prefix(&one.folder).and_then(|rest| rest.strip_prefix('/'));
        if let Some(name) = name.filter(|name| name.starts_with("LICENSE") || name.starts_with("NOTICE")) {
            crate::starter::write_if_different(&super::folder(&shared.home, id).join(name), text)?;
        }
    }
    Ok(Arc::new(shared.runtime.block_on(shared.store.dataset(id))?.record))
}

/// A card without what it says to machines.
fn without_head(card: &str) -> &str {
    let rest = card.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
    rest.map_or(card, |(_, text)| text.trim_start())
}
