//! What makes models of candle's alike: how each is told where a text goes on, and how one becomes a second.

use super::{Bridged, falcon};
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::{
    gemma, glm4_new, granite, granitemoehybrid, helium, lfm2, mixtral, olmo, olmo2, phi, phi3, qwen2_moe,
    qwen3_moe, smol::smollm3, stable_lm, starcoder2,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Candle's configuration from ours: fields that it does not have are passed over.
pub fn config<C: DeserializeOwned>(values: &Value) -> Result<C> {
    serde_json::from_value(values.clone()).map_err(candle_core::Error::wrap)
}

/// A model that keeps what it has read in itself: a copy shares its weights.
trait Forward: Clone + Send + 'static {
    fn read(&mut self, ids: &Tensor, at: usize) -> Result<Tensor>;
}

impl<M: Forward> Bridged for M {
    fn forward(&mut self, ids: &Tensor, at: usize) -> Result<Tensor> {
        self.read(ids, at)
    }

    fn fresh(&self) -> Result<Box<dyn Bridged>> {
        Ok(Box::new(self.clone()))
    }
}

pub fn boxed(model: impl Bridged + 'static) -> Result<Box<dyn Bridged>> {
    Ok(Box::new(model))
}

/// Models that are told where a text goes on.
macro_rules! forward {
    ($($model:ty),*) => {$(
        impl Forward for $model {
            fn read(&mut self, ids: &Tensor, at: usize) -> Result<Tensor> {
                self.forward(ids, at)
            }
        }
    )*};
}

forward!(
    falcon::Model,
    phi3::Model,
    starcoder2::Model,
    glm4_new::ModelForCausalLM,
    olmo::Model,
    olmo2::Model,
    gemma::Model,
    mixtral::Model,
    helium::Model,
    qwen2_moe::Model,
    qwen3_moe::ModelForCausalLM,
    smollm3::ModelForCausalLM
);

impl Forward for phi::Model {
    /// It counts what it has read.
    fn read(&mut self, ids: &Tensor, _: usize) -> Result<Tensor> {
        self.forward(ids)
    }
}

#[derive(Clone)]
pub struct Granite {
    model: granite::Granite,
    cache: granite::Cache,
}

impl Granite {
    pub fn new(config: granite::GraniteConfig, vb: VarBuilder<'static>) -> Result<Self> {
        let config = config.into_config(false);
        let cache = granite::Cache::new(true, vb.dtype(), &config, vb.device())?;
        Ok(Self { model: granite::Granite::load(vb, &config)?, cache })
    }
}

impl Forward for Granite {
    fn read(&mut self, ids: &Tensor, at: usize) -> Result<Tensor> {
        self.model.forward(ids, at, &mut self.cache)
    }
}

#[derive(Clone)]
pub struct Granite4 {
    model: granitemoehybrid::GraniteMoeHybrid,
    cache: granitemoehybrid::GraniteMoeHybridCache,
}

impl Granite4 {
    pub fn new(config: granitemoehybrid::GraniteMoeHybridConfig, vb: VarBuilder<'static>) -> Result<Self> {
        let config = config.into_config(false);
        let cache = granitemoehybrid::GraniteMoeHybridCache::new(true, vb.dtype(), &config, vb.device())?;
        Ok(Self { model: granitemoehybrid::GraniteMoeHybrid::load(vb, &config)?, cache })
    }
}

impl Forward for Granite4 {
    fn read(&mut self, ids: &Tensor, at: usize) -> Result<Tensor> {
        self.model.forward(ids, at, &mut self.cache)
    }
}

#[derive(Clone)]
pub struct Lfm2 {
    model: lfm2::Model,
    cache: lfm2::Cache,
}

impl Lfm2 {
    pub fn new(config: lfm2::Lfm2Config, vb: VarBuilder<'static>) -> Result<Self> {
        let config = config.into_config(false);
        let cache = lfm2::Cache::new(true, vb.dtype(), &config, vb.device())?;
        Ok(Self { model: lfm2::Model::new(&config, vb)?, cache })
    }
}

impl Forward for Lfm2 {
    fn read(&mut self, ids: &Tensor, at: usize) -> Result<Tensor> {
        self.model.forward(ids, at, &mut self.cache)
    }
}

/// A model that can't be copied: each sequence has one of its own, built of the same tensors.
pub struct StableLm {
    model: stable_lm::Model,
    config: stable_lm::Config,
    tensors: VarBuilder<'static>,
}

impl StableLm {
    pub fn new(config: stable_lm::Config, tensors: VarBuilder<'static>) -> Result<Self> {
        Ok(Self { model: stable_lm::Model::new(&config, tensors.clone())?, config, tensors })
    }
}

impl Bridged for StableLm {
    fn forward(&mut self, ids: &Tensor, at: usize) -> Result<Tensor> {
        self.model.forward(ids, at)
    }

    fn fresh(&self) -> Result<Box<dyn Bridged>> {
        Ok(Box::new(Self::new(self.config.clone(), self.tensors.clone())?))
    }
}
