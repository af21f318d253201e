//! Weights in: model files from disk, checked before anything of their size is allocated.

pub use crate::models::{ModelConfig, WeightSource};
