//! Low-rank adapters beside linear maps (LoRA, Hu et al. 2021), for models that run as they are: nothing is merged,
//! and the strength can be chosen anew for every pass. Training has its own (`train::linear`).

use super::linear::LinearId;
use super::matrix::Floats;
use super::ops;
use anyhow::{Result, ensure};
use candle_core::{Device, Tensor};
use glassworks_kernels::dispatch::Precision;
use glassworks_kernels::weight::Weight as Matrix;
use glassworks_kernels::{affine, matmul};
use std::collections::HashMap;

/// scale · B·A
#[derive(Clone)]
pub struct LowRank {
    pub rank: usize,
    /// alpha / r, or alpha / √r
    pub scale: f32,
    /// `[rank, in]`
    pub a: Vec<f32>,
    /// `[out, rank]`
    pub b: Vec<f32>,
}

/// Adapters by the linear map they lie beside.
#[derive(Default)]
pub struct Adapters {
    beside: HashMap<LinearId, LowRank>,
    /// 0 is the model alone, 1 the adapters as they were trained.
    pub strength: f32,
}

impl Adapters {
    #[must_use]
    pub fn new(strength: f32) -> Self {
        Self { beside: HashMap::new(), strength }
    }

    pub fn put(&mut self, linear: LinearId, adapter: LowRank) {
        self.beside.insert(linear, adapter);
    }

    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.beside.values().map(|one| (one.a.len() + one.b.len()) as u64 * 4).sum()
    }

    /// y + strength · scale · (x·Aᵀ)·Bᵀ, where the map has an adapter: x `[T, in]`, y `[T, out]`.
    pub(super) fn add(&self, linear: LinearId, x: &Tensor, y: Tensor) -> Result<Tensor> {
        let Some(one) = self.beside.get(&linear).filter(|_| self.strength != 0.0) else { return Ok(y) };
        let (t, n_in) = x.dims2()?;
        let n_out = y.dim(1)?;
        ensure!(
            one.a.len() == one.rank * n_in && one.b.len() == n_out * one.rank,
            "an adapter of another shape"
        );
        let scale = one.scale * self.strength;
        if !ops::fuses(&[x]) {
            let a = Tensor::from_slice(&one.a, (one.rank, n_in), x.device())?;
            let b = Tensor::from_slice(&one.b, (n_out, one.rank), x.device())?;
            let lowered = (x.matmul(&a.t()?)? * f64::from(scale))?;
            return Ok((y + lowered.matmul(&b.t()?)?)?);
        }
        let x = x.contiguous()?;
        let floats = Floats::of(&x)?;
        let mut more = vec![0.0; t * n_out];
        self.add_to(linear, floats.values(), t, &mut more);
        Ok((y + Tensor::from_vec(more, (t, n_out), &Device::Cpu)?)?)
    }
}

impl Adapters {
    /// y += strength · scale · (x·Aᵀ)·Bᵀ, where the map has an adapter: x `[t, in]`, y `[t, out]`.
    ///
    /// # Panics
    /// If an adapter has another shape than its map.
    pub fn add_to(&self, linear: LinearId, x: &[f32], t: usize, y: &mut [f32]) {
        let Some(one) = self.beside.get(&linear).filter(|_| self.strength != 0.0 && t > 0) else { return };
        let mut lowered = vec![0.0; t * one.rank];
        let a = Matrix::f32(one.rank, x.len() / t, &one.a);
        matmul::linear(x.into(), t, &a, &mut lowered, false, Precision::Exact);
        affine::scale(&mut lowered, one.scale * self.strength);
        let b = Matrix::f32(y.len() / t, one.rank, &one.b);
        matmul::linear((&*lowered).into(), t, &b, y, true, Precision::Exact);
    }
}

impl Adapters {
    /// row += strength · scale · (B·A)[at], where the map has an adapter: a row of its weight, `[in]`.
    pub fn add_row(&self, linear: LinearId, at: usize, row: &mut [f32]) {
        let Some(one) = self.beside.get(&linear).filter(|_| self.strength != 0.0) else { return };
        let factors = one.b.chunks_exact(one.rank).nth(at).unwrap_or(&[]);
        for (b, a) in factors.iter().zip(one.a.chunks_exact(row.len())) {
            row.iter_mut().zip(a).for_each(|(w, a)| *w += self.strength * one.scale * b * a);
        }
    }
}

impl LowRank {
    /// Adds strength · scale · B·A to a weight `[out, in]`.
    pub fn merge_into(&self, weight: &mut [f32], n_in: usize, strength: f32) {
        let scale = self.scale * strength;
        for (row, b) in weight.chunks_exact_mut(n_in).zip(self.b.chunks_exact(self.rank)) {
            for (b, a) in b.iter().zip(self.a.chunks_exact(n_in)) {
                row.iter_mut().zip(a).for_each(|(w, a)| *w += scale * b * a);
            }
        }
    }
}
