//! Architectures: what every one can do, the table of them, and what each wants from config and weights.
//! To add one: a file beside this one, a line in [`ARCHITECTURES`], a fixture from `export.py`.

mod config;
mod decoder;
mod family;
pub(crate) mod gemma2;
pub(crate) mod gemma3;
mod gpt2;
mod gpt_neox;
mod llama;
mod mistral;
mod parts;
mod qwen2;
mod qwen3;
mod rope;
pub mod run_only;

pub use crate::nn::{ForwardCx, ModelShape};
pub use config::{ConfigJson, ModelConfig, refused};
pub use parts::{BlockParts, DecoderParts, MlpParts, Named, NormParts};
pub use run_only::RUN_ONLY;

use crate::nn::{Linear, Weight};
use anyhow::Result;
use candle_core::Tensor;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use run_only::{Bridge, RunOnlyConfig};

/// A decoder that predicts the next token. Weights only: cache and probe are arguments, so that all who use a
/// model share one copy of it.
pub trait CausalLm: Send + Sync {
    fn shape(&self) -> &ModelShape;

    /// Runs `tokens` (T of them) after what is in the cache: `[T, D]`, before the final norm. The cache grows by
    /// T. An error for ids outside the vocabulary and for positions past the context.
    fn hidden(&self, tokens: &[u32], cx: &mut ForwardCx) -> Result<Tensor>;

    /// Final norm and unembedding of any rows of `hidden`: `[T, D]` → `[T, V]`, f32.
    fn logits(&self, hidden: &Tensor, cx: &mut ForwardCx) -> Result<Tensor>;

    /// Every linear map by its name in the checkpoint, less `.weight`.
    fn linears(&self, visit: &mut dyn FnMut(&str, &Linear));

    /// The model taken apart, for the training step.
    fn parts(&self) -> DecoderParts<'_>;

    /// The labels that the head tells apart, in the order of its outputs; none for a model that predicts tokens.
    fn classes(&self) -> &[String];
}

/// A model that has been loaded.
pub enum Model {
    /// Of our own blocks: it writes, is tuned and looked into.
    Own(Box<dyn CausalLm>),
    /// One of [`RUN_ONLY`].
    RunOnly(Bridge),
}

impl Model {
    #[must_use]
    pub fn shape(&self) -> &ModelShape {
        match self {
            Self::Own(model) => model.shape(),
            Self::RunOnly(bridge) => bridge.shape(),
        }
    }

    /// The labels that it tells apart; none for a model that predicts tokens.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        match self {
            Self::Own(model) => model.classes(),
            Self::RunOnly(_) => &[],
        }
    }

    #[must_use]
    pub fn is_run_only(&self) -> bool {
        matches!(self, Self::RunOnly(_))
    }

    /// The model taken apart, for all but writing. `name` is what a person calls it.
    ///
    /// # Errors
    /// `Failure { Input }` for one that only runs.
    pub fn own(&self, name: &str) -> Result<&dyn CausalLm, Failure> {
        match self {
            Self::Own(model) => Ok(&**model),
            Self::RunOnly(bridge) => Err(runs_only(name, bridge.family())),
        }
    }
}

/// What a model is built by.
pub enum Recipe {
    Own(&'static Architecture),
    RunOnly(RunOnlyConfig),
}

impl Recipe {
    /// As the model card names it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Own(architecture) => architecture.name,
            Self::RunOnly(config) => config.family.name,
        }
    }
}

/// Why a model is not tuned, measured or looked into.
#[must_use]
pub fn runs_only(name: &str, architecture: &str) -> Failure {
    let known: Vec<&str> = ARCHITECTURES.iter().map(|a| a.name).collect();
    let summary = Text::new("failure.runs_only").arg("name", name).arg("architecture", architecture);
    Failure::new(FailureKind::Input, summary)
        .hint(Text::new("failure.runs_only_hint").arg("known", known.join(", ")))
}

/// The name of the head that tells labels apart.
pub const SCORE: &str = "score";

/// Whether a linear map of this name makes a model's outputs.
#[must_use]
pub fn is_head(name: &str) -> bool {
    [SCORE, "lm_head", "embed_out"].contains(&name)
}

/// Where weights come from, under their Hugging Face names. Errors are [`Failure`]s that
/// name file and tensor.
pub trait WeightSource {
    fn has(&self, name: &str) -> bool;

    /// A tensor of exactly this shape, as f32.
    fn dense(&self, name: &str, shape: &[usize]) -> Result<Tensor>;

    /// A matrix `[n_out, n_in]`, kept as it is stored where that is smaller than f32.
    fn linear(&self, name: &str, n_out: usize, n_in: usize) -> Result<Weight>;

    /// A matrix that a checkpoint keeps as `[n_in, n_out]` (transformers' `Conv1D`), as `[n_out, n_in]`.
    fn turned(&self, name: &str, n_out: usize, n_in: usize) -> Result<Tensor> {
        Ok(self.dense(name, &[n_in, n_out])?.t()?.contiguous()?)
    }
}

/// A tensor that an architecture needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorNeed {
    pub name: String,
    /// Another name that it may have instead.
    pub other_name: Option<String>,
    pub shape: Vec<usize>,
    /// A matrix that is held as f32, however it is stored.
    pub widened: bool,
}

impl TensorNeed {
    pub fn new(name: impl Into<String>, shape: &[usize]) -> Self {
        Self { name: name.into(), other_name: None, shape: shape.to_vec(), widened: false }
    }

    /// The name may lack this beginning.
    #[must_use]
    pub fn or_without(self, prefix: &str) -> Self {
        let other_name = self.name.strip_prefix(prefix).map(str::to_owned);
        Self { other_name, ..self }
    }

    /// Another name that it may have instead.
    #[must_use]
    pub fn or_named(self, other_name: &str) -> Self {
        Self { other_name: Some(other_name.to_owned()), ..self }
    }

    #[must_use]
    pub fn widened(self) -> Self {
        Self { widened: true, ..self }
    }
}

/// An entry in [`ARCHITECTURES`].
pub struct Architecture {
    /// `llama`, `gpt2`: as [`ModelConfig::architecture`] and the model card name it.
    pub name: &'static str,
    /// In config.json: `model_type`.
    pub model_types: &'static [&'static str],
    /// In config.json: `architectures`.
    pub class_names: &'static [&'static str],
    /// The same for one whose unembedding is replaced by a head that tells labels apart.
    pub classifier_name: &'static str,
    /// In GGUF: `general.architecture`.
    pub gguf_names: &'static [&'static str],
    /// Reads config.json; refuses, by name, whatever the forward pass would not honour.
    pub config: fn(&ConfigJson) -> Result<ModelConfig, Failure>,
    /// Every tensor the model is made of, so that a folder can be checked before anything is read.
    pub tensors: fn(&ModelConfig) -> Vec<TensorNeed>,
    pub build: fn(&ModelConfig, &dyn WeightSource) -> Result<Box<dyn CausalLm>>,
}

/// Every architecture whose forward pass is our own.
pub static ARCHITECTURES: &[&Architecture] = &[
    &llama::LLAMA,
    &mistral::MISTRAL,
    &qwen2::QWEN2,
    &qwen3::QWEN3,
    &gemma2::GEMMA2,
    &gemma3::GEMMA3,
    &gpt2::GPT2,
    &gpt_neox::GPT_NEOX,
];
