//! Llama 2 and 3, and whatever calls itself `llama`: TinyLlama, SmolLM.
//!
//! Touvron et al. 2023, <https://arxiv.org/abs/2307.09288>; Llama team 2024, <https://arxiv.org/abs/2407.21783>.
//! The reference is `modeling_llama.py` of Hugging Face transformers.

use super::{
    Architecture, BlockParts, CausalLm, ConfigJson, DecoderParts, MlpParts, ModelConfig, Named, NormParts,
    TensorNeed, WeightSource,
};
use crate::inspect::probe::Site;
use crate::nn::{
    Activation, Attention, Embedding, ForwardCx, GatedMlp, Linear, ModelShape, Projection, RmsNorm, Rope,
    RopeConfig, RopeScaling,
};
use anyhow::{Context as _, Result, ensure};
use candle_core::Tensor;
use glassworks_protocol::Failure;

pub static LLAMA: Architecture = Architecture {
    name: "llama",
    model_types: &["llama"],
    class_names: &["LlamaForCausalLM"],
    gguf_names: &["llama"],
    config,
    tensors,
    build,
};

fn config(json: &ConfigJson) -> Result<ModelConfig, Failure> {
    json.refuse_set(&["quantization_config", "add_cross_attention"])?;
    let width = json.size("hidden_size")?;
    let n_heads = json.size("num_attention_heads")?;
    let head_width = match json.get("head_dim") {
        Some(_) => json.size("head_dim")?,
        None if n_heads > 0 && width.is_multiple_of(n_heads) => width / n_heads,
        None => return Err(json.missing("head_dim")),
    };
    let rope = rope_config(json, head_width)?;
    let config = ModelConfig {
        architecture: LLAMA.name,
        shape: ModelShape {
            n_layers: json.size("num_hidden_layers")?,
            width,
            n_heads,
            n_kv_heads: json.size_or("num_key_value_heads", n_heads)?,
            head_width,
            mlp_width: json.size("intermediate_size")?,
            vocab_size: json.size("vocab_size")?,
            context_length: json.size_or("max_position_embeddings", 2048)?,
        },
        norm_eps: json.number_or("rms_norm_eps", 1e-6)?,
        activation: json.activation("hidden_act", Activation::Silu)?,
        rope: Some(rope),
        attention_bias: json.flag_or("attention_bias", false)?,
        mlp_bias: json.flag_or("mlp_bias", false)?,
        tied_embeddings: json.flag_or("tie_word_embeddings", false)?,
        scale_attention: true,
        scale_by_layer: false,
    };
    config.check(json.file())?;
    Ok(config)
}

/// transformers 5 writes `rope_parameters { rope_theta, rope_type, … }`; 4 wrote `rope_theta` beside
/// `rope_scaling { rope_type, … }`, and before that `rope_scaling { type, … }`.
fn rope_config(json: &ConfigJson, head_width: usize) -> Result<RopeConfig, Failure> {
    let (field, scaling) = match json.object("rope_parameters")? {
        Some(parameters) => ("rope_parameters", Some(parameters)),
        None => ("rope_scaling", json.object("rope_scaling")?),
    };
    let theta = json.number_or("rope_theta", 10_000.0)?;
    let Some(scaling) = scaling else {
        return Ok(RopeConfig { theta, width: head_width, scaling: RopeScaling::None });
    };
    let partial = "partial_rotary_factor";
    for place in [json, &scaling] {
        if place.number_or(partial, 1.0)? != 1.0 {
            return Err(place.refuse(partial));
        }
    }
    let theta = scaling.number_or("rope_theta", theta)?;
    let kind = match scaling.text("rope_type")? {
        Some(kind) => Some(kind),
        None => scaling.text("type")?,
    };
    let scaling = match kind {
        Some("default") => RopeScaling::None,
        None if field == "rope_parameters" => RopeScaling::None,
        Some("linear") => RopeScaling::Linear { factor: scaling.number_or("factor", None)? },
        Some("llama3") => RopeScaling::Llama3 {
            factor: scaling.number_or("factor", None)?,
            low_freq_factor: scaling.number_or("low_freq_factor", None)?,
            high_freq_factor: scaling.number_or("high_freq_factor", None)?,
            original_context_length: match scaling.get("original_max_position_embeddings") {
                Some(_) => scaling.size("original_max_position_embeddings")?,
                None => json.size("original_max_position_embeddings")?,
            },
        },
        // dynamic, yarn, longrope: they depend on the length of the text or change the scores' scale.
        _ => return Err(json.refuse(field)),
    };
    if !scaling.is_sound() {
        return Err(json.refuse(field));
    }
    Ok(RopeConfig { theta, width: head_width, scaling })
}

fn tensors(config: &ModelConfig) -> Vec<TensorNeed> {
    let s = &config.shape;
    let (q, kv) = (s.n_heads * s.head_width, s.n_kv_heads * s.head_width);
    let mut needs = vec![TensorNeed::new("model.embed_tokens.weight", &[s.vocab_size, s.width])];
    for l in 0..s.n_layers {
        let mut layer = |name: &str, shape: &[usize]| {
            needs.push(TensorNeed::new(format!("model.layers.{l}.{name}"), shape));
        };
        layer("input_layernorm.weight", &[s.width]);
        layer("post_attention_layernorm.weight", &[s.width]);
        let mut linear = |name: &str, n_out: usize, n_in: usize, bias: bool| {
            layer(&format!("{name}.weight"), &[n_out, n_in]);
            if bias {
                layer(&format!("{name}.bias"), &[n_out]);
            }
        };
        linear("self_attn.q_proj", q, s.width, config.attention_bias);
        linear("self_attn.k_proj", kv, s.width, config.attention_bias);
        linear("self_attn.v_proj", kv, s.width, config.attention_bias);
        linear("self_attn.o_proj", s.width, q, config.attention_bias);
        linear("mlp.gate_proj", s.mlp_width, s.width, config.mlp_bias);
        linear("mlp.up_proj", s.mlp_width, s.width, config.mlp_bias);
        linear("mlp.down_proj", s.width, s.mlp_width, config.mlp_bias);
    }
    needs.push(TensorNeed::new("model.norm.weight", &[s.width]));
    if !config.tied_embeddings {
        needs.push(TensorNeed::new("lm_head.weight", &[s.vocab_size, s.width]));
    }
    needs
}

struct Llama {
    shape: ModelShape,
    tied: bool,
    embed_tokens: Embedding,
    rope: Rope,
    layers: Vec<Layer>,
    norm: RmsNorm,
    lm_head: Linear,
}

struct Layer {
    input_layernorm: RmsNorm,
    self_attn: Attention,
    post_attention_layernorm: RmsNorm,
    mlp: GatedMlp,
}

fn build(config: &ModelConfig, weights: &dyn WeightSource) -> Result<Box<dyn CausalLm>> {
    let s = config.shape;
    let rope = config.rope.as_ref().context("llama has rotary positions")?;
    let embedding = weights.linear("model.embed_tokens.weight", s.vocab_size, s.width)?;
    let layers = (0..s.n_layers).map(|l| layer(config, weights, l)).collect::<Result<_>>()?;
    let lm_head = if config.tied_embeddings {
        embedding.clone()
    } else {
        weights.linear("lm_head.weight", s.vocab_size, s.width)?
    };
    Ok(Box::new(Llama {
        shape: s,
        tied: config.tied_embeddings,
        embed_tokens: Embedding::new(embedding),
        rope: Rope::new(rope)?,
        layers,
        norm: norm(config, weights, "model.norm")?,
        lm_head: Linear::new(lm_head, None),
    }))
}

fn layer(config: &ModelConfig, weights: &dyn WeightSource, l: usize) -> Result<Layer> {
    let s = config.shape;
    let (q, kv) = (s.n_heads * s.head_width, s.n_kv_heads * s.head_width);
    let linear = |name: &str, n_out: usize, n_in: usize, bias: bool| {
        let name = format!("model.layers.{l}.{name}");
        let weight = weights.linear(&format!("{name}.weight"), n_out, n_in)?;
        let bias = bias.then(|| weights.dense(&format!("{name}.bias"), &[n_out])).transpose()?;
        anyhow::Ok(Linear::new(weight, bias))
    };
    Ok(Layer {
        input_layernorm: norm(config, weights, &format!("model.layers.{l}.input_layernorm"))?,
        self_attn: Attention {
            qkv: Projection::Separate {
                q: linear("self_attn.q_proj", q, s.width, config.attention_bias)?,
                k: linear("self_attn.k_proj", kv, s.width, config.attention_bias)?,
                v: linear("self_attn.v_proj", kv, s.width, config.attention_bias)?,
            },
            o: linear("self_attn.o_proj", s.width, q, config.attention_bias)?,
            scale: config.attention_scale(l),
            shape: s,
            layer_idx: l,
        },
        post_attention_layernorm: norm(
            config,
            weights,
            &format!("model.layers.{l}.post_attention_layernorm"),
        )?,
        mlp: GatedMlp {
            gate: linear("mlp.gate_proj", s.mlp_width, s.width, config.mlp_bias)?,
            up: linear("mlp.up_proj", s.mlp_width, s.width, config.mlp_bias)?,
            down: linear("mlp.down_proj", s.width, s.mlp_width, config.mlp_bias)?,
            activation: config.activation,
        },
    })
}

fn norm(config: &ModelConfig, weights: &dyn WeightSource, name: &str) -> Result<RmsNorm> {
    let weight = weights.dense(&format!("{name}.weight"), &[config.shape.width])?;
    Ok(RmsNorm::new(weight, config.norm_eps))
}

impl CausalLm for Llama {
    fn shape(&self) -> &ModelShape {
        &self.shape
    }

    fn hidden(&self, tokens: &[u32], cx: &mut ForwardCx) -> Result<Tensor> {
        ensure!(!tokens.is_empty(), "no tokens to run");
        let mut x = self.embed_tokens.forward(tokens)?; // [T, D]
        let angles = self.rope.angles(cx.cache.len(), tokens.len(), x.device())?;
        for (l, layer) in self.layers.iter().enumerate() {
            (cx.between)()?;
            x = cx.probe.see(Site::Hidden(l), x)?;
            let normed = layer.input_layernorm.forward(&x)?;
            x = (layer.self_attn.forward(&normed, Some(&angles), cx)? + x)?;
            let normed = layer.post_attention_layernorm.forward(&x)?;
            x = (layer.mlp.forward(&normed, cx)? + x)?;
        }
        cx.cache.advance(tokens.len());
        cx.probe.see(Site::Hidden(self.layers.len()), x)
    }

    fn logits(&self, hidden: &Tensor, cx: &mut ForwardCx) -> Result<Tensor> {
        self.lm_head.forward(&self.norm.forward(hidden)?, cx)
    }

    fn linears(&self, visit: &mut dyn FnMut(&str, &Linear)) {
        for (l, layer) in self.layers.iter().enumerate() {
            let (a, m) = (&layer.self_attn, &layer.mlp);
            if let Projection::Separate { q, k, v } = &a.qkv {
                visit(&format!("model.layers.{l}.self_attn.q_proj"), q);
                visit(&format!("model.layers.{l}.self_attn.k_proj"), k);
                visit(&format!("model.layers.{l}.self_attn.v_proj"), v);
            }
            visit(&format!("model.layers.{l}.self_attn.o_proj"), &a.o);
            visit(&format!("model.layers.{l}.mlp.gate_proj"), &m.gate);
            visit(&format!("model.layers.{l}.mlp.up_proj"), &m.up);
            visit(&format!("model.layers.{l}.mlp.down_proj"), &m.down);
        }
        visit("lm_head", &self.lm_head);
    }

    fn parts(&self) -> DecoderParts<'_> {
        let blocks = self.layers.iter().enumerate().map(|(l, layer)| {
            let name = |part: &str| format!("model.layers.{l}.{part}");
            BlockParts {
                norm_1: Named::new(name("input_layernorm"), NormParts::Rms(&layer.input_layernorm)),
                attention: &layer.self_attn,
                qkv_names: ["q", "k", "v"].map(|part| name(&format!("self_attn.{part}_proj"))).into(),
                o_name: name("self_attn.o_proj"),
                norm_2: Named::new(
                    name("post_attention_layernorm"),
                    NormParts::Rms(&layer.post_attention_layernorm),
                ),
                mlp: MlpParts::Gated {
                    mlp: &layer.mlp,
                    gate: name("mlp.gate_proj"),
                    up: name("mlp.up_proj"),
                    down: name("mlp.down_proj"),
                },
            }
        });
        DecoderParts {
            shape: self.shape,
            tokens: Named::new("model.embed_tokens", &self.embed_tokens),
            positions: None,
            rope: Some(&self.rope),
            blocks: blocks.collect(),
            norm: Named::new("model.norm", NormParts::Rms(&self.norm)),
            lm_head: Named::new("lm_head", &self.lm_head),
            tied: self.tied,
            conv1d: false,
        }
    }
}
