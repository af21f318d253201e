//! GPT-2.
//!
//! Radford et al. 2019, "Language models are unsupervised multitask learners". The reference is
//! `modeling_gpt2.py` of Hugging Face transformers. Its `Conv1D` stores matrices as `[in, out]`: they are turned
//! at load. One matrix makes queries, keys and values; it stays one.

use super::{
    Architecture, BlockParts, CausalLm, ConfigJson, DecoderParts, MlpParts, ModelConfig, Named, NormParts,
    TensorNeed, WeightSource,
};
use crate::inspect::probe::Site;
use crate::nn::{
    Activation, Attention, Embedding, ForwardCx, LayerNorm, Linear, Mlp, ModelShape, Projection, Weight,
};
use anyhow::{Result, ensure};
use candle_core::Tensor;
use glassworks_protocol::Failure;

pub static GPT2: Architecture = Architecture {
    name: "gpt2",
    model_types: &["gpt2"],
    class_names: &["GPT2LMHeadModel"],
    classifier_name: "GPT2ForSequenceClassification",
    gguf_names: &[],
    config,
    tensors,
    build,
};

/// What the first checkpoints leave out before every name but `lm_head`.
const PREFIX: &str = "transformer.";

fn config(json: &ConfigJson) -> Result<ModelConfig, Failure> {
    json.refuse_set(&["quantization_config", "add_cross_attention"])?;
    let width = json.size("n_embd")?;
    let n_heads = json.size("n_head")?;
    if n_heads == 0 || !width.is_multiple_of(n_heads) {
        return Err(json.refuse("n_head"));
    }
    let shape = ModelShape {
        n_layers: json.size("n_layer")?,
        width,
        n_heads,
        n_kv_heads: n_heads,
        head_width: width / n_heads,
        mlp_width: json.size_or("n_inner", width.saturating_mul(4))?,
        vocab_size: json.size("vocab_size")?,
        context_length: json.size_or("n_positions", 1024)?,
    };
    let plain = ModelConfig::plain(GPT2.name, shape);
    let scaled = json.flag_or("scale_attn_weights", true)?;
    let config = ModelConfig {
        norm_eps: json.number_or("layer_norm_epsilon", 1e-5)?,
        activation: json.activation("activation_function", Activation::GeluNew)?,
        attention_bias: true,
        output_bias: true,
        mlp_bias: true,
        tied_embeddings: json.flag_or("tie_word_embeddings", true)?,
        attention_scale: if scaled { plain.attention_scale } else { 1.0 },
        scale_by_layer: json.flag_or("scale_attn_by_inverse_layer_idx", false)?,
        ..plain
    };
    config.check(json.file())?;
    Ok(config)
}

fn tensors(config: &ModelConfig) -> Vec<TensorNeed> {
    let s = &config.shape;
    let mut needs = Vec::new();
    let named =
        |name: String, shape: &[usize]| TensorNeed::new(format!("{PREFIX}{name}"), shape).or_without(PREFIX);
    needs.push(named("wte.weight".into(), &[s.vocab_size, s.width]));
    let mut need = |name: String, shape: &[usize]| needs.push(named(name, shape).widened());
    need("wpe.weight".into(), &[s.context_length, s.width]);
    for l in 0..s.n_layers {
        for (name, n_in, n_out) in matrices(s) {
            need(format!("h.{l}.{name}.weight"), &[n_in, n_out]);
            need(format!("h.{l}.{name}.bias"), &[n_out]);
        }
        for name in ["ln_1", "ln_2"] {
            need(format!("h.{l}.{name}.weight"), &[s.width]);
            need(format!("h.{l}.{name}.bias"), &[s.width]);
        }
    }
    need("ln_f.weight".into(), &[s.width]);
    need("ln_f.bias".into(), &[s.width]);
    if let Some((name, n_out)) = config.head("lm_head") {
        needs.push(TensorNeed::new(format!("{name}.weight"), &[n_out, s.width]));
    }
    needs
}

/// (name, in, out)
fn matrices(s: &ModelShape) -> [(&'static str, usize, usize); 4] {
    [
        ("attn.c_attn", s.width, 3 * s.width),
        ("attn.c_proj", s.width, s.width),
        ("mlp.c_fc", s.width, s.mlp_width),
        ("mlp.c_proj", s.mlp_width, s.width),
    ]
}

struct Gpt2 {
    shape: ModelShape,
    tied: bool,
    wte: Embedding,
    wpe: Embedding,
    layers: Vec<Layer>,
    ln_f: LayerNorm,
    lm_head: Linear,
    head_name: &'static str,
    classes: Vec<String>,
}

struct Layer {
    ln_1: LayerNorm,
    attn: Attention,
    ln_2: LayerNorm,
    mlp: Mlp,
}

/// The checkpoint's names, however it begins them.
struct Names<'a> {
    weights: &'a dyn WeightSource,
    prefix: &'static str,
}

impl Names<'_> {
    fn dense(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.weights.dense(&format!("{}{name}", self.prefix), shape)
    }

    fn layer_norm(&self, name: &str, config: &ModelConfig) -> Result<LayerNorm> {
        let shape = [config.shape.width];
        let weight = self.dense(&format!("{name}.weight"), &shape)?;
        let bias = self.dense(&format!("{name}.bias"), &shape)?;
        Ok(LayerNorm::new(weight, bias, config.norm_eps))
    }

    fn conv1d(&self, name: &str, n_in: usize, n_out: usize) -> Result<Linear> {
        let weight = self.weights.turned(&format!("{}{name}.weight", self.prefix), n_out, n_in)?;
        let bias = self.dense(&format!("{name}.bias"), &[n_out])?;
        Ok(Linear::new(Weight::Dense(weight), Some(bias)))
    }
}

fn build(config: &ModelConfig, weights: &dyn WeightSource) -> Result<Box<dyn CausalLm>> {
    let s = config.shape;
    let prefix = if weights.has("transformer.wte.weight") { PREFIX } else { "" };
    let names = Names { weights, prefix };
    let wte = weights.linear(&format!("{prefix}wte.weight"), s.vocab_size, s.width)?;
    let (head_name, lm_head) = match config.head("lm_head") {
        Some((name, n_out)) => (name, weights.linear(&format!("{name}.weight"), n_out, s.width)?),
        None => ("lm_head", wte.clone()),
    };
    Ok(Box::new(Gpt2 {
        shape: s,
        tied: config.tied_embeddings,
        wte: Embedding::new(wte),
        wpe: Embedding::new(Weight::Dense(names.dense("wpe.weight", &[s.context_length, s.width])?)),
        layers: (0..s.n_layers).map(|l| layer(config, &names, l)).collect::<Result<_>>()?,
        ln_f: names.layer_norm("ln_f", config)?,
        lm_head: Linear::new(lm_head, None),
        head_name,
        classes: config.classes.clone(),
    }))
}

fn layer(config: &ModelConfig, names: &Names, l: usize) -> Result<Layer> {
    let s = config.shape;
    let [c_attn, c_proj, mlp_up, mlp_down] =
        matrices(&s).map(|(name, n_in, n_out)| names.conv1d(&format!("h.{l}.{name}"), n_in, n_out));
    Ok(Layer {
        ln_1: names.layer_norm(&format!("h.{l}.ln_1"), config)?,
        attn: Attention {
            qkv: Projection::Joint(c_attn?),
            o: c_proj?,
            norms: None,
            scale: config.scale_of(l),
            window: None,
            soft_cap: None,
            shape: s,
            layer_idx: l,
        },
        ln_2: names.layer_norm(&format!("h.{l}.ln_2"), config)?,
        mlp: Mlp { up: mlp_up?, down: mlp_down?, activation: config.activation },
    })
}

impl CausalLm for Gpt2 {
    fn shape(&self) -> &ModelShape {
        &self.shape
    }

    fn hidden(&self, tokens: &[u32], cx: &mut ForwardCx) -> Result<Tensor> {
        ensure!(!tokens.is_empty(), "no tokens to run");
        let (first, t) = (cx.cache.len(), tokens.len());
        ensure!(first + t <= self.shape.context_length, "position {} is past the context", first + t);
        let positions: Vec<u32> = (first..first + t).map(|p| p as u32).collect();
        let mut x = (self.wte.forward(tokens)? + self.wpe.forward(&positions)?)?; // [T, D]
        for (l, layer) in self.layers.iter().enumerate() {
            (cx.between)()?;
            x = cx.probe.see(Site::Hidden(l), x)?;
            x = (layer.attn.forward(&layer.ln_1.forward(&x)?, None, cx)? + x)?;
            x = (layer.mlp.forward(&layer.ln_2.forward(&x)?, cx)? + x)?;
        }
        cx.cache.advance(t);
        cx.probe.see(Site::Hidden(self.layers.len()), x)
    }

    fn logits(&self, hidden: &Tensor, cx: &mut ForwardCx) -> Result<Tensor> {
        self.lm_head.forward(&self.ln_f.forward(hidden)?, cx)
    }

    fn linears(&self, visit: &mut dyn FnMut(&str, &Linear)) {
        for (l, layer) in self.layers.iter().enumerate() {
            if let Projection::Joint(c_attn) = &layer.attn.qkv {
                visit(&format!("transformer.h.{l}.attn.c_attn"), c_attn);
            }
            visit(&format!("transformer.h.{l}.attn.c_proj"), &layer.attn.o);
            visit(&format!("transformer.h.{l}.mlp.c_fc"), &layer.mlp.up);
            visit(&format!("transformer.h.{l}.mlp.c_proj"), &layer.mlp.down);
        }
        visit(self.head_name, &self.lm_head);
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn parts(&self) -> DecoderParts<'_> {
        let blocks = self.layers.iter().enumerate().map(|(l, layer)| {
            let name = |part: &str| format!("{PREFIX}h.{l}.{part}");
            BlockParts {
                norm_1: Named::new(name("ln_1"), NormParts::Layer(&layer.ln_1)),
                attention: &layer.attn,
                qkv_names: vec![name("attn.c_attn")],
                qk_norms: None,
                o_name: name("attn.c_proj"),
                after_attention: None,
                norm_2: Named::new(name("ln_2"), NormParts::Layer(&layer.ln_2)),
                mlp: MlpParts::Plain { mlp: &layer.mlp, up: name("mlp.c_fc"), down: name("mlp.c_proj") },
                after_mlp: None,
                rope: None,
                parallel: false,
            }
        });
        DecoderParts {
            shape: self.shape,
            tokens: Named::new(format!("{PREFIX}wte"), &self.wte),
            embedding_scale: 1.0,
            positions: Some(Named::new(format!("{PREFIX}wpe"), &self.wpe)),
            ropes: Vec::new(),
            blocks: blocks.collect(),
            norm: Named::new(format!("{PREFIX}ln_f"), NormParts::Layer(&self.ln_f)),
            lm_head: Named::new(self.head_name, &self.lm_head),
            logit_cap: None,
            tied: self.tied,
            conv1d: true,
        }
    }
}
