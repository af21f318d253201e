//! Which tokens a logit hangs on.

use super::super::models::writes;
use super::super::tuned;
use super::ablate::same_model;
use super::capture::pass_bytes;
use super::until_stopped;
use crate::infer::{Runner, Wanted, Whole};
use crate::inspect::gradients::{Asked, quadrature};
use crate::inspect::stream::Components;
use crate::job_cx::JobCx;
use crate::models::ModelShape;
use anyhow::{Context as _, Result};
use candle_core::Tensor;
use glassworks_protocol::inside::{GradientReport, GradientSpec};
use glassworks_protocol::model::Precision;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, Unit};
use std::sync::Arc;

/// More points than anybody needs.
const MOST_STEPS: u32 = 1000;

pub fn run(cx: &JobCx, spec: &GradientSpec) -> Result<Arc<GradientReport>> {
    let chosen = tuned::choose_from(cx, &spec.base.source, None, spec.base.tuned.as_ref())?;
    let model = &*chosen.model;
    writes(model)?;
    let own = model.own()?;
    same_model(&chosen, &spec.base)?;
    let mut runner = Runner::new(own)?;
    // Its weights are read where they lie: in main memory, or not at all.
    runner.attention()?;
    let adapters = chosen.adapters.as_ref().map(|held| &held.adapters);
    let shape = *model.model.shape();
    let ids: Vec<u32> = spec.base.tokens.iter().map(|token| token.id).collect();
    let end = spec.position as usize + 1;
    let there = |id: u32| (id as usize) < shape.vocab_size;
    if end > ids.len()
        || !spec.target.into_iter().chain(spec.against).chain(spec.baseline).all(there)
        || !ids.iter().all(|id| there(*id))
    {
        return Err(Failure::new(FailureKind::Input, Text::new("failure.inside_part")).into());
    }
    let tokens = &ids[..end];
    let room = tape_bytes(&shape, end) + 4 * model.card.n_params;
    let _room = model.reserve(&cx.shared.ledger, room + pass_bytes(&shape, end, 1))?;
    let target = match spec.target.or_else(|| ids.get(end).copied()) {
        Some(id) => id,
        None => {
            let mut seen = Components::at(end - 1, end, shape.width);
            let pass = Whole { tokens, adapters, start: None, wanted: Wanted::Last };
            let logits =
                until_stopped(cx, || runner.whole(&pass, &mut seen, Precision::Exact, &|| cx.checkpoint()))?;
            (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).context("no tokens")? as u32
        }
    };
    let between = || cx.checkpoint();
    let asked = Asked { model: own, adapters, tokens, target, against: spec.against, between: &between };
    let base_token = spec.baseline.or_else(|| model.codec.eos_ids().first().copied()).unwrap_or(0);
    let (whole, base) = asked.embeddings(base_token)?;
    let input: Vec<f32> = whole.flatten_all()?.to_vec1()?;
    let way: Vec<f32> = (&whole - &base)?.flatten_all()?.to_vec1()?;
    let by_token = |input: &[f32], gradient: &[f64]| -> Vec<f32> {
        let products: Vec<f64> = input.iter().zip(gradient).map(|(x, g)| f64::from(*x) * g).collect();
        products.chunks_exact(shape.width).map(|row| row.iter().sum::<f64>() as f32).collect()
    };
    let wide = |gradient: Vec<f32>| -> Vec<f64> { gradient.into_iter().map(f64::from).collect() };
    let (logit, at_the_text) = asked.gradient(&whole)?;
    let (baseline, _) = asked.gradient(&base)?;
    let mean = integrated(cx, &asked, (&whole, &base), spec.n_steps.clamp(1, MOST_STEPS))?;
    let named = |id: u32| (id, model.codec.token_text(id));
    Ok(Arc::new(GradientReport {
        target: named(target),
        against: spec.against.map(named),
        gradient_times_input: by_token(&input, &wide(at_the_text)),
        integrated: by_token(&way, &mean),
        baseline_token: named(base_token),
        logit,
        baseline,
    }))
}

/// The mean gradient along the way from `base` to `whole`, by so many points.
fn integrated(cx: &JobCx, asked: &Asked<'_>, (whole, base): (&Tensor, &Tensor), n: u32) -> Result<Vec<f64>> {
    let stage = Text::new("job.following_gradients");
    let way = (whole - base)?;
    let mut mean = vec![0.0f64; way.elem_count()];
    for (step, (alpha, weight)) in quadrature(n as usize).into_iter().enumerate() {
        cx.progress(&stage, step as u64, Some(u64::from(n)), Unit::Steps);
        cx.checkpoint()?;
        let (_, gradient) = asked.gradient(&(base + (&way * alpha)?)?)?;
        mean.iter_mut().zip(gradient).for_each(|(mean, g)| *mean += weight * f64::from(g));
    }
    Ok(mean)
}

/// What candle keeps of a pass for its way back, about: activations of every layer, and gradients beside them.
fn tape_bytes(shape: &ModelShape, t: usize) -> u64 {
    let heads = (shape.n_heads + 2 * shape.n_kv_heads) * shape.head_width;
    let row = 12 * shape.width + 8 * heads + 8 * shape.mlp_width + 6 * shape.n_heads * t;
    8 * (shape.n_layers * t * row + 2 * shape.vocab_size) as u64
}
