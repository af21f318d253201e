//! One pass over a text, with what the plan names kept of it.

use super::super::models::writes;
use super::super::tuned::{self, Chosen};
use super::subject::{self, ReadSubject};
use super::until_stopped;
use crate::generate::sampler::{Draw, Sampler};
use crate::generate::score;
use crate::infer::{Runner, Sequence, Wanted, Whole};
use crate::inspect::recorder::{self, Recorder};
use crate::job_cx::JobCx;
use crate::models::ModelShape;
use crate::shelf::LoadedModel;
use anyhow::{Context as _, Result, ensure};
use glassworks_kernels::attention::BLOCK;
use glassworks_protocol::generate::{Alternative, ModelSource, TokenPiece};
use glassworks_protocol::inside::{
    Capture, CapturePlan, CaptureSpec, InsidePartial, LayerCapture, MapShape, Sizes, Storage, Thumbnails,
};
use glassworks_protocol::model::{CacheWidth, ModelRef, Precision};
use glassworks_protocol::text::Text;
use glassworks_protocol::train::TunedSource;
use glassworks_protocol::{Failure, FailureKind, Partial, Unit};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Positions whose probabilities are told, at most.
const MOST_READ: usize = 512;
/// What their logits may take, bytes.
const LOGITS_BYTES: usize = 128 << 20;

pub fn run(cx: &JobCx, spec: &CaptureSpec) -> Result<Arc<Capture>> {
    let started = Instant::now();
    let chosen = tuned::choose_from(cx, &spec.model, None, spec.tuned.as_ref())?;
    let model = &*chosen.model;
    writes(model)?;
    let mut runner = Runner::new(model.own()?)?;
    let attention = runner.attention()?;
    let subject = subject::read(model, &spec.subject)?;
    let (shape, t) = (*model.model.shape(), subject.ids.len());
    let shapes = recorder::map_shapes(&shape, &attention);
    let plan = Planned::of(&spec.plan, &shape, &shapes, t, &model.name)?;
    let n_logits = (LOGITS_BYTES / (4 * shape.vocab_size)).clamp(1, MOST_READ).min(t);
    let held = RefCell::new(model.reserve(&cx.shared.ledger, plan.bytes)?);
    let room = pass_bytes(&shape, t, n_logits) + recorder::working_bytes(&shape, t);
    let _room = model.reserve(&cx.shared.ledger, room)?;
    let begun = Arc::new(begun(cx, spec, &chosen, &subject, (n_logits, plan.bytes))?);
    cx.partial(Partial::Inside(InsidePartial::Begun(Arc::clone(&begun))));
    let stage = Text::new("job.looking_inside").arg("name", &model.name);
    let done = Cell::new(0);
    let between = || {
        cx.progress(&stage, done.get(), Some(shape.n_layers as u64), Unit::Layers);
        done.set(done.get() + 1);
        cx.checkpoint()
    };
    // Whoever holds a layer holds its memory; of a pass that was stopped the last one may have gaps.
    let tell = |layer: Arc<LayerCapture>| {
        if !cx.is_cancelled() {
            cx.shared.ledger.lend(held.borrow_mut().split(layer.size_bytes()), &layer);
            cx.partial(Partial::Inside(InsidePartial::Layer(layer)));
        }
    };
    let mut recorder = Recorder::new(&subject.ids, &attention, &shapes, plan.storage, plan.residuals, &tell);
    let adapters = chosen.adapters.as_ref().map(|held| &held.adapters);
    let pass = Whole { tokens: &subject.ids, adapters, start: None, wanted: Wanted::Tail(n_logits) };
    let logits = until_stopped(cx, || runner.whole(&pass, &mut recorder, Precision::Exact, &between))?;
    let (read, next) = read(model, &subject, &logits, &|| cx.checkpoint())?;
    let Recorder { layers, kept, .. } = recorder;
    for kept in &kept {
        cx.shared.ledger.lend(held.borrow_mut().split(4 * kept.len() as u64), kept);
    }
    let took_ms = started.elapsed().as_millis() as u64;
    let begun = Arc::unwrap_or_clone(begun);
    Ok(Arc::new(Capture { layers, residuals: kept, read, next, took_ms, ..begun }))
}

/// The text as it is read, before anything was seen of it.
fn begun(
    cx: &JobCx,
    spec: &CaptureSpec,
    chosen: &Chosen,
    subject: &ReadSubject,
    (n_logits, size_bytes): (usize, u64),
) -> Result<Capture> {
    Ok(Capture {
        id: spec.id,
        source: spec.model.clone(),
        tuned: spec.tuned,
        model: model_ref(cx, &chosen.model, &spec.model, spec.tuned.as_ref())?,
        tuned_step: chosen.step,
        sizes: sizes(chosen.model.model.shape()),
        tokens: subject.tokens.clone(),
        turns: subject.turns.clone(),
        layers: Vec::new(),
        residuals: Vec::new(),
        read: Vec::new(),
        read_from: (subject.ids.len() - n_logits + 1) as u32,
        next: Vec::new(),
        size_bytes,
        took_ms: 0,
    })
}

/// A plan that fits.
pub struct Planned {
    pub storage: BTreeMap<usize, Storage>,
    pub residuals: bool,
    pub bytes: u64,
}

impl Planned {
    /// The best that `plan` allows: maps as exact as they can be kept, then the residual stream where it still fits.
    ///
    /// # Errors
    /// `Failure { Memory }` when even the smallest way is larger than the budget, `Failure { Input }` for layers that are
    /// not there.
    pub fn of(
        plan: &CapturePlan,
        shape: &ModelShape,
        shapes: &[MapShape],
        t: usize,
        name: &str,
    ) -> Result<Self, Failure> {
        let mut layers: Vec<usize> = match &plan.layers {
            Some(layers) => layers.iter().map(|layer| *layer as usize).collect(),
            None => (0..shape.n_layers).collect(),
        };
        layers.sort_unstable();
        layers.dedup();
        if !plan.maps {
            layers.clear();
        }
        if layers.iter().any(|layer| *layer >= shape.n_layers) {
            let summary = Text::new("failure.inside_layers").arg("n", shape.n_layers);
            return Err(Failure::new(FailureKind::Input, summary));
        }
        let pictures = (2 * shape.n_heads * t.min(Thumbnails::MOST).pow(2)) as u64;
        let pictures = layers.len() as u64 * (pictures + LayerCapture::mean_bytes(t));
        let room = plan.budget_bytes.saturating_sub(pictures);
        let storage = recorder::storage(shapes, &layers, t, room);
        let maps: u64 = storage.iter().map(|(layer, storage)| shapes[*layer].bytes(*storage, t)).sum();
        if maps > room {
            let summary = Text::new("failure.inside_budget")
                .arg("name", name)
                .arg("n", t)
                .arg("needed", crate::memory::gib(maps + pictures))
                .arg("budget", crate::memory::gib(plan.budget_bytes));
            let hint = Text::new("failure.inside_budget_hint");
            return Err(Failure::new(FailureKind::Memory, summary).hint(hint));
        }
        let stream = 4 * ((shape.n_layers + 1) * t * shape.width) as u64;
        let residuals = plan.residuals && maps + stream <= room;
        Ok(Self { storage, residuals, bytes: maps + pictures + if residuals { stream } else { 0 } })
    }
}

/// The most memory that a pass of T tokens at once takes besides weights and what is kept, bytes: activations, a cache of
/// whole blocks, and so many rows of logits, which are there up to three times while they are compared.
pub fn pass_bytes(shape: &ModelShape, t: usize, n_logits: usize) -> u64 {
    let cache = Sequence::bytes_for(shape, t.next_multiple_of(BLOCK), CacheWidth::Full);
    let (q, kv) = (shape.n_heads * shape.head_width, shape.n_kv_heads * shape.head_width);
    let row = 5 * shape.width + 4 * q + 5 * kv + 4 * shape.mlp_width + shape.n_heads;
    // Tiles of scores that the threads have in hand.
    let tiles = glassworks_kernels::pool::threads() * 64 * (t + 64);
    cache + 4 * (t * row + 3 * n_logits * shape.vocab_size + tiles) as u64
}

pub fn sizes(shape: &ModelShape) -> Sizes {
    Sizes {
        n_layers: shape.n_layers as u32,
        n_heads: shape.n_heads as u32,
        n_kv_heads: shape.n_kv_heads as u32,
        head_width: shape.head_width as u32,
        width: shape.width as u32,
        vocab_size: shape.vocab_size as u32,
    }
}

/// What the logits of the last positions say: of the tokens that are there, and of the one that would follow.
pub fn read(
    model: &LoadedModel,
    subject: &ReadSubject,
    logits: &[f32],
    checkpoint: &dyn Fn() -> Result<()>,
) -> Result<(Vec<TokenPiece>, Vec<Alternative>)> {
    let vocab = model.model.shape().vocab_size;
    let n = logits.len() / vocab;
    ensure!(n > 0, "a pass without logits");
    let mut sampler = Sampler::new(score::as_it_is(), 0, &[])?;
    let (last, others) = logits.split_at(vocab * (n - 1));
    let (others, last) = (last, others);
    let first = subject.ids.len() - n + 1;
    let mut read = Vec::with_capacity(n - 1);
    for (row, at) in others.chunks_exact(vocab).zip(first..) {
        if at % 16 == 0 {
            checkpoint()?;
        }
        let draw = sampler.take(row, subject.ids[at])?;
        read.push(score::piece(model, draw, &subject.tokens[at].text));
    }
    let likeliest = (0..vocab).max_by(|a, b| last[*a].total_cmp(&last[*b])).context("no tokens")?;
    let Draw { top, .. } = sampler.take(last, likeliest as u32)?;
    let next = top.into_iter().map(|other| score::alternative(model, other)).collect();
    Ok((read, next))
}

/// The name under which a capture remembers its model.
pub fn model_ref(
    cx: &JobCx,
    model: &LoadedModel,
    source: &ModelSource,
    tuned: Option<&TunedSource>,
) -> Result<ModelRef> {
    let named = match source {
        ModelSource::Library(id) => cx.wait(cx.shared.store.model(*id))?.map(|record| record.name.clone()),
        ModelSource::Path(_) => None,
    };
    // As its files are now: a question about the capture is asked of the same ones.
    let (base, name) = (model.card.content_hash.clone(), named.unwrap_or_else(|| model.name.clone()));
    let tuned = tuned.map(|tuned| anyhow::Ok(tuned.named(&*super::super::train::find_any(cx, tuned.run)?)));
    Ok(ModelRef { base, name, precision: Precision::Exact, tuned: tuned.transpose()? })
}
