//! The families, each as its row says: what it is called, which fields its model in candle-transformers goes by, and
//! how that is built. The reference of each is the `modeling_*.py` of its name in Hugging Face transformers.

use super::Lit::{Flag, Nothing, Null, Number, Size, Word};
use super::wrapped::{Granite, Granite4, Lfm2, StableLm, boxed, config};
use super::{Family, HeadWidth, Reads, Tables, falcon};
use crate::models::ConfigJson;
use crate::nn::ModelShape;
use candle_transformers::models::{
    gemma, glm4_new, helium, mixtral, olmo, olmo2, phi, phi3, qwen2_moe, qwen3_moe, smol::smollm3, starcoder2,
};
use glassworks_protocol::Failure;
use serde_json::{Map, Value};

/// Every family that runs through the bridge.
pub static RUN_ONLY: &[&Family] = &[
    &PHI,
    &PHI3,
    &STABLELM,
    &STARCODER2,
    &GRANITE,
    &GLM4,
    &OLMO,
    &OLMO2,
    &GEMMA,
    &MIXTRAL,
    &HELIUM,
    &QWEN2_MOE,
    &QWEN3_MOE,
    &FALCON,
    &GRANITE_4,
    &LFM2,
    &SMOLLM3,
];

/// What most have in common.
const PLAIN: Family = Family {
    name: "",
    model_types: &[],
    class_names: &[],
    gguf_names: &[],
    embedding: "model.embed_tokens.weight",
    norm_eps: Some(("rms_norm_eps", 1e-6)),
    activation: (&["hidden_act"], "silu"),
    head_width: HeadWidth::Share,
    n_kv_heads: None,
    context_length: 2048,
    rope_theta: 10_000.0,
    partial: None,
    tied_embeddings: false,
    windowed: false,
    names: &[],
    layers: &["full_attention"],
    adjust: |_, _, _| Ok(()),
    honoured: &[],
    fixed: &[],
    ignored: &[],
    scale: |_, _| 1.0,
    reads: Reads::InPieces,
    tables: Tables::Model,
    make: |_, _| candle_core::bail!("no such model"),
};

/// Phi 1, 1.5 and 2.
static PHI: Family = Family {
    name: "phi",
    model_types: &["phi"],
    class_names: &["PhiForCausalLM"],
    gguf_names: &["phi2"],
    norm_eps: Some(("layer_norm_eps", 1e-5)),
    activation: (&["hidden_act"], "gelu_new"),
    partial: Some(0.5),
    fixed: &[("qk_layernorm", Flag(false))],
    reads: Reads::AtOnce,
    tables: Tables::EachLayer,
    make: |values, vb| boxed(phi::Model::new(&config(values)?, vb)?),
    ..PLAIN
};

/// Phi 3 and 4; those with long contexts stretch their positions and are refused by `rope_scaling`.
static PHI3: Family = Family {
    name: "phi3",
    model_types: &["phi3"],
    class_names: &["Phi3ForCausalLM"],
    gguf_names: &["phi3"],
    norm_eps: Some(("rms_norm_eps", 1e-5)),
    context_length: 4096,
    partial: Some(1.0),
    windowed: true,
    fixed: &[("attention_bias", Flag(false))],
    ignored: &["original_max_position_embeddings"],
    make: |values, vb| boxed(phi3::Model::new(&config(values)?, vb)?),
    ..PLAIN
};

static STABLELM: Family = Family {
    name: "stablelm",
    model_types: &["stablelm"],
    class_names: &["StableLmForCausalLM"],
    gguf_names: &["stablelm"],
    norm_eps: Some(("layer_norm_eps", 1e-5)),
    context_length: 4096,
    partial: Some(0.25),
    honoured: &[("use_qkv_bias", Flag(false))],
    fixed: &[("qk_layernorm", Flag(false)), ("use_parallel_residual", Flag(false))],
    tables: Tables::EachSequence,
    make: |values, vb| Ok(Box::new(StableLm::new(config(values)?, vb)?)),
    ..PLAIN
};

static STARCODER2: Family = Family {
    name: "starcoder2",
    model_types: &["starcoder2"],
    class_names: &["Starcoder2ForCausalLM"],
    gguf_names: &["starcoder2"],
    norm_eps: Some(("norm_epsilon", 1e-5)),
    activation: (&["hidden_act"], "gelu_pytorch_tanh"),
    n_kv_heads: Some(2),
    context_length: 4096,
    tied_embeddings: true,
    windowed: true,
    honoured: &[("use_bias", Flag(true))],
    fixed: &[
        ("tie_word_embeddings", Flag(true)),
        ("mlp_type", Word("default")),
        ("norm_type", Word("layer_norm")),
        ("scale_attn_weights", Flag(true)),
    ],
    ignored: &[
        "activation_function",
        "attention_softmax_in_fp32",
        "layer_norm_epsilon",
        "scale_attention_softmax_in_fp32",
    ],
    make: |values, vb| boxed(starcoder2::Model::new(&config(values)?, vb)?),
    ..PLAIN
};

/// Granite 3. Its four factors are unknown to candle's model, and are laid into the weights.
static GRANITE: Family = Family {
    name: "granite",
    model_types: &["granite"],
    class_names: &["GraniteForCausalLM"],
    gguf_names: &["granite"],
    honoured: &[
        ("embedding_multiplier", Number(1.0)),
        ("logits_scaling", Number(1.0)),
        ("residual_multiplier", Number(1.0)),
        ("attention_multiplier", Number(1.0)),
    ],
    fixed: &[("hidden_act", Word("silu")), ("attention_bias", Flag(false)), ("mlp_bias", Flag(false))],
    scale: granite_scale,
    make: |values, vb| boxed(Granite::new(config(values)?, vb)?),
    ..PLAIN
};

/// GLM-4-0414.
static GLM4: Family = Family {
    name: "glm4",
    model_types: &["glm4"],
    class_names: &["Glm4ForCausalLM"],
    gguf_names: &["glm4"],
    norm_eps: Some(("rms_norm_eps", 1.5625e-7)),
    head_width: HeadWidth::FieldOr(128),
    n_kv_heads: Some(2),
    context_length: 131_072,
    partial: Some(0.5),
    honoured: &[("attention_bias", Flag(true))],
    make: |values, vb| boxed(glm4_new::ModelForCausalLM::new(&config(values)?, vb)?),
    ..PLAIN
};

static OLMO: Family = Family {
    name: "olmo",
    model_types: &["olmo"],
    class_names: &["OlmoForCausalLM"],
    gguf_names: &["olmo"],
    norm_eps: None,
    honoured: &[("attention_bias", Flag(false)), ("clip_qkv", Null)],
    make: |values, vb| boxed(olmo::Model::new(&config(values)?, vb)?),
    ..PLAIN
};

static OLMO2: Family = Family {
    name: "olmo2",
    model_types: &["olmo2"],
    class_names: &["Olmo2ForCausalLM"],
    gguf_names: &["olmo2"],
    norm_eps: Some(("rms_norm_eps", 1e-5)),
    honoured: &[("attention_bias", Flag(false))],
    make: |values, vb| boxed(olmo2::Model::new(&config(values)?, vb)?),
    ..PLAIN
};

/// The first Gemma.
static GEMMA: Family = Family {
    name: "gemma",
    model_types: &["gemma"],
    class_names: &["GemmaForCausalLM"],
    gguf_names: &["gemma"],
    activation: (&["hidden_activation", "hidden_act"], "gelu_pytorch_tanh"),
    head_width: HeadWidth::FieldOr(256),
    n_kv_heads: Some(16),
    context_length: 8192,
    tied_embeddings: true,
    honoured: &[("attention_bias", Flag(false))],
    fixed: &[("tie_word_embeddings", Flag(true))],
    make: |values, vb| boxed(gemma::Model::new(false, &config(values)?, vb)?),
    ..PLAIN
};

static MIXTRAL: Family = Family {
    name: "mixtral",
    model_types: &["mixtral"],
    class_names: &["MixtralForCausalLM"],
    norm_eps: Some(("rms_norm_eps", 1e-5)),
    n_kv_heads: Some(8),
    context_length: 131_072,
    rope_theta: 1e6,
    windowed: true,
    honoured: &[("num_local_experts", Size(8)), ("num_experts_per_tok", Size(2))],
    make: |values, vb| boxed(mixtral::Model::new(&config(values)?, vb)?),
    ..PLAIN
};

static HELIUM: Family = Family {
    name: "helium",
    model_types: &["helium"],
    class_names: &["HeliumForCausalLM"],
    norm_eps: Some(("rms_norm_eps", 1e-8)),
    head_width: HeadWidth::FieldOr(128),
    n_kv_heads: Some(20),
    context_length: 4096,
    rope_theta: 1e5,
    honoured: &[("mlp_bias", Flag(false)), ("attention_bias", Flag(false))],
    // With biases, candle's output projection has one and transformers' has none.
    fixed: &[("attention_bias", Flag(false))],
    make: |values, vb| boxed(helium::Model::new(&config(values)?, vb)?),
    ..PLAIN
};

static QWEN2_MOE: Family = Family {
    name: "qwen2_moe",
    model_types: &["qwen2_moe"],
    class_names: &["Qwen2MoeForCausalLM"],
    gguf_names: &["qwen2moe"],
    n_kv_heads: Some(16),
    context_length: 32_768,
    honoured: &[
        ("moe_intermediate_size", Size(1408)),
        ("shared_expert_intermediate_size", Size(5632)),
        ("num_experts", Size(60)),
        ("num_experts_per_tok", Size(4)),
        ("norm_topk_prob", Flag(false)),
        ("decoder_sparse_step", Size(1)),
    ],
    fixed: &[("use_sliding_window", Flag(false)), ("mlp_only_layers", Nothing), ("qkv_bias", Flag(true))],
    ignored: &["sliding_window", "max_window_layers"],
    make: |values, vb| boxed(qwen2_moe::Model::new(&config(values)?, vb)?),
    ..PLAIN
};

static QWEN3_MOE: Family = Family {
    name: "qwen3_moe",
    model_types: &["qwen3_moe"],
    class_names: &["Qwen3MoeForCausalLM"],
    gguf_names: &["qwen3moe"],
    head_width: HeadWidth::FieldOrShare,
    n_kv_heads: Some(4),
    context_length: 32_768,
    honoured: &[
        ("attention_bias", Flag(false)),
        ("moe_intermediate_size", Size(768)),
        ("num_experts", Size(128)),
        ("num_experts_per_tok", Size(8)),
        ("norm_topk_prob", Flag(false)),
        ("decoder_sparse_step", Size(1)),
    ],
    fixed: &[("use_sliding_window", Flag(false)), ("mlp_only_layers", Nothing)],
    ignored: &["sliding_window", "max_window_layers"],
    make: |values, vb| boxed(qwen3_moe::ModelForCausalLM::new(&config(values)?, vb)?),
    ..PLAIN
};

static SMOLLM3: Family = Family {
    name: "smollm3",
    model_types: &["smollm3"],
    class_names: &["SmolLM3ForCausalLM"],
    gguf_names: &["smollm3"],
    n_kv_heads: Some(4),
    context_length: 32_768,
    rope_theta: 2e6,
    tied_embeddings: true,
    honoured: &[
        ("attention_bias", Flag(false)),
        ("mlp_bias", Flag(false)),
        ("no_rope_layers", Null),
        ("no_rope_layer_interval", Size(4)),
    ],
    fixed: &[("use_sliding_window", Flag(false))],
    ignored: &["sliding_window", "max_window_layers", "pretraining_tp"],
    make: |values, vb| boxed(smollm3::ModelForCausalLM::new(&config(values)?, vb)?),
    ..PLAIN
};

/// Falcon 7B, 11B, 40B and 180B; Falcon 3 calls itself Llama.
static FALCON: Family = Family {
    name: "falcon",
    model_types: &["falcon"],
    class_names: &["FalconForCausalLM"],
    gguf_names: &["falcon"],
    embedding: "transformer.word_embeddings.weight",
    norm_eps: Some(("layer_norm_epsilon", 1e-5)),
    activation: (&["activation"], "gelu"),
    tied_embeddings: true,
    names: &[("intermediate_size", "ffn_hidden_size"), ("num_key_value_heads", "num_kv_heads")],
    adjust: |json, shape, _| {
        // The field counts only for groups.
        if !json.flag_or("new_decoder_architecture", false)? {
            shape.n_kv_heads = if json.flag_or("multi_query", true)? { 1 } else { shape.n_heads };
        }
        Ok(())
    },
    honoured: &[
        ("new_decoder_architecture", Flag(false)),
        ("multi_query", Flag(true)),
        ("parallel_attn", Flag(true)),
        ("bias", Flag(false)),
        ("num_ln_in_parallel_attn", Null),
    ],
    fixed: &[("alibi", Flag(false))],
    make: |values, vb| boxed(falcon::Model::new(config(values)?, &vb)?),
    ..PLAIN
};

/// Granite 4 without experts and state spaces.
static GRANITE_4: Family = Family {
    name: "granitemoehybrid",
    model_types: &["granitemoehybrid"],
    class_names: &["GraniteMoeHybridForCausalLM"],
    gguf_names: &["granitehybrid"],
    layers: &["full_attention", "attention"],
    adjust: |json, shape, _| {
        shape.mlp_width = json.size_or("shared_intermediate_size", 1024)?;
        // Of these, transformers takes another where they are absent.
        if json.size_or("num_local_experts", 8)? != 0 {
            return Err(json.refuse("num_local_experts"));
        }
        if json.text("position_embedding_type")? != Some("rope") {
            return Err(json.refuse("position_embedding_type"));
        }
        if json.get("layer_types").is_none() {
            return Err(json.refuse("layer_types"));
        }
        if json.flag_or("tie_word_embeddings", false)? {
            Ok(())
        } else {
            Err(json.refuse("tie_word_embeddings"))
        }
    },
    honoured: &[
        ("shared_intermediate_size", Size(1024)),
        ("embedding_multiplier", Number(1.0)),
        ("logits_scaling", Number(1.0)),
        ("residual_multiplier", Number(1.0)),
        ("attention_multiplier", Number(1.0)),
    ],
    fixed: &[
        ("hidden_act", Word("silu")),
        ("attention_bias", Flag(false)),
        ("mlp_bias", Flag(false)),
        ("position_embedding_type", Word("rope")),
        ("normalization_function", Word("rmsnorm")),
        ("num_local_experts", Size(0)),
    ],
    // Of experts and state spaces, which it has none of.
    ignored: &[
        "num_experts_per_tok",
        "init_method",
        "mamba_n_heads",
        "mamba_n_groups",
        "mamba_d_state",
        "mamba_d_head",
        "mamba_d_conv",
        "mamba_expand",
        "mamba_chunk_size",
        "mamba_conv_bias",
        "mamba_proj_bias",
        "time_step_limit",
    ],
    make: |values, vb| boxed(Granite4::new(config(values)?, vb)?),
    ..PLAIN
};

/// Attention in some layers, short convolutions in the others; those read a prompt at once.
static LFM2: Family = Family {
    name: "lfm2",
    model_types: &["lfm2"],
    class_names: &["Lfm2ForCausalLM"],
    gguf_names: &["lfm2"],
    norm_eps: Some(("norm_eps", 1e-5)),
    n_kv_heads: Some(8),
    context_length: 128_000,
    rope_theta: 1e6,
    tied_embeddings: true,
    layers: &["full_attention", "conv"],
    adjust: lfm2_sizes,
    honoured: &[("conv_L_cache", Size(3))],
    fixed: &[
        ("conv_bias", Flag(false)),
        ("hidden_act", Word("silu")),
        // One is the other's name of old.
        ("tie_word_embeddings", Flag(true)),
        ("tie_embedding", Flag(true)),
    ],
    ignored: &[
        "full_attn_idxs",
        "block_multiple_of",
        "block_ffn_dim_multiplier",
        "block_auto_adjust_ff_dim",
        "block_dim",
        "block_ff_dim",
        "block_mlp_init_scale",
        "block_norm_eps",
        "block_out_init_scale",
        "block_use_swiglu",
        "block_use_xavier_init",
        "conv_dim",
        "conv_dim_out",
        "conv_use_xavier_init",
        "num_heads",
        "use_pos_enc",
    ],
    reads: Reads::AtOnce,
    make: |values, vb| boxed(Lfm2::new(config(values)?, vb)?),
    ..PLAIN
};

/// As transformers has it: how wide an MLP is that adjusts itself; and which layers are which.
fn lfm2_sizes(
    json: &ConfigJson,
    shape: &mut ModelShape,
    more: &mut Map<String, Value>,
) -> Result<(), Failure> {
    if json.flag_or("block_auto_adjust_ff_dim", true)? {
        let multiple = json.size_or("block_multiple_of", 256)?;
        let by = json.number_or("block_ffn_dim_multiplier", 1.0)?;
        if multiple == 0 || multiple > 1 << 24 || !(by > 0.0 && by < 1024.0) {
            return Err(json.refuse("block_multiple_of"));
        }
        let wide = (by * (2 * shape.mlp_width / 3) as f64) as usize;
        shape.mlp_width = wide.div_ceil(multiple) * multiple;
    }
    // Candle makes the width of these: rounded up to it, half of it is it.
    more.insert("block_multiple_of".to_owned(), shape.mlp_width.into());
    let half = shape.mlp_width as f64 / (8.0 * shape.width as f64);
    more.insert("block_ffn_dim_multiplier".to_owned(), half.into());
    let layers = json.get("layer_types").ok_or_else(|| json.missing("layer_types"))?;
    if layers.as_array().is_none_or(|layers| layers.len() != shape.n_layers) {
        return Err(json.refuse("layer_types"));
    }
    more.insert("layer_types".to_owned(), layers.clone());
    Ok(())
}

/// Scores are divided by √E, so queries bring what they are multiplied by beyond that.
fn granite_scale(name: &str, values: &Value) -> f64 {
    let factor = |field: &str| values[field].as_f64().unwrap_or(1.0);
    match name.rsplit('.').nth(1).unwrap_or_default() {
        "embed_tokens" => factor("embedding_multiplier"),
        "lm_head" => 1.0 / factor("logits_scaling"),
        "q_proj" => factor("attention_multiplier") * factor("head_dim").sqrt(),
        "o_proj" | "down_proj" => factor("residual_multiplier"),
        _ => 1.0,
    }
}
