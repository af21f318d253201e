//! The fused passes over contiguous f32 in main memory, parallel over rows where there is enough to do. Results do
//! not depend on the number of threads: a row is always summed by one thread, in one order. None has a backward;
//! who calls them and when is decided one floor up.

use super::Scores;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, InplaceOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Elements below which waking other threads costs more than it gains.
const PARALLEL_FROM: usize = 32 * 1024;

pub fn rms_norm(x: &Tensor, weight: &Tensor, eps: f64) -> Result<Tensor> {
    x.contiguous()?.apply_op2(weight, RmsNormOp { eps: eps as f32 })
}

pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    x.contiguous()?.apply_op3(weight, bias, LayerNormOp { eps: eps as f32 })
}

pub fn rope(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op3(cos, sin, RopeOp)
}

/// In place.
pub fn causal_softmax(scores: &Tensor, how: Scores) -> Result<()> {
    scores.inplace_op1(&CausalSoftmaxOp { how })
}

pub fn silu_mul(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    gate.contiguous()?.apply_op2(&up.contiguous()?, GateOp { activation: silu })
}

pub fn gelu_new_mul(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    gate.contiguous()?.apply_op2(&up.contiguous()?, GateOp { activation: gelu_new })
}

pub fn map_silu(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(MapOp { activation: silu })
}

pub fn map_gelu_new(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(MapOp { activation: gelu_new })
}

fn silu(x: f32) -> f32 {
    x / (1.0 + (-x).exp())
}

/// The tanh approximation of Hendrycks & Gimpel, as GPT-2 uses it.
fn gelu_new(x: f32) -> f32 {
    const SQRT_2_OVER_PI: f32 = 0.797_884_6;
    0.5 * x * (1.0 + (SQRT_2_OVER_PI * (x + 0.044_715 * x * x * x)).tanh())
}

/// A sum in 32 lanes, which compilers turn into vector instructions; inlined into the caller's vector dispatch.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 32;
    let mut sums = [0f32; LANES];
    let (a_whole, a_rest) = a.as_chunks::<LANES>();
    let (b_whole, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a_whole.iter().zip(b_whole) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + rest
}

fn floats<'a>(storage: &'a CpuStorage, layout: &Layout, op: &'static str) -> Result<&'a [f32]> {
    let all = storage.as_slice::<f32>()?;
    match layout.contiguous_offsets() {
        Some((from, to)) => Ok(&all[from..to]),
        None => candle_core::bail!("{op}: contiguous input expected, got {layout:?}"),
    }
}

fn last_dim(layout: &Layout, op: &'static str) -> Result<usize> {
    match layout.dims().last() {
        Some(d) if *d > 0 => Ok(*d),
        _ => candle_core::bail!("{op}: empty last dimension in {layout:?}"),
    }
}

fn same_len(got: usize, want: usize, op: &'static str) -> Result<()> {
    if got != want {
        candle_core::bail!("{op}: {got} elements where {want} are expected")
    }
    Ok(())
}

/// Rows of `width` in parallel when there is enough to do.
fn for_rows(out: &mut [f32], width: usize, row: impl Fn(usize, &mut [f32]) + Sync) {
    if out.len() < PARALLEL_FROM {
        out.chunks_mut(width).enumerate().for_each(|(i, o)| row(i, o));
    } else {
        out.par_chunks_mut(width).enumerate().for_each(|(i, o)| row(i, o));
    }
}

struct RmsNormOp {
    eps: f32,
}

impl CustomOp2 for RmsNormOp {
    fn name(&self) -> &'static str {
        "rms-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        w: &CpuStorage,
        wl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, w) = (floats(x, xl, self.name())?, floats(w, wl, self.name())?);
        let d = last_dim(xl, self.name())?;
        let mut out = vec![0f32; x.len()];
        for_rows(&mut out, d, |i, out| {
            let x = &x[i * d..(i + 1) * d];
            let scale = 1.0 / (dot(x, x) / d as f32 + self.eps).sqrt();
            for ((o, x), w) in out.iter_mut().zip(x).zip(w) {
                *o = w * (x * scale);
            }
        });
        Ok((CpuStorage::F32(out), xl.shape().clone()))
    }
}

struct LayerNormOp {
    eps: f32,
}

impl CustomOp3 for LayerNormOp {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        w: &CpuStorage,
        wl: &Layout,
        b: &CpuStorage,
        bl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, w, b) =
            (floats(x, xl, self.name())?, floats(w, wl, self.name())?, floats(b, bl, self.name())?);
        let d = last_dim(xl, self.name())?;
        let mut out = vec![0f32; x.len()];
        for_rows(&mut out, d, |i, out| {
            let x = &x[i * d..(i + 1) * d];
            let mean = x.iter().sum::<f32>() / d as f32;
            for (o, x) in out.iter_mut().zip(x) {
                *o = x - mean;
            }
            let scale = 1.0 / (dot(out, out) / d as f32 + self.eps).sqrt();
            for ((o, w), b) in out.iter_mut().zip(w).zip(b) {
                *o = *o * scale * w + b;
            }
        });
        Ok((CpuStorage::F32(out), xl.shape().clone()))
    }
}

struct RopeOp;

impl CustomOp3 for RopeOp {
    fn name(&self) -> &'static str {
        "rope"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        cos: &CpuStorage,
        cl: &Layout,
        sin: &CpuStorage,
        sl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (t, h, e) = xl.shape().dims3()?;
        let (_, half) = cl.shape().dims2()?;
        let (x, cos, sin) =
            (floats(x, xl, self.name())?, floats(cos, cl, self.name())?, floats(sin, sl, self.name())?);
        let mut out = vec![0f32; x.len()];
        for_rows(&mut out, e, |row, out| {
            let (head, pos) = (row / t, row % t);
            let x = &x[(pos * h + head) * e..][..e];
            let (cos, sin) = (&cos[pos * half..][..half], &sin[pos * half..][..half]);
            for i in 0..half {
                let (a, b) = (x[i], x[i + half]);
                out[i] = a * cos[i] - b * sin[i];
                out[i + half] = b * cos[i] + a * sin[i];
            }
            out[2 * half..].copy_from_slice(&x[2 * half..]);
        });
        Ok((CpuStorage::F32(out), (h, t, e).into()))
    }
}

struct CausalSoftmaxOp {
    how: Scores,
}

impl InplaceOp1 for CausalSoftmaxOp {
    fn name(&self) -> &'static str {
        "causal-softmax"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let dims = layout.dims();
        let ([.., t, s], Some((from, to))) = (dims, layout.contiguous_offsets()) else {
            candle_core::bail!("causal-softmax: contiguous [.., T, S] expected, got {layout:?}")
        };
        let (t, s) = (*t, *s);
        let CpuStorage::F32(data) = storage else { candle_core::bail!("causal-softmax: f32 expected") };
        for_rows(&mut data[from..to], s, |row, scores| {
            let seen = self.how.seen(row % t);
            scores[..seen.start].fill(0.0);
            scores[seen.end..].fill(0.0);
            let (seen, scale) = (&mut scores[seen], self.how.scale);
            match self.how.soft_cap {
                None => softmax(seen, scale),
                Some(cap) => {
                    seen.iter_mut().for_each(|x| *x = cap * (*x * scale / cap).tanh());
                    softmax(seen, 1.0);
                }
            }
        });
        Ok(())
    }
}

fn softmax(row: &mut [f32], scale: f32) {
    let max = row.iter().fold(f32::NEG_INFINITY, |m, x| m.max(x * scale));
    let mut sum = 0.0;
    for x in row.iter_mut() {
        *x = (*x * scale - max).exp();
        sum += *x;
    }
    let by = 1.0 / sum;
    row.iter_mut().for_each(|x| *x *= by);
}

struct GateOp {
    activation: fn(f32) -> f32,
}

impl CustomOp2 for GateOp {
    fn name(&self) -> &'static str {
        "gate"
    }

    fn cpu_fwd(
        &self,
        g: &CpuStorage,
        gl: &Layout,
        u: &CpuStorage,
        ul: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (g, u) = (floats(g, gl, self.name())?, floats(u, ul, self.name())?);
        let f = last_dim(gl, self.name())?;
        same_len(u.len(), g.len(), self.name())?;
        let mut out = vec![0f32; g.len()];
        for_rows(&mut out, f, |i, out| {
            let rows = g[i * f..(i + 1) * f].iter().zip(&u[i * f..(i + 1) * f]);
            for (o, (g, u)) in out.iter_mut().zip(rows) {
                *o = (self.activation)(*g) * u;
            }
        });
        Ok((CpuStorage::F32(out), gl.shape().clone()))
    }
}

struct MapOp {
    activation: fn(f32) -> f32,
}

impl CustomOp1 for MapOp {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, x: &CpuStorage, xl: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = floats(x, xl, self.name())?;
        let f = last_dim(xl, self.name())?;
        let mut out = vec![0f32; x.len()];
        for_rows(&mut out, f, |i, out| {
            for (o, x) in out.iter_mut().zip(&x[i * f..(i + 1) * f]) {
                *o = (self.activation)(*x);
            }
        });
        Ok((CpuStorage::F32(out), xl.shape().clone()))
    }
}
