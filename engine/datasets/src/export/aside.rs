//! A file that is there whole or not at all.

use crate::table::{aside, sync_folder};
use anyhow::{Context as _, Result};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Written beside its place until it is whole; gone if it is dropped before.
#[derive(Debug)]
pub(super) struct Aside {
    file: Option<BufWriter<File>>,
    beside: PathBuf,
    path: PathBuf,
    n_bytes: u64,
}

impl Aside {
    pub fn create(path: &Path) -> Result<Self> {
        let beside = aside(path);
        let file = File::create(&beside).with_context(|| format!("writing {}", beside.display()))?;
        let file = Some(BufWriter::with_capacity(256 << 10, file));
        Ok(Self { file, beside, path: path.to_owned(), n_bytes: 0 })
    }

    /// Bytes written.
    pub fn put_in_place(mut self) -> Result<u64> {
        let told = || format!("writing {}", self.path.display());
        if let Some(file) = self.file.take() {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error).with_context(told)?;
            file.sync_all().with_context(told)?;
        }
        std::fs::rename(&self.beside, &self.path).with_context(told)?;
        sync_folder(self.path.parent().filter(|one| !one.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
        Ok(self.n_bytes)
    }
}

impl Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = self.file.as_mut().ok_or_else(|| io::Error::other("the file is closed"))?;
        let n = file.write(bytes)?;
        self.n_bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // In place it is not there any more.
        drop(self.file.take());
        drop(std::fs::remove_file(&self.beside));
    }
}
