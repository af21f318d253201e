//! The loop of a run. Everything it depends on is in plan, data, parameters and [`RunState`]; everything it tells
//! goes through [`Hooks`].

use super::checkpoint::RunState;
use super::plan::{DROPOUT, TrainPlan};
use super::recorder::Recorder;
use super::sample::{Sampler, Snapshot, Written};
use super::{Batch, BatchLoss, LORA_A, LORA_B, Tuner};
use crate::data::batches::draw;
use crate::data::{Dataset, Example};
use anyhow::Result;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{CheckpointKind, ClassTally, ConfusionMatrix, Ending, MetricPoint, Series};
use glassworks_protocol::{Failure, FailureKind, Signal};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Between two checkpoints, when nobody says otherwise.
const SAVE_INTERVAL: Duration = Duration::from_secs(60);
/// A training loss, smoothed, this far above its lowest is no accident, in nats.
const DIVERGED: f64 = 3.0;
/// How much of the smoothed loss is kept at each step.
const SMOOTH: f64 = 0.9;

/// Who hears of a run and steers it.
pub trait Hooks {
    /// Between layers: an error ends the run where it is.
    ///
    /// # Errors
    /// When a person stopped it.
    fn checkpoint(&self) -> Result<()>;
    /// Set once a person has stopped it: looked at inside of kernels.
    fn stop(&self) -> Arc<AtomicBool>;
    /// What a person asked for since the last step.
    fn signal(&self) -> Option<Signal>;
    /// New measurements, and how far the run is.
    ///
    /// # Errors
    /// When they cannot be stored.
    fn record(&mut self, points: Vec<MetricPoint>, training: &Training<'_, '_>) -> Result<()>;
    /// The held-out rows were measured: the loss of each, nats a target.
    ///
    /// # Errors
    /// When they cannot be stored.
    fn looked(&mut self, seen: &Seen<'_>) -> Result<()>;
    /// The prompts are being written on from: what there is of each.
    ///
    /// # Errors
    /// When it cannot be read.
    fn sampling(&self, step: u64, so_far: &[Written]) -> Result<()>;
    /// The prompts were written on from, each in its turn, after so many steps.
    ///
    /// # Errors
    /// When that cannot be stored.
    fn sampled(&mut self, step: u64, written: &[Written]) -> Result<()>;
    /// Write a checkpoint.
    ///
    /// # Errors
    /// When the disk says no.
    fn save(&mut self, kind: CheckpointKind, training: &Training<'_, '_>) -> Result<()>;
    /// Nothing is being computed: what is trained can be looked at.
    fn between_steps(&mut self, training: &Training<'_, '_>);
    /// Milliseconds since 1970, UTC.
    fn now_ms(&self) -> i64;
    /// Memory of the process, bytes.
    fn resident_bytes(&self) -> u64;
}

/// What an evaluation found of each held-out row.
pub struct Seen<'a> {
    pub step: u64,
    /// Mean of its targets, nats; as many as there are rows.
    pub losses: &'a [f32],
    /// The lowest loss of all rows so far.
    pub is_best: bool,
}

/// How a run's loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Done(Ending),
    /// A checkpoint was written, and it can go on.
    Paused,
}

/// A run in memory.
pub struct Training<'m, 'd> {
    pub plan: TrainPlan,
    pub tuner: Tuner<'m>,
    pub state: RunState,
    pub data: &'d Dataset,
    /// What is written at each evaluation.
    pub sampler: Option<Sampler<'m>>,
    /// Of the newest step, and of the newest evaluation, nats a target.
    pub train_loss: Option<f64>,
    pub validation_loss: Option<f64>,
    /// What labels were taken for in the newest evaluation.
    pub classes: Option<ClassTally>,
    pub tokens_per_sec: f64,
    /// The epoch that is being read, and its batches.
    epoch: Option<(u64, Vec<Vec<u32>>)>,
    recorder: Recorder,
    saved_at: Instant,
}

impl<'m, 'd> Training<'m, 'd> {
    #[must_use]
    pub fn new(plan: TrainPlan, tuner: Tuner<'m>, state: RunState, data: &'d Dataset) -> Self {
        Self {
            plan,
            tuner,
            state,
            data,
            sampler: None,
            train_loss: None,
            validation_loss: None,
            classes: None,
            tokens_per_sec: 0.0,
            epoch: None,
            recorder: Recorder::default(),
            saved_at: Instant::now(),
        }
    }

    /// Runs until it is done, or until somebody wants otherwise.
    ///
    /// # Errors
    /// `Failure` when the numbers go wrong, and what the hooks return.
    pub fn run(&mut self, hooks: &mut dyn Hooks) -> Result<Ended> {
        self.tuner.stop = Some(hooks.stop());
        if self.state.step == 0 {
            self.look(hooks)?;
        }
        while self.state.step < self.plan.n_steps {
            hooks.checkpoint()?;
            hooks.between_steps(self);
            if self.is_out_of_patience() {
                return self.end(hooks, Ended::Done(Ending::EarlyStop));
            }
            match hooks.signal() {
                Some(Signal::Pause) => return self.end(hooks, Ended::Paused),
                Some(Signal::StopKeepBest) => return self.end(hooks, Ended::Done(Ending::Kept)),
                Some(Signal::GoOn) | None => {}
            }
            let started = Instant::now();
            let batches = self.next_batches();
            let lr = self.plan.schedule.at(self.state.step);
            let loss = self.accumulate(&batches, hooks)?;
            let number = self.state.step + 1;
            let (grad_scale, norm) = self.tuner.params.clipping(self.plan.spec.run.max_grad_norm);
            self.check_numbers(loss, norm)?;
            self.check_reached()?;
            self.plan.optimizer.step(&mut self.tuner.params, lr, number, grad_scale);
            self.state.step = number;
            self.told(hooks, loss, lr, norm, tokens_in(&batches), started)?;
            if number == self.plan.n_steps || number.is_multiple_of(self.plan.evaluate_every) {
                self.look(hooks)?;
            }
            if self.stays() {
                hooks.save(CheckpointKind::Step(number), self)?;
            }
            if self.saves_now() {
                self.save(hooks)?;
            }
        }
        self.end(hooks, Ended::Done(Ending::Steps))
    }

    fn end(&mut self, hooks: &mut dyn Hooks, ended: Ended) -> Result<Ended> {
        self.save(hooks)?;
        let points = self.recorder.take(true);
        hooks.record(points, self)?;
        Ok(ended)
    }

    fn save(&mut self, hooks: &mut dyn Hooks) -> Result<()> {
        // First what was measured: a checkpoint is never ahead of it.
        let points = self.recorder.take(true);
        hooks.record(points, self)?;
        hooks.save(CheckpointKind::Last, self)?;
        self.saved_at = Instant::now();
        Ok(())
    }

    /// Whether a checkpoint of this step stays.
    fn stays(&self) -> bool {
        self.plan.spec.checkpoints.keep_every.is_some_and(|every| self.state.step.is_multiple_of(every))
    }

    fn saves_now(&self) -> bool {
        match self.plan.spec.checkpoints.every {
            Some(every) => self.state.step.is_multiple_of(every),
            None => self.saved_at.elapsed() >= SAVE_INTERVAL,
        }
    }

    /// The batches of the next step; an epoch's last step may have fewer.
    fn next_batches(&mut self) -> Vec<Batch> {
        let wanted = self.state.epoch;
        let rows = match &self.epoch {
            Some((epoch, rows)) if *epoch == wanted => rows,
            _ => &self.epoch.insert((wanted, self.plan.epoch(wanted))).1,
        };
        let from = self.state.batch as usize;
        let to = (from + self.plan.spec.batch.accumulation.max(1) as usize).min(rows.len());
        let train = &self.data.train;
        let batches =
            rows[from..to].iter().map(|rows| batch_of(rows.iter().map(|row| &train[*row as usize])));
        let batches = batches.collect();
        (self.state.epoch, self.state.batch) =
            if to == rows.len() { (wanted + 1, 0) } else { (wanted, to as u64) };
        batches
    }

    /// The gradients of a step, scaled by its targets, whichever batch they are in.
    fn accumulate(&mut self, batches: &[Batch], hooks: &dyn Hooks) -> Result<BatchLoss> {
        let weight: f64 = batches.iter().map(|batch| self.tuner.target_weight(batch)).sum();
        let scale = if weight > 0.0 { 1.0 / weight as f32 } else { 1.0 };
        self.tuner.params.zero_grad();
        let mut loss = BatchLoss::default();
        for (i, batch) in batches.iter().enumerate() {
            let number = self.state.step * u64::from(self.plan.spec.batch.accumulation.max(1)) + i as u64;
            self.tuner.dropout_key = draw(self.plan.spec.seed, DROPOUT, number);
            let one = self.tuner.accumulate(batch, scale, &|| hooks.checkpoint())?;
            loss.add(one);
            if number == 0 {
                self.tuner.hold_to_peak();
            }
        }
        Ok(loss)
    }

    /// Before the step: numbers that are none never reach a parameter.
    fn check_numbers(&mut self, loss: BatchLoss, norm: f64) -> Result<()> {
        let mean = loss.mean();
        if !mean.is_finite() {
            return Err(diverged(self.state.step + 1, "NaN"));
        }
        if !norm.is_finite() {
            return Err(diverged(self.state.step + 1, "gradient NaN"));
        }
        let smooth = self.state.smooth_loss.map_or(mean, |old| SMOOTH * old.get() + (1.0 - SMOOTH) * mean);
        let lowest = self.state.lowest_smooth_loss.map_or(smooth, |lowest| lowest.get().min(smooth));
        self.state.smooth_loss = Some(smooth.into());
        self.state.lowest_smooth_loss = Some(lowest.into());
        if smooth > lowest + DIVERGED {
            return Err(diverged(self.state.step + 1, &format!("{lowest:.2} → {smooth:.2}")));
        }
        Ok(())
    }

    /// What is trained must have a gradient in the first step. An adapter's A has none as long as its B is the zeros
    /// it began as, and is looked at once that has moved.
    fn check_reached(&mut self) -> Result<()> {
        let params = &self.tuner.params;
        let waits = |name: &str| {
            let b = name.strip_suffix(LORA_A).map(|linear| format!("{linear}{LORA_B}"));
            let b = b.and_then(|b| params.iter().find(|p| p.name == b));
            b.is_some_and(|b| b.value.iter().all(|x| *x == 0.0))
        };
        let pending = match &self.state.unreached {
            Some(pending) if pending.is_empty() => return Ok(()),
            pending => pending.as_ref(),
        };
        let unreached = params.unreached().into_iter().map(|p| p.name.clone());
        let unreached: Vec<String> =
            unreached.filter(|name| pending.is_none_or(|pending| pending.contains(name))).collect();
        if let Some(name) = unreached.iter().find(|name| !waits(name)) {
            return Err(Failure::new(FailureKind::Bug, Text::new("failure.unreached").arg("name", name))
                .hint(Text::new("failure.unreached_hint"))
                .into());
        }
        self.state.unreached = Some(unreached);
        Ok(())
    }

    fn told(
        &mut self,
        hooks: &mut dyn Hooks,
        loss: BatchLoss,
        lr: f64,
        norm: f64,
        n_tokens: usize,
        started: Instant,
    ) -> Result<()> {
        let (step, now, secs) = (self.state.step, hooks.now_ms(), started.elapsed().as_secs_f64());
        self.state.n_tokens += n_tokens as u64;
        self.state.train_secs += secs;
        self.train_loss = Some(loss.mean());
        self.tokens_per_sec = n_tokens as f64 / secs.max(1e-9);
        for (series, value) in [
            (Series::TrainLoss, loss.mean()),
            (Series::LearningRate, lr),
            (Series::GradNorm, norm),
            (Series::TokensPerSec, self.tokens_per_sec),
            (Series::MemoryBytes, hooks.resident_bytes() as f64),
            (Series::Tokens, self.state.n_tokens as f64),
            (Series::TrainSecs, self.state.train_secs),
        ] {
            self.recorder.add(series, step, value, now);
        }
        let points = self.recorder.take(false);
        hooks.record(points, self)
    }

    /// How good it is, and what it writes.
    fn look(&mut self, hooks: &mut dyn Hooks) -> Result<()> {
        self.evaluate(hooks)?;
        let Some(sampler) = self.sampler.as_ref().filter(|sampler| !sampler.prompts.is_empty()) else {
            return Ok(());
        };
        let now = Snapshot::of(sampler.model, &self.tuner.params, &self.plan.spec.method)?;
        let step = self.state.step;
        let written = sampler.write(&now, &|| hooks.checkpoint(), &|so_far| hooks.sampling(step, so_far))?;
        hooks.sampled(self.state.step, &written)
    }

    /// Measures on the validation rows.
    fn evaluate(&mut self, hooks: &mut dyn Hooks) -> Result<()> {
        if self.data.validation.is_empty() {
            return Ok(());
        }
        let mut loss = BatchLoss::default();
        let mut each = Vec::with_capacity(self.data.validation.len());
        let mut confusion = ConfusionMatrix::new(self.data.report.label_names());
        for rows in self.data.validation.chunks(self.plan.spec.batch.sequences.max(1) as usize) {
            hooks.checkpoint()?;
            hooks.between_steps(self);
            let batch = batch_of(rows.iter());
            let between = || hooks.checkpoint();
            let losses = if confusion.labels.is_empty() {
                self.tuner.evaluate_rows(&batch, &between)?
            } else {
                let said = self.tuner.classify(&batch, &between)?;
                let truths = rows.iter().filter_map(|row| row.class);
                truths.zip(said.found()).for_each(|(truth, found)| confusion.add(truth as usize, found));
                self.tuner.class_losses(&batch, &said)
            };
            for row in losses {
                loss.add(row);
                each.push(row.mean() as f32);
            }
        }
        let (step, mean) = (self.state.step, loss.mean());
        if !mean.is_finite() {
            return Err(diverged(step, "NaN"));
        }
        self.validation_loss = Some(mean);
        let now = hooks.now_ms();
        self.recorder.add(Series::ValidationLoss, step, mean, now);
        if !confusion.labels.is_empty() {
            self.recorder.add(Series::Accuracy, step, confusion.accuracy(), now);
            self.recorder.add(Series::MacroF1, step, confusion.macro_f1(), now);
            self.classes = Some(ClassTally { step, confusion });
        }
        if step == 0 {
            self.state.first_loss = Some(mean.into());
        }
        let is_best = self.state.best_loss.is_none_or(|best| mean < best.get());
        hooks.looked(&Seen { step, losses: &each, is_best })?;
        if is_best {
            self.state.best_loss = Some(mean.into());
            self.state.best_step = Some(step);
            self.state.without_better = 0;
            if step > 0 && self.plan.spec.checkpoints.keep_best {
                hooks.save(CheckpointKind::Best, self)?;
            }
        } else {
            self.state.without_better += 1;
        }
        Ok(())
    }

    fn is_out_of_patience(&self) -> bool {
        let patience = self.plan.spec.evaluation.patience;
        patience.is_some_and(|patience| self.state.without_better >= patience)
    }
}

fn batch_of<'e>(examples: impl Iterator<Item = &'e Example>) -> Batch {
    let mut batch = Batch::default();
    examples.for_each(|example| batch.push_example(example));
    batch
}

fn tokens_in(batches: &[Batch]) -> usize {
    batches.iter().map(|batch| batch.tokens.len()).sum()
}

fn diverged(step: u64, what: &str) -> anyhow::Error {
    Failure::new(FailureKind::Input, Text::new("failure.diverged").arg("step", step).arg("what", what))
        .hint(Text::new("failure.diverged_hint"))
        .into()
}
