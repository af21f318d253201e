//! Tokenizers without weights, for who only cuts texts: the last few, read again when their files have changed.

use super::ModelFiles;
use crate::tokenizer::TextCodec;
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// As many are kept: two side by side, and two to go back to.
const MOST: usize = 4;

#[derive(Default)]
pub struct Codecs(Mutex<Vec<Kept>>);

struct Kept {
    path: PathBuf,
    stamp: Stamp,
    codec: Arc<TextCodec>,
}

/// Sizes and the newest change of the files.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Stamp {
    size_bytes: u64,
    changed: Option<SystemTime>,
}

impl Stamp {
    /// Of a file, or of the files in a folder.
    fn of(path: &Path) -> Self {
        let mut stamp = Self::default();
        let mut add = |path: &Path| {
            if let Ok(about) = std::fs::metadata(path) {
                stamp.size_bytes += about.len();
                stamp.changed = stamp.changed.max(about.modified().ok());
            }
        };
        match std::fs::read_dir(path) {
            Ok(files) => files.flatten().for_each(|file| add(&file.path())),
            Err(_) => add(path),
        }
        stamp
    }
}

impl Codecs {
    pub fn get(&self, path: &Path) -> Result<Arc<TextCodec>> {
        // Whoever asks next waits: reading one twice would take longer.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = Stamp::of(path);
        if let Some(at) = kept.iter().position(|one| one.path == path) {
            let one = kept.remove(at);
            if one.stamp == stamp {
                let codec = Arc::clone(&one.codec);
                kept.push(one);
                return Ok(codec);
            }
        }
        let codec = Arc::new(ModelFiles::open(path)?.tokenizer()?);
        kept.push(Kept { path: path.to_owned(), stamp, codec: Arc::clone(&codec) });
        if kept.len() > MOST {
            kept.remove(0);
        }
        Ok(codec)
    }
}
