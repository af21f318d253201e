//! Causal attention with grouped queries (Vaswani et al. 2017, Ainslie et al. 2023), over a cache; where a model has
//! them, norms of queries and keys, a sliding window and a soft cap on scores.

#[cfg(test)]
mod tests;

use super::ops::Scores;
use super::rope::Angles;
use super::{ForwardCx, Linear, ModelShape, RmsNorm, ops};
use crate::inspect::probe::Site;
use anyhow::Result;
use candle_core::Tensor;

/// Scores held at a time when nobody looks at them: 16 MiB.
const MAX_SCORES: usize = 4 << 20;
/// Queries that share one look at the keys of a window, if the window is no larger.
const WINDOWED: usize = 256;

pub struct Attention {
    pub qkv: Projection,
    pub o: Linear,
    /// Of each head's queries and keys, before positions turn them.
    pub norms: Option<QkNorms>,
    /// Scores are multiplied by it before the softmax.
    pub scale: f32,
    /// How many keys a query sees: itself and those right before it.
    pub window: Option<usize>,
    /// Scores become `cap · tanh(score / cap)` (Gemma 2, <https://arxiv.org/abs/2408.00118>).
    pub soft_cap: Option<f32>,
    pub shape: ModelShape,
    pub layer_idx: usize,
}

/// How queries, keys and values are made.
pub enum Projection {
    Separate {
        q: Linear,
        k: Linear,
        v: Linear,
    },
    /// One matrix, its output queries, keys and values side by side.
    Joint(Linear),
    /// One matrix, its output each head's query, key and value side by side (GPT-NeoX): H = K.
    ByHead(Linear),
}

/// Norms over the width of a head.
pub struct QkNorms {
    pub q: RmsNorm,
    pub k: RmsNorm,
}

impl Attention {
    /// `[T, D]` → `[T, D]`; `angles` where positions are rotary.
    pub fn forward(&self, x: &Tensor, angles: Option<&Angles>, cx: &mut ForwardCx) -> Result<Tensor> {
        let (q, k, v) = match &self.qkv {
            Projection::Separate { q, k, v } => (q.forward(x, cx)?, k.forward(x, cx)?, v.forward(x, cx)?),
            Projection::Joint(qkv) => {
                let qkv = qkv.forward(x, cx)?;
                let q_width = self.shape.n_heads * self.shape.head_width;
                let kv_width = self.shape.n_kv_heads * self.shape.head_width;
                (
                    qkv.narrow(1, 0, q_width)?,
                    qkv.narrow(1, q_width, kv_width)?,
                    qkv.narrow(1, q_width + kv_width, kv_width)?,
                )
            }
            Projection::ByHead(qkv) => {
                let (t, ModelShape { n_heads, head_width, .. }) = (x.dims()[0], self.shape);
                let qkv = qkv.forward(x, cx)?.reshape((t, n_heads, 3, head_width))?;
                let part = |i| qkv.narrow(2, i, 1)?.reshape((t, n_heads * head_width));
                (part(0)?, part(1)?, part(2)?)
            }
        };
        self.attend(&q, &k, &v, angles, cx)
    }

    /// From projected queries `[T, H·E]`, keys and values `[T, K·E]`.
    fn attend(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        angles: Option<&Angles>,
        cx: &mut ForwardCx,
    ) -> Result<Tensor> {
        let t = q.dims()[0];
        let ModelShape { n_heads, n_kv_heads, head_width, .. } = self.shape;
        let norms = self.norms.as_ref();
        let q = heads(q, n_heads, head_width, norms.map(|n| &n.q), angles)?; // [H, T, E]
        let k = heads(k, n_kv_heads, head_width, norms.map(|n| &n.k), angles)?; // [K, T, E]
        let v = heads(v, n_kv_heads, head_width, None, None)?; // [K, T, E]
        let first = cx.cache.len();
        let (k, v) = cx.cache.extend(self.layer_idx, &k, &v)?; // [K, S, E]

        let out = self.mixed(&q, &k, &v, first, cx)?; // [H, T, E]
        let out = out.transpose(0, 1)?.reshape((t, n_heads * head_width))?; // [T, H·E]
        let out = cx.probe.see(Site::HeadOutputs(self.layer_idx), out)?;
        self.o.forward(&out, cx)
    }

    /// softmax(q·kᵀ·scale)·v: `[H, T, E]`, `[K, S, E]` twice → `[H, T, E]`.
    ///
    /// A few queries at a time, so that scores never outgrow the caches however long the prompt is; keys before all
    /// of their windows are left out. Somebody looking changes no digit: the tiles are the same, and what they were
    /// made of is laid side by side besides.
    fn mixed(&self, q: &Tensor, k: &Tensor, v: &Tensor, first: usize, cx: &mut ForwardCx) -> Result<Tensor> {
        let (h, t, _) = q.dims3()?;
        let s = k.dims()[1];
        let tile = tile(h, s, self.window);
        let site = Site::Attention(self.layer_idx);
        let watched = cx.probe.wants(site);
        let (mut out, mut shown) = (Vec::with_capacity(t.div_ceil(tile)), Vec::new());
        for from in (0..t).step_by(tile) {
            if from > 0 {
                (cx.between)()?;
            }
            let n = tile.min(t - from);
            let end = first + from + n;
            let start = self.window.map_or(0, |window| (first + from + 1).saturating_sub(window));
            let (k, v) = (k.narrow(1, start, end - start)?, v.narrow(1, start, end - start)?);
            let a = self.weights(&q.narrow(1, from, n)?.contiguous()?, &k, first + from - start)?;
            out.push(self.mix(&a, &v)?);
            if watched {
                shown.push(a.pad_with_zeros(2, start, s - end)?);
            }
        }
        if watched {
            let a = Tensor::cat(&shown, 1)?; // [H, T, S]
            drop(shown);
            let own = a.id();
            let a = cx.probe.see(site, a)?;
            if a.id() != own {
                return self.mix(&a, v);
            }
        }
        Ok(Tensor::cat(&out, 1)?)
    }

    /// softmax(q·kᵀ·scale), causal, the first query at key `first`: `[H, T, E]`, `[K, S, E]` → `[H, T, S]`. Queries of one kv-head lie together:
    /// `[H, T, E]` = `[K, H/K, T, E]` → `[K, H/K·T, E]`.
    fn weights(&self, q: &Tensor, k: &Tensor, first: usize) -> Result<Tensor> {
        let (h, t, e) = q.dims3()?;
        let (n_kv_heads, s, _) = k.dims3()?;
        let q = q.reshape((n_kv_heads, h / n_kv_heads * t, e))?; // [K, H/K·T, E]
        let scores = q.matmul(&k.t()?)?.reshape((h, t, s))?;
        let Self { scale, soft_cap, window, .. } = *self;
        Ok(ops::causal_softmax(scores, Scores { scale, soft_cap, first, window })?)
    }

    /// a·v: `[H, T, S]`, `[K, S, E]` → `[H, T, E]`
    fn mix(&self, a: &Tensor, v: &Tensor) -> Result<Tensor> {
        let (h, t, s) = a.dims3()?;
        let (n_kv_heads, _, e) = v.dims3()?;
        let a = a.reshape((n_kv_heads, h / n_kv_heads * t, s))?; // [K, H/K·T, S]
        Ok(a.matmul(v)?.reshape((h, t, e))?)
    }
}

/// How many queries are scored at a time: as many as keep the scores small, and enough to be a matrix product. With a
/// window not many more than it has keys, so that few of the keys they share are seen by none.
fn tile(n_heads: usize, n_keys: usize, window: Option<usize>) -> usize {
    let most = window.map_or(usize::MAX, |window| window.max(WINDOWED));
    let keys = window.map_or(n_keys, |window| n_keys.min(window + most));
    (MAX_SCORES / (n_heads * keys)).max(16).min(most)
}

/// `[T, H·E]` → `[H, T, E]`, contiguous
fn heads(
    x: &Tensor,
    n_heads: usize,
    head_width: usize,
    norm: Option<&RmsNorm>,
    angles: Option<&Angles>,
) -> Result<Tensor> {
    let t = x.dims()[0];
    let x = x.reshape((t, n_heads, head_width))?;
    let x = match norm {
        Some(norm) => norm.forward(&x)?,
        None => x,
    };
    Ok(match angles {
        Some(angles) => angles.turn(&x)?,
        None => x.transpose(0, 1)?.contiguous()?,
    })
}
