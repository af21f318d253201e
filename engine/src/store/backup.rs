//! The home folder as one `.tar`: everything but downloaded models, logs and locks, and at its end a list of
//! what is in it with a hash each.

use super::open::newest_schema;
use super::restore;
use crate::home::{DATABASE, Home, LOCK, LOGS, MODELS, cannot_use, sync_folder};
use anyhow::Context as _;
use glassworks_protocol::Failure;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

pub(super) const MANIFEST: &str = "glassworks-backup.json";
pub(super) const FORMAT: &str = "glassworks-backup";
pub(super) const VERSION: u32 = 1;
/// Folders below the home; a circle of links has no end otherwise.
const MAX_DEPTH: usize = 64;

/// The last entry of a backup.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub format: String,
    pub version: u32,
    /// Of the program that wrote it.
    pub program: String,
    /// Of the database in it.
    pub schema: i64,
    pub made_at_ms: i64,
    pub files: Vec<Listed>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Listed {
    pub path: String,
    pub size_bytes: u64,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
}

/// Told bytes done and bytes in all; its error stops the work.
pub type Tick<'a> = &'a mut dyn FnMut(u64, u64) -> anyhow::Result<()>;
/// Does something with the database at a path, by way of the async store.
pub type WithDatabase<'a> = &'a mut dyn FnMut(&Path) -> Result<(), Failure>;

/// Writes the backup aside, then renames it to `to`; returns its size. `copy_database` is to make a consistent
/// copy at the path given ([`super::Store::copy_database`]).
///
/// # Errors
/// When the disk says no or `tick` does; nothing is left behind then.
pub fn write(home: &Home, to: &Path, copy_database: WithDatabase, tick: Tick) -> anyhow::Result<u64> {
    let to = std::path::absolute(to)?;
    let aside = Aside { tar: with_suffix(&to, ".part"), database: with_suffix(&to, ".part.db") };
    aside.clear();
    copy_database(&aside.database)?;
    let mut sources = vec![Source { path: aside.database.clone(), name: DATABASE.to_owned(), size_bytes: 0 }];
    collect(home.path(), "", &[&to, &aside.tar, &aside.database], &mut sources, &mut HashSet::new())?;
    for source in &mut sources {
        source.size_bytes = std::fs::metadata(&source.path).map_or(0, |m| m.len());
    }
    let file = File::create(&aside.tar).map_err(|e| cannot_use(&aside.tar, &e))?;
    let file = write_tar(file, &sources, tick)?;
    file.sync_all().map_err(|e| cannot_use(&aside.tar, &e))?;
    let size_bytes = file.metadata()?.len();
    drop(file);
    std::fs::rename(&aside.tar, &to).map_err(|e| cannot_use(&to, &e))?;
    if let Some(folder) = to.parent() {
        sync_folder(folder).map_err(|e| cannot_use(folder, &e))?;
    }
    Ok(size_bytes)
}

/// What is written before the backup is whole; gone again whatever happens.
struct Aside {
    tar: PathBuf,
    database: PathBuf,
}

impl Aside {
    fn clear(&self) {
        for path in [&self.tar, &self.database] {
            match std::fs::remove_file(path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!("{} stays behind: {e}", path.display());
                }
                _ => {}
            }
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        self.clear();
    }
}

struct Source {
    path: PathBuf,
    /// In the archive, with `/` between folders.
    name: String,
    size_bytes: u64,
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Whether an entry right below the home stays out of backups, and where it is when one is put back.
pub(super) fn stays(name: &str) -> bool {
    [MODELS, LOGS, LOCK, MANIFEST].contains(&name) || restore::is_own(name)
}

/// Files below `folder`, in order of their names. Links are followed.
fn collect(
    folder: &Path,
    prefix: &str,
    leave_out: &[&Path],
    sources: &mut Vec<Source>,
    above: &mut HashSet<PathBuf>,
) -> anyhow::Result<()> {
    let real = folder.canonicalize().map_err(|e| cannot_use(folder, &e))?;
    if above.len() > MAX_DEPTH || !above.insert(real.clone()) {
        anyhow::bail!("{} leads back into itself", folder.display());
    }
    let entries = std::fs::read_dir(folder).map_err(|e| cannot_use(folder, &e))?;
    let mut paths = entries.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_name().and_then(|n| n.to_str());
        let name = name.with_context(|| format!("{} has a name that is no Unicode", path.display()))?;
        // The database goes in as a copy, without its log.
        let skipped = prefix.is_empty() && (stays(name) || name.starts_with(DATABASE));
        if skipped || leave_out.contains(&path.as_path()) {
            continue;
        }
        let name = format!("{prefix}{name}");
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        if metadata.is_dir() {
            collect(&path, &format!("{name}/"), leave_out, sources, above)?;
        } else if metadata.is_file() {
            sources.push(Source { path, name, size_bytes: 0 });
        }
    }
    above.remove(&real);
    Ok(())
}

fn write_tar(file: File, sources: &[Source], tick: Tick) -> anyhow::Result<File> {
    let total = sources.iter().map(|s| s.size_bytes).sum();
    let mut tar = tar::Builder::new(file);
    let mut done = 0;
    let mut files = Vec::with_capacity(sources.len());
    for source in sources {
        let file = match File::open(&source.path) {
            // Something temporary that is gone by now.
            Err(e) if e.kind() == io::ErrorKind::NotFound && source.name != DATABASE => continue,
            opened => opened.map_err(|e| cannot_use(&source.path, &e))?,
        };
        let mut stopped = None;
        let mut told = |n| match tick(done + n, total) {
            Ok(()) => true,
            Err(e) => {
                stopped = Some(e);
                false
            }
        };
        let mut reader =
            Hashing { file: file.take(source.size_bytes), sha: Sha256::new(), n: 0, told: &mut told };
        let mut header = tar::Header::new_gnu();
        header.set_size(source.size_bytes);
        header.set_mode(0o644);
        let written = tar.append_data(&mut header, &source.name, &mut reader);
        let (n, sha256) = (reader.n, hex(&reader.sha.finalize()));
        if let Some(e) = stopped {
            return Err(e);
        }
        written.with_context(|| format!("writing {} into the backup", source.name))?;
        if n != source.size_bytes {
            anyhow::bail!("{} became shorter while it was read", source.path.display());
        }
        done += n;
        files.push(Listed { path: source.name.clone(), size_bytes: n, sha256 });
    }
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        version: VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        schema: newest_schema(),
        made_at_ms: super::now_ms(),
        files,
    };
    let manifest = serde_json::to_vec_pretty(&manifest)?;
    let mut header = tar::Header::new_gnu();
    header.set_size(manifest.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, MANIFEST, manifest.as_slice())?;
    let mut file = tar.into_inner()?;
    file.flush()?;
    Ok(file)
}

/// Hashes and counts what is read through it.
struct Hashing<'a> {
    file: io::Take<File>,
    sha: Sha256,
    n: u64,
    told: &'a mut dyn FnMut(u64) -> bool,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.sha.update(&buffer[..n]);
        self.n += n as u64;
        if (self.told)(self.n) { Ok(n) } else { Err(io::Error::other("stopped")) }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        if write!(text, "{byte:02x}").is_err() {
            tracing::error!("a String refused text");
        }
        text
    })
}
