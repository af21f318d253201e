//! How fast a model of SmolLM2-135M's shape reads and writes, for each way of keeping its weights: noise, so that no
//! file is needed. `glassworks bench` measures a model that is there.
//!
//!     cargo bench -p glassworks-engine --bench decode

use anyhow::Result;
use candle_core::{Device, Tensor};
use glassworks_engine::infer::{Request, Runner, Wanted};
use glassworks_engine::models::{ARCHITECTURES, CausalLm, ModelConfig, ModelShape, WeightSource};
use glassworks_engine::nn::quant::{BlockType, Packed};
use glassworks_engine::nn::{RopeConfig, RopeScaling, Weight};
use glassworks_protocol::model::{CacheWidth, Precision};
use std::io::Write as _;
use std::time::Instant;

const N_PROMPT: usize = 512;
const N_NEW: usize = 32;
/// The median of so many.
const N_RUNS: usize = 3;

/// Small numbers of no meaning, in any type.
struct Noise(Option<BlockType>);

impl WeightSource for Noise {
    fn has(&self, _name: &str) -> bool {
        true
    }

    fn dense(&self, _name: &str, shape: &[usize]) -> Result<Tensor> {
        let n = shape.iter().product::<usize>();
        let values: Vec<f32> = (0..n).map(|i| ((i * 37 % 101) as f32 - 50.0) / 1024.0).collect();
        Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
    }

    fn linear(&self, name: &str, n_out: usize, n_in: usize) -> Result<Weight> {
        let Some(block_type) = self.0 else { return Ok(Weight::Dense(self.dense(name, &[n_out, n_in])?)) };
        // Bytes below 0x30 make 16-bit floats below 0.13, scales of blocks among them.
        let n = n_out * n_in / block_type.elements() * block_type.bytes();
        let bytes: Vec<u8> = (0..n).map(|i| (i * 37 % 0x30) as u8).collect();
        Ok(Weight::Packed(Packed::new(block_type, n_out, n_in, &bytes)?))
    }
}

fn main() -> Result<()> {
    let shape = ModelShape {
        n_layers: 30,
        width: 576,
        n_heads: 9,
        n_kv_heads: 3,
        head_width: 64,
        mlp_width: 1536,
        vocab_size: 49152,
        context_length: 2048,
    };
    let config = ModelConfig {
        norm_eps: 1e-5,
        rope: Some(RopeConfig { theta: 100_000.0, width: 64, scaling: RopeScaling::None }),
        tied_embeddings: true,
        ..ModelConfig::plain("llama", shape)
    };
    let mut out = std::io::stdout();
    for block_type in
        [None, Some(BlockType::F16), Some(BlockType::BF16), Some(BlockType::Q8_0), Some(BlockType::Q4_1)]
    {
        let model = (ARCHITECTURES[0].build)(&config, &Noise(block_type))?;
        let name = block_type.map_or("F32", BlockType::name);
        for precision in [Precision::Exact, Precision::Fast] {
            let mut runs = (0..N_RUNS).map(|_| run(&*model, precision)).collect::<Result<Vec<_>>>()?;
            let mut median = |of: fn(&(f64, f64)) -> f64| {
                runs.sort_by(|a, b| of(a).total_cmp(&of(b)));
                of(&runs[N_RUNS / 2])
            };
            let (prefill, decode) = (median(|r| r.0), median(|r| r.1));
            writeln!(
                out,
                "{name:5} {precision:?} reads {prefill:7.1} tokens/s, writes {decode:6.1} tokens/s"
            )?;
        }
    }
    Ok(())
}

/// Tokens per second: reading, writing.
fn run(model: &dyn CausalLm, precision: Precision) -> Result<(f64, f64)> {
    let mut runner = Runner::new(model)?;
    let mut sequence = runner.sequence(CacheWidth::Full);
    let prompt: Vec<u32> = (0..N_PROMPT as u32).collect();
    let mut step = |tokens: &[u32]| {
        let request =
            Request { sequence: &mut sequence, tokens, adapters: None, logits: Wanted::Last, watch: None };
        runner.step(&mut [request], precision, &|| Ok(()))
    };
    let started = Instant::now();
    step(&prompt)?;
    let prefill = N_PROMPT as f64 / started.elapsed().as_secs_f64();
    let started = Instant::now();
    for id in 0..N_NEW as u32 {
        step(&[id])?;
    }
    Ok((prefill, N_NEW as f64 / started.elapsed().as_secs_f64()))
}
