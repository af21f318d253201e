//! One block of a decoder, forward and backward: what a layer keeps for its gradients, and in which order it
//! lets go of it.

use super::linear::{Lowered, TuneLinear};
use super::norm::{Moments, TuneNorm};
use super::params::Parameters;
use super::{StepCx, kernel_activation};
use crate::models::{BlockParts, MlpParts};
use crate::nn::{Linear, Projection};
use anyhow::{Result, ensure};
use glassworks_kernels::activation::{self, Activation};
use glassworks_kernels::arena::Buf;
use glassworks_kernels::attention::{self, AttentionShape, Gradients, Qkv};
use glassworks_kernels::rope::{self, RopeShape, RopeTable};

/// x + attention(norm(x)), then x + mlp(norm(x)).
pub struct TuneBlock<'m> {
    norm_1: TuneNorm<'m>,
    /// Queries, keys, values; or all three in one.
    qkv: Vec<TuneLinear<'m>>,
    o: TuneLinear<'m>,
    shape: AttentionShape,
    norm_2: TuneNorm<'m>,
    mlp: TuneMlp<'m>,
}

struct TuneMlp<'m> {
    gate: Option<TuneLinear<'m>>,
    up: TuneLinear<'m>,
    down: TuneLinear<'m>,
    activation: Activation,
}

/// What a forward pass leaves for the backward pass; all `[M, …]`.
pub struct Saved {
    moments_1: Moments,
    /// Queries, keys, values after turning; or all in one.
    qkv: Vec<Buf>,
    lowered_qkv: Vec<Lowered>,
    /// Of attention, before its output projection.
    out: Buf,
    lse: Buf,
    lowered_o: Lowered,
    /// After the attention's sum.
    x_mid: Buf,
    moments_2: Moments,
    gate: Option<Buf>,
    up: Buf,
    lowered_gate: Lowered,
    lowered_up: Lowered,
    lowered_down: Lowered,
}

impl<'m> TuneBlock<'m> {
    /// # Errors
    /// If weights are not in main memory.
    pub fn frozen(parts: &BlockParts<'m>) -> Result<Self> {
        let attention = parts.attention;
        let linear = |name: &String, linear: &'m Linear| TuneLinear::frozen(name.clone(), linear);
        let qkv = match (&attention.qkv, parts.qkv_names.as_slice()) {
            (Projection::Separate { q, k, v }, [q_name, k_name, v_name]) => {
                vec![linear(q_name, q)?, linear(k_name, k)?, linear(v_name, v)?]
            }
            (Projection::Joint(qkv), [name]) => vec![linear(name, qkv)?],
            _ => anyhow::bail!("a projection and its names do not match"),
        };
        let mlp = match &parts.mlp {
            MlpParts::Gated { mlp, gate, up, down } => TuneMlp {
                gate: Some(linear(gate, &mlp.gate)?),
                up: linear(up, &mlp.up)?,
                down: linear(down, &mlp.down)?,
                activation: kernel_activation(mlp.activation),
            },
            MlpParts::Plain { mlp, up, down } => TuneMlp {
                gate: None,
                up: linear(up, &mlp.up)?,
                down: linear(down, &mlp.down)?,
                activation: kernel_activation(mlp.activation),
            },
        };
        let s = attention.shape;
        ensure!(
            s.n_kv_heads > 0 && s.n_heads.is_multiple_of(s.n_kv_heads),
            "heads do not divide into groups"
        );
        Ok(Self {
            norm_1: TuneNorm::frozen(&parts.norm_1)?,
            qkv,
            o: linear(&parts.o_name, &attention.o)?,
            shape: AttentionShape {
                n_heads: s.n_heads,
                n_kv_heads: s.n_kv_heads,
                head_width: s.head_width,
                scale: attention.scale,
                causal: true,
                window: None,
                soft_cap: None,
            },
            norm_2: TuneNorm::frozen(&parts.norm_2)?,
            mlp,
        })
    }

    pub fn linears_mut(&mut self) -> Vec<&mut TuneLinear<'m>> {
        let mut all: Vec<_> = self.qkv.iter_mut().collect();
        all.push(&mut self.o);
        all.extend(self.mlp.gate.as_mut());
        all.extend([&mut self.mlp.up, &mut self.mlp.down]);
        all
    }

    pub fn norms_mut(&mut self) -> [&mut TuneNorm<'m>; 2] {
        [&mut self.norm_1, &mut self.norm_2]
    }

    #[must_use]
    pub fn is_trained(&self) -> bool {
        let mlp = [self.mlp.gate.as_ref(), Some(&self.mlp.up), Some(&self.mlp.down), Some(&self.o)];
        self.qkv.iter().any(TuneLinear::is_trained)
            || mlp.into_iter().flatten().any(TuneLinear::is_trained)
            || self.norm_1.is_trained()
            || self.norm_2.is_trained()
    }

    /// `x` `[M, D]` → what follows it, and what the backward pass will need.
    pub fn forward(&self, cx: &StepCx, params: &Parameters, x: &[f32]) -> (Buf, Saved) {
        let (normed, moments_1) = self.norm_1.forward(cx, params, x);
        let mut qkv = Vec::new();
        let mut lowered_qkv = Vec::new();
        for linear in &self.qkv {
            let mut y = cx.arena.take(cx.m * linear.n_out());
            lowered_qkv.push(linear.forward(cx, params, &normed, &mut y, false));
            qkv.push(y);
        }
        drop(normed);
        self.turn(cx, &mut qkv, false);
        let mut out = cx.arena.take(cx.m * self.shape.q_width());
        let mut lse = cx.arena.take(cx.m * self.shape.n_heads);
        attention::forward(&self.shape, cx.starts, &self.views(&qkv), &mut out, &mut lse);

        let mut x_mid = cx.arena.take(x.len());
        x_mid.copy_from_slice(x);
        let lowered_o = self.o.forward(cx, params, &out, &mut x_mid, true);

        let (normed, moments_2) = self.norm_2.forward(cx, params, &x_mid);
        let mut up = cx.arena.take(cx.m * self.mlp.up.n_out());
        let lowered_up = self.mlp.up.forward(cx, params, &normed, &mut up, false);
        let mut lowered_gate = None;
        let gate = self.mlp.gate.as_ref().map(|linear| {
            let mut gate = cx.arena.take(up.len());
            lowered_gate = linear.forward(cx, params, &normed, &mut gate, false);
            gate
        });
        drop(normed);
        let inner = self.mlp.inner(cx, gate.as_deref(), &up);
        let mut y = cx.arena.take(x.len());
        y.copy_from_slice(&x_mid);
        let lowered_down = self.mlp.down.forward(cx, params, &inner, &mut y, true);
        let saved = Saved {
            moments_1,
            qkv,
            lowered_qkv,
            out,
            lse,
            lowered_o,
            x_mid,
            moments_2,
            gate,
            up,
            lowered_gate,
            lowered_up,
            lowered_down,
        };
        (y, saved)
    }

    /// `dy` is the gradient of the output, and becomes that of the input `x` when `wants_dx`. Everything saved is
    /// let go on the way.
    pub fn backward(
        &self,
        cx: &StepCx,
        params: &mut Parameters,
        x: &[f32],
        saved: Saved,
        dy: &mut [f32],
        wants_dx: bool,
    ) {
        let Saved { moments_1, qkv, lowered_qkv, out, lse, lowered_o, x_mid, moments_2, gate, up, .. } =
            saved;
        let lowered = [saved.lowered_gate, saved.lowered_up, saved.lowered_down];
        self.mlp_backward(cx, params, &x_mid, &moments_2, gate, up, lowered, dy);
        drop((x_mid, moments_2));

        let mut dout = cx.arena.take(out.len());
        self.o.backward(cx, params, &out, lowered_o, dy, Some((&mut dout, false)));
        let mut dqkv: Vec<Buf> = qkv.iter().map(|y| cx.arena.take(y.len())).collect();
        {
            let gradients = match dqkv.as_mut_slice() {
                [dq, dk, dv] => Gradients::Apart { dq, dk, dv },
                [all, ..] => Gradients::Fused(all),
                [] => return,
            };
            attention::backward(&self.shape, cx.starts, &self.views(&qkv), &out, &lse, &dout, gradients);
        }
        drop((out, lse, qkv, dout));
        self.turn(cx, &mut dqkv, true);

        let wants_dx = wants_dx || self.norm_1.is_trained();
        let needs_input = self.qkv.iter().any(TuneLinear::is_trained);
        let normed = needs_input.then(|| self.norm_1.forward(cx, params, x).0);
        let mut dnormed = wants_dx.then(|| cx.arena.take(x.len()));
        for (i, ((linear, lowered), dy)) in self.qkv.iter().zip(lowered_qkv).zip(dqkv).enumerate() {
            let dx = dnormed.as_deref_mut().map(|dx| (dx, i > 0));
            linear.backward(cx, params, normed.as_deref().unwrap_or(&[]), lowered, &dy, dx);
        }
        if let Some(dnormed) = dnormed {
            self.norm_1.backward(params, x, &moments_1, &dnormed, dy);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of Saved that the MLP left")]
    fn mlp_backward(
        &self,
        cx: &StepCx,
        params: &mut Parameters,
        x_mid: &[f32],
        moments: &Moments,
        gate: Option<Buf>,
        up: Buf,
        [lowered_gate, lowered_up, lowered_down]: [Lowered; 3],
        dy: &mut [f32],
    ) {
        let mlp = &self.mlp;
        let mut dinner = cx.arena.take(up.len());
        let inner = mlp.down.is_trained().then(|| mlp.inner(cx, gate.as_deref(), &up));
        let input = inner.as_deref().unwrap_or(&[]);
        mlp.down.backward(cx, params, input, lowered_down, dy, Some((&mut dinner, false)));
        drop(inner);
        let mut dup = cx.arena.take(up.len());
        let dgate = gate.map(|gate| {
            let mut dgate = cx.arena.take(up.len());
            activation::gated_backward(mlp.activation, &gate, &up, &dinner, &mut dgate, &mut dup);
            dgate
        });
        if dgate.is_none() {
            activation::plain_backward(mlp.activation, &up, &dinner, &mut dup);
        }
        drop((dinner, up));
        let needs_input = mlp.up.is_trained() || mlp.gate.as_ref().is_some_and(TuneLinear::is_trained);
        let normed = needs_input.then(|| self.norm_2.forward(cx, params, x_mid).0);
        let normed = normed.as_deref().unwrap_or(&[]);
        let mut dnormed = cx.arena.take(x_mid.len());
        mlp.up.backward(cx, params, normed, lowered_up, &dup, Some((&mut dnormed, false)));
        drop(dup);
        if let (Some(linear), Some(dgate)) = (&mlp.gate, dgate) {
            linear.backward(cx, params, normed, lowered_gate, &dgate, Some((&mut dnormed, true)));
        }
        self.norm_2.backward(params, x_mid, moments, &dnormed, dy);
    }

    fn views<'a>(&self, qkv: &'a [Buf]) -> Qkv<'a> {
        match qkv {
            [q, k, v] => self.shape.apart(q, k, v),
            [all, ..] => self.shape.fused(all),
            [] => self.shape.apart(&[], &[], &[]),
        }
    }

    /// Turns queries and keys by their positions, or their gradients back.
    fn turn(&self, cx: &StepCx, qkv: &mut [Buf], back: bool) {
        let (Some(angles), [q, k, _]) = (&cx.angles, qkv) else { return };
        let head_width = self.shape.head_width;
        let table = RopeTable { cos: &angles.cos, sin: &angles.sin, half: angles.half };
        for (x, n_heads) in [(q, self.shape.n_heads), (k, self.shape.n_kv_heads)] {
            let shape = RopeShape { n_heads, head_width, row_stride: n_heads * head_width };
            rope::rope(x, shape, table, cx.positions, back);
        }
    }
}

impl TuneMlp<'_> {
    /// What goes into `down`.
    fn inner(&self, cx: &StepCx, gate: Option<&[f32]>, up: &[f32]) -> Buf {
        let mut inner = cx.arena.take(up.len());
        match gate {
            Some(gate) => activation::gated(self.activation, gate, up, &mut inner),
            None => activation::plain(self.activation, up, &mut inner),
        }
        inner
    }
}
