//! Some steps of training on one batch, timed: our side of `compare.py`, whose head says what the arguments mean.
//!
//!     cargo run --release -p glassworks-engine --example train_step -- --model DIR --case lora-qv --batch 4 \
//!         --length 256 --tokens FILE --steps 5 --warmup 2 --precision fast
//!
//! Prints one line of JSON.

use anyhow::{Context as _, Result, bail, ensure};
use glassworks_engine::models::CausalLm;
use glassworks_engine::shelf::ModelFiles;
use glassworks_engine::train::{AdamWConfig, Batch, Factors, LoraConfig, StepConfig, Tune, Tuner};
use glassworks_kernels::dispatch::{self, Precision};
use safetensors::SafeTensors;
use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

const RANK: usize = 8;
const ALPHA: f32 = 16.0;
const LR: f64 = 1e-3;
const MAX_NORM: f64 = 1.0;

struct Arguments {
    values: HashMap<String, String>,
    recompute: bool,
}

impl Arguments {
    fn read() -> Result<Self> {
        let mut all = std::env::args().skip(1);
        let mut arguments = Self { values: HashMap::new(), recompute: false };
        while let Some(name) = all.next() {
            match name.as_str() {
                "--recompute" => arguments.recompute = true,
                _ => {
                    let value = all.next().with_context(|| format!("{name} wants a value"))?;
                    arguments.values.insert(name, value);
                }
            }
        }
        Ok(arguments)
    }

    fn get(&self, name: &str) -> Result<&str> {
        self.values.get(name).map(String::as_str).with_context(|| format!("{name} is missing"))
    }

    fn number(&self, name: &str) -> Result<usize> {
        Ok(self.get(name)?.parse()?)
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::read()?;
    if let Ok(cap) = std::env::var("GLASSWORKS_ISA") {
        dispatch::set_cap(cap.parse()?);
    }
    let precision = match arguments.get("--precision")? {
        "exact" => Precision::Exact,
        "fast" => Precision::Fast,
        other => bail!("precision {other}"),
    };
    let batch = batch(&arguments)?;
    let model = ModelFiles::open(Path::new(arguments.get("--model")?))?.load(&|_, _| Ok(()))?;
    let config = StepConfig { precision, recompute: arguments.recompute, smoothing: 0.0 };
    let mut tuner = tuner(&arguments, &*model, config)?;
    let (steps, warmup) = (arguments.number("--steps")?, arguments.number("--warmup")?);
    let scale = 1.0 / batch.n_targets() as f32;
    let (mut losses, mut secs) = (Vec::new(), Vec::new());
    for step in 0..steps + warmup {
        let started = Instant::now();
        tuner.params.zero_grad();
        losses.push(tuner.accumulate(&batch, scale, &|| Ok(()))?.mean());
        if step == 0 {
            tuner.params.check_reached()?;
        }
        tuner.params.adamw(AdamWConfig::default(), LR, step as u64 + 1, Some(MAX_NORM));
        secs.push(started.elapsed().as_secs_f64());
    }
    let secs = secs.split_off(warmup);
    let mut sorted = secs.clone();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).context("no steps")?;
    let report = serde_json::json!({
        "losses": losses,
        "step_secs": secs,
        "tokens_per_sec": batch.tokens.len() as f64 / median,
        "peak_rss_bytes": peak_rss_bytes(),
        "activations_bytes": tuner.peak_bytes(),
        "isa": dispatch::active().to_string(),
        "precision": arguments.get("--precision")?,
    });
    writeln!(std::io::stdout(), "{report}")?;
    Ok(())
}

/// The rows of a JSON file, each token the target of the one before it.
fn batch(arguments: &Arguments) -> Result<Batch> {
    let rows: Vec<Vec<u32>> = serde_json::from_slice(&std::fs::read(arguments.get("--tokens")?)?)?;
    let (n, length) = (arguments.number("--batch")?, arguments.number("--length")?);
    ensure!(
        rows.len() == n && rows.iter().all(|row| row.len() == length),
        "the file holds {n} rows of {length}"
    );
    let mut batch = Batch::default();
    for row in &rows {
        let labels: Vec<i32> = row.iter().map(|t| t.cast_signed()).collect();
        batch.push(row, &labels);
    }
    Ok(batch)
}

fn tuner<'m>(arguments: &Arguments, model: &'m dyn CausalLm, config: StepConfig) -> Result<Tuner<'m>> {
    let case = arguments.get("--case")?;
    if case == "full" {
        return Tuner::new(model, Tune::Full, config);
    }
    let all = match case {
        "lora-all" => true,
        "lora-qv" => false,
        other => bail!("case {other}"),
    };
    let targets =
        |name: &str| all || name.ends_with("q_proj") || name.ends_with("v_proj") || name.ends_with("c_attn");
    let adapter =
        arguments.values.get("--adapter").map(|file| std::fs::read(PathBuf::from(file))).transpose()?;
    let tensors = adapter.as_ref().map(|bytes| SafeTensors::deserialize(bytes)).transpose()?;
    let mut values = |name: &str, n_out: usize, n_in: usize| {
        let Some(tensors) = &tensors else {
            // Small numbers of no meaning.
            let ramp = |n: usize| (0..n).map(|i| ((i * 37 % 101) as f32 - 50.0) / 5000.0).collect::<Vec<_>>();
            return Ok(Factors { a: ramp(RANK * n_in), b: ramp(n_out * RANK) });
        };
        let read = |part: &str| -> Result<Vec<f32>> {
            let view = tensors.tensor(&format!("base_model.model.{name}.lora_{part}.weight"))?;
            ensure!(view.dtype() == safetensors::Dtype::F32, "the adapter is f32");
            Ok(view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
        };
        Ok(Factors { a: read("A")?, b: read("B")? })
    };
    let lora = LoraConfig {
        rank: RANK,
        scale: ALPHA / RANK as f32,
        dropout: 0.0,
        targets: &targets,
        values: &mut values,
    };
    Tuner::new(model, Tune::Lora(lora), config)
}

/// The most memory the process has held, where the system tells.
fn peak_rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}
