//! The shelf: models in memory, each once, shared by everyone who uses it, let go when memory is needed.

use super::{LoadProgress, ModelFiles};
use crate::chat_template::ChatTemplate;
use crate::generate::reuse::ReadSequences;
use crate::memory::{Ledger, Reservation};
use crate::models::CausalLm;
use crate::tokenizer::TextCodec;
use anyhow::Result;
use candle_core::Device;
use glassworks_protocol::Failure;
use glassworks_protocol::model::{ModelCard, Precision};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// A model ready to run: weights, tokenizer and template, and the sequences it has read lately.
pub struct LoadedModel {
    pub name: String,
    pub card: ModelCard,
    pub model: Box<dyn CausalLm>,
    pub codec: TextCodec,
    pub template: ChatTemplate,
    pub sequences: ReadSequences,
    stamp: Stamp,
    _weights: Reservation,
    /// Taken when Fast is first asked for.
    repacked: Mutex<Option<Reservation>>,
}

impl LoadedModel {
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

    /// Reserves, once, what the weights take besides when they run in `precision`.
    ///
    /// # Errors
    /// `Failure { Memory }` when it doesn't fit.
    pub fn reserve_precision(&self, ledger: &Ledger, precision: Precision) -> Result<(), Failure> {
        let mut repacked = self.repacked.lock().unwrap_or_else(PoisonError::into_inner);
        if precision == Precision::Fast && repacked.is_none() {
            let mut bytes = 0;
            self.model.linears(&mut |_, linear| bytes += linear.weight().repacked_bytes());
            *repacked = Some(self.reserve(ledger, bytes)?);
        }
        Ok(())
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
}

/// One path's place: whoever holds its lock is loading.
type Slot = Arc<Mutex<Option<Arc<LoadedModel>>>>;

impl Shelf {
    /// Empty; models will lie on `device`.
    #[must_use]
    pub fn on(device: Device) -> Self {
        Self { device, models: Mutex::default() }
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
        let slot = Arc::clone(self.lock().entry(path.to_owned()).or_default());
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let files = ModelFiles::open(path)?;
        let stamp = Stamp { size_bytes: files.size_bytes(), changed: files.changed() };
        if let Some(model) = slot.as_ref().filter(|model| model.stamp == stamp) {
            return Ok(Arc::clone(model));
        }
        *slot = None;
        let weights = self.make_room(files.loaded_bytes(&self.device), path, name, ledger)?;
        let model = files.load_on(&self.device, progress)?;
        let loaded = Arc::new(LoadedModel {
            name: name.to_owned(),
            card: ModelCard { content_hash, ..files.card()? },
            model,
            codec: files.tokenizer()?,
            template: files.chat_template()?,
            sequences: ReadSequences::default(),
            stamp,
            _weights: weights,
            repacked: Mutex::default(),
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

    /// Drops one model that nobody uses; false if there is none.
    fn let_one_go(&self, keep: &Path) -> bool {
        let mut models = self.lock();
        let idle = models.iter().find_map(|(path, slot)| {
            // A slot that is locked is being loaded: not idle.
            let unused = slot.try_lock().ok()?.as_ref().is_some_and(|model| Arc::strong_count(model) == 1);
            (unused && path != keep).then(|| path.clone())
        });
        idle.is_some_and(|path| models.remove(&path).is_some())
    }

    /// Forgets the model at `path`; whoever uses it still holds it.
    pub fn forget(&self, path: &Path) {
        self.lock().remove(path);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Slot>> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
