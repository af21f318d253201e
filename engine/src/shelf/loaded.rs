//! The shelf: models in memory, each once, shared by everyone who uses it, let go when memory is needed.

use super::codecs::Codecs;
use super::{LoadProgress, ModelFiles};
use crate::chat_template::ChatTemplate;
use crate::generate::batch::Batcher;
use crate::generate::reuse::ReadSequences;
use crate::generate::schema::Spellings;
use crate::memory::{Ledger, Reservation};
use crate::models::{CausalLm, Model};
use crate::tokenizer::TextCodec;
use anyhow::Result;
use candle_core::Device;
use glassworks_protocol::Failure;
use glassworks_protocol::model::ModelCard;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// A model ready to run: weights, tokenizer and template, and the sequences it has read lately.
pub struct LoadedModel {
    pub name: String,
    pub card: ModelCard,
    pub model: Model,
    pub codec: TextCodec,
    pub template: ChatTemplate,
    pub sequences: ReadSequences,
    /// Where those who write with it meet.
    pub batcher: Batcher,
    /// For replies that follow a schema; made when the first one is asked for.
    spellings: Mutex<Option<Arc<Spellings>>>,
    stamp: Stamp,
    _weights: Reservation,
    /// The shelf's clock when it was last taken.
    taken: AtomicU64,
}

impl LoadedModel {
    /// The model taken apart, for all but writing.
    ///
    /// # Errors
    /// `Failure { Input }` for one that only runs.
    pub fn own(&self) -> Result<&dyn CausalLm, Failure> {
        self.model.own(&self.name)
    }

    /// Reserves memory for a cache; when it doesn't fit, what this model has read before is forgotten first.
    ///
    /// # Errors
    /// `Failure { Memory }` when it doesn't fit even so.
    pub fn reserve(&self, ledger: &Ledger, bytes: u64) -> Result<Reservation, Failure> {
        ledger.reserve(bytes, &self.name).or_else(|_| {
            self.sequences.clear();
            ledger.reserve(bytes, &self.name)
        })
    }

    /// The tokenizer, prepared for replies that follow a schema.
    ///
    /// # Errors
    /// `Failure { Memory }` when it doesn't fit.
    pub fn spellings(&self, ledger: &Ledger) -> Result<Arc<Spellings>> {
        let mut made = self.spellings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(spellings) = &*made {
            return Ok(Arc::clone(spellings));
        }
        let room = self.reserve(ledger, Spellings::bytes(self))?;
        Ok(Arc::clone(made.insert(Arc::new(Spellings::of(self, room)?))))
    }
}

/// What tells that files have changed since they were loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    size_bytes: u64,
    changed: Option<SystemTime>,
}

/// Models by the path they came from.
pub struct Shelf {
    /// Where weights are put.
    device: Device,
    models: Mutex<HashMap<PathBuf, Slot>>,
    codecs: Codecs,
    /// Counts how often a model was taken.
    clock: AtomicU64,
}

/// One path's place: whoever holds its lock is loading.
type Slot = Arc<Mutex<Option<Arc<LoadedModel>>>>;

impl Shelf {
    /// Empty; models will lie on `device`.
    #[must_use]
    pub fn on(device: Device) -> Self {
        Self { device, models: Mutex::default(), codecs: Codecs::default(), clock: AtomicU64::new(0) }
    }

    /// The model at `path`, loaded if it is not there yet or if its files have changed since.
    ///
    /// `content_hash` is the SHA-256 of the weights.
    ///
    /// # Errors
    /// A `Failure` naming the file that cannot be used, `Failure { Memory }` when the weights would not fit, and
    /// whatever `progress` returns.
    pub fn load(
        &self,
        path: &Path,
        name: &str,
        content_hash: String,
        ledger: &Ledger,
        progress: LoadProgress<'_>,
    ) -> Result<Arc<LoadedModel>> {
        self.load_files(path, &|| ModelFiles::open(path), name, content_hash, ledger, progress)
    }

    /// The same for files that are opened otherwise, with a place of their own under `path`.
    ///
    /// # Errors
    /// As [`Self::load`], and what `open` returns.
    pub fn load_files(
        &self,
        path: &Path,
        open: &dyn Fn() -> Result<ModelFiles, Failure>,
        name: &str,
        content_hash: String,
        ledger: &Ledger,
        progress: LoadProgress<'_>,
    ) -> Result<Arc<LoadedModel>> {
        let slot = Arc::clone(self.lock().entry(path.to_owned()).or_default());
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let files = open()?;
        let stamp = Stamp { size_bytes: files.size_bytes(), changed: files.changed() };
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        if let Some(model) = slot.as_ref().filter(|model| model.stamp == stamp) {
            model.taken.store(now, Ordering::Relaxed);
            return Ok(Arc::clone(model));
        }
        *slot = None;
        let weights = self.make_room(files.loaded_bytes(&self.device), path, name, ledger)?;
        let model = files.load_on(&self.device, progress)?;
        let batcher = if model.is_run_only() { Batcher::one_by_one() } else { Batcher::default() };
        let loaded = Arc::new(LoadedModel {
            name: name.to_owned(),
            card: ModelCard { content_hash, ..files.card()? },
            model,
            codec: files.tokenizer()?,
            template: files.chat_template()?,
            sequences: ReadSequences::default(),
            batcher,
            spellings: Mutex::default(),
            stamp,
            _weights: weights,
            taken: AtomicU64::new(now),
        });
        *slot = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    /// Reserves `bytes`, letting models go that nobody uses until it fits.
    fn make_room(
        &self,
        bytes: u64,
        keep: &Path,
        name: &str,
        ledger: &Ledger,
    ) -> Result<Reservation, Failure> {
        loop {
            let refused = match ledger.reserve(bytes, name) {
                Ok(reservation) => return Ok(reservation),
                Err(refused) => refused,
            };
            if !self.let_one_go(keep) {
                return Err(refused);
            }
        }
    }

    /// Drops the model that nobody uses and that was taken longest ago; false if there is none.
    fn let_one_go(&self, keep: &Path) -> bool {
        let mut models = self.lock();
        let idle = models.iter().filter(|(path, _)| path.as_path() != keep).filter_map(|(path, slot)| {
            // A slot that is locked is being loaded: not idle.
            let slot = slot.try_lock().ok()?;
            let model = slot.as_ref().filter(|model| Arc::strong_count(model) == 1)?;
            Some((model.taken.load(Ordering::Relaxed), path.clone()))
        });
        let oldest = idle.min();
        oldest.is_some_and(|(_, path)| models.remove(&path).is_some())
    }

    /// The tokenizer of the model at `path`, without its weights.
    ///
    /// # Errors
    /// A `Failure` naming the file that cannot be used.
    pub fn codec(&self, path: &Path) -> Result<Arc<TextCodec>> {
        self.codecs.get(path)
    }

    /// Forgets the model at `path`; whoever uses it still holds it.
    pub fn forget(&self, path: &Path) {
        self.lock().remove(path);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Slot>> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
