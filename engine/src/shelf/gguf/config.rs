//! From GGUF metadata to a [`ModelConfig`]. What the forward pass would not honour is refused by name.

use super::header::Header;
use super::metadata::{Metadata, Value};
use super::names::is_known;
use super::weights::read_floats;
use crate::models::{ARCHITECTURES, Architecture, ModelConfig, refused};
use crate::nn::{Activation, ModelShape, RopeConfig, RopeScaling};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::path::Path;

/// Keys after the architecture's name that change the arithmetic in ways the blocks don't know. 0 and false are
/// the values of files that don't use them.
const REFUSED: &[&str] = &[
    "expert_count",
    "attention.clamp_kqv",
    "attention.max_alibi_bias",
    "attention.scale",
    "attention.sliding_window",
    "attn_logit_softcapping",
    "final_logit_softcapping",
    "embedding_scale",
    "logit_scale",
    "residual_scale",
    "rope.scaling.attn_factor",
];

const ROPE_FREQS: &str = "rope_freqs.weight";

/// # Errors
/// `Failure` for one part of a model in several files.
pub(super) fn refuse_split(metadata: &Metadata) -> Result<(), Failure> {
    match metadata.size("split.count")? {
        Some(n) if n > 1 => {
            let summary = Text::new("failure.gguf_split").arg("file", metadata.file().display()).arg("n", n);
            Err(Failure::new(FailureKind::Input, summary).hint(Text::new("failure.gguf_split_hint")))
        }
        _ => Ok(()),
    }
}

pub(super) fn read(header: &Header) -> Result<(&'static Architecture, ModelConfig), Failure> {
    let metadata = &header.metadata;
    let key = "general.architecture";
    let name = metadata.text(key)?.ok_or_else(|| metadata.bad_key(key))?;
    let architecture = ARCHITECTURES.iter().find(|a| a.gguf_names.contains(&name) && a.name == "llama");
    let architecture = architecture.ok_or_else(|| unknown_architecture(metadata.file(), name))?;
    let config = llama(header, &Keys { metadata, architecture: name }, architecture.name)?;
    config.check(metadata.file())?;
    if let Some(unknown) = header.tensors.keys().filter(|name| !is_known(name)).min() {
        return Err(refused(metadata.file(), "tensor", unknown));
    }
    Ok((architecture, config))
}

fn llama(header: &Header, keys: &Keys, architecture: &'static str) -> Result<ModelConfig, Failure> {
    let metadata = keys.metadata;
    for key in REFUSED {
        keys.refuse(key, |value| {
            !matches!(value, Value::Int(0) | Value::Bool(false)) && *value != Value::Float(0.0)
        })?;
    }
    keys.refuse("attention.causal", |value| *value == Value::Bool(false))?;
    let width = keys.size("embedding_length")?;
    let n_heads = keys.size("attention.head_count")?;
    let head_width = match metadata.size(&keys.key("attention.key_length"))? {
        Some(head_width) => head_width,
        None if n_heads > 0 && width.is_multiple_of(n_heads) => width / n_heads,
        None => return Err(metadata.bad_key(&keys.key("attention.head_count"))),
    };
    for same in ["attention.value_length", "rope.dimension_count"] {
        keys.refuse(same, |value| *value != Value::Int(head_width as i128))?;
    }
    let has = |name: &str| header.tensors.contains_key(name);
    let vocab_size = header.tensors.get("token_embd.weight").and_then(|info| info.shape.first().copied());
    Ok(ModelConfig {
        architecture,
        shape: ModelShape {
            n_layers: keys.size("block_count")?,
            width,
            n_heads,
            n_kv_heads: n_kv_heads(keys, n_heads)?,
            head_width,
            mlp_width: keys.size("feed_forward_length")?,
            vocab_size: match vocab_size {
                Some(size) => size,
                None => keys.size("vocab_size")?,
            },
            context_length: keys.size("context_length")?,
        },
        norm_eps: keys.float("attention.layer_norm_rms_epsilon")?,
        activation: Activation::Silu,
        rope: Some(rope(header, keys, head_width)?),
        attention_bias: has("blk.0.attn_q.bias"),
        mlp_bias: has("blk.0.ffn_up.bias"),
        tied_embeddings: !has("output.weight"),
        scale_attention: true,
        scale_by_layer: false,
    })
}

/// One number, or one for each layer, which must be the same.
fn n_kv_heads(keys: &Keys, n_heads: usize) -> Result<usize, Failure> {
    let key = keys.key("attention.head_count_kv");
    if !matches!(keys.metadata.get(&key), Some(Value::Numbers(_))) {
        return Ok(keys.metadata.size(&key)?.unwrap_or(n_heads));
    }
    let each = keys.metadata.ints(&key)?.unwrap_or_default();
    match each.first().copied().map(usize::try_from) {
        Some(Ok(first)) if each.iter().all(|n| *n == each[0]) => Ok(first),
        _ => Err(keys.metadata.bad_key(&key)),
    }
}

fn rope(header: &Header, keys: &Keys, width: usize) -> Result<RopeConfig, Failure> {
    let metadata = keys.metadata;
    let theta = metadata.float(&keys.key("rope.freq_base"))?.unwrap_or(10_000.0);
    let factor = match metadata.float(&keys.key("rope.scaling.factor"))? {
        Some(factor) => Some(factor),
        // As files were written at first.
        None => metadata.float(&keys.key("rope.scale_linear"))?,
    };
    let kind = metadata.text(&keys.key("rope.scaling.type"))?;
    let scaling = match (kind, factor) {
        (Some("none"), _) | (None, None) => RopeScaling::None,
        (Some("linear") | None, Some(factor)) if factor != 1.0 => RopeScaling::Linear { factor },
        (Some("linear") | None, _) => RopeScaling::None,
        (Some(_), _) => return Err(keys.refused("rope.scaling.type")),
    };
    let scaling = match (header.tensors.get(ROPE_FREQS), scaling) {
        (None, scaling) => scaling,
        (Some(info), RopeScaling::None) if info.shape == [width / 2] => {
            RopeScaling::Divisors(read_floats(metadata.file(), ROPE_FREQS, info, header.file_len)?)
        }
        (Some(_), _) => return Err(refused(metadata.file(), "tensor", &ROPE_FREQS)),
    };
    if !scaling.is_sound() {
        return Err(refused(metadata.file(), "rope scaling", &"numbers that make no frequencies"));
    }
    Ok(RopeConfig { theta, width, scaling })
}

/// Metadata under the architecture's name.
struct Keys<'h> {
    metadata: &'h Metadata,
    architecture: &'h str,
}

impl Keys<'_> {
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.architecture)
    }

    fn size(&self, key: &str) -> Result<usize, Failure> {
        let key = self.key(key);
        self.metadata.size(&key)?.ok_or_else(|| self.metadata.bad_key(&key))
    }

    fn float(&self, key: &str) -> Result<f64, Failure> {
        let key = self.key(key);
        self.metadata.float(&key)?.ok_or_else(|| self.metadata.bad_key(&key))
    }

    fn refuse(&self, key: &str, unfit: impl Fn(&Value) -> bool) -> Result<(), Failure> {
        match self.metadata.get(&self.key(key)) {
            Some(value) if unfit(value) => Err(self.refused(key)),
            _ => Ok(()),
        }
    }

    fn refused(&self, key: &str) -> Failure {
        let key = self.key(key);
        let value = match self.metadata.get(&key) {
            Some(Value::Int(n)) => n.to_string(),
            Some(Value::Float(f)) => f.to_string(),
            Some(Value::Bool(b)) => b.to_string(),
            Some(Value::Text(text)) => text.chars().take(80).collect(),
            _ => "…".to_owned(),
        };
        refused(self.metadata.file(), &key, &value)
    }
}

fn unknown_architecture(file: &Path, name: &str) -> Failure {
    let name: String = name.chars().take(80).collect();
    let summary = Text::new("failure.architecture_unknown").arg("file", file.display()).arg("name", name);
    Failure::new(FailureKind::Input, summary)
        .hint(Text::new("failure.architecture_unknown_hint").arg("known", "llama"))
}
