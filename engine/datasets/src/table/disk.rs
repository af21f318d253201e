//! What files of a table have in common: written aside and put in place whole, read at a place, numbers in bytes.

use anyhow::{Context as _, Result};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What a file is called until it is whole.
pub(crate) const INCOMPLETE: &str = "incomplete";

/// `NAME.incomplete`.
pub(crate) fn aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(INCOMPLETE);
    PathBuf::from(name)
}

/// Writes a file so that it is there whole or not at all, and lasts.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    write_beside(path, bytes, true)?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Writes a file that can be made anew: another one cannot see half of it, but after a crash it may be torn.
pub(crate) fn write_loose(path: &Path, bytes: &[u8]) -> Result<()> {
    write_beside(path, bytes, false)
}

fn write_beside(path: &Path, bytes: &[u8], lasts: bool) -> Result<()> {
    let beside = aside(path);
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        if lasts {
            file.sync_all()?;
        }
        drop(file);
        std::fs::rename(&beside, path)
    };
    write().with_context(|| format!("writing {}", path.display()))
}

/// Gives a file that never changes a second name; on disks without such names, and on another disk, copies it.
pub(crate) fn share(from: &Path, to: &Path) -> Result<()> {
    match std::fs::hard_link(from, to) {
        Ok(()) => return Ok(()),
        // It may be the same file: copying would empty both.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("copying {}", from.display()));
        }
        Err(_) => {}
    }
    let copy = || -> std::io::Result<()> {
        std::fs::copy(from, to)?;
        File::options().write(true).open(to)?.sync_all()
    };
    copy().with_context(|| format!("copying {}", from.display()))
}

/// Makes names in a folder last.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("syncing {}", folder.display()))?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Fills `buffer` from a place in a file, without moving what others read.
#[cfg(unix)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, at)
}

/// Fills `buffer` from a place in a file.
#[cfg(windows)]
pub(crate) fn read_at(file: &File, mut buffer: &mut [u8], mut at: u64) -> std::io::Result<()> {
    while !buffer.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_read(file, buffer, at)?;
        if n == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[n..];
        at += n as u64;
    }
    Ok(())
}

/// A file of a dataset is not what was written.
pub(crate) fn damaged(path: &Path, why: &str) -> anyhow::Error {
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Failure::new(FailureKind::Io, Text::new("data.file_damaged").arg("file", file))
        .hint(Text::new("data.file_damaged_hint"))
        .detail(format!("{}: {why}", path.display()))
        .into()
}

/// A row that was asked for is not there.
pub(crate) fn gone() -> anyhow::Error {
    Failure::new(FailureKind::Missing, Text::new("data.row_gone"))
        .hint(Text::new("data.row_gone_hint"))
        .into()
}

/// Numbers taken one after another from bytes; `None` past their end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers<'a>(pub &'a [u8]);

impl<'a> Numbers<'a> {
    pub(crate) fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        Some(self.array::<1>()?[0])
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn u16s(&mut self, n: usize) -> Option<Vec<u16>> {
        let (all, _) = self.bytes(n.checked_mul(2)?)?.as_chunks();
        Some(all.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect())
    }

    pub(crate) fn u32s(&mut self, n: usize) -> Option<Vec<u32>> {
        let (all, _) = self.bytes(n.checked_mul(4)?)?.as_chunks();
        Some(all.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
    }

    pub(crate) fn u64s(&mut self, n: usize) -> Option<Vec<u64>> {
        let (all, _) = self.bytes(n.checked_mul(8)?)?.as_chunks();
        Some(all.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect())
    }
}

/// Ends bytes with their CRC-32.
pub(crate) fn seal(bytes: &mut Vec<u8>) {
    let crc = crc32fast::hash(bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
}

/// The bytes before a CRC-32 that is right.
pub(crate) fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (body, crc) = bytes.split_last_chunk::<4>()?;
    (crc32fast::hash(body) == u32::from_le_bytes(*crc)).then_some(body)
}

/// How many, as it is written down.
pub(crate) fn count(n: usize) -> Result<u32> {
    u32::try_from(n).context("more than 4,294,967,295 of something")
}
