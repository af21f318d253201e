//! Causal attention with grouped queries (Vaswani et al. 2017, Ainslie et al. 2023), over a cache.

#[cfg(test)]
mod tests;

use super::rope::Angles;
use super::{ForwardCx, Linear, ModelShape, ops};
use crate::inspect::probe::Site;
use anyhow::Result;
use candle_core::Tensor;

/// Scores held at a time when nobody looks at them: 16 MiB.
const MAX_SCORES: usize = 4 << 20;

pub struct Attention {
    pub qkv: Projection,
    pub o: Linear,
    /// Scores are multiplied by it before the softmax.
    pub scale: f32,
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
        let q = heads(q, n_heads, head_width, angles)?; // [H, T, E]
        let k = heads(k, n_kv_heads, head_width, angles)?; // [K, T, E]
        let v = heads(v, n_kv_heads, head_width, None)?; // [K, T, E]
        let first = cx.cache.len();
        let (k, v) = cx.cache.extend(self.layer_idx, &k, &v)?; // [K, S, E]

        // Queries of one kv-head lie together: [H, T, E] = [K, H/K, T, E] → [K, H/K·T, E].
        let out = if cx.probe.wants(Site::Attention(self.layer_idx)) {
            let a = self.weights(&q, &k, first)?; // [H, T, S]
            let a = cx.probe.see(Site::Attention(self.layer_idx), a)?;
            self.mix(&a, &v)?
        } else {
            self.attend_in_tiles(&q, &k, &v, first, cx)?
        }; // [H, T, E]
        let out = out.transpose(0, 1)?.reshape((t, n_heads * head_width))?; // [T, H·E]
        let out = cx.probe.see(Site::HeadOutputs(self.layer_idx), out)?;
        self.o.forward(&out, cx)
    }

    /// A few queries at a time, so that scores never outgrow the caches however long the prompt is.
    fn attend_in_tiles(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        first: usize,
        cx: &ForwardCx,
    ) -> Result<Tensor> {
        let (h, t, _) = q.dims3()?;
        let s = k.dims()[1];
        let tile = (MAX_SCORES / (h * s)).max(16);
        if t <= tile {
            return self.mix(&self.weights(q, k, first)?, v);
        }
        let mut out = Vec::with_capacity(t.div_ceil(tile));
        for from in (0..t).step_by(tile) {
            (cx.between)()?;
            let n = tile.min(t - from);
            let seen = first + from + n;
            let (k, v) = (k.narrow(1, 0, seen)?, v.narrow(1, 0, seen)?);
            let a = self.weights(&q.narrow(1, from, n)?.contiguous()?, &k, first + from)?;
            out.push(self.mix(&a, &v)?);
        }
        Ok(Tensor::cat(&out, 1)?)
    }

    /// softmax(q·kᵀ·scale), causal: `[H, T, E]`, `[K, S, E]` → `[H, T, S]`
    fn weights(&self, q: &Tensor, k: &Tensor, first: usize) -> Result<Tensor> {
        let (h, t, e) = q.dims3()?;
        let (n_kv_heads, s, _) = k.dims3()?;
        let q = q.reshape((n_kv_heads, h / n_kv_heads * t, e))?; // [K, H/K·T, E]
        let scores = q.matmul(&k.t()?)?.reshape((h, t, s))?;
        ops::causal_softmax(&scores, self.scale, first)?;
        Ok(scores)
    }

    /// a·v: `[H, T, S]`, `[K, S, E]` → `[H, T, E]`
    fn mix(&self, a: &Tensor, v: &Tensor) -> Result<Tensor> {
        let (h, t, s) = a.dims3()?;
        let (n_kv_heads, _, e) = v.dims3()?;
        let a = a.reshape((n_kv_heads, h / n_kv_heads * t, s))?; // [K, H/K·T, S]
        Ok(a.matmul(v)?.reshape((h, t, e))?)
    }
}

/// `[T, H·E]` → `[H, T, E]`, contiguous
fn heads(x: &Tensor, n_heads: usize, head_width: usize, angles: Option<&Angles>) -> Result<Tensor> {
    let t = x.dims()[0];
    let x = x.reshape((t, n_heads, head_width))?;
    Ok(match angles {
        Some(angles) => angles.turn(&x)?,
        None => x.transpose(0, 1)?.contiguous()?,
    })
}
