//! The MLP as training sees it, gated or plain, forward and backward. The norms around it and the sum it is added to
//! live in the block.

use super::StepCx;
use super::linear::{Lowered, TuneLinear};
use super::params::Parameters;
use crate::models::MlpParts;
use crate::nn::Linear;
use anyhow::Result;
use glassworks_kernels::activation::{self, Activation};
use glassworks_kernels::arena::Buf;

pub struct TuneMlp<'m> {
    gate: Option<TuneLinear<'m>>,
    up: TuneLinear<'m>,
    down: TuneLinear<'m>,
    activation: Activation,
}

/// What a forward pass leaves for the backward pass; all `[M, …]`.
pub struct SavedMlp {
    gate: Option<Buf>,
    up: Buf,
    lowered: [Lowered; 2],
    lowered_down: Lowered,
}

/// Gradients of what `up` and `gate` made, and what their adapters need.
pub struct Inner {
    dup: Buf,
    dgate: Option<Buf>,
    lowered: [Lowered; 2],
}

impl<'m> TuneMlp<'m> {
    /// # Errors
    /// If weights are not in main memory.
    pub fn frozen(parts: &MlpParts<'m>) -> Result<Self> {
        let linear = |name: &String, linear: &'m Linear| TuneLinear::frozen(name.clone(), linear);
        Ok(match parts {
            MlpParts::Gated { mlp, gate, up, down } => Self {
                gate: Some(linear(gate, &mlp.gate)?),
                up: linear(up, &mlp.up)?,
                down: linear(down, &mlp.down)?,
                activation: mlp.activation.into(),
            },
            MlpParts::Plain { mlp, up, down } => Self {
                gate: None,
                up: linear(up, &mlp.up)?,
                down: linear(down, &mlp.down)?,
                activation: mlp.activation.into(),
            },
        })
    }

    pub fn linears_mut(&mut self) -> impl Iterator<Item = &mut TuneLinear<'m>> {
        self.gate.iter_mut().chain([&mut self.up, &mut self.down])
    }

    #[must_use]
    pub fn is_trained(&self) -> bool {
        self.needs_input() || self.down.is_trained()
    }

    /// Whether the backward pass of `up` and `gate` asks for what went into them.
    #[must_use]
    pub fn needs_input(&self) -> bool {
        self.up.is_trained() || self.gate.as_ref().is_some_and(TuneLinear::is_trained)
    }

    /// `x` `[M, D]` → `[M, D]` into `y`, or added to it.
    pub fn forward(&self, cx: &StepCx, params: &Parameters, x: &[f32], y: &mut [f32], add: bool) -> SavedMlp {
        let mut up = cx.arena.take(cx.m * self.up.n_out());
        let lowered_up = self.up.forward(cx, params, x, &mut up, false);
        let mut lowered_gate = None;
        let gate = self.gate.as_ref().map(|linear| {
            let mut gate = cx.arena.take(up.len());
            lowered_gate = linear.forward(cx, params, x, &mut gate, false);
            gate
        });
        let inner = self.inner(cx, gate.as_deref(), &up);
        let lowered_down = self.down.forward(cx, params, &inner, y, add);
        SavedMlp { gate, up, lowered: [lowered_up, lowered_gate], lowered_down }
    }

    /// From the gradient `dy` of the output to those of what goes into the activation; what was saved is let go.
    pub fn backward_inner(&self, cx: &StepCx, params: &mut Parameters, saved: SavedMlp, dy: &[f32]) -> Inner {
        let SavedMlp { gate, up, lowered, lowered_down } = saved;
        let mut dinner = cx.arena.take(up.len());
        let inner = self.down.is_trained().then(|| self.inner(cx, gate.as_deref(), &up));
        let input = inner.as_deref().unwrap_or(&[]);
        self.down.backward(cx, params, input, lowered_down, dy, Some((&mut dinner, false)));
        drop(inner);
        let mut dup = cx.arena.take(up.len());
        let dgate = gate.map(|gate| {
            let mut dgate = cx.arena.take(up.len());
            activation::gated_backward(self.activation, &gate, &up, &dinner, &mut dgate, &mut dup);
            dgate
        });
        if dgate.is_none() {
            activation::plain_backward(self.activation, &up, &dinner, &mut dup);
        }
        Inner { dup, dgate, lowered }
    }

    /// From there to the gradient of `x`, which went in: overwrites `dx`.
    pub fn backward_input(
        &self,
        cx: &StepCx,
        params: &mut Parameters,
        x: &[f32],
        inner: Inner,
        dx: &mut [f32],
    ) {
        let Inner { dup, dgate, lowered: [lowered_up, lowered_gate] } = inner;
        self.up.backward(cx, params, x, lowered_up, &dup, Some((&mut *dx, false)));
        drop(dup);
        if let (Some(linear), Some(dgate)) = (&self.gate, dgate) {
            linear.backward(cx, params, x, lowered_gate, &dgate, Some((dx, true)));
        }
    }

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
