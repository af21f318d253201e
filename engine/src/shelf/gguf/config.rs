//! From GGUF metadata to a [`ModelConfig`]. What the forward pass would not honour is refused by name.

use super::header::Header;
use super::metadata::{Metadata, Value};
use super::names::{self, Names};
use super::weights::read_floats;
use crate::models::{ARCHITECTURES, Architecture, ModelConfig, RUN_ONLY, gemma2, gemma3, refused};
use crate::nn::{Activation, ModelShape, RopeConfig, RopeScaling};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::path::Path;

/// How a family's files are read.
struct Dialect {
    /// `general.architecture`
    name: &'static str,
    names: &'static Names,
    /// Of what [`REFUSED`] lists, what is honoured.
    honoured: &'static [&'static str],
    config: fn(&Header, &Keys, ModelConfig) -> Result<ModelConfig, Failure>,
}

static DIALECTS: &[Dialect] = &[
    Dialect { name: "llama", names: &names::LLAMA, honoured: &[], config: |_, _, common| Ok(common) },
    Dialect { name: "qwen2", names: &names::QWEN2, honoured: &[], config: |_, _, common| Ok(common) },
    Dialect {
        name: "qwen3",
        names: &names::QWEN3,
        honoured: &[],
        config: |_, _, common| Ok(ModelConfig { qk_norms: true, ..common }),
    },
    Dialect {
        name: "gemma2",
        names: &names::GEMMA2,
        honoured: &[WINDOW, PATTERN, ATTENTION_CAP, LOGIT_CAP],
        config: gemma2,
    },
    Dialect {
        name: "gemma3",
        names: &names::GEMMA3,
        honoured: &[WINDOW, PATTERN, LOGIT_CAP, LOCAL_THETA],
        config: gemma3,
    },
    Dialect { name: "gptneox", names: &names::GPT_NEOX, honoured: &[TURNED], config: gpt_neox },
];

const WINDOW: &str = "attention.sliding_window";
const PATTERN: &str = "attention.sliding_window_pattern";
const ATTENTION_CAP: &str = "attn_logit_softcapping";
const LOGIT_CAP: &str = "final_logit_softcapping";
const LOCAL_THETA: &str = "rope.freq_base_swa";
/// How much of a head is turned.
const TURNED: &str = "rope.dimension_count";

/// Keys after the architecture's name that change the arithmetic in ways that not every family's blocks know. 0 and
/// false are the values of files that don't use them.
const REFUSED: &[&str] = &[
    "expert_count",
    "attention.clamp_kqv",
    "attention.max_alibi_bias",
    "attention.scale",
    WINDOW,
    PATTERN,
    ATTENTION_CAP,
    LOGIT_CAP,
    "embedding_scale",
    "logit_scale",
    "residual_scale",
    "rope.scaling.attn_factor",
    LOCAL_THETA,
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

/// What runs through the bridge is read from folders alone.
fn only_as_folder(file: &Path, name: &str) -> Failure {
    let summary = Text::new("failure.gguf_run_only").arg("file", file.display()).arg("name", name);
    Failure::new(FailureKind::Input, summary).hint(Text::new("failure.gguf_run_only_hint"))
}

pub(super) fn read(header: &Header) -> Result<(&'static Architecture, &'static Names, ModelConfig), Failure> {
    let metadata = &header.metadata;
    let key = "general.architecture";
    let name = metadata.text(key)?.ok_or_else(|| metadata.bad_key(key))?;
    let dialect = DIALECTS.iter().find(|dialect| dialect.name == name);
    let architecture = ARCHITECTURES.iter().find(|a| a.gguf_names.contains(&name));
    let (Some(dialect), Some(architecture)) = (dialect, architecture) else {
        return Err(match RUN_ONLY.iter().find(|family| family.gguf_names.contains(&name)) {
            Some(_) => only_as_folder(metadata.file(), name),
            None => unknown_architecture(metadata.file(), name),
        });
    };
    let keys = Keys { metadata, architecture: name };
    for key in REFUSED.iter().filter(|key| !dialect.honoured.contains(key)) {
        keys.refuse(key, |value| {
            !matches!(value, Value::Int(0) | Value::Bool(false)) && *value != Value::Float(0.0)
        })?;
    }
    let common = common(header, &keys, architecture.name)?;
    // Before anything is made for each layer.
    common.check(metadata.file())?;
    if !dialect.honoured.contains(&TURNED) {
        keys.refuse(TURNED, |value| *value != Value::Int(common.shape.head_width as i128))?;
    }
    let config = (dialect.config)(header, &keys, common)?;
    config.check(metadata.file())?;
    if let Some(unknown) = header.tensors.keys().filter(|name| !dialect.names.is_known(name)).min() {
        return Err(refused(metadata.file(), "tensor", unknown));
    }
    Ok((architecture, dialect.names, config))
}

/// What all families' files have, read as a Llama's.
fn common(header: &Header, keys: &Keys, architecture: &'static str) -> Result<ModelConfig, Failure> {
    let metadata = keys.metadata;
    keys.refuse("attention.causal", |value| *value == Value::Bool(false))?;
    let width = keys.size("embedding_length")?;
    let n_heads = keys.size("attention.head_count")?;
    let head_width = match metadata.size(&keys.key("attention.key_length"))? {
        Some(head_width) => head_width,
        None if n_heads > 0 && width.is_multiple_of(n_heads) => width / n_heads,
        None => return Err(metadata.bad_key(&keys.key("attention.head_count"))),
    };
    keys.refuse("attention.value_length", |value| *value != Value::Int(head_width as i128))?;
    let turned = metadata.size(&keys.key(TURNED))?.unwrap_or(head_width);
    let has = |name: &str| header.tensors.contains_key(name);
    let vocab_size = header.tensors.get("token_embd.weight").and_then(|info| info.shape.first().copied());
    let shape = ModelShape {
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
    };
    Ok(ModelConfig {
        norm_eps: match metadata.float(&keys.key("attention.layer_norm_epsilon"))? {
            Some(eps) => eps,
            None => keys.float("attention.layer_norm_rms_epsilon")?,
        },
        rope: Some(rope(header, keys, turned)?),
        attention_bias: has("blk.0.attn_q.bias") || has("blk.0.attn_qkv.bias"),
        output_bias: has("blk.0.attn_output.bias"),
        mlp_bias: has("blk.0.ffn_up.bias"),
        tied_embeddings: !has("output.weight"),
        ..ModelConfig::plain(architecture, shape)
    })
}

/// What the files leave out is as llama.cpp has it.
fn gemma2(_: &Header, keys: &Keys, common: ModelConfig) -> Result<ModelConfig, Failure> {
    const LAYERS_OF_27B: usize = 46;
    let window = keys.metadata.size(&keys.key(WINDOW))?.unwrap_or(4096);
    let windows = windows(keys, common.shape.n_layers, window, 2)?;
    let (attention_cap, logit_cap) = (cap(keys, ATTENTION_CAP)?, cap(keys, LOGIT_CAP)?);
    Ok(ModelConfig { windows, attention_cap, logit_cap, ..gemma(common, LAYERS_OF_27B) })
}

/// What the files leave out is as llama.cpp has it.
fn gemma3(_: &Header, keys: &Keys, common: ModelConfig) -> Result<ModelConfig, Failure> {
    const LAYERS_OF_27B: usize = 62;
    let window = keys.metadata.size(&keys.key(WINDOW))?.unwrap_or(0);
    let windows = windows(keys, common.shape.n_layers, window, gemma3::PATTERN)?;
    let theta = keys.metadata.float(&keys.key(LOCAL_THETA))?.unwrap_or(gemma3::LOCAL_THETA);
    let width = common.shape.head_width;
    Ok(ModelConfig {
        qk_norms: true,
        local_rope: Some(RopeConfig { theta, width, scaling: RopeScaling::None }),
        windows,
        logit_cap: cap(keys, LOGIT_CAP)?,
        ..gemma(common, LAYERS_OF_27B)
    })
}

/// A soft cap, which is 0 where there is none.
fn cap(keys: &Keys, key: &str) -> Result<Option<f32>, Failure> {
    let cap = keys.metadata.float(&keys.key(key))?;
    Ok(cap.map(|cap| cap as f32).filter(|cap| *cap != 0.0))
}

/// The files don't say what scores are divided by: only the largest model of each generation has another width than
/// its heads'.
fn gemma(common: ModelConfig, layers_of_27b: usize) -> ModelConfig {
    let s = common.shape;
    let width = if s.n_layers == layers_of_27b { s.width / s.n_heads.max(1) } else { s.head_width };
    ModelConfig {
        activation: Activation::GeluNew,
        attention_scale: 1.0 / (width as f64).sqrt(),
        ..gemma2::like_gemma(common)
    }
}

/// Windows of `window` keys, 0 for none: in the layers of a list, or in all but every n-th.
fn windows(
    keys: &Keys,
    n_layers: usize,
    window: usize,
    pattern: usize,
) -> Result<Vec<Option<usize>>, Failure> {
    let key = keys.key(PATTERN);
    let local: Vec<bool> = match keys.metadata.get(&key) {
        Some(Value::Numbers(each)) => {
            each.iter().map(|v| v == Value::Bool(true) || v == Value::Int(1)).collect()
        }
        _ => match keys.metadata.size(&key)?.unwrap_or(pattern) {
            0 => return Err(keys.refused(PATTERN)),
            n => (0..n_layers).map(|l| gemma2::is_local(l, n)).collect(),
        },
    };
    if local.len() != n_layers {
        return Err(keys.metadata.bad_key(&key));
    }
    Ok(local.into_iter().map(|local| (local && window > 0).then_some(window)).collect())
}

fn gpt_neox(_: &Header, keys: &Keys, common: ModelConfig) -> Result<ModelConfig, Failure> {
    let s = common.shape;
    if s.n_kv_heads != s.n_heads {
        return Err(keys.refused("attention.head_count_kv"));
    }
    if s.n_heads * s.head_width != s.width {
        return Err(keys.refused("attention.key_length"));
    }
    let parallel_residual = keys.metadata.flag(&keys.key("use_parallel_residual"))?.unwrap_or(true);
    Ok(ModelConfig { activation: Activation::Gelu, parallel_residual, ..common })
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
    let known: Vec<&str> = DIALECTS.iter().map(|dialect| dialect.name).collect();
    Failure::new(FailureKind::Input, summary)
        .hint(Text::new("failure.architecture_unknown_hint").arg("known", known.join(", ")))
}
