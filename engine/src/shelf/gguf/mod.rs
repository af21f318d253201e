//! GGUF files: a bounded reader of headers, and their weights under Hugging Face names.
//!
//! The format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

mod config;
mod header;
mod metadata;
mod names;
mod tensor_type;
mod weights;

pub use header::{Header, TensorInfo};
pub use metadata::{Metadata, NumberKind, Numbers, Value};
pub use tensor_type::TensorType;

use super::LoadProgress;
use super::trained::Trained;
use super::{file, placed};
use crate::chat_template::ChatTemplate;
use crate::models::{Architecture, CausalLm, ModelConfig, TensorNeed};
use crate::tokenizer::TextCodec;
use anyhow::Result;
use candle_core::Device;
use glassworks_protocol::Failure;
use glassworks_protocol::chat::TemplateSource;
use glassworks_protocol::model::{ModelCard, ModelFormat};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

/// A GGUF file whose header has been read and checked; its weights have not.
///
/// **Invariant:** every tensor in `needs` is in the header, in its shape and in a type that can be read.
pub struct GgufModel {
    pub architecture: &'static Architecture,
    pub config: ModelConfig,
    header: Header,
    names: &'static names::Names,
    needs: Vec<TensorNeed>,
}

impl GgufModel {
    /// Whether the file says that it is one.
    #[must_use]
    pub fn is_one(path: &Path) -> bool {
        header::has_magic(path)
    }

    /// Reads and checks the header.
    ///
    /// # Errors
    /// `Failure` naming the file, and the key or tensor concerned.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let header = Header::read(path)?;
        config::refuse_split(&header.metadata)?;
        let (architecture, names, config) = config::read(&header)?;
        let needs = (architecture.tensors)(&config);
        weights::check(&header, names, &needs)?;
        Ok(Self { architecture, config, header, names, needs })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.header.metadata.file()
    }

    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.header.metadata
    }

    /// The file's name without its ending: what `general.name` says is often made by machines.
    #[must_use]
    pub fn name(&self) -> String {
        self.path().file_stem().map_or_else(|| "model".into(), |stem| stem.to_string_lossy().into_owned())
    }

    #[must_use]
    pub fn card(&self, template: TemplateSource) -> ModelCard {
        let s = &self.config.shape;
        let text = |key: &str| match self.metadata().get(key) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        ModelCard {
            format: ModelFormat::Gguf,
            architecture: self.architecture.name.to_owned(),
            run_only: false,
            n_params: self.needs.iter().map(elements).sum(),
            size_bytes: self.header.file_len,
            weight_type: self.main_type(),
            context_length: s.context_length as u32,
            n_layers: s.n_layers as u32,
            width: s.width as u32,
            n_heads: s.n_heads as u32,
            n_kv_heads: s.n_kv_heads as u32,
            vocab_size: s.vocab_size as u32,
            tied_embeddings: self.config.tied_embeddings,
            template,
            license: text("general.license"),
            description: text("general.description"),
            examples: Vec::new(),
            labels: Vec::new(),
            content_hash: String::new(),
        }
    }

    /// The type that most bytes of the weights are stored in.
    fn main_type(&self) -> String {
        let mut bytes: BTreeMap<&str, u64> = BTreeMap::new();
        for need in &self.needs {
            if let Ok(info) = weights::find(&self.header, self.names, need) {
                *bytes.entry(info.tensor_type.name()).or_default() += info.size_bytes;
            }
        }
        bytes.into_iter().max_by_key(|(_, n)| *n).map_or_else(String::new, |(name, _)| name.to_owned())
    }

    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.header.file_len
    }

    /// Of the weights, once they are loaded on `device`.
    #[must_use]
    pub fn loaded_bytes(&self, device: &Device) -> u64 {
        if device.is_cpu() {
            self.needs.iter().filter_map(|need| weights::loaded_bytes(&self.header, self.names, need)).sum()
        } else {
            placed::dense_bytes(&self.needs)
        }
    }

    #[must_use]
    pub fn changed(&self) -> Option<SystemTime> {
        self.path().metadata().ok()?.modified().ok()
    }

    /// SHA-256 of the file.
    ///
    /// # Errors
    /// When the file cannot be read, and whatever `progress` returns.
    pub fn hash(&self, progress: &dyn Fn(u64, u64) -> Result<()>) -> Result<String> {
        file::hash([self.path()].into_iter(), progress)
    }

    /// # Errors
    /// `Failure` naming the file and what in it is missing, broken or not known here.
    pub fn tokenizer(&self) -> Result<TextCodec, Failure> {
        TextCodec::from_gguf(self.metadata())
    }

    /// `tokenizer.chat_template`, and the one for tools where there is one apart.
    ///
    /// # Errors
    /// When the value is no text.
    pub fn chat_template(&self) -> Result<Option<ChatTemplate>, Failure> {
        const KEY: &str = "tokenizer.chat_template";
        let Some(text) = self.metadata().text(KEY)? else { return Ok(None) };
        let template = ChatTemplate::new(self.path().display().to_string(), KEY, text);
        Ok(Some(template.with_tool_use(self.metadata().text("tokenizer.chat_template.tool_use")?)))
    }

    /// Reads the weights onto `device`, those that a run has trained in place of the file's own, and lets the file go.
    ///
    /// # Errors
    /// When the file has changed or cannot be read, and whatever `progress` returns.
    pub(super) fn load(
        &self,
        device: &Device,
        trained: Option<&Trained>,
        progress: LoadProgress<'_>,
    ) -> Result<Box<dyn CausalLm>> {
        let total = self
            .needs
            .iter()
            .filter_map(|n| Some(weights::find(&self.header, self.names, n).ok()?.size_bytes))
            .sum();
        let reader = weights::Reader::open(&self.header, self.names, &self.config, total, progress)?;
        let model = placed::build(self.architecture, &self.config, &reader, trained, device)?;
        progress(total, total)?;
        Ok(model)
    }
}

fn elements(need: &TensorNeed) -> u64 {
    need.shape.iter().map(|d| *d as u64).product()
}
