//! Falcon, over candle's operations: the model in candle-transformers takes an approximate activation and knows the
//! 7B's attention alone. Here are all that turn positions: many queries on one key (7B), groups (11B, 40B, 180B), or
//! each its own. Those with ALiBi are refused.
//!
//! Almazrouei et al. 2023, <https://arxiv.org/abs/2311.16867>. The reference is `modeling_falcon.py` of Hugging Face
//! transformers.

use candle_core::{D, Device, Result, Tensor};
use candle_nn::{
    Activation, Embedding, LayerNorm, Linear, Module, VarBuilder, embedding, layer_norm, linear_b,
};
use candle_transformers::utils::{build_additive_causal_mask, repeat_kv};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: usize,
    head_dim: usize,
    max_position_embeddings: usize,
    layer_norm_epsilon: f64,
    rope_theta: f64,
    hidden_act: Activation,
    new_decoder_architecture: bool,
    multi_query: bool,
    parallel_attn: bool,
    bias: bool,
    num_ln_in_parallel_attn: Option<usize>,
}

/// Cosines and sines, `[P, E/2]` each.
struct Positions {
    cos: Tensor,
    sin: Tensor,
}

impl Positions {
    fn new(c: &Config) -> Result<Self> {
        let turn = |i: usize| 1.0 / c.rope_theta.powf(i as f64 / c.head_dim as f64) as f32;
        let turns: Vec<f32> = (0..c.head_dim).step_by(2).map(turn).collect();
        let turns = Tensor::new(turns, &Device::Cpu)?.unsqueeze(0)?;
        let places: Vec<f32> = (0..c.max_position_embeddings).map(|at| at as f32).collect();
        let angles = Tensor::new(places, &Device::Cpu)?.unsqueeze(1)?.matmul(&turns)?;
        Ok(Self { cos: angles.cos()?, sin: angles.sin()? })
    }

    /// Turns `[1, H, T, E]`, the first of which stands at `at`.
    fn turn(&self, heads: &Tensor, at: usize) -> Result<Tensor> {
        let n = heads.dim(2)?;
        let (cos, sin) = (self.cos.narrow(0, at, n)?, self.sin.narrow(0, at, n)?);
        candle_nn::rotary_emb::rope(&heads.contiguous()?, &cos, &sin)
    }
}

#[derive(Clone)]
struct Block {
    /// What attention sees, and what the MLP sees where it is another: of the block's input, or after attention.
    norm: LayerNorm,
    mlp_norm: Option<LayerNorm>,
    qkv: Linear,
    dense: Linear,
    up: Linear,
    down: Linear,
    kept: Option<(Tensor, Tensor)>,
}

impl Block {
    fn new(c: &Config, vb: &VarBuilder) -> Result<Self> {
        let norm = |name: &str| layer_norm(c.hidden_size, c.layer_norm_epsilon, vb.pp(name));
        let two = c.new_decoder_architecture && c.num_ln_in_parallel_attn != Some(1);
        let attention = vb.pp("self_attention");
        let (heads, kv) = (c.num_attention_heads, c.num_key_value_heads);
        let width = heads * c.head_dim;
        Ok(Self {
            norm: norm(if two { "ln_attn" } else { "input_layernorm" })?,
            mlp_norm: match (two, c.new_decoder_architecture || c.parallel_attn) {
                (true, _) => Some(norm("ln_mlp")?),
                (false, true) => None,
                (false, false) => Some(norm("post_attention_layernorm")?),
            },
            qkv: linear_b(
                c.hidden_size,
                (heads + 2 * kv) * c.head_dim,
                c.bias,
                attention.pp("query_key_value"),
            )?,
            dense: linear_b(width, c.hidden_size, c.bias, attention.pp("dense"))?,
            up: linear_b(c.hidden_size, c.intermediate_size, c.bias, vb.pp("mlp.dense_h_to_4h"))?,
            down: linear_b(c.intermediate_size, c.hidden_size, c.bias, vb.pp("mlp.dense_4h_to_h"))?,
            kept: None,
        })
    }

    /// Queries `[1, H, T, E]`, keys and values `[1, K, T, E]`, from where they lie in the joint projection: each group's
    /// queries before its key and its value.
    fn parts(&self, x: &Tensor, c: &Config) -> Result<[Tensor; 3]> {
        let n = x.dim(1)?;
        let (kv, group) = (c.num_key_value_heads, c.num_attention_heads / c.num_key_value_heads);
        let joint = self.qkv.forward(x)?.reshape((1, n, kv, group + 2, c.head_dim))?;
        let part = |at: usize, len: usize| {
            joint.narrow(3, at, len)?.reshape((1, n, kv * len, c.head_dim))?.transpose(1, 2)?.contiguous()
        };
        Ok([part(0, group)?, part(group, 1)?, part(group + 1, 1)?])
    }

    fn attention(&mut self, x: &Tensor, mask: Option<&Tensor>, at: usize, model: &Shared) -> Result<Tensor> {
        let c = &model.config;
        let n = x.dim(1)?;
        let [q, k, v] = self.parts(x, c)?;
        let (q, k) = (model.positions.turn(&q, at)?, model.positions.turn(&k, at)?);
        let (k, v) = match &self.kept {
            Some((before_k, before_v)) => {
                (Tensor::cat(&[before_k, &k], 2)?, Tensor::cat(&[before_v, &v], 2)?)
            }
            None => (k, v),
        };
        self.kept = Some((k.clone(), v.clone()));
        let group = c.num_attention_heads / c.num_key_value_heads;
        let (k, v) = (repeat_kv(k, group)?.contiguous()?, repeat_kv(v, group)?.contiguous()?);
        let scores = (q.matmul(&k.transpose(2, 3)?)? / (c.head_dim as f64).sqrt())?;
        let scores = match mask {
            Some(mask) => scores.broadcast_add(mask)?,
            None => scores,
        };
        let seen = candle_nn::ops::softmax_last_dim(&scores)?.matmul(&v)?;
        self.dense.forward(&seen.transpose(1, 2)?.reshape((1, n, c.num_attention_heads * c.head_dim))?)
    }

    fn forward(&mut self, x: &Tensor, mask: Option<&Tensor>, at: usize, model: &Shared) -> Result<Tensor> {
        let c = &model.config;
        let normed = self.norm.forward(x)?;
        let attended = self.attention(&normed, mask, at, model)?;
        let beside = c.new_decoder_architecture || c.parallel_attn;
        let after = (&attended + x)?;
        let seen = match &self.mlp_norm {
            Some(norm) => norm.forward(if beside { x } else { &after })?,
            None => normed,
        };
        let mlp = self.down.forward(&self.up.forward(&seen)?.apply(&c.hidden_act)?)?;
        after + mlp
    }
}

/// What all copies share.
struct Shared {
    config: Config,
    embedding: Embedding,
    norm: LayerNorm,
    head: Linear,
    positions: Positions,
}

#[derive(Clone)]
pub struct Model {
    shared: Arc<Shared>,
    blocks: Vec<Block>,
}

impl Model {
    pub fn new(config: Config, vb: &VarBuilder) -> Result<Self> {
        let c = &config;
        // The reference's other two ways to lay queries, keys and values are groups of all heads, and of one each.
        if !c.new_decoder_architecture {
            let groups = if c.multi_query { 1 } else { c.num_attention_heads };
            if c.num_key_value_heads != groups {
                candle_core::bail!("{} heads have keys", c.num_key_value_heads)
            }
        }
        let body = vb.pp("transformer");
        let blocks = (0..c.num_hidden_layers).map(|l| Block::new(c, &body.pp(format!("h.{l}"))));
        let blocks = blocks.collect::<Result<_>>()?;
        let shared = Shared {
            embedding: embedding(c.vocab_size, c.hidden_size, body.pp("word_embeddings"))?,
            norm: layer_norm(c.hidden_size, c.layer_norm_epsilon, body.pp("ln_f"))?,
            head: linear_b(c.hidden_size, c.vocab_size, false, vb.pp("lm_head"))?,
            positions: Positions::new(c)?,
            config,
        };
        Ok(Self { shared: Arc::new(shared), blocks })
    }

    /// As [`super::Bridged::forward`].
    pub fn forward(&mut self, ids: &Tensor, at: usize) -> Result<Tensor> {
        let shared = &*self.shared;
        let n = ids.dim(D::Minus1)?;
        let mut x = shared.embedding.forward(ids)?;
        let mask = match n {
            1 => None,
            _ => Some(build_additive_causal_mask(n, at, None, x.device(), x.dtype())?),
        };
        for block in &mut self.blocks {
            x = block.forward(&x, mask.as_ref(), at, shared)?;
        }
        shared.head.forward(&shared.norm.forward(&x.narrow(1, n - 1, 1)?)?)
    }
}
