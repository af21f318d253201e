//! Models that candle-transformers computes (Falcon: its operations), through one bridge: they write, with every probability, and nothing more.
//! Training, adapters and looking inside need a model taken apart into our own blocks, which these are not.
//!
//! To add a family: a row in [`RUN_ONLY`] (`families`), a checkpoint in `export_run_only.py`. It is offered when its
//! logits are the reference's, read whole, token by token and in pieces. What a configuration says and candle's model
//! would pass over is refused by name: `config` goes by a list of what is known, not of what is not.

mod bridge;
mod config;
mod falcon;
mod families;
mod weights;
mod wrapped;

pub use bridge::{Asked, Bridge, BridgeSequence};
pub use config::RunOnlyConfig;
pub use families::RUN_ONLY;

use crate::models::ConfigJson;
use crate::nn::ModelShape;
use candle_core::Tensor;
use candle_nn::VarBuilder;
use glassworks_protocol::Failure;
use serde_json::{Map, Value};

/// A model of candle's, and what it has read so far.
pub trait Bridged: Send {
    /// Reads `ids` `[1, T]`, the first of which stands at position `at`: the logits after the last, `V` in all.
    ///
    /// # Errors
    /// What candle reports.
    fn forward(&mut self, ids: &Tensor, at: usize) -> candle_core::Result<Tensor>;

    /// The same weights, shared. To be called of one that has read nothing: so has what it gives.
    ///
    /// # Errors
    /// What candle reports.
    fn fresh(&self) -> candle_core::Result<Box<dyn Bridged>>;
}

/// How a model of candle's reads a prompt rightly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reads {
    /// Several tokens after others.
    InPieces,
    /// Several tokens only as the first ones: its mask knows nothing before them.
    AtOnce,
}

/// A value in a table.
#[derive(Clone, Copy)]
enum Lit {
    Null,
    Flag(bool),
    Size(u64),
    Number(f64),
    Word(&'static str),
    Nothing,
}

impl Lit {
    fn value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Flag(flag) => flag.into(),
            Self::Size(n) => n.into(),
            Self::Number(x) => x.into(),
            Self::Word(word) => word.into(),
            Self::Nothing => Value::Array(Vec::new()),
        }
    }
}

/// How wide a head is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HeadWidth {
    /// The width divided by the heads, whatever `head_dim` says: something else is refused.
    Share,
    /// `head_dim`, or the share.
    FieldOrShare,
    /// `head_dim`, or this.
    FieldOr(usize),
}

/// Alters the sizes and what candle's model goes by, as config.json says.
type Adjust = fn(&ConfigJson, &mut ModelShape, &mut Map<String, Value>) -> Result<(), Failure>;

/// An entry in [`RUN_ONLY`].
pub struct Family {
    /// As the model card names it.
    pub name: &'static str,
    /// In config.json: `model_type`.
    pub model_types: &'static [&'static str],
    /// In config.json: `architectures`.
    pub class_names: &'static [&'static str],
    /// In GGUF: `general.architecture`. Such files are refused with the reason.
    pub gguf_names: &'static [&'static str],
    /// The name of the embedding in the checkpoint.
    embedding: &'static str,
    /// The field of the norms' epsilon, and what it is where it is absent; `None` where it is no setting.
    norm_eps: Option<(&'static str, f64)>,
    /// The fields that may name the activation, the first that is there counts; and what it is where none is.
    activation: (&'static [&'static str], &'static str),
    head_width: HeadWidth,
    /// `None`: as many as heads.
    n_kv_heads: Option<usize>,
    context_length: usize,
    rope_theta: f64,
    /// The share of a head that is turned where no field says; `None` where it can only be all.
    partial: Option<f64>,
    tied_embeddings: bool,
    /// Whether layers may have a window: candle's model has none, or another, so that no more is read than one holds.
    windowed: bool,
    /// What the common fields are called where they have other names: ours, theirs.
    names: &'static [(&'static str, &'static str)],
    /// The kinds of layers that it has, in `layer_types`.
    layers: &'static [&'static str],
    /// What no table tells; refuses what can't be honoured.
    adjust: Adjust,
    /// What else candle's model goes by, and what transformers takes where it is absent.
    honoured: &'static [(&'static str, Lit)],
    /// What candle's model takes for granted.
    fixed: &'static [(&'static str, Lit)],
    /// What transformers' own model does not look at.
    ignored: &'static [&'static str],
    /// What a tensor is multiplied by as it is read, for factors that candle's model leaves out.
    scale: fn(name: &str, values: &Value) -> f64,
    reads: Reads,
    /// How often the tables of positions are kept: in each layer, for each sequence.
    tables: Tables,
    /// Builds it, from a configuration as candle's model wants it.
    make: fn(&Value, VarBuilder<'static>) -> candle_core::Result<Box<dyn Bridged>>,
}

/// Who keeps the tables of positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tables {
    Model,
    EachLayer,
    EachSequence,
}
