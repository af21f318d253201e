//! The decoder that Llama made usual: RMS norms, rotary positions, grouped queries, gated MLPs; and what the families
//! after it added, each where the configuration asks for it. The families' files read the configuration; here the
//! model is built and run.
//!
//! The references are `modeling_{llama,mistral,qwen2,qwen3,gemma2,gemma3}.py` of Hugging Face transformers.

use super::{
    BlockParts, CausalLm, DecoderParts, MlpParts, ModelConfig, Named, NormParts, TensorNeed, WeightSource,
};
use crate::inspect::probe::Site;
use crate::nn::{
    Attention, Embedding, ForwardCx, GatedMlp, Linear, ModelShape, Projection, QkNorms, RmsNorm, Rope,
    soft_cap,
};
use anyhow::{Context as _, Result, ensure};
use candle_core::Tensor;

const INPUT_NORM: &str = "input_layernorm";
const AFTER_ATTENTION: &str = "post_attention_layernorm";
const BEFORE_MLP: &str = "pre_feedforward_layernorm";
const AFTER_MLP: &str = "post_feedforward_layernorm";

/// The norm before the MLP: Llama names it by what is before it, and Gemma, which has a norm there, by what follows.
fn mlp_norm(config: &ModelConfig) -> &'static str {
    if config.post_norms { BEFORE_MLP } else { AFTER_ATTENTION }
}

/// (name, in, out, bias)
fn matrices(config: &ModelConfig) -> [(&'static str, usize, usize, bool); 7] {
    let s = &config.shape;
    let (q, kv) = (s.n_heads * s.head_width, s.n_kv_heads * s.head_width);
    [
        ("self_attn.q_proj", s.width, q, config.attention_bias),
        ("self_attn.k_proj", s.width, kv, config.attention_bias),
        ("self_attn.v_proj", s.width, kv, config.attention_bias),
        ("self_attn.o_proj", q, s.width, config.output_bias),
        ("mlp.gate_proj", s.width, s.mlp_width, config.mlp_bias),
        ("mlp.up_proj", s.width, s.mlp_width, config.mlp_bias),
        ("mlp.down_proj", s.mlp_width, s.width, config.mlp_bias),
    ]
}

/// [`super::Architecture::tensors`]
pub fn tensors(config: &ModelConfig) -> Vec<TensorNeed> {
    let s = &config.shape;
    let mut needs = vec![TensorNeed::new("model.embed_tokens.weight", &[s.vocab_size, s.width])];
    for l in 0..s.n_layers {
        let mut layer = |name: &str, shape: &[usize]| {
            needs.push(TensorNeed::new(format!("model.layers.{l}.{name}"), shape));
        };
        layer("input_layernorm.weight", &[s.width]);
        layer("post_attention_layernorm.weight", &[s.width]);
        if config.post_norms {
            layer("pre_feedforward_layernorm.weight", &[s.width]);
            layer("post_feedforward_layernorm.weight", &[s.width]);
        }
        if config.qk_norms {
            layer("self_attn.q_norm.weight", &[s.head_width]);
            layer("self_attn.k_norm.weight", &[s.head_width]);
        }
        for (name, n_in, n_out, bias) in matrices(config) {
            layer(&format!("{name}.weight"), &[n_out, n_in]);
            if bias {
                layer(&format!("{name}.bias"), &[n_out]);
            }
        }
    }
    needs.push(TensorNeed::new("model.norm.weight", &[s.width]));
    if let Some((name, n_out)) = config.head("lm_head") {
        needs.push(TensorNeed::new(format!("{name}.weight"), &[n_out, s.width]));
    }
    needs
}

struct Decoder {
    shape: ModelShape,
    tied: bool,
    embedding_scale: f32,
    logit_cap: Option<f32>,
    embed_tokens: Embedding,
    /// That of all layers; or also another, of those with a window.
    ropes: Vec<Rope>,
    layers: Vec<Layer>,
    norm: RmsNorm,
    lm_head: Linear,
    head_name: &'static str,
    classes: Vec<String>,
}

struct Layer {
    input_norm: RmsNorm,
    self_attn: Attention,
    after_attention: Option<RmsNorm>,
    mlp_norm: RmsNorm,
    mlp: GatedMlp,
    after_mlp: Option<RmsNorm>,
    /// Which of the ropes.
    rope: usize,
}

/// [`super::Architecture::build`]
pub fn build(config: &ModelConfig, weights: &dyn WeightSource) -> Result<Box<dyn CausalLm>> {
    let s = config.shape;
    let rope = config.rope.as_ref().context("positions are rotary")?;
    let embedding = weights.linear("model.embed_tokens.weight", s.vocab_size, s.width)?;
    let layers = (0..s.n_layers).map(|l| layer(config, weights, l)).collect::<Result<_>>()?;
    let (head_name, lm_head) = match config.head("lm_head") {
        Some((name, n_out)) => (name, weights.linear(&format!("{name}.weight"), n_out, s.width)?),
        None => ("lm_head", embedding.clone()),
    };
    Ok(Box::new(Decoder {
        shape: s,
        tied: config.tied_embeddings,
        embedding_scale: config.embedding_scale,
        logit_cap: config.logit_cap,
        embed_tokens: Embedding::new(embedding),
        ropes: [Some(rope), config.local_rope.as_ref()]
            .into_iter()
            .flatten()
            .map(Rope::new)
            .collect::<Result<_>>()?,
        layers,
        norm: norm(config, weights, "model.norm", s.width)?,
        lm_head: Linear::new(lm_head, None),
        head_name,
        classes: config.classes.clone(),
    }))
}

fn layer(config: &ModelConfig, weights: &dyn WeightSource, l: usize) -> Result<Layer> {
    let s = config.shape;
    let linear = |(name, n_in, n_out, bias): (&str, usize, usize, bool)| {
        let name = format!("model.layers.{l}.{name}");
        let weight = weights.linear(&format!("{name}.weight"), n_out, n_in)?;
        let bias = bias.then(|| weights.dense(&format!("{name}.bias"), &[n_out])).transpose()?;
        anyhow::Ok(Linear::new(weight, bias))
    };
    let norm = |name: &str, width| norm(config, weights, &format!("model.layers.{l}.{name}"), width);
    let post = |name| config.post_norms.then(|| norm(name, s.width)).transpose();
    let [q, k, v, o, gate, up, down] = matrices(config).map(linear);
    let qk_norms = config.qk_norms.then(|| {
        let of = |name| norm(name, s.head_width);
        anyhow::Ok(QkNorms { q: of("self_attn.q_norm")?, k: of("self_attn.k_norm")? })
    });
    let window = config.window_of(l);
    Ok(Layer {
        input_norm: norm(INPUT_NORM, s.width)?,
        self_attn: Attention {
            qkv: Projection::Separate { q: q?, k: k?, v: v? },
            o: o?,
            norms: qk_norms.transpose()?,
            scale: config.scale_of(l),
            window,
            soft_cap: config.attention_cap,
            shape: s,
            layer_idx: l,
        },
        after_attention: post(AFTER_ATTENTION)?,
        mlp_norm: norm(mlp_norm(config), s.width)?,
        mlp: GatedMlp { gate: gate?, up: up?, down: down?, activation: config.activation },
        after_mlp: post(AFTER_MLP)?,
        rope: usize::from(window.is_some() && config.local_rope.is_some()),
    })
}

fn norm(config: &ModelConfig, weights: &dyn WeightSource, name: &str, width: usize) -> Result<RmsNorm> {
    let weight = weights.dense(&format!("{name}.weight"), &[width])?;
    RmsNorm::new(weight, if config.norms_add_one { 1.0 } else { 0.0 }, config.norm_eps)
}

/// x plus what a sublayer made of it, normed where it has such a norm.
fn add(x: &Tensor, y: Tensor, norm: Option<&RmsNorm>) -> Result<Tensor> {
    let y = match norm {
        Some(norm) => norm.forward(&y)?,
        None => y,
    };
    Ok((y + x)?)
}

impl CausalLm for Decoder {
    fn shape(&self) -> &ModelShape {
        &self.shape
    }

    fn hidden(&self, tokens: &[u32], cx: &mut ForwardCx) -> Result<Tensor> {
        ensure!(!tokens.is_empty(), "no tokens to run");
        let mut x = self.embed_tokens.forward(tokens)?; // [T, D]
        let angles = |rope: &Rope| rope.angles(cx.cache.len(), tokens.len(), x.device());
        let angles = self.ropes.iter().map(angles).collect::<Result<Vec<_>>>()?;
        if self.embedding_scale != 1.0 {
            x = x.affine(f64::from(self.embedding_scale), 0.0)?;
        }
        for (l, layer) in self.layers.iter().enumerate() {
            (cx.between)()?;
            x = cx.probe.see(Site::Hidden(l), x)?;
            let normed = layer.input_norm.forward(&x)?;
            let attended = layer.self_attn.forward(&normed, Some(&angles[layer.rope]), cx)?;
            x = add(&x, attended, layer.after_attention.as_ref())?;
            let normed = layer.mlp_norm.forward(&x)?;
            x = add(&x, layer.mlp.forward(&normed, cx)?, layer.after_mlp.as_ref())?;
        }
        cx.cache.advance(tokens.len());
        cx.probe.see(Site::Hidden(self.layers.len()), x)
    }

    fn logits(&self, hidden: &Tensor, cx: &mut ForwardCx) -> Result<Tensor> {
        let logits = self.lm_head.forward(&self.norm.forward(hidden)?, cx)?;
        match self.logit_cap {
            Some(cap) => Ok(soft_cap(&logits, cap)?),
            None => Ok(logits),
        }
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
        visit(self.head_name, &self.lm_head);
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn parts(&self) -> DecoderParts<'_> {
        DecoderParts {
            shape: self.shape,
            tokens: Named::new("model.embed_tokens", &self.embed_tokens),
            embedding_scale: self.embedding_scale,
            positions: None,
            ropes: self.ropes.iter().collect(),
            blocks: self.layers.iter().enumerate().map(|(l, layer)| layer.parts(l)).collect(),
            norm: Named::new("model.norm", NormParts::Rms(&self.norm)),
            lm_head: Named::new(self.head_name, &self.lm_head),
            logit_cap: self.logit_cap,
            tied: self.tied,
            conv1d: false,
        }
    }
}

impl Layer {
    fn parts(&self, l: usize) -> BlockParts<'_> {
        let name = |part: &str| format!("model.layers.{l}.{part}");
        let norm = |part: &str, norm| Named::new(name(part), NormParts::Rms(norm));
        let mlp_norm = if self.after_attention.is_some() { BEFORE_MLP } else { AFTER_ATTENTION };
        BlockParts {
            norm_1: norm(INPUT_NORM, &self.input_norm),
            attention: &self.self_attn,
            qkv_names: ["q", "k", "v"].map(|part| name(&format!("self_attn.{part}_proj"))).into(),
            qk_norms: self
                .self_attn
                .norms
                .as_ref()
                .map(|n| [norm("self_attn.q_norm", &n.q), norm("self_attn.k_norm", &n.k)]),
            o_name: name("self_attn.o_proj"),
            after_attention: self.after_attention.as_ref().map(|n| norm(AFTER_ATTENTION, n)),
            norm_2: norm(mlp_norm, &self.mlp_norm),
            mlp: MlpParts::Gated {
                mlp: &self.mlp,
                gate: name("mlp.gate_proj"),
                up: name("mlp.up_proj"),
                down: name("mlp.down_proj"),
            },
            after_mlp: self.after_mlp.as_ref().map(|n| norm(AFTER_MLP, n)),
            rope: Some(self.rope),
            parallel: false,
        }
    }
}
