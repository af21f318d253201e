//! Files of a model: bounded reading, hashing, and the failures that name them.

use anyhow::Result;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Read between two reports of progress.
const CHUNK_BYTES: usize = 4 << 20;

/// An ordinary file and its length; never a pipe, which might wait for ever.
///
/// # Errors
/// `Failure` naming the file.
pub fn open_regular(path: &Path) -> Result<(File, u64), Failure> {
    let metadata = path.metadata().map_err(|e| io_failure(path, &e))?;
    if !metadata.is_file() {
        return Err(broken(path, "not an ordinary file"));
    }
    let file = File::open(path).map_err(|e| io_failure(path, &e))?;
    Ok((file, metadata.len()))
}

/// A text file of at most `most_bytes`.
///
/// # Errors
/// `Failure` naming the file: not there, not readable, too long, no UTF-8.
pub fn read_text(path: &Path, most_bytes: u64) -> Result<String, Failure> {
    let (file, _) = open_regular(path)?;
    let mut bytes = Vec::new();
    file.take(most_bytes + 1).read_to_end(&mut bytes).map_err(|e| io_failure(path, &e))?;
    if bytes.len() as u64 > most_bytes {
        return Err(broken(path, &format!("longer than {most_bytes} bytes")));
    }
    String::from_utf8(bytes).map_err(|e| broken(path, &e.to_string()))
}

/// SHA-256 over the contents of `paths`, one after the other, in hexadecimal; of a single file, it is that file's
/// own. `progress` hears bytes done and in all, and ends it with an error.
///
/// # Errors
/// When a file cannot be read, and whatever `progress` returns.
pub fn hash<'a>(
    paths: impl Iterator<Item = &'a Path> + Clone,
    progress: &dyn Fn(u64, u64) -> Result<()>,
) -> Result<String> {
    let len = |path: &Path| path.metadata().map(|m| m.len()).map_err(|e| io_failure(path, &e));
    let total = paths.clone().map(len).sum::<Result<u64, Failure>>()?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0u8; CHUNK_BYTES];
    let mut done = 0;
    for path in paths {
        let (mut file, _) = open_regular(path)?;
        loop {
            progress(done, total)?;
            let n = file.read(&mut chunk).map_err(|e| io_failure(path, &e))?;
            if n == 0 {
                break;
            }
            hasher.update(&chunk[..n]);
            done += n as u64;
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

pub fn broken(path: &Path, why: &str) -> Failure {
    Failure::new(FailureKind::Input, Text::new("failure.model_file_broken").arg("file", path.display()))
        .hint(Text::new("failure.model_file_broken_hint"))
        .detail(why)
}

pub fn missing(path: &Path) -> Failure {
    Failure::new(FailureKind::Missing, Text::new("failure.model_file_missing").arg("file", path.display()))
        .hint(Text::new("failure.model_file_missing_hint"))
}

pub fn changed(path: &Path) -> Failure {
    Failure::new(FailureKind::Io, Text::new("failure.model_file_changed").arg("file", path.display()))
        .hint(Text::new("failure.model_file_changed_hint"))
}

pub fn io_failure(path: &Path, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::NotFound {
        return missing(path);
    }
    Failure::new(FailureKind::Io, Text::new("failure.model_file_unreadable").arg("file", path.display()))
        .hint(Text::new("failure.model_file_unreadable_hint"))
        .detail(error.to_string())
}

pub fn tensor_failure(kind: FailureKind, key: &'static str, file: &Path, tensor: &str) -> Failure {
    Failure::new(kind, Text::new(key).arg("file", file.display()).arg("tensor", tensor))
}
