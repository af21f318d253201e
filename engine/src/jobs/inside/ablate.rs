//! A captured text read again, or written on, with parts switched off.

use super::super::models::writes;
use super::super::tuned::{self, Chosen};
use super::capture::{self, pass_bytes};
use super::scores::repeated;
use super::subject::ReadSubject;
use super::until_stopped;
use crate::generate::sampler::Sampler;
use crate::generate::score;
use crate::infer::watch::Watch;
use crate::infer::{LogitDirection, Request, Runner, Start, Wanted, Whole};
use crate::inspect::switch::{Donors, Switch};
use crate::job_cx::JobCx;
use crate::memory::Reservation;
use crate::models::ModelShape;
use crate::nn::Adapters;
use crate::shelf::LoadedModel;
use anyhow::{Context as _, Result, ensure};
use glassworks_kernels::attention::{AttentionShape, BLOCK};
use glassworks_protocol::generate::TokenPiece;
use glassworks_protocol::inside::{
    AblateReport, AblateSpec, Ablation, Capture, ContinueReport, ContinueSpec, Effect, InsidePartial,
    Instead, Part, SweepReport, SweepSpec,
};
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, Partial, Unit};
use std::cell::Cell;
use std::sync::Arc;

/// Rows that go through the weights together while heads are switched off one by one.
const ROWS: usize = 512;

/// That a capture was made with this model as it is.
///
/// # Errors
/// `Failure { Input }` when its files have changed since, or a run has gone on.
pub fn same_model(chosen: &Chosen, base: &Capture) -> Result<(), Failure> {
    let hash = &chosen.model.card.content_hash;
    let known = !hash.is_empty() && !base.model.base.is_empty();
    let changed = known && *hash != base.model.base || chosen.step != base.tuned_step;
    if !changed && capture::sizes(chosen.model.model.shape()) == base.sizes {
        return Ok(());
    }
    let summary = Text::new("failure.inside_other_model").arg("name", &base.model.name);
    Err(Failure::new(FailureKind::Input, summary).hint(Text::new("failure.inside_other_model_hint")))
}

/// Looks at nothing.
struct Nobody;
impl Watch for Nobody {}

/// What all of these need of a captured text's model.
pub struct Bench<'m> {
    cx: &'m JobCx,
    pub model: &'m LoadedModel,
    adapters: Option<&'m Adapters>,
    pub runner: Runner<'m>,
    pub shape: ModelShape,
    pub attention: Vec<AttentionShape>,
    base: &'m Capture,
    pub ids: Vec<u32>,
}

impl<'m> Bench<'m> {
    /// # Errors
    /// When the model is not what the capture was made with.
    pub fn of(cx: &'m JobCx, chosen: &'m Chosen, base: &'m Capture) -> Result<Self> {
        let model = &*chosen.model;
        writes(model)?;
        let runner = Runner::new(model.own()?)?;
        let shape = *model.model.shape();
        same_model(chosen, base)?;
        Ok(Self {
            cx,
            model,
            adapters: chosen.adapters.as_ref().map(|held| &held.adapters),
            attention: runner.attention()?,
            runner,
            shape,
            base,
            ids: base.tokens.iter().map(|token| token.id).collect(),
        })
    }

    /// How many positions' distributions a capture tells of, its last one included.
    pub fn n_logits(&self) -> usize {
        self.base.read.len() + 1
    }

    /// Where a pass can begin that changes nothing below `layer`.
    fn start(&self, layer: usize) -> Option<Start<'m>> {
        let base: &'m Capture = self.base;
        let n = self.ids.len() * self.shape.width;
        base.residuals.get(layer).map(|x| Start { layer, x: &x[..n] })
    }

    /// The logits of the last `n_logits` positions as they were, `[n, V]`.
    fn baseline(&mut self, n_logits: usize) -> Result<Vec<f32>> {
        if let Some(last) = self.base.residuals.get(self.shape.n_layers) {
            let rows = (self.ids.len() - n_logits) * self.shape.width..self.ids.len() * self.shape.width;
            return self.unembed(&last[rows]);
        }
        self.pass(0, Wanted::Tail(n_logits), &mut [&mut Nobody])?.pop().context("a pass gave nothing")
    }

    /// The logits after one position, as they were: `[V]`.
    fn at(&mut self, position: usize) -> Result<Vec<f32>> {
        let width = self.shape.width;
        if let Some(last) = self.base.residuals.get(self.shape.n_layers) {
            return self.unembed(&last[position * width..(position + 1) * width]);
        }
        self.pass(0, Wanted::At(position), &mut [&mut Nobody])?.pop().context("a pass gave nothing")
    }

    /// The text once for each watch, from `layer` on where the capture has kept what goes into it.
    pub fn pass(
        &mut self,
        layer: usize,
        wanted: Wanted,
        watches: &mut [&mut dyn Watch],
    ) -> Result<Vec<Vec<f32>>> {
        let start = self.start(layer);
        let cx = self.cx;
        let pass = Whole { tokens: &self.ids, adapters: self.adapters, start, wanted };
        until_stopped(cx, || self.runner.wholes(&pass, watches, Precision::Exact, &|| cx.checkpoint()))
    }

    /// The same with one watch, whatever the capture has kept.
    pub fn all_of_it(&mut self, watch: &mut dyn Watch) -> Result<()> {
        let cx = self.cx;
        let pass = Whole { tokens: &self.ids, adapters: self.adapters, start: None, wanted: Wanted::Nothing };
        until_stopped(cx, || self.runner.whole(&pass, watch, Precision::Exact, &|| cx.checkpoint())).map(drop)
    }

    /// The residual stream where the capture has kept it.
    pub fn kept(&self) -> &'m [Arc<Vec<f32>>] {
        let base: &'m Capture = self.base;
        &base.residuals
    }

    /// Final norm and unembedding: `[n, D]` → `[n, V]`.
    pub fn unembed(&mut self, rows: &[f32]) -> Result<Vec<f32>> {
        let cx = self.cx;
        until_stopped(cx, || self.runner.unembed(rows, self.adapters, Precision::Exact))
    }

    /// Where a logit grows; see [`Runner::direction`].
    pub fn direction(&mut self, last: &[f32], of: (u32, Option<u32>)) -> Result<LogitDirection> {
        self.runner.direction(last, of, self.adapters)
    }

    /// A layer's output projection without its bias: `[n, H·E]` → `[n, D]`.
    pub fn project(&mut self, layer: usize, rows: &[f32]) -> Result<Vec<f32>> {
        self.runner.project(layer, rows, self.adapters)
    }

    /// What random tokens make of the parts that are resampled, and the memory it takes; nothing where none is.
    fn donors(&mut self, ablations: &[Ablation], seed: u64) -> Result<Option<(Donors, Reservation)>> {
        let resampled =
            |one: &&Ablation| one.instead == Instead::Resample && !matches!(one.part, Part::Edge { .. });
        let parts: Vec<Part> = ablations.iter().filter(resampled).map(|one| one.part).collect();
        if parts.is_empty() {
            return Ok(None);
        }
        let mut donors = Donors::of(&parts);
        let width = self.shape.n_heads * self.shape.head_width + 2 * self.shape.width;
        let bytes = 4 * (self.ids.len() * width * donors.n_layers()) as u64;
        let held = self.model.reserve(&self.cx.shared.ledger, bytes)?;
        // A sequence that repeats is cut where it does; a text longer than half the context sees it go on.
        let once = repeated(self.model, self.ids.len(), seed)?;
        ensure!(!once.is_empty(), "a vocabulary without words");
        let tokens: Vec<u32> = once.iter().copied().cycle().take(self.ids.len()).collect();
        let cx = self.cx;
        let pass = Whole { tokens: &tokens, adapters: self.adapters, start: None, wanted: Wanted::Nothing };
        until_stopped(cx, || self.runner.whole(&pass, &mut donors, Precision::Exact, &|| cx.checkpoint()))?;
        Ok(Some((donors, held)))
    }

    fn subject(&self) -> ReadSubject {
        ReadSubject { ids: self.ids.clone(), tokens: self.base.tokens.clone(), turns: Vec::new() }
    }

    /// # Errors
    /// `Failure { Input }` for parts that are not there.
    fn check(&self, ablations: &[Ablation]) -> Result<(), Failure> {
        let s = &self.base.sizes;
        let is_there = |one: &Ablation| {
            let of_part = match one.part {
                Part::Head { head, .. } => head < s.n_heads,
                Part::KvHead { kv_head, .. } => kv_head < s.n_kv_heads,
                Part::Edge { head, query, key, .. } => {
                    head < s.n_heads && (query as usize) < self.ids.len() && key <= query
                }
                Part::Attention { .. } | Part::Mlp { .. } | Part::Layer { .. } => true,
            };
            of_part && one.part.layer() < s.n_layers && one.part.takes(one.instead)
        };
        if !ablations.is_empty() && ablations.iter().all(is_there) {
            return Ok(());
        }
        Err(Failure::new(FailureKind::Input, Text::new("failure.inside_part")))
    }
}

pub fn ablate(cx: &JobCx, spec: &AblateSpec) -> Result<Arc<AblateReport>> {
    let chosen = tuned::choose_from(cx, &spec.base.source, None, spec.base.tuned.as_ref())?;
    let mut bench = Bench::of(cx, &chosen, &spec.base)?;
    bench.check(&spec.ablations)?;
    let n_logits = bench.n_logits();
    let room = pass_bytes(&bench.shape, bench.ids.len(), n_logits);
    let _room = bench.model.reserve(&cx.shared.ledger, room)?;
    let stage = Text::new("job.switching_off").arg("name", &bench.model.name);
    cx.progress(&stage, 0, None, Unit::Layers);
    let baseline = bench.baseline(n_logits)?;
    let donors = bench.donors(&spec.ablations, spec.seed)?;
    let donors = donors.as_ref().map(|(donors, _)| donors);
    let attention = bench.attention.clone();
    let mut switch = Switch::new(&spec.ablations, &attention, bench.shape.width, donors);
    let first = spec.ablations.iter().map(|one| one.part.layer()).min().unwrap_or(0);
    let now = bench.pass(first as usize, Wanted::Tail(n_logits), &mut [&mut switch])?;
    let now = now.into_iter().next().context("a pass gave nothing")?;
    let (read, next) = capture::read(bench.model, &bench.subject(), &now, &|| cx.checkpoint())?;
    let vocab = bench.shape.vocab_size;
    let (was_last, now_last) = (&baseline[(n_logits - 1) * vocab..], &now[(n_logits - 1) * vocab..]);
    let [a, b] = [0, 1].map(|i| spec.base.next.get(i).map_or(0, |other| other.id as usize));
    let log_sum = log_sum(now_last);
    let prob = |id: u32| (f64::from(now_last[id as usize]) - log_sum).exp() as f32;
    let mut each = Vec::with_capacity(n_logits);
    for (was, now) in baseline.chunks_exact(vocab).zip(now.chunks_exact(vocab)) {
        cx.checkpoint()?;
        each.push(kl(was, now));
    }
    Ok(Arc::new(AblateReport {
        ablations: spec.ablations.clone(),
        read,
        next,
        baseline_next: spec.base.next.iter().map(|other| prob(other.id)).collect(),
        kl: each,
        logit_difference: (was_last[a] - was_last[b], now_last[a] - now_last[b]),
    }))
}

/// ln Σ exp
pub fn log_sum(logits: &[f32]) -> f64 {
    let most = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    most + logits.iter().map(|x| (f64::from(*x) - most).exp()).sum::<f64>().ln()
}

/// KL(was ‖ now) of two distributions given by their logits, nats; not a number if one of them is not.
pub fn kl(was: &[f32], now: &[f32]) -> f32 {
    let (was_sum, now_sum) = (log_sum(was), log_sum(now));
    let each = was.iter().zip(now).map(|(was, now)| {
        let p = f64::from(*was) - was_sum;
        if p == f64::NEG_INFINITY { 0.0 } else { p.exp() * (p - (f64::from(*now) - now_sum)) }
    });
    let sum: f64 = each.sum();
    // Rounding may leave a little less than nothing.
    (if sum < 0.0 { 0.0 } else { sum }) as f32
}

pub fn sweep(cx: &JobCx, spec: &SweepSpec) -> Result<Arc<SweepReport>> {
    let chosen = tuned::choose_from(cx, &spec.base.source, None, spec.base.tuned.as_ref())?;
    let mut bench = Bench::of(cx, &chosen, &spec.base)?;
    let (heads, position) = (bench.shape.n_heads, spec.position as usize);
    if position >= bench.ids.len() {
        return Err(Failure::new(FailureKind::Input, Text::new("failure.inside_part")).into());
    }
    let follows = bench.ids.get(position + 1).copied();
    if spec.instead != Instead::Mean {
        // What comes after the watched position changes nothing there; a mean is over all of the text.
        bench.ids.truncate(position + 1);
    }
    let t = bench.ids.len();
    let shared = (ROWS / t).clamp(1, heads);
    let room = pass_bytes(&bench.shape, t.next_multiple_of(BLOCK) * shared, shared + 1);
    let _room = bench.model.reserve(&cx.shared.ledger, room)?;
    let was = bench.at(position)?;
    let likeliest = || (0..was.len()).max_by(|a, b| was[*a].total_cmp(&was[*b])).map(|id| id as u32);
    let target = follows.or_else(likeliest).context("no tokens")?;
    let logprob = |logits: &[f32]| f64::from(logits[target as usize]) - log_sum(logits);
    let off = |layer: usize, head: usize| Ablation {
        part: Part::Head { layer: layer as u32, head: head as u32 },
        instead: spec.instead,
    };
    let every: Vec<Ablation> = (0..bench.shape.n_layers).map(|layer| off(layer, 0)).collect();
    let donors = bench.donors(&every, spec.seed)?;
    let donors = donors.as_ref().map(|(donors, _)| donors);
    let (attention, width) = (bench.attention.clone(), bench.shape.width);
    let stage = Text::new("job.switching_off").arg("name", &bench.model.name);
    let mut effects = Vec::with_capacity(bench.shape.n_layers);
    for layer in 0..bench.shape.n_layers {
        cx.progress(&stage, layer as u64, Some(bench.shape.n_layers as u64), Unit::Layers);
        let mut of_layer = Vec::with_capacity(heads);
        for first in (0..heads).step_by(shared) {
            let mut switches: Vec<Switch<'_>> = (first..(first + shared).min(heads))
                .map(|head| Switch::new(&[off(layer, head)], &attention, width, donors))
                .collect();
            let mut watches: Vec<&mut dyn Watch> =
                switches.iter_mut().map(|switch| switch as &mut dyn Watch).collect();
            for now in bench.pass(layer, Wanted::At(position), &mut watches)? {
                let delta_logprob = (logprob(&now) - logprob(&was)) as f32;
                of_layer.push(Effect { delta_logprob, kl: kl(&was, &now) });
            }
        }
        let told = InsidePartial::Swept { layer: layer as u32, effects: of_layer.clone() };
        cx.partial(Partial::Inside(told));
        effects.push(of_layer);
    }
    Ok(Arc::new(SweepReport { effects, target, target_text: bench.model.codec.token_text(target) }))
}

pub fn go_on(cx: &JobCx, spec: &ContinueSpec) -> Result<Arc<ContinueReport>> {
    let chosen = tuned::choose_from(cx, &spec.base.source, None, spec.base.tuned.as_ref())?;
    let mut bench = Bench::of(cx, &chosen, &spec.base)?;
    bench.check(&spec.ablations)?;
    let left = bench.shape.context_length.saturating_sub(bench.ids.len());
    let n_new = (spec.sampling.max_new_tokens as usize).min(left);
    let asks_more = !spec.sampling.stop.is_empty()
        || spec.sampling.json_schema.is_some()
        || spec.sampling.beams.is_some();
    if n_new == 0 || asks_more {
        let key = if asks_more { "failure.inside_plainly" } else { "failure.inside_full" };
        return Err(Failure::new(FailureKind::Input, Text::new(key)).into());
    }
    let room = pass_bytes(&bench.shape, bench.ids.len() + n_new, 1);
    let _room = bench.model.reserve(&cx.shared.ledger, room)?;
    let seed = spec.sampling.seed.map_or_else(crate::generate::sampler::fresh_seed, Ok)?;
    let donors = bench.donors(&spec.ablations, seed)?;
    let donors = donors.as_ref().map(|(donors, _)| donors);
    let attention = bench.attention.clone();
    let mut nobody = Switch::new(&[], &attention, bench.shape.width, None);
    let mut switch = Switch::new(&spec.ablations, &attention, bench.shape.width, donors);
    let stage = Text::new("job.switching_off").arg("name", &bench.model.name);
    let done = Cell::new(0);
    let step = || {
        cx.progress(&stage, done.get(), Some(2 * n_new as u64), Unit::Tokens);
        done.set(done.get() + 1);
    };
    let baseline = bench.write(spec, (seed, n_new), &mut nobody, &step)?;
    let ablated = bench.write(spec, (seed, n_new), &mut switch, &step)?;
    Ok(Arc::new(ContinueReport { baseline, ablated, seed }))
}

impl Bench<'_> {
    /// Goes on after the text, token by token, while `watch` changes what passes.
    fn write(
        &mut self,
        spec: &ContinueSpec,
        (seed, n_new): (u64, usize),
        watch: &mut dyn Watch,
        step: &dyn Fn(),
    ) -> Result<Vec<TokenPiece>> {
        let cx = self.cx;
        let mut sequence = self.runner.sequence(CacheWidth::Full);
        let mut sampler = Sampler::new(spec.sampling.clone(), seed, &self.ids)?;
        let mut stream = self.model.codec.stream();
        let mut tokens = self.ids.clone();
        let mut pieces = Vec::new();
        for _ in 0..n_new {
            step();
            let mut request = [Request {
                sequence: &mut sequence,
                tokens: &tokens,
                adapters: self.adapters,
                logits: Wanted::Last,
                watch: Some(&mut *watch),
            }];
            let runner = &mut self.runner;
            let logits =
                until_stopped(cx, || runner.step(&mut request, Precision::Exact, &|| cx.checkpoint()))?;
            let draw = sampler.draw(logits.first().context("a pass gave nothing")?)?;
            let id = draw.id;
            let ends = self.model.codec.eos_ids().contains(&id) && !spec.sampling.ignore_eos;
            pieces.push(score::piece(self.model, draw, &if ends { String::new() } else { stream.push(id) }));
            if ends {
                break;
            }
            tokens = vec![id];
        }
        Ok(pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divergence_is_what_its_definition_says() {
        let (p, q) = ([0.5f32, 0.25, 0.25], [0.25f32, 0.5, 0.25]);
        let logits = |p: [f32; 3]| p.map(|p| p.ln() + 3.0);
        let expected = 0.5 * 2f32.ln() + 0.25 * 0.5f32.ln();
        assert!((kl(&logits(p), &logits(q)) - expected).abs() < 1e-6);
        assert!(kl(&logits(p), &logits(p)).abs() < 1e-7);
    }
}
