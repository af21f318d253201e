//! The norms as training sees them.

use super::StepCx;
use super::params::{ParameterId, Parameters};
use crate::models::{Named, NormParts};
use crate::nn::matrix::Floats;
use anyhow::Result;
use glassworks_kernels::arena::Buf;
use glassworks_kernels::norm;
use std::borrow::Cow;

pub struct TuneNorm<'m> {
    pub name: String,
    kind: Kind<'m>,
    trained: Option<(ParameterId, Option<ParameterId>)>,
    /// Added to the weight before it multiplies.
    offset: f32,
    eps: f32,
}

enum Kind<'m> {
    Rms(Floats<'m>),
    Layer(Floats<'m>, Floats<'m>),
}

/// What the backward pass needs besides the input: 1/σ of each row, and the mean where it was taken off. `[M]`
pub struct Moments {
    inv: Buf,
    mean: Option<Buf>,
}

impl<'m> TuneNorm<'m> {
    /// # Errors
    /// If the weights are not in main memory.
    pub fn frozen(named: &Named<NormParts<'m>>) -> Result<Self> {
        let (kind, offset, eps) = match named.part {
            NormParts::Rms(norm) => {
                let (weight, offset, eps) = norm.parts();
                (Kind::Rms(Floats::of(weight)?), offset, eps)
            }
            NormParts::Layer(norm) => {
                let (weight, bias, eps) = norm.parts();
                (Kind::Layer(Floats::of(weight)?, Floats::of(bias)?), 0.0, eps)
            }
        };
        Ok(Self { name: named.name.clone(), kind, trained: None, offset, eps: eps as f32 })
    }

    pub fn train(&mut self, params: &mut Parameters) {
        let mut add = |what: &str, floats: &Floats| {
            let values = floats.values().to_vec();
            params.add_vector(format!("{}.{what}", self.name), values)
        };
        self.trained = Some(match &self.kind {
            Kind::Rms(weight) => (add("weight", weight), None),
            Kind::Layer(weight, bias) => (add("weight", weight), Some(add("bias", bias))),
        });
    }

    #[must_use]
    pub fn is_trained(&self) -> bool {
        self.trained.is_some()
    }

    /// What multiplies.
    fn factors<'a>(&'a self, params: &'a Parameters) -> Cow<'a, [f32]> {
        let weight: &[f32] = match (&self.kind, self.trained) {
            (_, Some((id, _))) => &params.get(id).value,
            (Kind::Rms(weight) | Kind::Layer(weight, _), None) => weight.values(),
        };
        if self.offset == 0.0 {
            return Cow::Borrowed(weight);
        }
        Cow::Owned(weight.iter().map(|w| w + self.offset).collect())
    }

    /// `[.., D]` → `[.., D]`
    pub fn forward(&self, cx: &StepCx, params: &Parameters, x: &[f32]) -> (Buf, Moments) {
        let mut y = cx.arena.take(x.len());
        let weight = &*self.factors(params);
        let rows = x.len() / weight.len();
        let mut inv = cx.arena.take(rows);
        let mean = match &self.kind {
            Kind::Rms(_) => {
                norm::rms_norm(x, weight, self.eps, &mut y, &mut inv);
                None
            }
            Kind::Layer(_, bias) => {
                let bias = match self.trained {
                    Some((_, Some(id))) => &params.get(id).value,
                    _ => bias.values(),
                };
                let mut mean = cx.arena.take(rows);
                norm::layer_norm(x, weight, bias, self.eps, &mut y, &mut mean, &mut inv);
                Some(mean)
            }
        };
        (y, Moments { inv, mean })
    }

    /// Adds the gradient by the input to `dx`, and those of what is trained to theirs.
    pub fn backward(
        &self,
        params: &mut Parameters,
        x: &[f32],
        moments: &Moments,
        dy: &[f32],
        dx: &mut [f32],
    ) {
        let mut grads = [None, None];
        if let Some((weight, bias)) = self.trained {
            // Taken out for the call, which also reads a value of the same store.
            grads[0] = Some((weight, std::mem::take(&mut params.get_mut(weight).grad)));
            grads[1] = bias.map(|id| (id, std::mem::take(&mut params.get_mut(id).grad)));
        }
        let [dweight, dbias] =
            grads.each_mut().map(|grad| grad.as_mut().map(|(_, grad)| grad.as_mut_slice()));
        let weight = &*self.factors(params);
        match &moments.mean {
            None => norm::rms_norm_backward(dy, x, weight, &moments.inv, dx, true, dweight),
            Some(mean) => {
                norm::layer_norm_backward(dy, x, weight, mean, &moments.inv, dx, true, dweight, dbias);
            }
        }
        for (id, grad) in grads.into_iter().flatten() {
            params.get_mut(id).grad = grad;
        }
    }
}
