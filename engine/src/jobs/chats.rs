//! Chats and the whole home folder, out to files and back.

use crate::job_cx::JobCx;
use crate::store::{backup as tar, check_database, restore as staging, transfer};
use anyhow::{Context as _, Result};
use glassworks_protocol::chat::ExportChatsSpec;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, JobOutput, Stored, Unit};
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// More than a lifetime of chats; what is longer is something else.
const MAX_IMPORT_BYTES: u64 = 1 << 30;

pub fn export(cx: &JobCx, spec: &ExportChatsSpec) -> Result<JobOutput> {
    spare(&spec.to, spec.replace)?;
    let documents = cx.wait(cx.shared.store.documents(&spec.chats))?;
    let language = cx.wait(cx.shared.store.settings())?.language.unwrap_or(cx.shared.language);
    let text = transfer::write(&documents, spec.format, language, cx.now_ms());
    let to = std::path::absolute(&spec.to)?;
    write_aside(&to, text.as_bytes())?;
    Ok(JobOutput::ChatsExported { to, n_chats: documents.len() as u32 })
}

/// Written aside, so that a full disk leaves what was there.
pub fn write_aside(to: &Path, bytes: &[u8]) -> Result<()> {
    let aside = to.with_extension("incomplete");
    let written = fs::File::create(&aside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let placed = written.and_then(|()| fs::rename(&aside, to));
    if placed.is_err() && fs::remove_file(&aside).is_err() {
        tracing::debug!("nothing was left aside");
    }
    placed.with_context(|| format!("writing {}", to.display()))
}

/// Nobody loses a file to a path typed in haste.
pub fn spare(path: &Path, replace: bool) -> Result<(), Failure> {
    if replace || fs::symlink_metadata(path).is_err() {
        return Ok(());
    }
    let summary = Text::new("failure.file_exists").arg("path", path.display());
    Err(Failure::new(FailureKind::Input, summary).hint(Text::new("failure.file_exists_hint")))
}

pub fn import(cx: &JobCx, path: &Path) -> Result<JobOutput> {
    let size = fs::metadata(path).with_context(|| format!("reading {}", path.display()))?.len();
    anyhow::ensure!(size <= MAX_IMPORT_BYTES, "{} is longer than 1 GiB", path.display());
    let stage = Text::new("job.importing_chats");
    cx.progress(&stage, 0, Some(size), Unit::Bytes);
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let incoming = transfer::read(&bytes, &name, cx.now_ms())?;
    cx.checkpoint()?;
    let stored = cx.wait(cx.shared.store.add_documents(incoming.documents))?;
    let chats = stored
        .iter()
        .filter_map(|stored| if let Stored::Chat { chat, .. } = stored { Some(chat.id) } else { None })
        .collect();
    cx.stored(stored);
    Ok(JobOutput::ChatsImported { chats, problems: incoming.problems })
}

pub fn backup(cx: &JobCx, to: &Path, replace: bool) -> Result<JobOutput> {
    spare(to, replace)?;
    let stage = Text::new("job.backing_up");
    let mut copy = |to: &Path| cx.wait(cx.shared.store.copy_database(to));
    let mut tick = |done: u64, total: u64| {
        cx.checkpoint()?;
        cx.progress(&stage, done, Some(total), Unit::Bytes);
        Ok(())
    };
    let size_bytes = tar::write(&cx.shared.home, to, &mut copy, &mut tick)?;
    Ok(JobOutput::BackedUp { to: std::path::absolute(to)?, size_bytes })
}

pub fn restore(cx: &JobCx, from: &Path) -> Result<JobOutput> {
    let stage = Text::new("job.checking_backup");
    let mut check = |database: &Path| cx.wait(check_database(database));
    let mut tick = |done: u64, total: u64| {
        cx.checkpoint()?;
        cx.progress(&stage, done, Some(total), Unit::Bytes);
        Ok(())
    };
    staging::stage(&cx.shared.home, from, &mut check, &mut tick)?;
    Ok(JobOutput::RestoreReady)
}
