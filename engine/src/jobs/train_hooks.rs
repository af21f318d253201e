//! What a run's loop tells, kept and sent on: measurements, checkpoints, the record, and in the end the result.

use super::models::{enter, files_of};
use super::train::{dropout, linear_names};
use crate::data::Dataset;
use crate::durable;
use crate::job_cx::JobCx;
use crate::memory;
use crate::power::PowerWatch;
use crate::shelf::LoadedModel;
use crate::train::checkpoint::{self, About};
use crate::train::live::{self, Publishing};
use crate::train::run::{Hooks, Seen, Training};
use crate::train::sample::Written;
use crate::train::save::{self, SavedHead};
use anyhow::Result;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{
    CheckpointKind, CheckpointRecord, Look, MethodSpec, MetricPoint, RunRecord, RunSample, RunStatus,
    SaveType,
};
use glassworks_protocol::{Edit, Partial, Signal, Stored, Unit};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Between two writes of measurements.
const POINTS_INTERVAL: Duration = Duration::from_secs(1);
/// Between two words about what is being written.
const SAMPLES_INTERVAL: Duration = Duration::from_millis(100);
/// Between two looks at the memory of the process.
const MEMORY_INTERVAL: Duration = Duration::from_millis(500);
/// What tells labels apart, among a run's values.
const HEAD: &str = "score.weight";
/// The folder of a run's result, under the run's.
const RESULT: &str = "result";

/// A run's place in the store and on disk.
pub struct Keeping<'a> {
    pub cx: &'a JobCx,
    pub record: RunRecord,
    pub model: &'a LoadedModel,
    data_hash: String,
    dropout: f64,
    linears: Arc<Vec<String>>,
    labels: Vec<String>,
    waiting: Vec<MetricPoint>,
    written_at: Instant,
    memory: std::cell::Cell<Option<(Instant, u64)>>,
    /// What is written on from at each evaluation, as a person knows it.
    prompts: Vec<String>,
    /// When what is being written was told last.
    sampled_at: std::cell::Cell<Option<Instant>>,
    pub watch: PowerWatch,
}

impl<'a> Keeping<'a> {
    pub fn new(
        cx: &'a JobCx,
        record: &RunRecord,
        model: &'a LoadedModel,
        data: &Dataset,
        prompts: Vec<String>,
    ) -> Self {
        Self {
            prompts,
            watch: PowerWatch::begin(&cx.shared.power, &record.name, record.spec.run.pause_on_battery),
            cx,
            data_hash: data.report.hash.clone(),
            dropout: dropout(&record.spec, data.train.len()),
            linears: linear_names(model),
            labels: data.report.label_names(),
            record: record.clone(),
            model,
            waiting: Vec::new(),
            written_at: Instant::now(),
            memory: std::cell::Cell::new(None),
            sampled_at: std::cell::Cell::new(None),
        }
    }

    /// What was written for each prompt, as it is kept.
    fn samples(&self, step: u64, written: &[Written]) -> Result<Vec<RunSample>> {
        let one = |((n, written), prompt): ((usize, &Written), &String)| {
            Ok(RunSample {
                run: self.record.id,
                step,
                n: n as u32,
                prompt: prompt.clone(),
                text: self.model.codec.decode(&written.ids, true)?.trim().to_owned(),
                ended: written.ended,
            })
        };
        written.iter().enumerate().zip(&self.prompts).map(one).collect()
    }

    /// Writes the measurements that wait.
    fn flush(&mut self) -> Result<()> {
        if !self.waiting.is_empty() {
            self.cx.wait(self.cx.shared.store.add_points(self.record.id, &self.waiting))?;
            self.waiting.clear();
        }
        self.written_at = Instant::now();
        Ok(())
    }

    fn take_note(&mut self, training: &Training<'_, '_>) {
        let (state, progress) = (&training.state, &mut self.record.progress);
        progress.step = state.step;
        progress.n_tokens = state.n_tokens;
        progress.train_secs = state.train_secs;
        progress.best_step = state.best_step;
        progress.best_loss = state.best_loss.map(|loss| loss.get());
        progress.first_validation_loss = state.first_loss.map(|loss| loss.get());
        progress.train_loss = training.train_loss.or(progress.train_loss);
        progress.validation_loss = training.validation_loss.or(progress.validation_loss);
        if let Some(classes) = &training.classes
            && progress.last_classes.as_ref().is_none_or(|last| last.step != classes.step)
        {
            if state.best_step == Some(classes.step) {
                progress.best_classes = Some(classes.clone());
            }
            progress.last_classes = Some(classes.clone());
        }
        if state.train_secs > 0.0 {
            progress.tokens_per_sec = state.n_tokens as f64 / state.train_secs;
        }
        progress.held_bytes = progress.held_bytes.max(training.tuner.held_bytes());
        progress.peak_bytes = progress.peak_bytes.max(self.memory.get().map_or(0, |(_, bytes)| bytes));
    }

    /// Lets the oldest of the checkpoints that stay go, until the budget has room for `kind`; false where it has none
    /// for any.
    fn make_room(&self, kind: CheckpointKind) -> Result<bool> {
        let (cx, record) = (self.cx, &self.record);
        let most = record.spec.room_for(record.progress.n_trained) as usize;
        if most == 0 {
            return Ok(false);
        }
        let kept = cx.wait(cx.shared.store.run_checkpoints(record.id))?;
        let stays = |one: &Arc<CheckpointRecord>| match one.kind {
            CheckpointKind::Step(step) if one.kind != kind => Some(step),
            _ => None,
        };
        let mut steps: Vec<u64> = kept.iter().filter_map(stays).collect();
        steps.sort_unstable();
        for step in &steps[..(steps.len() + 1).saturating_sub(most)] {
            let edit = Edit::DeleteCheckpoint { run: record.id, kind: CheckpointKind::Step(*step) };
            cx.stored(cx.wait(cx.shared.store.edit(edit))?);
        }
        Ok(true)
    }

    fn update(&mut self, status: RunStatus) -> Result<Arc<RunRecord>> {
        let store = &self.cx.shared.store;
        let stored = self.cx.wait(store.update_run(self.record.id, status, &self.record.progress))?;
        self.record.status = status;
        let run = match &stored {
            Stored::Run(run) => Arc::clone(run),
            _ => Arc::new(self.record.clone()),
        };
        self.cx.stored([stored]);
        Ok(run)
    }

    /// Stores how the run ended.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn settle(&mut self, status: RunStatus) -> Result<Arc<RunRecord>> {
        self.flush()?;
        self.update(status)
    }

    /// Makes of the best checkpoint, or of the last, what a person takes away.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn make_result(&mut self, data: &Dataset) -> Result<()> {
        let folder = self.record.folder.clone();
        let best = self.record.spec.checkpoints.keep_best
            && !data.validation.is_empty()
            && checkpoint::is_there(&folder, CheckpointKind::Best);
        let kind = if best { CheckpointKind::Best } else { CheckpointKind::Last };
        let from = folder.join(kind.folder());
        let target = folder.join(RESULT);
        let (record, model) = (&self.record, self.model);
        let recipe = recipe(record);
        let language = self.cx.shared.language;
        durable::replace_folder(&target, &mut |to| {
            match &record.spec.method {
                MethodSpec::Lora(_) => save::copy_adapter(&from, to)?,
                MethodSpec::Full(_) => {
                    let values = save::trained_values(&folder, kind)?;
                    let companions = files_of(self.cx, &record.spec.model)?.companions()?;
                    let mut alter = |name: &str, out: &mut [f32], _: usize| {
                        if let Some(trained) = values.get(name) {
                            out.copy_from_slice(trained);
                        }
                    };
                    let between = |_, _| self.cx.checkpoint();
                    let head = values.get(HEAD).filter(|_| record.spec.task.classifies());
                    let pad = model.codec.eos_ids().first().copied();
                    let head = head.map(|weight| SavedHead { labels: &self.labels, weight, pad });
                    let dtype = SaveType::F32;
                    save::model_folder(
                        to,
                        &companions,
                        model.own()?,
                        head.as_ref(),
                        dtype,
                        &mut alter,
                        &between,
                    )?;
                }
            }
            save::model_card(to, record, &model.card, kind, &recipe, language)
        })?;
        if matches!(self.record.spec.method, MethodSpec::Full(_)) {
            enter(self.cx, &target, Some(&self.record.name))?;
        }
        self.record.progress.result = Some(target);
        Ok(())
    }
}

/// The spec as a recipe that `glassworks train` reads.
fn recipe(record: &RunRecord) -> String {
    record.spec.recipe(&record.progress.model_name)
}

/// The loop's end of it.
pub struct RunHooks<'k, 'a> {
    pub keeping: &'k mut Keeping<'a>,
    /// Where an adapter is shown while it is trained, and what its output is multiplied by.
    pub live: Option<(Publishing<'k>, f32)>,
}

impl Hooks for RunHooks<'_, '_> {
    fn checkpoint(&self) -> Result<()> {
        self.keeping.cx.checkpoint()
    }

    fn stop(&self) -> Arc<AtomicBool> {
        self.keeping.cx.stop()
    }

    fn signal(&self) -> Option<Signal> {
        let keeping = &self.keeping;
        let asked = keeping.cx.signal().filter(|signal| *signal != Signal::GoOn);
        asked.or_else(|| keeping.watch.wants_pause().then_some(Signal::Pause))
    }

    fn record(&mut self, points: Vec<MetricPoint>, training: &Training<'_, '_>) -> Result<()> {
        let keeping = &mut *self.keeping;
        let (step, n_steps) = (training.state.step, training.plan.n_steps);
        keeping.cx.progress(&Text::new("train.stage.training"), step, Some(n_steps), Unit::Steps);
        keeping.take_note(training);
        if !points.is_empty() {
            keeping.waiting.extend_from_slice(&points);
            keeping.cx.partial(Partial::Metrics(points));
        }
        if keeping.written_at.elapsed() >= POINTS_INTERVAL {
            keeping.flush()?;
        }
        Ok(())
    }

    fn looked(&mut self, seen: &Seen<'_>) -> Result<()> {
        let keeping = &*self.keeping;
        let mut looks = vec![Look::Last];
        looks.extend((seen.step == 0).then_some(Look::First));
        looks.extend(seen.is_best.then_some(Look::Best));
        let store = &keeping.cx.shared.store;
        let kept = store.keep_row_losses(keeping.record.id, &looks, seen.step, seen.losses);
        keeping.cx.stored([keeping.cx.wait(kept)?]);
        Ok(())
    }

    fn sampling(&self, step: u64, so_far: &[Written]) -> Result<()> {
        let keeping = &*self.keeping;
        if keeping.sampled_at.get().is_some_and(|at| at.elapsed() < SAMPLES_INTERVAL) {
            return Ok(());
        }
        keeping.sampled_at.set(Some(Instant::now()));
        let samples = keeping.samples(step, so_far)?.into_iter().map(Arc::new).collect();
        keeping.cx.partial(Partial::Samples(samples));
        Ok(())
    }

    fn sampled(&mut self, step: u64, written: &[Written]) -> Result<()> {
        let keeping = &*self.keeping;
        let samples = keeping.samples(step, written)?;
        let stored = keeping.cx.wait(keeping.cx.shared.store.keep_samples(&samples))?;
        keeping.cx.stored(stored);
        Ok(())
    }

    fn save(&mut self, kind: CheckpointKind, training: &Training<'_, '_>) -> Result<()> {
        let keeping = &mut *self.keeping;
        if matches!(kind, CheckpointKind::Step(_)) && !keeping.make_room(kind)? {
            return Ok(());
        }
        keeping.flush()?;
        keeping.take_note(training);
        let about = About {
            folder: &keeping.record.folder,
            base_name: &keeping.model.name,
            base_hash: &keeping.model.card.content_hash,
            data_hash: &keeping.data_hash,
            dropout: keeping.dropout,
            linears: &keeping.linears,
            labels: &keeping.labels,
        };
        let path =
            checkpoint::write(&about, kind, &training.tuner, &training.plan.spec.method, &training.state)?;
        let record = CheckpointRecord {
            run: keeping.record.id,
            kind,
            step: training.state.step,
            validation_loss: training.validation_loss,
            size_bytes: durable::folder_bytes(&path),
            path,
            at_ms: keeping.cx.now_ms(),
        };
        let stored = keeping.cx.wait(keeping.cx.shared.store.keep_checkpoint(&record))?;
        keeping.cx.stored([stored]);
        keeping.update(RunStatus::Running)?;
        Ok(())
    }

    fn between_steps(&mut self, training: &Training<'_, '_>) {
        if let Some((publishing, scale)) = &self.live {
            publishing.offer(training.state.step, || live::adapters(&training.tuner.params, *scale));
        }
    }

    fn now_ms(&self) -> i64 {
        self.keeping.cx.now_ms()
    }

    fn resident_bytes(&self) -> u64 {
        let memory = &self.keeping.memory;
        match memory.get().filter(|(at, _)| at.elapsed() < MEMORY_INTERVAL) {
            Some((_, bytes)) => bytes,
            None => {
                let bytes = memory::resident();
                memory.set(Some((Instant::now(), bytes)));
                bytes
            }
        }
    }
}
