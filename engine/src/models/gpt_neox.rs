//! GPT-NeoX and Pythia: layer norms, one matrix for each head's query, key and value, rotary positions on part of a
//! head, attention and MLP side by side.
//!
//! Black et al. 2022, <https://arxiv.org/abs/2204.06745>; Biderman et al. 2023, <https://arxiv.org/abs/2304.01373>.
//! The reference is `modeling_gpt_neox.py` of Hugging Face transformers.

use super::{
    Architecture, BlockParts, CausalLm, ConfigJson, DecoderParts, MlpParts, ModelConfig, Named, NormParts,
    TensorNeed, WeightSource, rope,
};
use crate::inspect::probe::Site;
use crate::nn::{
    Activation, Attention, Embedding, ForwardCx, LayerNorm, Linear, Mlp, ModelShape, Projection, Rope,
    RopeConfig, RopeScaling,
};
use anyhow::{Context as _, Result, ensure};
use candle_core::Tensor;
use glassworks_protocol::Failure;

pub static GPT_NEOX: Architecture = Architecture {
    name: "gpt_neox",
    model_types: &["gpt_neox"],
    class_names: &["GPTNeoXForCausalLM"],
    classifier_name: "GPTNeoXForSequenceClassification",
    gguf_names: &["gptneox"],
    config,
    tensors,
    build,
};

const HEAD: &str = "embed_out";
/// What transformers 5 calls it in memory.
const OTHER_HEAD: &str = "lm_head";

fn config(json: &ConfigJson) -> Result<ModelConfig, Failure> {
    json.refuse_set(&["quantization_config", "add_cross_attention"])?;
    let width = json.size("hidden_size")?;
    let n_heads = json.size("num_attention_heads")?;
    if n_heads == 0 || !width.is_multiple_of(n_heads) {
        return Err(json.refuse("num_attention_heads"));
    }
    let shape = ModelShape {
        n_layers: json.size("num_hidden_layers")?,
        width,
        n_heads,
        n_kv_heads: n_heads,
        head_width: width / n_heads,
        mlp_width: json.size("intermediate_size")?,
        vocab_size: json.size("vocab_size")?,
        context_length: json.size_or("max_position_embeddings", 2048)?,
    };
    let bias = json.flag_or("attention_bias", true)?;
    let config = ModelConfig {
        norm_eps: json.number_or("layer_norm_eps", 1e-5)?,
        activation: json.activation("hidden_act", Activation::Gelu)?,
        rope: Some(rope_config(json, shape.head_width)?),
        attention_bias: bias,
        output_bias: bias,
        mlp_bias: true,
        parallel_residual: json.flag_or("use_parallel_residual", true)?,
        tied_embeddings: json.flag_or("tie_word_embeddings", false)?,
        ..ModelConfig::plain(GPT_NEOX.name, shape)
    };
    config.check(json.file())?;
    Ok(config)
}

/// transformers 5 writes `rope_parameters { rope_theta, partial_rotary_factor, … }`; 4 wrote `rotary_emb_base` and
/// `rotary_pct` beside `rope_scaling`.
fn rope_config(json: &ConfigJson, head_width: usize) -> Result<RopeConfig, Failure> {
    let (field, parameters) = match json.object("rope_parameters")? {
        Some(parameters) => ("rope_parameters", Some(parameters)),
        None => ("rope_scaling", json.object("rope_scaling")?),
    };
    let mut theta = json.number_or("rotary_emb_base", 10_000.0)?;
    let (mut place, mut part) = ((json, "rotary_pct"), json.number_or("rotary_pct", 0.25)?);
    let mut scaling = RopeScaling::None;
    if let Some(parameters) = &parameters {
        theta = parameters.number_or("rope_theta", theta)?;
        if parameters.get("partial_rotary_factor").is_some() {
            place = (parameters, "partial_rotary_factor");
            part = parameters.number_or(place.1, None)?;
        }
        scaling = rope::scaling(json, parameters, field)?;
    }
    let width = (head_width as f64 * part) as usize;
    if !(0.0..=1.0).contains(&part) || width == 0 || !width.is_multiple_of(2) {
        return Err(place.0.refuse(place.1));
    }
    Ok(RopeConfig { theta, width, scaling })
}

fn tensors(config: &ModelConfig) -> Vec<TensorNeed> {
    let s = &config.shape;
    let mut needs = vec![TensorNeed::new("gpt_neox.embed_in.weight", &[s.vocab_size, s.width])];
    let mut need = |name: String, shape: &[usize]| needs.push(TensorNeed::new(name, shape));
    for l in 0..s.n_layers {
        for (name, n_in, n_out, bias) in matrices(config) {
            need(format!("gpt_neox.layers.{l}.{name}.weight"), &[n_out, n_in]);
            if bias {
                need(format!("gpt_neox.layers.{l}.{name}.bias"), &[n_out]);
            }
        }
        for name in ["input_layernorm", "post_attention_layernorm"] {
            need(format!("gpt_neox.layers.{l}.{name}.weight"), &[s.width]);
            need(format!("gpt_neox.layers.{l}.{name}.bias"), &[s.width]);
        }
    }
    need("gpt_neox.final_layer_norm.weight".into(), &[s.width]);
    need("gpt_neox.final_layer_norm.bias".into(), &[s.width]);
    if let Some((name, n_out)) = config.head(HEAD) {
        let head = TensorNeed::new(format!("{name}.weight"), &[n_out, s.width]);
        needs.push(if name == HEAD { head.or_named(&format!("{OTHER_HEAD}.weight")) } else { head });
    }
    needs
}

/// (name, in, out, bias)
fn matrices(config: &ModelConfig) -> [(&'static str, usize, usize, bool); 4] {
    let s = &config.shape;
    [
        ("attention.query_key_value", s.width, 3 * s.width, config.attention_bias),
        ("attention.dense", s.width, s.width, config.output_bias),
        ("mlp.dense_h_to_4h", s.width, s.mlp_width, config.mlp_bias),
        ("mlp.dense_4h_to_h", s.mlp_width, s.width, config.mlp_bias),
    ]
}

struct GptNeoX {
    shape: ModelShape,
    tied: bool,
    embed_in: Embedding,
    rope: Rope,
    parallel: bool,
    layers: Vec<Layer>,
    final_layer_norm: LayerNorm,
    head: Linear,
    /// What the checkpoint calls it.
    head_name: &'static str,
    classes: Vec<String>,
}

struct Layer {
    input_layernorm: LayerNorm,
    attention: Attention,
    post_attention_layernorm: LayerNorm,
    mlp: Mlp,
}

fn build(config: &ModelConfig, weights: &dyn WeightSource) -> Result<Box<dyn CausalLm>> {
    let s = config.shape;
    let rope = config.rope.as_ref().context("positions are rotary")?;
    let embedding = weights.linear("gpt_neox.embed_in.weight", s.vocab_size, s.width)?;
    let unembedding = if weights.has("embed_out.weight") { HEAD } else { OTHER_HEAD };
    let (head_name, head) = match config.head(unembedding) {
        Some((name, n_out)) => (name, weights.linear(&format!("{name}.weight"), n_out, s.width)?),
        None => (unembedding, embedding.clone()),
    };
    Ok(Box::new(GptNeoX {
        shape: s,
        tied: config.tied_embeddings,
        embed_in: Embedding::new(embedding),
        rope: Rope::new(rope)?,
        parallel: config.parallel_residual,
        layers: (0..s.n_layers).map(|l| layer(config, weights, l)).collect::<Result<_>>()?,
        final_layer_norm: norm(config, weights, "gpt_neox.final_layer_norm")?,
        head: Linear::new(head, None),
        head_name,
        classes: config.classes.clone(),
    }))
}

fn layer(config: &ModelConfig, weights: &dyn WeightSource, l: usize) -> Result<Layer> {
    let linear = |(name, n_in, n_out, bias): (&str, usize, usize, bool)| {
        let name = format!("gpt_neox.layers.{l}.{name}");
        let weight = weights.linear(&format!("{name}.weight"), n_out, n_in)?;
        let bias = bias.then(|| weights.dense(&format!("{name}.bias"), &[n_out])).transpose()?;
        anyhow::Ok(Linear::new(weight, bias))
    };
    let norm = |name: &str| norm(config, weights, &format!("gpt_neox.layers.{l}.{name}"));
    let [query_key_value, dense, up, down] = matrices(config).map(linear);
    Ok(Layer {
        input_layernorm: norm("input_layernorm")?,
        attention: Attention {
            qkv: Projection::ByHead(query_key_value?),
            o: dense?,
            norms: None,
            scale: config.scale_of(l),
            window: None,
            soft_cap: None,
            shape: config.shape,
            layer_idx: l,
        },
        post_attention_layernorm: norm("post_attention_layernorm")?,
        mlp: Mlp { up: up?, down: down?, activation: config.activation },
    })
}

fn norm(config: &ModelConfig, weights: &dyn WeightSource, name: &str) -> Result<LayerNorm> {
    let shape = [config.shape.width];
    let weight = weights.dense(&format!("{name}.weight"), &shape)?;
    let bias = weights.dense(&format!("{name}.bias"), &shape)?;
    Ok(LayerNorm::new(weight, bias, config.norm_eps))
}

impl CausalLm for GptNeoX {
    fn shape(&self) -> &ModelShape {
        &self.shape
    }

    fn hidden(&self, tokens: &[u32], cx: &mut ForwardCx) -> Result<Tensor> {
        ensure!(!tokens.is_empty(), "no tokens to run");
        let mut x = self.embed_in.forward(tokens)?; // [T, D]
        let angles = self.rope.angles(cx.cache.len(), tokens.len(), x.device())?;
        for (l, layer) in self.layers.iter().enumerate() {
            (cx.between)()?;
            x = cx.probe.see(Site::Hidden(l), x)?;
            let normed = layer.input_layernorm.forward(&x)?;
            let after = (layer.attention.forward(&normed, Some(&angles), cx)? + &x)?;
            let normed = layer.post_attention_layernorm.forward(if self.parallel { &x } else { &after })?;
            x = (layer.mlp.forward(&normed, cx)? + after)?;
        }
        cx.cache.advance(tokens.len());
        cx.probe.see(Site::Hidden(self.layers.len()), x)
    }

    fn logits(&self, hidden: &Tensor, cx: &mut ForwardCx) -> Result<Tensor> {
        self.head.forward(&self.final_layer_norm.forward(hidden)?, cx)
    }

    fn linears(&self, visit: &mut dyn FnMut(&str, &Linear)) {
        for (l, layer) in self.layers.iter().enumerate() {
            if let Projection::ByHead(query_key_value) = &layer.attention.qkv {
                visit(&format!("gpt_neox.layers.{l}.attention.query_key_value"), query_key_value);
            }
            visit(&format!("gpt_neox.layers.{l}.attention.dense"), &layer.attention.o);
            visit(&format!("gpt_neox.layers.{l}.mlp.dense_h_to_4h"), &layer.mlp.up);
            visit(&format!("gpt_neox.layers.{l}.mlp.dense_4h_to_h"), &layer.mlp.down);
        }
        visit(self.head_name, &self.head);
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn parts(&self) -> DecoderParts<'_> {
        let blocks = self.layers.iter().enumerate().map(|(l, layer)| {
            let name = |part: &str| format!("gpt_neox.layers.{l}.{part}");
            let norm = |part: &str, norm| Named::new(name(part), NormParts::Layer(norm));
            BlockParts {
                norm_1: norm("input_layernorm", &layer.input_layernorm),
                attention: &layer.attention,
                qkv_names: vec![name("attention.query_key_value")],
                qk_norms: None,
                o_name: name("attention.dense"),
                after_attention: None,
                norm_2: norm("post_attention_layernorm", &layer.post_attention_layernorm),
                mlp: MlpParts::Plain {
                    mlp: &layer.mlp,
                    up: name("mlp.dense_h_to_4h"),
                    down: name("mlp.dense_4h_to_h"),
                },
                after_mlp: None,
                rope: Some(0),
                parallel: self.parallel,
            }
        });
        DecoderParts {
            shape: self.shape,
            tokens: Named::new("gpt_neox.embed_in", &self.embed_in),
            embedding_scale: 1.0,
            positions: None,
            ropes: vec![&self.rope],
            blocks: blocks.collect(),
            norm: Named::new("gpt_neox.final_layer_norm", NormParts::Layer(&self.final_layer_norm)),
            lm_head: Named::new(self.head_name, &self.head),
            logit_cap: None,
            tied: self.tied,
            conv1d: false,
        }
    }
}
