//! Gradients of a logit along the embeddings, through candle's own operations: the model's weights stay as they are, the
//! embeddings become what a gradient is asked for.

use super::probe::{Probe, Site};
use crate::models::{CausalLm, ForwardCx};
use crate::nn::{Adapters, KvCache};
use anyhow::{Context as _, Result};
use candle_core::{Device, Tensor, Var};
use glassworks_protocol::model::Precision;

/// A text, and the logit that is asked about.
pub struct Asked<'a> {
    pub model: &'a dyn CausalLm,
    pub adapters: Option<&'a Adapters>,
    /// The logit after the last of them.
    pub tokens: &'a [u32],
    pub target: u32,
    /// Whose logit is taken off.
    pub against: Option<u32>,
    pub between: &'a dyn Fn() -> Result<()>,
}

impl Asked<'_> {
    /// What goes into the first layer `[T, D]`, and the same with `baseline` in place of every token.
    ///
    /// # Errors
    /// When the pass fails.
    pub fn embeddings(&self, baseline: u32) -> Result<(Tensor, Tensor)> {
        let parts = self.model.parts();
        let scale = f64::from(parts.embedding_scale);
        let of = |ids: &[u32]| -> Result<Tensor> {
            Ok((parts.tokens.part.forward(ids)? * scale)?.to_device(&Device::Cpu)?)
        };
        let (text, base) = (of(self.tokens)?, of(&vec![baseline; self.tokens.len()])?);
        let Some(positions) = &parts.positions else { return Ok((text, base)) };
        let places: Vec<u32> = (0..self.tokens.len() as u32).collect();
        let added = positions.part.forward(&places)?.to_device(&Device::Cpu)?;
        Ok(((text + &added)?, (base + added)?))
    }

    /// The logit with `x` `[T, D]` in place of the embeddings, and its gradient along it.
    ///
    /// # Errors
    /// When the pass fails, and what `between` returns.
    pub fn gradient(&self, x: &Tensor) -> Result<(f32, Vec<f32>)> {
        let var = Var::from_tensor(x)?;
        let put = var.as_tensor().clone();
        let mut probe =
            Probe::Replace(Box::new(move |site, _| Ok((site == Site::Hidden(0)).then(|| put.clone()))));
        let mut cache = KvCache::new(self.model.shape());
        let mut cx = ForwardCx {
            precision: Precision::Exact,
            cache: &mut cache,
            probe: &mut probe,
            adapters: self.adapters,
            between: self.between,
        };
        let hidden = self.model.hidden(self.tokens, &mut cx)?;
        let last = hidden.narrow(0, self.tokens.len() - 1, 1)?;
        let logits = self.model.logits(&last, &mut cx)?;
        let of = |id: u32| logits.narrow(1, id as usize, 1)?.sum_all();
        let logit = match self.against {
            Some(other) => (of(self.target)? - of(other)?)?,
            None => of(self.target)?,
        };
        (self.between)()?;
        let gradients = logit.backward()?;
        let gradient = gradients.get(var.as_tensor()).context("no gradient reached the embeddings")?;
        Ok((logit.to_scalar()?, gradient.flatten_all()?.to_vec1()?))
    }
}

/// Points and weights of Gauss and Legendre's quadrature over 0 to 1, by Newton's method: exact for polynomials up to
/// degree 2n − 1, as captum's integrated gradients use it.
#[must_use]
pub fn quadrature(n: usize) -> Vec<(f64, f64)> {
    // The Legendre polynomial of degree n at x, and its slope.
    let legendre = |x: f64| {
        let (mut before, mut now) = (1.0, x);
        for k in 2..=n {
            let k = k as f64;
            (before, now) = (now, ((2.0 * k - 1.0) * x * now - (k - 1.0) * before) / k);
        }
        (now, n as f64 * (x * now - before) / (x * x - 1.0))
    };
    let root = |i: usize| {
        let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
        for _ in 0..100 {
            let (value, slope) = legendre(x);
            let step = value / slope;
            x -= step;
            if step.abs() < 1e-15 {
                break;
            }
        }
        let (_, slope) = legendre(x);
        (f64::midpoint(1.0, x), 1.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..n).map(root).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quadrature_is_exact_for_polynomials() {
        for n in [1, 2, 5, 50] {
            let points = quadrature(n);
            for degree in 0..(2 * n).min(30) {
                let sum: f64 = points.iter().map(|(x, w)| w * x.powi(degree as i32)).sum();
                assert!(
                    (sum - 1.0 / (degree as f64 + 1.0)).abs() < 1e-12,
                    "{n} points, degree {degree}: {sum}"
                );
            }
        }
    }
}
