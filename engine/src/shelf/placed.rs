//! Weights on the device that computes. In main memory they stay as they are stored; on any other device each is a
//! dense f32 tensor, put there one at a time. Files are not read here.

use super::trained::Trained;
use crate::models::{Architecture, CausalLm, ModelConfig, TensorNeed, WeightSource};
use crate::nn::Weight;
use anyhow::Result;
use candle_core::{Device, Tensor};

/// The weights of `source`, put on `device`.
struct Placed<'a> {
    source: &'a dyn WeightSource,
    device: &'a Device,
}

impl WeightSource for Placed<'_> {
    fn has(&self, name: &str) -> bool {
        self.source.has(name)
    }

    fn dense(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        Ok(self.source.dense(name, shape)?.to_device(self.device)?)
    }

    fn linear(&self, name: &str, n_out: usize, n_in: usize) -> Result<Weight> {
        self.source.linear(name, n_out, n_in)?.on(self.device)
    }

    fn turned(&self, name: &str, n_out: usize, n_in: usize) -> Result<Tensor> {
        Ok(self.source.turned(name, n_out, n_in)?.to_device(self.device)?)
    }
}

/// Builds a model whose weights lie on `device`: those of `trained` where it has them, else those of `source`.
///
/// # Errors
/// What `source` reports, and when the device has no room or can't be reached.
pub fn build(
    architecture: &Architecture,
    config: &ModelConfig,
    source: &dyn WeightSource,
    trained: Option<&Trained>,
    device: &Device,
) -> Result<Box<dyn CausalLm>> {
    let Some(trained) = trained else { return (architecture.build)(config, &Placed { source, device }) };
    let source = &trained.over(source);
    let model = (architecture.build)(config, &Placed { source, device })?;
    trained.check_all_used()?;
    Ok(model)
}

/// What the tensors of `needs` take on a device other than the processor.
pub fn dense_bytes(needs: &[TensorNeed]) -> u64 {
    needs.iter().map(|need| 4 * need.shape.iter().map(|d| *d as u64).product::<u64>()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_takes_four_bytes_a_parameter() {
        let needs = [TensorNeed::new("matrix", &[3, 4]), TensorNeed::new("bias", &[5]).widened()];
        assert_eq!(dense_bytes(&needs), 4 * (12 + 5));
    }
}
