//! One block of a decoder, forward and backward: its norms and sums, what a layer keeps for its gradients, and in
//! which order it lets go of it.

use super::StepCx;
use super::attention::{SavedAttention, TuneAttention};
use super::linear::TuneLinear;
use super::mlp::{SavedMlp, TuneMlp};
use super::norm::{Moments, TuneNorm};
use super::params::Parameters;
use crate::models::BlockParts;
use anyhow::Result;
use glassworks_kernels::affine;
use glassworks_kernels::arena::Buf;

/// x + attention(norm(x)), then x + mlp(norm(x)); where a model has them, with norms of what is added, or with both
/// sublayers on the same x.
pub struct TuneBlock<'m> {
    norm_1: TuneNorm<'m>,
    attention: TuneAttention<'m>,
    after_attention: Option<TuneNorm<'m>>,
    norm_2: TuneNorm<'m>,
    mlp: TuneMlp<'m>,
    after_mlp: Option<TuneNorm<'m>>,
    parallel: bool,
}

/// What a forward pass leaves for the backward pass; all `[M, …]`.
pub struct Saved {
    moments_1: Moments,
    attention: SavedAttention,
    after_attention: Option<Normed>,
    /// After the attention's sum, where the MLP sees that.
    x_mid: Option<Buf>,
    moments_2: Moments,
    mlp: SavedMlp,
    after_mlp: Option<Normed>,
}

/// What a norm after a sublayer was given, and its moments.
struct Normed {
    y: Buf,
    moments: Moments,
}

impl<'m> TuneBlock<'m> {
    /// # Errors
    /// If weights are not in main memory.
    pub fn frozen(parts: &BlockParts<'m>) -> Result<Self> {
        let after = |norm: &Option<_>| norm.as_ref().map(TuneNorm::frozen).transpose();
        Ok(Self {
            norm_1: TuneNorm::frozen(&parts.norm_1)?,
            attention: TuneAttention::frozen(parts)?,
            after_attention: after(&parts.after_attention)?,
            norm_2: TuneNorm::frozen(&parts.norm_2)?,
            mlp: TuneMlp::frozen(&parts.mlp)?,
            after_mlp: after(&parts.after_mlp)?,
            parallel: parts.parallel,
        })
    }

    pub fn linears_mut(&mut self) -> Vec<&mut TuneLinear<'m>> {
        self.attention.linears_mut().chain(self.mlp.linears_mut()).collect()
    }

    pub fn norms_mut(&mut self) -> Vec<&mut TuneNorm<'m>> {
        let own = [&mut self.norm_1, &mut self.norm_2];
        let after = self.after_attention.iter_mut().chain(&mut self.after_mlp);
        own.into_iter().chain(after).chain(self.attention.norms_mut()).collect()
    }

    #[must_use]
    pub fn is_trained(&self) -> bool {
        let after = self.after_attention.iter().chain(&self.after_mlp);
        let norms = [&self.norm_1, &self.norm_2].into_iter().chain(after);
        self.attention.is_trained() || self.mlp.is_trained() || norms.into_iter().any(TuneNorm::is_trained)
    }

    /// `x` `[M, D]` → what follows it, and what the backward pass will need.
    ///
    /// # Errors
    /// When nobody wants it any more.
    pub fn forward(&self, cx: &StepCx, params: &Parameters, x: &[f32]) -> Result<(Buf, Saved)> {
        let (normed, moments_1) = self.norm_1.forward(cx, params, x);
        let sublayer = |y: &mut [f32], add| self.attention.forward(cx, params, &normed, y, add);
        let (x_mid, attention, after_attention) = sum(cx, params, x, self.after_attention.as_ref(), sublayer);
        drop(normed);
        (cx.between)()?;

        let input = if self.parallel { x } else { &x_mid };
        let (normed, moments_2) = self.norm_2.forward(cx, params, input);
        let sublayer = |y: &mut [f32], add| self.mlp.forward(cx, params, &normed, y, add);
        let (y, mlp, after_mlp) = sum(cx, params, &x_mid, self.after_mlp.as_ref(), sublayer);
        let x_mid = (!self.parallel).then_some(x_mid);
        Ok((y, Saved { moments_1, attention, after_attention, x_mid, moments_2, mlp, after_mlp }))
    }

    /// `dy` is the gradient of the output, and becomes that of the input `x` when `wants_dx`. Everything saved is
    /// let go on the way.
    ///
    /// # Errors
    /// When nobody wants it any more.
    pub fn backward(
        &self,
        cx: &StepCx,
        params: &mut Parameters,
        x: &[f32],
        saved: Saved,
        dy: &mut [f32],
        wants_dx: bool,
    ) -> Result<()> {
        let Saved { moments_1, attention, after_attention, x_mid, moments_2, mlp, after_mlp } = saved;
        // Side by side, both sublayers get the gradient as it came.
        let came = self.parallel.then(|| copy(cx, dy));
        let dadded = through(cx, params, self.after_mlp.as_ref(), after_mlp, dy);
        let inner = self.mlp.backward_inner(cx, params, mlp, dadded.as_deref().unwrap_or(dy));
        drop(dadded);
        (cx.between)()?;
        let input = x_mid.as_deref().unwrap_or(x);
        let normed = self.mlp.needs_input().then(|| self.norm_2.forward(cx, params, input).0);
        let mut dnormed = cx.arena.take(x.len());
        self.mlp.backward_input(cx, params, normed.as_deref().unwrap_or(&[]), inner, &mut dnormed);
        drop(normed);
        self.norm_2.backward(params, input, &moments_2, &dnormed, dy);
        drop((x_mid, moments_2, dnormed));
        (cx.between)()?;

        let dattended = came.as_deref().unwrap_or(dy);
        let dadded = through(cx, params, self.after_attention.as_ref(), after_attention, dattended);
        let gradients =
            self.attention.backward_scores(cx, params, attention, dadded.as_deref().unwrap_or(dattended));
        drop((dadded, came));
        (cx.between)()?;
        let wants_dx = wants_dx || self.norm_1.is_trained();
        let normed = self.attention.needs_input().then(|| self.norm_1.forward(cx, params, x).0);
        let mut dnormed = wants_dx.then(|| cx.arena.take(x.len()));
        let input = normed.as_deref().unwrap_or(&[]);
        self.attention.backward_projections(cx, params, input, gradients, dnormed.as_deref_mut());
        if let Some(dnormed) = dnormed {
            self.norm_1.backward(params, x, &moments_1, &dnormed, dy);
        }
        Ok(())
    }
}

/// x plus what a sublayer makes, with a norm between where there is one. The sublayer writes to what it is given, or
/// adds to it.
fn sum<S>(
    cx: &StepCx,
    params: &Parameters,
    x: &[f32],
    norm: Option<&TuneNorm>,
    sublayer: impl FnOnce(&mut [f32], bool) -> S,
) -> (Buf, S, Option<Normed>) {
    let Some(norm) = norm else {
        let mut sum = copy(cx, x);
        let saved = sublayer(&mut sum, true);
        return (sum, saved, None);
    };
    let mut y = cx.arena.take(x.len());
    let saved = sublayer(&mut y, false);
    let (mut sum, moments) = norm.forward(cx, params, &y);
    affine::add(&mut sum, x);
    (sum, saved, Some(Normed { y, moments }))
}

/// The gradient of what a sublayer made, from that of what was added; `None` where that is the same.
fn through(
    cx: &StepCx,
    params: &mut Parameters,
    norm: Option<&TuneNorm>,
    normed: Option<Normed>,
    dy: &[f32],
) -> Option<Buf> {
    let (norm, Normed { y, moments }) = (norm?, normed?);
    let mut dx = cx.arena.zeroed(dy.len());
    norm.backward(params, &y, &moments, dy, &mut dx);
    Some(dx)
}

fn copy(cx: &StepCx, x: &[f32]) -> Buf {
    let mut copy = cx.arena.take(x.len());
    copy.copy_from_slice(x);
    copy
}
