//! What can be known of a run before it begins: what its data holds, and how long its steps take. Keeps nothing.

use super::models::{files_of, own_from_shelf};
use super::samples;
use super::scratch::Trial;
use super::train::{my_turn, refuse, row_tick, tick};
use crate::data::{self, Encoder, Example};
use crate::datasets::learn;
use crate::job_cx::JobCx;
use crate::memory;
use crate::train::Batch;
use crate::train::checkpoint::RunState;
use crate::train::plan::{self, TrainPlan};
use crate::train::run::{Hooks, Seen, Training};
use crate::train::sample::{Sampler, Snapshot, Written};
use anyhow::Result;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{CheckpointKind, MetricPoint, StepReport, TrainSpec};
use glassworks_protocol::{JobOutput, Signal, Unit};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Batches that are timed, after a first one that also makes the buffers.
const TIMED: usize = 5;
/// Tokens after each prompt that are timed.
const SAMPLED: usize = 8;
/// No batch is begun after so long.
const LONG_ENOUGH: Duration = Duration::from_secs(20);

/// Reads and tokenises everything as a run would; the model's weights are not needed for it.
pub fn check_data(cx: &JobCx, spec: &TrainSpec) -> Result<JobOutput> {
    let (spec, _trial) = &Trial::of(cx, spec)?;
    let files = files_of(cx, &spec.model)?;
    let (codec, template) = (files.tokenizer()?, files.chat_template()?);
    let encoder =
        Encoder { task: spec.task, codec: &codec, template: &template, now_ms: cx.now_ms(), rendering: None };
    let context_length = files.card()?.context_length;
    let data = learn::with(&cx.shared, spec.data.dataset.as_ref(), &row_tick(cx), |kept| {
        data::load(spec, kept, &encoder, context_length, &tick(cx))
    })?;
    Ok(JobOutput::DataChecked(Arc::new(data.report)))
}

/// Trains for a few batches, times them, and forgets what was learned.
pub fn measure(cx: &JobCx, spec: TrainSpec) -> Result<JobOutput> {
    refuse(cx, &spec.problems(None))?;
    let _turn = my_turn(cx)?;
    let (spec, _trial) = Trial::of(cx, &spec)?;
    let model = own_from_shelf(cx, &spec.model)?;
    refuse(cx, &spec.problems(Some(&model.card)))?;
    refuse(cx, &plan::problems(model.own()?, &spec))?;
    let context_length = model.model.shape().context_length as u32;
    let encoder = Encoder {
        task: spec.task,
        codec: &model.codec,
        template: &model.template,
        now_ms: cx.now_ms(),
        rendering: None,
    };
    let mut data = learn::with(&cx.shared, spec.data.dataset.as_ref(), &row_tick(cx), |kept| {
        data::load(&spec, kept, &encoder, context_length, &tick(cx))
    })?;
    let mut sampler = samples::of(&model, &spec, &data, cx.now_ms())?.sampler;
    // Timed apart from the steps.
    let validation = std::mem::take(&mut data.validation);
    let plan = TrainPlan::new(by_batches(spec), &data);
    let _memory = cx.shared.ledger.reserve(plan.bytes(model.own()?), &model.name)?;
    let tuner = plan::tuner(model.own()?, &plan.spec, &data.report, None)?;
    let mut training = Training::new(plan, tuner, RunState::default(), &data);
    let mut watch = Watch { cx, begun: Instant::now(), marks: Vec::new() };
    training.run(&mut watch)?;
    let mut report = watch.report();
    report.evaluation_secs = evaluation_secs(cx, &training, &validation)?;
    sampler.n_tokens = sampler.n_tokens.min(SAMPLED);
    report.sample_token_secs = sample_token_secs(cx, &training, &sampler)?;
    Ok(JobOutput::TrainingMeasured(Arc::new(report)))
}

/// The same spec with each batch a step of its own: what a token costs doesn't depend on it, and it is seen sooner.
fn by_batches(mut spec: TrainSpec) -> TrainSpec {
    spec.batch.accumulation = 1;
    spec
}

/// Seconds that all validation rows take, from one batch of them.
fn evaluation_secs(cx: &JobCx, training: &Training<'_, '_>, validation: &[Example]) -> Result<f64> {
    let n_tokens = |rows: &[Example]| rows.iter().map(|row| row.ids.len()).sum::<usize>();
    let few = training.plan.spec.batch.sequences.max(1) as usize;
    let some = &validation[..few.min(validation.len())];
    if n_tokens(some) == 0 {
        return Ok(0.0);
    }
    let mut batch = Batch::default();
    some.iter().for_each(|row| batch.push_example(row));
    let started = Instant::now();
    training.tuner.evaluate(&batch, &|| cx.checkpoint())?;
    Ok(started.elapsed().as_secs_f64() * n_tokens(validation) as f64 / n_tokens(some) as f64)
}

/// Seconds that a token after every prompt takes, their reading shared among them.
fn sample_token_secs(cx: &JobCx, training: &Training<'_, '_>, sampler: &Sampler<'_>) -> Result<f64> {
    if sampler.prompts.is_empty() {
        return Ok(0.0);
    }
    let started = Instant::now();
    let now = Snapshot::of(sampler.model, &training.tuner.params, &training.plan.spec.method)?;
    let written = sampler.write(&now, &|| cx.checkpoint(), &|_| Ok(()))?;
    let n = written.iter().map(|one| one.ids.len() + usize::from(one.ended)).max().unwrap_or(0);
    Ok(started.elapsed().as_secs_f64() / n.max(1) as f64)
}

/// Watches the loop of a run and ends it when enough has been seen.
struct Watch<'a> {
    cx: &'a JobCx,
    begun: Instant,
    /// After each step: tokens and seconds since the beginning.
    marks: Vec<(u64, f64)>,
}

impl Watch<'_> {
    fn report(&self) -> StepReport {
        let (from, to) = match (self.marks.first(), self.marks.last()) {
            (Some(first), Some(last)) if self.marks.len() > 1 => (*first, *last),
            // Data of a single batch: the first step is all there is.
            (Some(only), _) => ((0, 0.0), *only),
            _ => return StepReport::default(),
        };
        StepReport {
            n_batches: self.marks.len().saturating_sub(1).max(1) as u64,
            n_tokens: to.0 - from.0,
            secs: to.1 - from.1,
            evaluation_secs: 0.0,
            sample_token_secs: 0.0,
        }
    }
}

impl Hooks for Watch<'_> {
    fn checkpoint(&self) -> Result<()> {
        self.cx.checkpoint()
    }

    fn stop(&self) -> Arc<AtomicBool> {
        self.cx.stop()
    }

    fn signal(&self) -> Option<Signal> {
        let seen = self.marks.len();
        (seen > TIMED || seen > 1 && self.begun.elapsed() > LONG_ENOUGH).then_some(Signal::Pause)
    }

    fn record(&mut self, _: Vec<MetricPoint>, training: &Training<'_, '_>) -> Result<()> {
        let state = &training.state;
        if state.step as usize > self.marks.len() {
            self.marks.push((state.n_tokens, state.train_secs));
        }
        let stage = Text::new("finetune.stage_measuring");
        self.cx.progress(&stage, self.marks.len() as u64, Some(TIMED as u64 + 1), Unit::Steps);
        Ok(())
    }

    fn looked(&mut self, _: &Seen<'_>) -> Result<()> {
        Ok(())
    }

    fn sampling(&self, _: u64, _: &[Written]) -> Result<()> {
        Ok(())
    }

    fn sampled(&mut self, _: u64, _: &[Written]) -> Result<()> {
        Ok(())
    }

    fn save(&mut self, _: CheckpointKind, _: &Training<'_, '_>) -> Result<()> {
        Ok(())
    }

    fn between_steps(&mut self, _: &Training<'_, '_>) {}

    fn now_ms(&self) -> i64 {
        self.cx.now_ms()
    }

    fn resident_bytes(&self) -> u64 {
        memory::resident()
    }
}
