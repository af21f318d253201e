//! Attention as training sees it: projections, norms of queries and keys, positions, scores, output; forward and
//! backward. The norms around it and the sum it is added to live in the block.

use super::StepCx;
use super::linear::{Lowered, TuneLinear};
use super::norm::{Moments, TuneNorm};
use super::params::Parameters;
use crate::models::BlockParts;
use crate::nn::{Linear, Projection};
use anyhow::{Result, ensure};
use glassworks_kernels::affine;
use glassworks_kernels::arena::Buf;
use glassworks_kernels::attention::{self, AttentionShape, Gradients, Qkv};
use glassworks_kernels::rope::{self, RopeShape, RopeTable};

pub struct TuneAttention<'m> {
    /// Queries, keys, values; or all three in one.
    qkv: Vec<TuneLinear<'m>>,
    /// The one matrix makes each head's query, key and value side by side.
    by_head: bool,
    qk_norms: Option<[TuneNorm<'m>; 2]>,
    o: TuneLinear<'m>,
    shape: AttentionShape,
    /// Which of the step's angles turn queries and keys.
    rope: Option<usize>,
}

/// What a forward pass leaves for the backward pass; all `[M, …]`.
pub struct SavedAttention {
    /// Queries, keys, values: as attention saw them, or before their norms where there are some; or all in one.
    qkv: Vec<Buf>,
    moments: Option<[Moments; 2]>,
    lowered_qkv: Vec<Lowered>,
    /// Before the output projection.
    out: Buf,
    lse: Buf,
    lowered_o: Lowered,
}

impl<'m> TuneAttention<'m> {
    /// # Errors
    /// If weights are not in main memory.
    pub fn frozen(parts: &BlockParts<'m>) -> Result<Self> {
        let attention = parts.attention;
        let linear = |name: &String, linear: &'m Linear| TuneLinear::frozen(name.clone(), linear);
        let qkv = match (&attention.qkv, parts.qkv_names.as_slice()) {
            (Projection::Separate { q, k, v }, [q_name, k_name, v_name]) => {
                vec![linear(q_name, q)?, linear(k_name, k)?, linear(v_name, v)?]
            }
            (Projection::Joint(qkv) | Projection::ByHead(qkv), [name]) => vec![linear(name, qkv)?],
            _ => anyhow::bail!("a projection and its names do not match"),
        };
        let by_head = matches!(attention.qkv, Projection::ByHead(_));
        let s = attention.shape;
        ensure!(
            s.n_kv_heads > 0 && s.n_heads.is_multiple_of(s.n_kv_heads),
            "heads do not divide into groups"
        );
        ensure!(!by_head || s.n_heads == s.n_kv_heads, "a head has a key of its own");
        // Norms and positions are for queries and keys that lie apart.
        let apart = by_head || qkv.len() == 3;
        ensure!(apart || parts.qk_norms.is_none() && parts.rope.is_none(), "queries and keys lie together");
        let qk_norms = match &parts.qk_norms {
            Some([q, k]) => Some([TuneNorm::frozen(q)?, TuneNorm::frozen(k)?]),
            None => None,
        };
        Ok(Self {
            qkv,
            by_head,
            qk_norms,
            o: linear(&parts.o_name, &attention.o)?,
            shape: AttentionShape {
                n_heads: s.n_heads,
                n_kv_heads: s.n_kv_heads,
                head_width: s.head_width,
                scale: attention.scale,
                causal: true,
                window: attention.window,
                soft_cap: attention.soft_cap,
            },
            rope: parts.rope,
        })
    }

    pub fn linears_mut(&mut self) -> impl Iterator<Item = &mut TuneLinear<'m>> {
        self.qkv.iter_mut().chain([&mut self.o])
    }

    pub fn norms_mut(&mut self) -> impl Iterator<Item = &mut TuneNorm<'m>> {
        self.qk_norms.iter_mut().flatten()
    }

    #[must_use]
    pub fn is_trained(&self) -> bool {
        let norms = self.qk_norms.iter().flatten().any(TuneNorm::is_trained);
        norms || self.needs_input() || self.o.is_trained()
    }

    /// Whether the backward pass of the projections asks for what went into them.
    #[must_use]
    pub fn needs_input(&self) -> bool {
        self.qkv.iter().any(TuneLinear::is_trained)
    }

    /// `x` `[M, D]` → `[M, D]` into `y`, or added to it.
    pub fn forward(
        &self,
        cx: &StepCx,
        params: &Parameters,
        x: &[f32],
        y: &mut [f32],
        add: bool,
    ) -> SavedAttention {
        let (mut qkv, mut lowered_qkv) = (Vec::new(), Vec::new());
        for linear in &self.qkv {
            let mut y = cx.arena.take(cx.m * linear.n_out());
            lowered_qkv.push(linear.forward(cx, params, x, &mut y, false));
            qkv.push(y);
        }
        if let ([all], true) = (qkv.as_slice(), self.by_head) {
            let mut parts = [(); 3].map(|()| cx.arena.take(all.len() / 3));
            affine::split_heads(all, self.shape.head_width, parts.each_mut().map(|part| &mut part[..]));
            qkv = parts.into();
        }
        let normed = self.normed(cx, params, &qkv);
        let mut moments = None;
        let (mut out, mut lse) =
            (cx.arena.take(cx.m * self.shape.q_width()), cx.arena.take(cx.m * self.shape.n_heads));
        if let Some((queries, keys, kept)) = normed {
            let qkv = self.shape.apart(&queries, &keys, &qkv[2]);
            attention::forward(&self.shape, cx.starts, &qkv, &mut out, &mut lse);
            moments = Some(kept);
        } else {
            if let [q, k, _] = qkv.as_mut_slice() {
                self.turn(cx, q, k, false);
            }
            attention::forward(&self.shape, cx.starts, &self.views(&qkv), &mut out, &mut lse);
        }
        let lowered_o = self.o.forward(cx, params, &out, y, add);
        SavedAttention { qkv, moments, lowered_qkv, out, lse, lowered_o }
    }

    /// Queries and keys after norms and positions, and the norms' moments; `None` where there are no norms.
    fn normed(&self, cx: &StepCx, params: &Parameters, qkv: &[Buf]) -> Option<(Buf, Buf, [Moments; 2])> {
        let (Some([q_norm, k_norm]), [q, k, _]) = (&self.qk_norms, qkv) else { return None };
        let (mut q, q_moments) = q_norm.forward(cx, params, q);
        let (mut k, k_moments) = k_norm.forward(cx, params, k);
        self.turn(cx, &mut q, &mut k, false);
        Some((q, k, [q_moments, k_moments]))
    }

    /// From the gradient `dy` of the output to those of the projections, one for each; what was saved is let go, but
    /// what the projections need.
    pub fn backward_scores(
        &self,
        cx: &StepCx,
        params: &mut Parameters,
        saved: SavedAttention,
        dy: &[f32],
    ) -> (Vec<Buf>, Vec<Lowered>) {
        let SavedAttention { qkv, moments, lowered_qkv, out, lse, lowered_o } = saved;
        let mut dout = cx.arena.take(out.len());
        self.o.backward(cx, params, &out, lowered_o, dy, Some((&mut dout, false)));
        let mut dqkv: Vec<Buf> = qkv.iter().map(|y| cx.arena.take(y.len())).collect();
        {
            let normed = self.normed(cx, params, &qkv);
            let views = match &normed {
                Some((q, k, _)) => self.shape.apart(q, k, &qkv[2]),
                None => self.views(&qkv),
            };
            let gradients = match dqkv.as_mut_slice() {
                [dq, dk, dv] => Gradients::Apart { dq, dk, dv },
                [all, ..] => Gradients::Fused(all),
                [] => return (dqkv, lowered_qkv),
            };
            attention::backward(&self.shape, cx.starts, &views, &out, &lse, &dout, gradients);
        }
        drop((out, lse, dout));
        if let [dq, dk, _] = dqkv.as_mut_slice() {
            self.turn(cx, dq, dk, true);
        }
        if let (Some(norms), Some(moments)) = (&self.qk_norms, moments) {
            for (i, (norm, moments)) in norms.iter().zip(moments).enumerate() {
                let mut dx = cx.arena.zeroed(qkv[i].len());
                norm.backward(params, &qkv[i], &moments, &dqkv[i], &mut dx);
                dqkv[i] = dx;
            }
        }
        if let ([dq, dk, dv], true) = (dqkv.as_slice(), self.by_head) {
            let mut all = cx.arena.take(3 * dq.len());
            affine::join_heads([dq, dk, dv], self.shape.head_width, &mut all);
            dqkv = vec![all];
        }
        (dqkv, lowered_qkv)
    }

    /// From the gradients of the projections to that of `x`, which went into them, if it is wanted.
    pub fn backward_projections(
        &self,
        cx: &StepCx,
        params: &mut Parameters,
        x: &[f32],
        (dqkv, lowered): (Vec<Buf>, Vec<Lowered>),
        mut dx: Option<&mut [f32]>,
    ) {
        for (i, ((linear, lowered), dy)) in self.qkv.iter().zip(lowered).zip(dqkv).enumerate() {
            let dx = dx.as_deref_mut().map(|dx| (dx, i > 0));
            linear.backward(cx, params, x, lowered, &dy, dx);
        }
    }

    fn views<'a>(&self, qkv: &'a [Buf]) -> Qkv<'a> {
        match qkv {
            [q, k, v] => self.shape.apart(q, k, v),
            [all, ..] => self.shape.fused(all),
            [] => self.shape.apart(&[], &[], &[]),
        }
    }

    /// Turns queries and keys by their positions, or their gradients back.
    fn turn(&self, cx: &StepCx, q: &mut [f32], k: &mut [f32], back: bool) {
        let Some(angles) = self.rope.and_then(|rope| cx.angles.get(rope)) else { return };
        let head_width = self.shape.head_width;
        let table = RopeTable { cos: &angles.cos, sin: &angles.sin, half: angles.half };
        for (x, n_heads) in [(q, self.shape.n_heads), (k, self.shape.n_kv_heads)] {
            let shape = RopeShape { n_heads, head_width, row_stride: n_heads * head_width };
            rope::rope(x, shape, table, cx.positions, back);
        }
    }
}
