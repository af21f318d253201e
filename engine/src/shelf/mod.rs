//! Weights in: model files from disk, checked before anything of their size is allocated.

pub mod adapter;
mod codecs;
mod companions;
mod config;
pub(crate) mod file;
mod folder;
pub mod gguf;
mod loaded;
mod pickle;
mod placed;
mod safetensors;
mod stored;
mod trained;

pub use crate::models::{ModelConfig, WeightSource};
pub use loaded::{LoadedModel, Shelf};

use crate::chat_template::ChatTemplate;
use crate::models::{CausalLm, Model, Recipe, runs_only};
use crate::tokenizer::TextCodec;
use anyhow::Result;
use candle_core::Device;
use folder::Folder;
use gguf::GgufModel;
use glassworks_protocol::model::ModelCard;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use trained::Trained;

/// What loading and hashing report: bytes done, bytes in all; an error stops it.
pub type LoadProgress<'a> = &'a (dyn Fn(u64, u64) -> Result<()> + Sync);

/// A model on disk whose headers have been read and checked; its weights have not.
pub struct ModelFiles {
    kind: Kind,
    /// Weights that a run has trained, in place of the files' own.
    trained: Option<PathBuf>,
}

enum Kind {
    Folder(Box<Folder>),
    Gguf(Box<GgufModel>),
}

impl ModelFiles {
    /// Opens a folder, one of the files in it, or a GGUF file.
    ///
    /// # Errors
    /// `Failure { Input | Missing | Io }` naming the file concerned and what to do.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        if !path.exists() {
            return Err(not_there(path));
        }
        if path.is_dir() && Folder::is_one(path) {
            return Ok(Self::of(Kind::Folder(Box::new(Folder::open(path)?))));
        }
        // A folder that a single GGUF file was downloaded into.
        if let Some(file) = only_gguf(path) {
            return Ok(Self::of(Kind::Gguf(Box::new(GgufModel::open(&file)?))));
        }
        if path.is_file() && (GgufModel::is_one(path) || path.extension().is_some_and(|e| e == "gguf")) {
            return Ok(Self::of(Kind::Gguf(Box::new(GgufModel::open(path)?))));
        }
        // One of a folder's files stands for the folder.
        let weights = path.extension().is_some_and(|e| e == "safetensors" || e == "bin" || e == "json");
        match path.parent().filter(|parent| weights && path.is_file() && Folder::is_one(parent)) {
            Some(parent) => Ok(Self::of(Kind::Folder(Box::new(Folder::open(parent)?)))),
            None => Err(not_a_model(path)),
        }
    }

    fn of(kind: Kind) -> Self {
        Self { kind, trained: None }
    }

    /// With the weights of a run's checkpoint, at `path`, in place of those that it trained.
    #[must_use]
    pub fn with_trained(self, path: PathBuf) -> Self {
        Self { trained: Some(path), ..self }
    }

    /// What people call it, before they rename it.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.kind {
            Kind::Folder(folder) => folder.name(),
            Kind::Gguf(gguf) => gguf.name(),
        }
    }

    #[must_use]
    pub fn config(&self) -> &ModelConfig {
        match &self.kind {
            Kind::Folder(folder) => &folder.config,
            Kind::Gguf(gguf) => &gguf.config,
        }
    }

    /// What the headers say; the content hash is left empty.
    ///
    /// # Errors
    /// When the files that say it are broken.
    pub fn card(&self) -> Result<ModelCard> {
        let template = self.chat_template()?.source().clone();
        match &self.kind {
            Kind::Folder(folder) => Ok(folder.card(template)),
            Kind::Gguf(gguf) => Ok(gguf.card(template)),
        }
    }

    /// # Errors
    /// When there is none, or one of a kind not known here.
    pub fn tokenizer(&self) -> Result<TextCodec> {
        match &self.kind {
            Kind::Folder(folder) => Ok(TextCodec::from_folder(&folder.path)?),
            Kind::Gguf(gguf) => Ok(gguf.tokenizer()?),
        }
    }

    /// The model's own template, or the fallback.
    ///
    /// # Errors
    /// When the file that holds it can't be read.
    pub fn chat_template(&self) -> Result<ChatTemplate> {
        let own = match &self.kind {
            Kind::Folder(folder) => ChatTemplate::from_folder(&folder.path)?,
            Kind::Gguf(gguf) => gguf.chat_template()?,
        };
        Ok(own.unwrap_or_else(ChatTemplate::fallback))
    }

    /// Of the weight files, on disk.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        let own = match &self.kind {
            Kind::Folder(folder) => folder.size_bytes(),
            Kind::Gguf(gguf) => gguf.size_bytes(),
        };
        own + self.trained_bytes()
    }

    fn trained_bytes(&self) -> u64 {
        let metadata = self.trained.as_ref().and_then(|path| path.metadata().ok());
        metadata.map_or(0, |metadata| metadata.len())
    }

    /// Of the weights, once they are loaded on `device`: as they are stored in main memory, f32 anywhere else.
    #[must_use]
    pub fn loaded_bytes(&self, device: &Device) -> u64 {
        let own = match &self.kind {
            Kind::Folder(folder) => folder.loaded_bytes(device),
            Kind::Gguf(gguf) => gguf.loaded_bytes(device),
        };
        own + self.trained_bytes()
    }

    /// When the newest of the files was changed, if the system says.
    #[must_use]
    pub fn changed(&self) -> Option<SystemTime> {
        let own = match &self.kind {
            Kind::Folder(folder) => folder.changed(),
            Kind::Gguf(gguf) => gguf.changed(),
        };
        own.max(self.trained.as_ref().and_then(|path| path.metadata().ok()?.modified().ok()))
    }

    /// The files that hold the weights, in the order in which they are hashed.
    #[must_use]
    pub fn weight_files(&self) -> Vec<PathBuf> {
        match &self.kind {
            Kind::Folder(folder) => folder.weight_files().map(Path::to_owned).collect(),
            Kind::Gguf(gguf) => vec![gguf.path().to_owned()],
        }
    }

    /// SHA-256 over the weight files, in hexadecimal: of a single file, that file's own.
    ///
    /// # Errors
    /// When a file cannot be read, and whatever `progress` returns.
    pub fn hash(&self, progress: &dyn Fn(u64, u64) -> Result<()>) -> Result<String> {
        match &self.kind {
            Kind::Folder(folder) => folder.hash(progress),
            Kind::Gguf(gguf) => gguf.hash(progress),
        }
    }

    /// # Errors
    /// `Failure { Input }` for a model that only runs: it is not tuned, measured or looked into.
    pub fn check_own(&self) -> Result<(), Failure> {
        match &self.kind {
            Kind::Folder(folder) if matches!(folder.recipe, Recipe::RunOnly(_)) => {
                Err(runs_only(&self.name(), folder.recipe.name()))
            }
            _ => Ok(()),
        }
    }

    /// Reads the weights into main memory and lets the files go: what the training step works on.
    ///
    /// # Errors
    /// When a file has changed or cannot be read, whatever `progress` returns, and `Failure { Input }` for a model that
    /// only runs.
    pub fn load(&self, progress: LoadProgress<'_>) -> Result<Box<dyn CausalLm>> {
        self.check_own()?;
        match self.load_on(&Device::Cpu, progress)? {
            Model::Own(model) => Ok(model),
            Model::RunOnly(bridge) => Err(runs_only(&self.name(), bridge.family()).into()),
        }
    }

    /// Whatever model it is, onto `device` if it is of our own blocks.
    ///
    /// # Errors
    /// When a file has changed or cannot be read, whatever `progress` returns, and when the device has no room.
    pub fn load_on(&self, device: &Device, progress: LoadProgress<'_>) -> Result<Model> {
        let trained = self.trained.as_deref().map(Trained::read).transpose()?;
        match &self.kind {
            Kind::Folder(folder) => folder.load(device, trained.as_ref(), progress),
            Kind::Gguf(gguf) => Ok(Model::Own(gguf.load(device, trained.as_ref(), progress)?)),
        }
    }
}

fn only_gguf(folder: &Path) -> Option<PathBuf> {
    let entries = folder.read_dir().ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files = entries.filter(|path| path.extension().is_some_and(|e| e == "gguf"));
    files.next().filter(|_| files.next().is_none())
}

fn not_there(path: &Path) -> Failure {
    let summary = Text::new("failure.model_path_missing").arg("path", path.display());
    Failure::new(FailureKind::Missing, summary).hint(Text::new("failure.model_path_missing_hint"))
}

fn not_a_model(path: &Path) -> Failure {
    let summary = Text::new("failure.not_a_model").arg("path", path.display());
    Failure::new(FailureKind::Input, summary).hint(Text::new("failure.not_a_model_hint"))
}
