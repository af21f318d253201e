//! A linear map as training sees it: frozen, trained, or frozen with a low-rank adapter beside it
//! (LoRA, Hu et al. 2021, <https://arxiv.org/abs/2106.09685>; the reference is PEFT's `lora.Linear`).

use super::params::{ParameterId, Parameters};
use super::{Factors, StepCx};
use crate::nn::Linear;
use crate::nn::matrix::{Floats, Frozen};
use anyhow::Result;
use glassworks_kernels::arena::Buf;
use glassworks_kernels::dropout::{Dropout, mix};
use glassworks_kernels::weight::Weight as Matrix;
use glassworks_kernels::{affine, matmul};

/// y = x·Wᵀ + b, and with an adapter + scale · (x·Aᵀ)·Bᵀ.
pub struct TuneLinear<'m> {
    /// In the checkpoint, less `.weight`.
    pub name: String,
    frozen: Frozen<'m>,
    frozen_bias: Option<Floats<'m>>,
    weight: Option<ParameterId>,
    bias: Option<ParameterId>,
    adapter: Option<Adapter>,
}

#[derive(Clone, Copy)]
struct Adapter {
    /// `[rank, in]`
    a: ParameterId,
    /// `[out, rank]`
    b: ParameterId,
    rank: usize,
    scale: f32,
    /// The part of its input that is left out while it is trained.
    dropout: f64,
    /// Tells its mask from the others'.
    number: u64,
}

/// What follows a linear map's name in the names of its adapter's matrices: A `[rank, in]`, B `[out, rank]`.
pub const LORA_A: &str = ".lora_A";
pub const LORA_B: &str = ".lora_B";

/// What is the same for all adapters of a run.
#[derive(Clone, Copy)]
pub struct AdapterShape {
    pub rank: usize,
    pub scale: f32,
    pub dropout: f64,
}

/// What the backward pass needs of an adapter: scale · x·Aᵀ, `[M, rank]`.
pub type Lowered = Option<Buf>;

impl<'m> TuneLinear<'m> {
    /// # Errors
    /// If the weight is not in main memory.
    pub fn frozen(name: String, linear: &'m Linear) -> Result<Self> {
        let frozen_bias = linear.bias().map(Floats::of).transpose()?;
        let frozen = Frozen::of(linear.weight())?;
        Ok(Self { name, frozen, frozen_bias, weight: None, bias: None, adapter: None })
    }

    /// One that belongs to no model.
    ///
    /// # Panics
    /// If there are not `n_out` · `n_in` values.
    #[must_use]
    pub fn own(name: &str, n_out: usize, n_in: usize, values: Vec<f32>) -> Self {
        let frozen = Frozen::own(n_out, n_in, values);
        Self { name: name.to_owned(), frozen, frozen_bias: None, weight: None, bias: None, adapter: None }
    }

    #[must_use]
    pub fn n_out(&self) -> usize {
        self.frozen.matrix().n_out
    }

    #[must_use]
    pub fn n_in(&self) -> usize {
        self.frozen.matrix().n_in
    }

    /// Trains the whole matrix, and the bias where there is one.
    pub fn train(&mut self, params: &mut Parameters) {
        let (n_out, n_in) = (self.n_out(), self.n_in());
        self.weight = Some(params.add(format!("{}.weight", self.name), n_out, n_in, self.frozen.to_f32()));
        if let Some(bias) = &self.frozen_bias {
            self.bias = Some(params.add_vector(format!("{}.bias", self.name), bias.values().to_vec()));
        }
    }

    /// Trains a matrix that another part owns.
    pub fn share(&mut self, weight: ParameterId) {
        self.weight = Some(weight);
    }

    /// Puts an adapter beside the frozen matrix. `number` is its own among all.
    pub fn adapt(&mut self, params: &mut Parameters, shape: AdapterShape, number: u64, factors: Factors) {
        let AdapterShape { rank, scale, dropout } = shape;
        let a = params.add(format!("{}{LORA_A}", self.name), rank, self.n_in(), factors.a);
        let b = params.add(format!("{}{LORA_B}", self.name), self.n_out(), rank, factors.b);
        self.adapter = Some(Adapter { a, b, rank, scale, dropout, number });
    }

    /// What of the adapter's input this pass leaves out.
    fn mask(&self, cx: &StepCx) -> Option<Dropout> {
        let adapter = self.adapter.filter(|adapter| adapter.dropout > 0.0)?;
        let key = cx.dropout_key?.wrapping_add(mix(adapter.number));
        Some(Dropout { share: adapter.dropout, key })
    }

    /// The adapter's input where something is left out of it.
    fn dropped(&self, cx: &StepCx, x: &[f32]) -> Option<Buf> {
        let mask = self.mask(cx)?;
        let mut dropped = cx.arena.take(x.len());
        mask.forward(x, &mut dropped);
        Some(dropped)
    }

    #[must_use]
    pub fn is_trained(&self) -> bool {
        self.weight.is_some() || self.adapter.is_some()
    }

    /// Where its whole matrix is trained.
    #[must_use]
    pub fn trained_weight(&self) -> Option<ParameterId> {
        self.weight
    }

    /// The matrix as it is now.
    pub fn matrix<'a>(&'a self, params: &'a Parameters) -> Matrix<'a> {
        match self.weight {
            Some(id) => Matrix::f32(self.n_out(), self.n_in(), &params.get(id).value),
            None => self.frozen.matrix(),
        }
    }

    /// `[M, in]` → `[M, out]` into `y`, or added to it.
    pub fn forward(&self, cx: &StepCx, params: &Parameters, x: &[f32], y: &mut [f32], add: bool) -> Lowered {
        let m = cx.m;
        matmul::linear(x.into(), m, &self.matrix(params), y, add, cx.precision);
        match (self.bias, &self.frozen_bias) {
            (Some(id), _) => affine::add_bias(y, &params.get(id).value),
            (None, Some(bias)) => affine::add_bias(y, bias.values()),
            (None, None) => {}
        }
        let Adapter { a, b, rank, scale, .. } = self.adapter?;
        let (a, b) = (&params.get(a).value, &params.get(b).value);
        let mut lowered = cx.arena.take(m * rank);
        let dropped = self.dropped(cx, x);
        let x = dropped.as_deref().unwrap_or(x);
        matmul::linear(x.into(), m, &Matrix::f32(rank, self.n_in(), a), &mut lowered, false, cx.precision);
        affine::scale(&mut lowered, scale);
        let b = Matrix::f32(self.n_out(), rank, b);
        matmul::linear((&*lowered).into(), m, &b, y, true, cx.precision);
        Some(lowered)
    }

    /// From the gradient `dy` of the output: adds to the gradients of what is trained, and to `dx`, or overwrites
    /// it. `x` is what went in, needed where something is trained.
    pub fn backward(
        &self,
        cx: &StepCx,
        params: &mut Parameters,
        x: &[f32],
        lowered: Lowered,
        dy: &[f32],
        dx: Option<(&mut [f32], bool)>,
    ) {
        let m = cx.m;
        let mut dx = dx;
        if let Some((dx, add)) = &mut dx {
            matmul::linear_dx(dy.into(), m, &self.matrix(params), dx, *add, cx.precision);
        }
        if let Some(id) = self.weight {
            matmul::linear_dw(dy.into(), x.into(), m, &mut params.get_mut(id).grad, cx.precision);
        }
        if let Some(id) = self.bias {
            affine::bias_backward(dy, &mut params.get_mut(id).grad);
        }
        let (Some(Adapter { a, b, rank, scale, .. }), Some(lowered)) = (self.adapter, lowered) else {
            return;
        };
        matmul::linear_dw(dy.into(), (&*lowered).into(), m, &mut params.get_mut(b).grad, cx.precision);
        // The same room holds the gradient of what was lowered.
        let mut dlowered = lowered;
        let b = Matrix::f32(self.n_out(), rank, &params.get(b).value);
        matmul::linear_dx(dy.into(), m, &b, &mut dlowered, false, cx.precision);
        affine::scale(&mut dlowered, scale);
        if let Some((dx, _)) = dx {
            let a = Matrix::f32(rank, self.n_in(), &params.get(a).value);
            match self.mask(cx) {
                None => matmul::linear_dx((&*dlowered).into(), m, &a, dx, true, cx.precision),
                Some(mask) => {
                    let mut ddropped = cx.arena.take(dx.len());
                    matmul::linear_dx((&*dlowered).into(), m, &a, &mut ddropped, false, cx.precision);
                    mask.backward(&ddropped, dx);
                }
            }
        }
        let dropped = self.dropped(cx, x);
        let x = dropped.as_deref().unwrap_or(x);
        matmul::linear_dw((&*dlowered).into(), x.into(), m, &mut params.get_mut(a).grad, cx.precision);
    }
}
