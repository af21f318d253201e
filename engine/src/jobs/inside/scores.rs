//! What heads tend to do, on a sequence of random tokens that repeats (Elhage et al. 2021, Olsson et al. 2022).

use super::super::models::writes;
use super::super::tuned::{self, Chosen};
use super::capture::pass_bytes;
use super::until_stopped;
use crate::infer::{Runner, Wanted, Whole};
use crate::inspect::recorder::{self, Recorder};
use crate::job_cx::JobCx;
use crate::shelf::LoadedModel;
use anyhow::Result;
use glassworks_protocol::Unit;
use glassworks_protocol::inside::{LayerCapture, ScoresReport, ScoresSpec, Storage, Thumbnails};
use glassworks_protocol::model::Precision;
use glassworks_protocol::text::Text;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

pub fn run(cx: &JobCx, spec: &ScoresSpec) -> Result<Arc<ScoresReport>> {
    let Chosen { model, adapters, .. } = tuned::choose_from(cx, &spec.model, None, spec.tuned.as_ref())?;
    writes(&model)?;
    let mut runner = Runner::new(model.own()?)?;
    let shape = *model.model.shape();
    let tokens = repeated(&model, spec.n_tokens as usize, spec.seed)?;
    let attention = runner.attention()?;
    let shapes = recorder::map_shapes(&shape, &attention);
    let maps: u64 = shapes.iter().map(|shape| shape.bytes(Storage::Coded, tokens.len())).sum();
    let t = tokens.len();
    let pictures = 2 * shape.n_heads * t.min(Thumbnails::MOST).pow(2);
    let kept = maps + shape.n_layers as u64 * (LayerCapture::mean_bytes(t) + pictures as u64);
    let room = kept + pass_bytes(&shape, t, 0) + recorder::working_bytes(&shape, t);
    let _room = model.reserve(&cx.shared.ledger, room)?;
    let stage = Text::new("job.looking_inside").arg("name", &model.name);
    let done = Cell::new(0);
    let between = || {
        cx.progress(&stage, done.get(), Some(shape.n_layers as u64), Unit::Layers);
        done.set(done.get() + 1);
        cx.checkpoint()
    };
    let storage = (0..shape.n_layers).map(|layer| (layer, Storage::Coded)).collect();
    let mut recorder = Recorder::new(&tokens, &attention, &shapes, storage, false, &|_| {});
    let adapters = adapters.as_ref().map(|held| &held.adapters);
    let pass = Whole { tokens: &tokens, adapters, start: None, wanted: Wanted::Nothing };
    until_stopped(cx, || runner.whole(&pass, &mut recorder, Precision::Exact, &between))?;
    let heads = recorder.layers.iter().map(|layer| layer.scores.clone()).collect();
    Ok(Arc::new(ScoresReport { heads, n_tokens: tokens.len() as u32 }))
}

/// n different tokens twice, after what the tokenizer begins a text with. Random by the seed alone.
pub fn repeated(model: &LoadedModel, n: usize, seed: u64) -> Result<Vec<u32>> {
    let shape = model.model.shape();
    let begin: Vec<u32> = model.codec.bos_id().filter(|_| begins(model)).into_iter().collect();
    let vocab = shape.vocab_size.min(model.codec.vocab_size());
    let n = n.min((shape.context_length - begin.len()) / 2).min(vocab / 2).max(1);
    let mut seen: BTreeSet<u32> = begin.iter().copied().collect();
    let (mut state, mut tokens) = (seed, Vec::with_capacity(n));
    let mut tries = 0;
    while tokens.len() < n && tries < 1000 * n {
        // SplitMix64 (Steele et al. 2014).
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = state;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let id = ((x ^ (x >> 31)) % vocab as u64) as u32;
        tries += 1;
        if !model.codec.is_special(id) && seen.insert(id) {
            tokens.push(id);
        }
    }
    Ok([begin, tokens.clone(), tokens].concat())
}

/// Whether the tokenizer puts its first token before every text.
fn begins(model: &LoadedModel) -> bool {
    model.codec.encode("a", true).is_ok_and(|ids| ids.first().copied() == model.codec.bos_id())
}
