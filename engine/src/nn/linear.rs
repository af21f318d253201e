//! A linear map, whatever its weight is stored as, and wherever.
//!
//! In main memory, products read the weight as it is stored. On another device every weight is a dense f32 tensor
//! ([`Weight::on`]) and the product is candle's: one way that needs nothing of the device but f32.

use super::matrix::{self, Floats, Frozen};
use super::quant::Packed;
use super::{ForwardCx, ops};
use anyhow::Result;
use candle_core::{Device, Tensor};
use glassworks_kernels::dispatch;
use glassworks_protocol::model::Precision;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells a linear map from all others of the process; a clone is the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinearId(u64);

/// y = x·Wᵀ + b
#[derive(Clone)]
pub struct Linear {
    id: LinearId,
    weight: Weight,
    /// `[out]`
    bias: Option<Tensor>,
}

/// A matrix `[out, in]`. Clones share the memory.
#[derive(Clone)]
pub enum Weight {
    /// f32, on the device that computes.
    Dense(Tensor),
    /// As it was stored, in main memory.
    Packed(Packed),
}

impl Linear {
    pub fn new(weight: Weight, bias: Option<Tensor>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { id: LinearId(NEXT.fetch_add(1, Ordering::Relaxed)), weight, bias }
    }

    /// What adapters lie beside it under.
    #[must_use]
    pub fn id(&self) -> LinearId {
        self.id
    }

    pub fn weight(&self) -> &Weight {
        &self.weight
    }

    pub fn bias(&self) -> Option<&Tensor> {
        self.bias.as_ref()
    }

    /// `[T, in]` → `[T, out]`
    pub fn forward(&self, x: &Tensor, cx: &ForwardCx) -> Result<Tensor> {
        let y = self.weight.product(x, cx)?;
        let y = match &self.bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        };
        match cx.adapters {
            Some(adapters) => adapters.add(self.id, x, y),
            None => Ok(y),
        }
    }
}

impl Weight {
    /// `[T, in]` → `[T, out]`
    pub fn product(&self, x: &Tensor, cx: &ForwardCx) -> Result<Tensor> {
        match self {
            Self::Dense(w) if !ops::fuses(&[x, w]) => Ok(x.matmul(&w.t()?)?),
            // Widened whole, once for each product that a gradient goes through: the weight itself stays frozen.
            Self::Packed(w) if !ops::fuses(&[x]) => Ok(x.matmul(&w.to_dense(x.device())?.t()?)?),
            _ => kernel_product(self, x, cx.precision, cx),
        }
    }

    /// Rows by index, as f32: `[T, in]`.
    pub fn rows(&self, indices: &[u32]) -> Result<Tensor> {
        match self {
            Self::Dense(w) => {
                let indices = Tensor::new(indices, w.device())?;
                Ok(w.index_select(&indices, 0)?)
            }
            Self::Packed(w) => {
                let dims = (indices.len(), w.cols());
                Ok(Tensor::from_vec(w.gather_rows(indices)?, dims, &Device::Cpu)?)
            }
        }
    }

    /// The same matrix on `device`: dense f32 anywhere but in main memory. Shares what need not be copied.
    ///
    /// # Errors
    /// When the device has no room, or can't be reached.
    pub fn on(&self, device: &Device) -> Result<Self> {
        Ok(match self {
            Self::Dense(w) => Self::Dense(w.to_device(device)?),
            Self::Packed(w) if device.is_cpu() => Self::Packed(w.clone()),
            Self::Packed(w) => Self::Dense(w.to_dense(device)?),
        })
    }

    /// Where it lies.
    pub fn device(&self) -> &Device {
        match self {
            Self::Dense(w) => w.device(),
            Self::Packed(_) => &Device::Cpu,
        }
    }

    /// (out, in)
    pub fn dims(&self) -> (usize, usize) {
        match self {
            Self::Dense(w) => (w.dims()[0], w.dims()[1]),
            Self::Packed(w) => (w.rows(), w.cols()),
        }
    }

    pub fn size_bytes(&self) -> u64 {
        match self {
            Self::Dense(w) => w.elem_count() as u64 * 4,
            Self::Packed(w) => w.size_bytes(),
        }
    }
}

/// `[T, in]` → `[T, out]` in `precision`, without copying x.
fn kernel_product(w: &Weight, x: &Tensor, precision: Precision, cx: &ForwardCx) -> Result<Tensor> {
    let x = x.contiguous()?;
    let t = x.dims()[0];
    let frozen = Frozen::of(w)?;
    let floats = Floats::of(&x)?;
    let w = frozen.matrix();
    let mut out = vec![0f32; t * w.n_out];
    matrix::product(&w, floats.values(), t, &mut out, kernel_precision(precision), cx.between)?;
    Ok(Tensor::from_vec(out, (t, w.n_out), &Device::Cpu)?)
}

fn kernel_precision(precision: Precision) -> dispatch::Precision {
    match precision {
        Precision::Exact => dispatch::Precision::Exact,
        Precision::Fast => dispatch::Precision::Fast,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::probe::Probe;
    use crate::nn::quant::BlockType;
    use crate::nn::{KvCache, ModelShape};

    const SHAPE: ModelShape = ModelShape {
        n_layers: 1,
        width: 1,
        n_heads: 1,
        n_kv_heads: 1,
        head_width: 1,
        mlp_width: 1,
        vocab_size: 1,
        context_length: 1,
    };

    fn ramp(n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 37 % 101) as f32 - 50.0) / 64.0).collect()
    }

    /// Weights kept in 16 bits give the digits of their f32 selves, for one row and for many.
    #[test]
    fn packed_weights_are_their_f32_selves() {
        let (n_out, n_in) = (11, 40);
        let floats = ramp(n_out * n_in);
        let dense = Weight::Dense(Tensor::from_slice(&floats, (n_out, n_in), &Device::Cpu).unwrap());
        let bytes: Vec<u8> = floats.iter().flat_map(|x| half::f16::from_f32(*x).to_le_bytes()).collect();
        let packed = Weight::Packed(Packed::new(BlockType::F16, n_out, n_in, &bytes).unwrap());
        assert_eq!((dense.dims(), packed.dims()), ((n_out, n_in), (n_out, n_in)));
        assert_eq!(dense.size_bytes(), 2 * packed.size_bytes());
        let bias = Tensor::from_slice(&ramp(n_out), n_out, &Device::Cpu).unwrap();
        for t in [1, 3, 30] {
            let x = Tensor::from_slice(&ramp(t * n_in), (t, n_in), &Device::Cpu).unwrap();
            let [a, b] = [&dense, &packed].map(|weight| {
                let mut cache = KvCache::new(&SHAPE);
                let probe = &mut Probe::Off;
                let cx = ForwardCx {
                    precision: Precision::Exact,
                    cache: &mut cache,
                    probe,
                    adapters: None,
                    between: &|| Ok(()),
                };
                let linear = Linear::new(weight.clone(), Some(bias.clone()));
                linear.forward(&x, &cx).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
            });
            for (a, b) in a.iter().zip(&b) {
                assert!((a - b).abs() < 1e-5, "{a} {b}");
            }
        }
        let ids = [10, 0, 3];
        let [a, b] = [&dense, &packed].map(|w| w.rows(&ids).unwrap().to_vec2::<f32>().unwrap());
        assert_eq!(a, b);
    }

    /// What a device other than the processor gets, and what a gradient takes: the widened matrix, its digits.
    #[test]
    fn packed_weights_widen_for_candle() {
        let (n_out, n_in) = (7, 64);
        // Small scales and quants, whatever the type.
        let bytes: Vec<u8> = (0..n_out * n_in / 32 * 34).map(|i| (i * 37 % 0x30) as u8).collect();
        let packed = Weight::Packed(Packed::new(BlockType::Q8_0, n_out, n_in, &bytes).unwrap());
        let Weight::Packed(stored) = &packed else { panic!("packed") };
        let dense = Weight::Dense(stored.to_dense(&Device::Cpu).unwrap());
        let ids: Vec<u32> = (0..n_out as u32).collect();
        let [a, b] = [&packed, &dense].map(|w| w.rows(&ids).unwrap().to_vec2::<f32>().unwrap());
        assert_eq!(a, b);
        assert!(matches!(packed.on(&Device::Cpu).unwrap(), Weight::Packed(_)), "as stored in main memory");
        assert!(packed.device().is_cpu() && dense.device().is_cpu());

        let x = candle_core::Var::from_slice(&ramp(3 * n_in), (3, n_in), &Device::Cpu).unwrap();
        let [a, b] = [&packed, &dense].map(|weight| {
            let mut cache = KvCache::new(&SHAPE);
            let probe = &mut Probe::Off;
            let cx = ForwardCx {
                precision: Precision::Exact,
                cache: &mut cache,
                probe,
                adapters: None,
                between: &|| Ok(()),
            };
            let plain = weight.product(&x.as_detached_tensor(), &cx).unwrap();
            let y = weight.product(x.as_tensor(), &cx).unwrap();
            let grads = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            [plain, y, grads.get(x.as_tensor()).expect("a gradient").clone()]
                .map(|t| t.flatten_all().unwrap().to_vec1::<f32>().unwrap())
        });
        for (a, b) in a.concat().iter().zip(&b.concat()) {
            assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "{a} {b}");
        }
        for (plain, tracked) in a[0].iter().zip(&a[1]) {
            assert!((plain - tracked).abs() <= 1e-5 * (1.0 + plain.abs()), "{plain} {tracked}");
        }
    }

    #[test]
    fn a_large_product_in_turns_is_the_product() {
        let (t, n_in, n_out) = (600, 20_000, 300);
        let w = Tensor::from_slice(&ramp(n_out * n_in), (n_out, n_in), &Device::Cpu).unwrap();
        let x = Tensor::from_slice(&ramp(t * n_in), (t, n_in), &Device::Cpu).unwrap();
        let turns = std::cell::Cell::new(0);
        let between = || {
            turns.set(turns.get() + 1);
            Ok(())
        };
        let mut cache = KvCache::new(&SHAPE);
        let cx = ForwardCx {
            precision: Precision::Exact,
            cache: &mut cache,
            probe: &mut Probe::Off,
            adapters: None,
            between: &between,
        };
        let y = kernel_product(&Weight::Dense(w.clone()), &x, Precision::Exact, &cx).unwrap();
        assert!(turns.get() > 1, "{}", turns.get());
        let whole = x.matmul(&w.t().unwrap()).unwrap();
        let [a, b] = [y, whole].map(|t| t.flatten_all().unwrap().to_vec1::<f32>().unwrap());
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() <= 1e-3 * (1.0 + b.abs()), "{a} {b}");
        }
    }
}
