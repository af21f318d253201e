//! What looking inside costs, beside its targets: a capture beside the same pass unwatched, by turns in one run; a row of
//! a map made again from queries and keys; a whole map; a rollout; and what a capture takes beside the formula.
//!
//!     cargo bench -p glassworks-engine --bench inside -- MODEL [TOKENS]
//!
//! MODEL is a folder or a GGUF file of our own architectures; 2,048 tokens unless told, or as many as the model reads.

use anyhow::{Context as _, Result};
use glassworks_engine::infer::watch::Watch;
use glassworks_engine::infer::{Runner, Wanted, Whole};
use glassworks_engine::inspect::draw;
use glassworks_engine::inspect::recorder::{self, Recorder};
use glassworks_engine::shelf::ModelFiles;
use glassworks_protocol::inside::{HeadSpec, MapKind, Merge, Storage, rollout};
use glassworks_protocol::model::Precision;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Of each, by turns; the median counts.
const N_RUNS: usize = 5;

struct Nobody;
impl Watch for Nobody {}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let path = arguments.next().context("which model?")?;
    let n: usize = arguments.next().map_or(Ok(2048), |n| n.parse()).context("a number of tokens")?;
    let model = ModelFiles::open(Path::new(&path))?.load(&|_, _| Ok(()))?;
    let shape = *model.shape();
    let t = n.min(shape.context_length);
    let ids: Vec<u32> =
        (0..t as u32).map(|i| i.wrapping_mul(2_654_435_761) % shape.vocab_size as u32).collect();
    let mut runner = Runner::new(&*model)?;
    let attention = runner.attention()?;
    let shapes = recorder::map_shapes(&shape, &attention);
    let storage: std::collections::BTreeMap<usize, Storage> =
        (0..shape.n_layers).map(|l| (l, Storage::Qk)).collect();
    let (mut plain, mut watched, mut layers) = (Vec::new(), Vec::new(), Vec::new());
    let pass = Whole { tokens: &ids, adapters: None, start: None, wanted: Wanted::Last };
    for _ in 0..N_RUNS {
        let begun = Instant::now();
        runner.whole(&pass, &mut Nobody, Precision::Exact, &|| Ok(()))?;
        plain.push(begun.elapsed().as_secs_f64());
        let mut recorder = Recorder::new(&ids, &attention, &shapes, storage.clone(), false, &|_| {});
        let begun = Instant::now();
        runner.whole(&pass, &mut recorder, Precision::Exact, &|| Ok(()))?;
        watched.push(begun.elapsed().as_secs_f64());
        layers = recorder.layers;
    }
    let out = &mut std::io::stdout();
    let (plain, watched) = (median(&mut plain), median(&mut watched));
    writeln!(out, "{t} tokens, {} layers of {} heads", shape.n_layers, shape.n_heads)?;
    writeln!(
        out,
        "a pass {plain:.3} s, watched {watched:.3} s: {:.1} % more (target 15)",
        100.0 * (watched / plain - 1.0)
    )?;
    let kept: u64 = layers.iter().map(|layer| layer.maps.size_bytes()).sum();
    let formula: u64 = shapes.iter().map(|shape| shape.bytes(Storage::Qk, t)).sum();
    let dense = 4 * shape.n_layers as u64 * shape.n_heads as u64 * (t * t) as u64;
    writeln!(
        out,
        "maps take {} MiB, the formula says {}, as plain f32 {}",
        kept >> 20,
        formula >> 20,
        dense >> 20
    )?;
    let layer = layers.last().context("no layers")?;
    let mut row = Vec::new();
    let begun = Instant::now();
    for query in t - 100..t {
        layer.maps.row(&layer.shape, 0, query, &mut row);
    }
    writeln!(out, "a row of {t}: {:.4} ms (target 1)", begun.elapsed().as_secs_f64() * 10.0)?;
    let head = HeadSpec {
        layer: Arc::clone(layer),
        heads: vec![0],
        merge: Merge::Mean,
        kind: MapKind::Weights,
        segments: Vec::new(),
        value_norms: None,
        n_tokens: t as u32,
        side: 1024,
    };
    let mut drawn: Vec<f64> = Vec::new();
    for _ in 0..N_RUNS {
        let begun = Instant::now();
        draw::draw(&head, &|| Ok(()))?;
        drawn.push(1e3 * begun.elapsed().as_secs_f64());
    }
    let threads = glassworks_kernels::pool::threads();
    writeln!(out, "a head's map, {threads} threads: {:.1} ms (target 100 on one)", median(&mut drawn))?;
    let begun = Instant::now();
    let flow = rollout(layers.len(), t - 1, |l, i, out| layers[l].mean_row(i, out));
    let secs = begun.elapsed().as_secs_f64();
    writeln!(
        out,
        "rollout over {} layers: {:.0} ms, sum {:.4} (target 150 over 32)",
        layers.len(),
        1e3 * secs,
        flow.iter().sum::<f32>()
    )?;
    Ok(())
}

fn median(all: &mut [f64]) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
