//! A Hugging Face folder: config.json with weights beside it, and what else its files say of the model.

use super::file::{self, broken, missing, read_text};
use super::stored::{Reader, Stored};
use super::trained::Trained;
use super::{LoadProgress, config, pickle, placed, safetensors};
use crate::models::run_only::Bridge;
use crate::models::{Model, ModelConfig, Recipe, TensorNeed, runs_only};
use anyhow::Result;
use candle_core::Device;
use glassworks_protocol::Failure;
use glassworks_protocol::chat::TemplateSource;
use glassworks_protocol::model::{ModelCard, ModelFormat};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const CONFIG: &str = "config.json";
/// Weights by the names they have, the best first: safetensors before pickles, one file before several.
const WEIGHTS: [(&str, OpenWeights); 4] = [
    ("model.safetensors", safetensors::open),
    ("model.safetensors.index.json", safetensors::open_sharded),
    ("pytorch_model.bin", pickle::open),
    ("pytorch_model.bin.index.json", pickle::open_sharded),
];

type OpenWeights = fn(&Path) -> Result<Stored, Failure>;

/// **Invariant:** every tensor in `needs` is in `stored`, in its shape and in a type that can be read.
pub struct Folder {
    pub path: PathBuf,
    pub recipe: Recipe,
    pub config: ModelConfig,
    needs: Vec<TensorNeed>,
    stored: Stored,
}

impl Folder {
    /// Whether there is something to open.
    pub fn is_one(path: &Path) -> bool {
        path.join(CONFIG).is_file() || WEIGHTS.iter().any(|(name, _)| path.join(name).is_file())
    }

    /// Reads config.json and the weights' headers.
    ///
    /// # Errors
    /// `Failure` naming the file concerned.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let (recipe, config) = config::read(&path.join(CONFIG))?;
        let Some((name, open)) = WEIGHTS.iter().find(|(name, _)| path.join(name).exists()) else {
            return Err(missing(&path.join(WEIGHTS[0].0)));
        };
        let stored = open(&path.join(name))?;
        let needs = match &recipe {
            Recipe::Own(architecture) => (architecture.tensors)(&config),
            Recipe::RunOnly(recipe) => {
                recipe.tensors().map_err(|e| broken(&path.join(CONFIG), &format!("{e:#}")))?
            }
        };
        stored.check(&needs)?;
        Ok(Self { path: path.to_owned(), recipe, config, needs, stored })
    }

    /// What people call it: the folder's name, or the repository's in a Hugging Face cache.
    pub fn name(&self) -> String {
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        let own = path.file_name().unwrap_or(OsStr::new("model")).to_string_lossy().into_owned();
        let snapshots = path.parent().filter(|p| p.file_name() == Some(OsStr::new("snapshots")));
        let repository = snapshots.and_then(Path::parent).and_then(Path::file_name).and_then(OsStr::to_str);
        match repository.and_then(|r| r.strip_prefix("models--")) {
            Some(repository) => repository.rsplit("--").next().unwrap_or(repository).to_owned(),
            None => own,
        }
    }

    pub fn card(&self, template: TemplateSource) -> ModelCard {
        let s = &self.config.shape;
        ModelCard {
            format: ModelFormat::Folder,
            architecture: self.recipe.name().to_owned(),
            run_only: matches!(self.recipe, Recipe::RunOnly(_)),
            n_params: self
                .needs
                .iter()
                .map(|need| need.shape.iter().map(|d| *d as u64).product::<u64>())
                .sum(),
            size_bytes: self.size_bytes(),
            weight_type: self.stored.main_type(&self.needs),
            context_length: s.context_length as u32,
            n_layers: s.n_layers as u32,
            width: s.width as u32,
            n_heads: s.n_heads as u32,
            n_kv_heads: s.n_kv_heads as u32,
            vocab_size: s.vocab_size as u32,
            tied_embeddings: self.config.tied_embeddings,
            template,
            license: self.license(),
            description: None,
            examples: Vec::new(),
            labels: self.config.classes.clone(),
            content_hash: String::new(),
        }
    }

    /// As the model card's front matter in README.md names it.
    fn license(&self) -> Option<String> {
        const MOST_BYTES: u64 = 1 << 20;
        let readme = read_text(&self.path.join("README.md"), MOST_BYTES).ok()?;
        let front = readme.trim_start_matches('\u{feff}').strip_prefix("---")?;
        let (front, _) = front.split_once("\n---")?;
        let license = front.lines().find_map(|line| line.strip_prefix("license:"))?;
        let license = license.trim().trim_matches(['"', '\'']);
        (!license.is_empty()).then(|| license.to_owned())
    }

    pub fn size_bytes(&self) -> u64 {
        self.stored.size_bytes()
    }

    pub fn loaded_bytes(&self, device: &Device) -> u64 {
        match &self.recipe {
            Recipe::RunOnly(recipe) => recipe.loaded_bytes(&self.needs),
            Recipe::Own(_) if device.is_cpu() => self.stored.loaded_bytes(&self.needs),
            Recipe::Own(_) => placed::dense_bytes(&self.needs),
        }
    }

    /// When the newest of its files was changed.
    pub fn changed(&self) -> Option<SystemTime> {
        self.weight_files().chain([self.path.join(CONFIG).as_path()]).filter_map(modified).max()
    }

    pub fn weight_files(&self) -> impl Iterator<Item = &Path> + Clone {
        self.stored.files.iter().map(|f| f.path.as_path())
    }

    pub fn hash(&self, progress: &dyn Fn(u64, u64) -> Result<()>) -> Result<String> {
        file::hash(self.weight_files(), progress)
    }

    /// With what a run has trained, if given, in place of the files' own.
    pub fn load(
        &self,
        device: &Device,
        trained: Option<&Trained>,
        progress: LoadProgress<'_>,
    ) -> Result<Model> {
        let total =
            self.needs.iter().filter_map(|need| Some(self.stored.find(need).ok()?.1.size_bytes)).sum();
        let reader: Reader<'_> = self.stored.reader(total, progress)?;
        let model = match &self.recipe {
            Recipe::Own(architecture) => {
                Model::Own(placed::build(architecture, &self.config, &reader, trained, device)?)
            }
            // Nothing that a run has trained fits it.
            Recipe::RunOnly(_) if trained.is_some() => {
                return Err(runs_only(&self.name(), self.recipe.name()).into());
            }
            // In main memory, wherever others go.
            Recipe::RunOnly(recipe) => Model::RunOnly(Bridge::load(recipe, &self.needs, &reader)?),
        };
        progress(total, total)?;
        Ok(model)
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}
