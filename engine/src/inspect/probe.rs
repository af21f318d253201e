//! Where a forward pass can be looked at, and who looks. The one part of `inspect` that blocks and models know.

use anyhow::Result;
use candle_core::{Device, Tensor};
use std::collections::BTreeMap;

/// A place in the forward pass, with the tensor that passes there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// `[T, D]`: the residual stream before layer l; 0 is the embeddings, L what the final norm gets.
    Hidden(usize),
    /// `[H, T, S]`: layer l's attention, after the softmax.
    Attention(usize),
    /// `[T, H·E]`: layer l's heads side by side, before the output projection mixes them. Ablating a head is
    /// done here, where slices are heads.
    HeadOutputs(usize),
}

/// What to keep of a pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapturePlan {
    pub hidden: bool,
    pub attention: bool,
    pub head_outputs: bool,
}

/// What was seen, by place, in main memory.
#[derive(Debug, Default)]
pub struct Capture {
    pub plan: CapturePlan,
    pub seen: BTreeMap<Site, Tensor>,
}

/// Gives what to go on with instead, on any device, or `None` for what came.
pub type Replacement = Box<dyn FnMut(Site, &Tensor) -> Result<Option<Tensor>> + Send>;

/// An onlooker of a forward pass.
#[derive(Default)]
pub enum Probe {
    #[default]
    Off,
    Capture(Capture),
    /// Asked at every place.
    Replace(Replacement),
}

impl Probe {
    pub fn capture(plan: CapturePlan) -> Self {
        Self::Capture(Capture { plan, seen: BTreeMap::new() })
    }

    /// Whether the tensor at `site` must exist in full.
    pub fn wants(&self, site: Site) -> bool {
        match self {
            Self::Off => false,
            Self::Capture(capture) => match site {
                Site::Hidden(_) => capture.plan.hidden,
                Site::Attention(_) => capture.plan.attention,
                Site::HeadOutputs(_) => capture.plan.head_outputs,
            },
            Self::Replace(_) => true,
        }
    }

    /// Shows a tensor that passes; gives the one to go on with, of the same shape.
    pub fn see(&mut self, site: Site, tensor: Tensor) -> Result<Tensor> {
        if !self.wants(site) {
            return Ok(tensor);
        }
        match self {
            Self::Off => {}
            Self::Capture(capture) => {
                capture.seen.insert(site, tensor.to_device(&Device::Cpu)?);
            }
            Self::Replace(replacement) => {
                if let Some(other) = replacement(site, &tensor)? {
                    anyhow::ensure!(
                        other.dims() == tensor.dims(),
                        "{site:?}: {:?} cannot stand for {:?}",
                        other.dims(),
                        tensor.dims()
                    );
                    return Ok(other.to_device(tensor.device())?);
                }
            }
        }
        Ok(tensor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITES: [Site; 3] = [Site::Hidden(0), Site::Attention(0), Site::HeadOutputs(0)];

    /// Nothing is copied or kept when nobody looks, and a capture on the processor shares what it saw.
    #[test]
    fn what_passes_is_handed_on_as_it_is() {
        let tensor = Tensor::zeros((2, 3), candle_core::DType::F32, &Device::Cpu).expect("a tensor");
        let plan = CapturePlan { hidden: true, attention: false, head_outputs: true };
        let mut capture = Probe::capture(plan);
        for site in SITES {
            assert!(!Probe::Off.wants(site));
            let passed =
                [&mut Probe::Off, &mut capture].map(|p| p.see(site, tensor.clone()).expect("passes"));
            assert!(passed.iter().all(|passed| passed.id() == tensor.id()));
        }
        let Probe::Capture(capture) = capture else { panic!("a capture") };
        assert_eq!(capture.seen.keys().copied().collect::<Vec<_>>(), [Site::Hidden(0), Site::HeadOutputs(0)]);
        assert!(capture.seen.values().all(|seen| seen.id() == tensor.id()));
    }
}
