//! The logit lens, direct logit attribution, and how much keys would bring in.

use super::super::tuned;
use super::ablate::{Bench, kl, log_sum};
use super::capture::pass_bytes;
use crate::infer::Wanted;
use crate::inspect::stream::{Components, LayerValues, Stream};
use crate::job_cx::JobCx;
use anyhow::{Context as _, Result};
use glassworks_protocol::inside::{
    AttributionReport, AttributionSpec, LensCell, LensReport, LensSpec, ValuesSpec,
};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, Unit};
use std::sync::Arc;

/// Tokens that a cell of the lens names.
const TOP: usize = 8;
/// Rows of the lens whose logits are there at a time.
const ROWS: usize = 32;

pub fn lens(cx: &JobCx, spec: &LensSpec) -> Result<Arc<LensReport>> {
    let chosen = tuned::choose_from(cx, &spec.base.source, None, spec.base.tuned.as_ref())?;
    let mut bench = Bench::of(cx, &chosen, &spec.base)?;
    let positions = spec.from as usize..spec.from as usize + spec.n as usize;
    if positions.is_empty() || positions.end > bench.ids.len() {
        return Err(Failure::new(FailureKind::Input, Text::new("failure.inside_part")).into());
    }
    let (d, n) = (bench.shape.width, positions.len());
    let kept = 4 * (bench.shape.n_layers as u64 + 1) * (n * d) as u64;
    // What is told of a cell: a few tokens with their texts.
    let told = ((bench.shape.n_layers + 1) * n * TOP * 96) as u64;
    let room = pass_bytes(&bench.shape, bench.ids.len(), 2 * ROWS.min(n)) + kept + told;
    let _room = bench.model.reserve(&cx.shared.ledger, room)?;
    let stream = bench.stream(positions.clone())?;
    let stage = Text::new("job.looking_inside").arg("name", &bench.model.name);
    let mut layers: Vec<Vec<LensCell>> = vec![Vec::with_capacity(n); stream.len()];
    let total = (stream.len() * n) as u64;
    for first in (0..n).step_by(ROWS) {
        let rows = first..(first + ROWS).min(n);
        let of = |layer: &[f32]| layer[rows.start * d..rows.end * d].to_vec();
        let last = bench.unembed(&of(stream.last().context("no layers")?))?;
        for (l, layer) in stream.iter().enumerate() {
            cx.checkpoint()?;
            cx.progress(&stage, (first * stream.len() + l * rows.len()) as u64, Some(total), Unit::Tokens);
            let x = of(layer);
            let here = bench.unembed(&x)?;
            let vocab = bench.shape.vocab_size;
            for (i, row) in here.chunks_exact(vocab).enumerate() {
                let position = positions.start + rows.start + i;
                let next = bench.ids.get(position + 1).copied();
                let cell = cell(&bench, row, &last[i * vocab..(i + 1) * vocab], next);
                let norm = x[i * d..(i + 1) * d].iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
                layers[l].push(LensCell { norm: norm as f32, ..cell });
            }
        }
    }
    Ok(Arc::new(LensReport { from: spec.from, layers }))
}

fn cell(bench: &Bench<'_>, logits: &[f32], last: &[f32], next: Option<u32>) -> LensCell {
    let sum = log_sum(logits);
    let logprob = |logit: f32| f64::from(logit) - sum;
    let mut top: Vec<u32> = Vec::with_capacity(TOP + 1);
    for (id, logit) in logits.iter().enumerate() {
        if top.len() < TOP || top.last().is_some_and(|last| *logit > logits[*last as usize]) {
            let at = top.partition_point(|other| logits[*other as usize] >= *logit);
            top.insert(at, id as u32);
            top.truncate(TOP);
        }
    }
    let share = |p: f64| if p == f64::NEG_INFINITY { 0.0 } else { -p.exp() * p };
    let entropy: f64 = logits.iter().map(|logit| share(logprob(*logit))).sum();
    let named =
        |id: &u32| (*id, bench.model.codec.token_text(*id), logprob(logits[*id as usize]).exp() as f32);
    LensCell {
        top: top.iter().map(named).collect(),
        entropy: (if entropy < 0.0 { 0.0 } else { entropy }) as f32,
        kl: kl(last, logits),
        next: next.map(|id| {
            let logit = logits[id as usize];
            let rank = logits.iter().filter(|other| **other > logit).count() as u32;
            (logprob(logit).exp() as f32, rank)
        }),
        norm: 0.0,
    }
}

impl Bench<'_> {
    /// The residual stream at these positions, as it was captured or by another pass.
    fn stream(&mut self, positions: std::ops::Range<usize>) -> Result<Vec<Arc<Vec<f32>>>> {
        let (width, n_layers) = (self.shape.width, self.shape.n_layers);
        let kept = self.kept();
        if kept.len() == n_layers + 1 {
            let cut =
                |x: &Arc<Vec<f32>>| Arc::new(x[positions.start * width..positions.end * width].to_vec());
            return Ok(kept.iter().map(cut).collect());
        }
        let mut stream = Stream { positions, width, layers: Vec::new() };
        self.pass(0, Wanted::Nothing, &mut [&mut stream])?;
        Ok(stream.layers)
    }
}

pub fn attribution(cx: &JobCx, spec: &AttributionSpec) -> Result<Arc<AttributionReport>> {
    let chosen = tuned::choose_from(cx, &spec.base.source, None, spec.base.tuned.as_ref())?;
    let mut bench = Bench::of(cx, &chosen, &spec.base)?;
    let (t, position) = (bench.ids.len(), spec.position as usize);
    let vocab = bench.shape.vocab_size as u32;
    if position >= t || spec.target.into_iter().chain(spec.against).any(|id| id >= vocab) {
        return Err(Failure::new(FailureKind::Input, Text::new("failure.inside_part")).into());
    }
    let _room = bench.model.reserve(&cx.shared.ledger, pass_bytes(&bench.shape, t, 2))?;
    let stage = Text::new("job.looking_inside").arg("name", &bench.model.name);
    cx.progress(&stage, 0, None, Unit::Layers);
    let mut seen = Components::at(position, t, bench.shape.width);
    bench.all_of_it(&mut seen)?;
    let logits = bench.unembed(&seen.last)?;
    let target = match spec.target.or_else(|| bench.ids.get(position + 1).copied()) {
        Some(id) => id,
        None => {
            (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).context("no tokens")? as u32
        }
    };
    let named = |id: u32| (id, bench.model.codec.token_text(id));
    let names = (named(target), spec.against.map(named));
    let way = bench.direction(&seen.last, (target, spec.against))?;
    let dot = |x: &[f32], d: &[f32]| {
        x.iter().zip(d).map(|(x, d)| f64::from(*x) * f64::from(*d)).sum::<f64>() as f32
    };
    let (mut heads, mut rest) = (Vec::new(), Vec::new());
    for (layer, made) in seen.heads.iter().enumerate() {
        cx.checkpoint()?;
        let shares = bench.head_shares(layer, made, &way.direction)?;
        let all = dot(&seen.attention[layer], &way.direction);
        rest.push(all - shares.iter().sum::<f32>());
        heads.push(shares);
    }
    Ok(Arc::new(AttributionReport {
        target: names.0,
        against: names.1,
        embedding: dot(&seen.embedding, &way.direction),
        heads,
        attention_rest: rest,
        mlps: seen.mlps.iter().map(|mlp| dot(mlp, &way.direction)).collect(),
        bias: way.bias,
        logit: logits[target as usize] - spec.against.map_or(0.0, |id| logits[id as usize]),
        capped: way.capped,
    }))
}

impl Bench<'_> {
    /// What each head of a layer writes along `direction`, from what heads made `[H·E]`.
    fn head_shares(&mut self, layer: usize, made: &[f32], direction: &[f32]) -> Result<Vec<f32>> {
        let (h, e) = (self.shape.n_heads, self.shape.head_width);
        // One row a head, the others' slices empty.
        let mut rows = vec![0.0; h * made.len()];
        for head in 0..h {
            let slice = head * e..(head + 1) * e;
            rows[head * made.len()..][slice.clone()].copy_from_slice(&made[slice]);
        }
        let written = self.project(layer, &rows)?;
        let direction = self.runner.through_attention_norm(layer, &written, direction)?;
        let width = self.shape.width;
        Ok(written
            .chunks_exact(width)
            .map(|row| {
                row.iter().zip(&direction).map(|(x, d)| f64::from(*x) * f64::from(*d)).sum::<f64>() as f32
            })
            .collect())
    }
}

/// `[T, H]`: ‖v·W_O‖ of each key in each head.
pub fn values(cx: &JobCx, spec: &ValuesSpec) -> Result<Arc<Vec<f32>>> {
    let chosen = tuned::choose_from(cx, &spec.base.source, None, spec.base.tuned.as_ref())?;
    let mut bench = Bench::of(cx, &chosen, &spec.base)?;
    let layer = spec.layer as usize;
    if layer >= bench.shape.n_layers {
        return Err(Failure::new(FailureKind::Input, Text::new("failure.inside_part")).into());
    }
    let s = bench.shape;
    let (t, h, e, d) = (bench.ids.len(), s.n_heads, s.head_width, s.width);
    let room = pass_bytes(&s, t, 0) + 4 * (h * e * (d + h * e)) as u64;
    let _room = bench.model.reserve(&cx.shared.ledger, room)?;
    let mut seen = LayerValues { layer, width: s.n_kv_heads * e, n_tokens: t, values: Vec::new() };
    bench.pass(layer, Wanted::Nothing, &mut [&mut seen])?;
    let group = h / s.n_kv_heads;
    let mut norms = vec![0.0; t * h];
    for head in 0..h {
        cx.checkpoint()?;
        // The head's part of the projection, `[E, D]`: what each of its numbers writes.
        let mut ones = vec![0.0; e * h * e];
        for i in 0..e {
            ones[i * h * e + head * e + i] = 1.0;
        }
        let written = bench.project(layer, &ones)?;
        let gram = gram(&written, d);
        for key in 0..t {
            let v = &seen.values[(key * s.n_kv_heads + head / group) * e..][..e];
            norms[key * h + head] = length(v, &gram);
        }
    }
    Ok(Arc::new(norms))
}

/// `W·Wᵀ` of `[E, D]`.
fn gram(w: &[f32], d: usize) -> Vec<f64> {
    let rows: Vec<&[f32]> = w.chunks_exact(d).collect();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    rows.iter().flat_map(|a| rows.iter().map(|b| dot(a, b))).collect()
}

/// √(v·G·v)
fn length(v: &[f32], gram: &[f64]) -> f32 {
    let e = v.len();
    let rows = v.iter().zip(gram.chunks_exact(e));
    let square: f64 = rows
        .map(|(a, row)| f64::from(*a) * row.iter().zip(v).map(|(g, b)| g * f64::from(*b)).sum::<f64>())
        .sum();
    square.max(0.0).sqrt() as f32
}
