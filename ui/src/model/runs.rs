//! Training runs: their records, how each stands, what was measured and what is kept of them.

use super::curves::Curves;
use super::library::Library;
use glassworks_protocol::ids::{JobId, RunId};
use glassworks_protocol::train::{
    CheckpointKind, CheckpointRecord, MetricPoint, RunProgress, RunRecord, RunStatus, TrainJob, TrainSpec,
};
use glassworks_protocol::{Edit, Failure, JobSpec, Outcome, Query};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Runs whose measurements stay in memory; beyond that the one asked for longest ago goes.
const MAX_CURVES: usize = 16;

/// Whether the list is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Listed {
    #[default]
    NotAsked,
    Asked,
    Ready,
    Failed(Failure),
}

/// How a run stands. Only this window trains in its home, so a run that is stored as running and has no job here was
/// cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Its job has not begun to train: it waits its turn, or loads.
    Waiting,
    Running,
    /// Paused by the battery, and goes on by itself once the machine is plugged in.
    Unplugged,
    /// Told to pause or stop.
    Ending,
    Paused,
    Stopped,
    Interrupted,
    Done,
    Failed,
}

impl RunState {
    /// Whether a job of this window is on it.
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Waiting | Self::Running | Self::Unplugged | Self::Ending)
    }

    /// Whether it can go on from its last checkpoint.
    #[must_use]
    pub fn can_resume(self) -> bool {
        matches!(self, Self::Paused | Self::Stopped | Self::Interrupted | Self::Failed)
    }
}

#[derive(Debug, Default)]
pub struct Runs {
    /// Newest first.
    list: Vec<Arc<RunRecord>>,
    listed: Listed,
    version: u64,
    jobs: HashMap<JobId, RunId>,
    /// Asked for by this window and not stored yet.
    fresh: Vec<RunId>,
    curves: HashMap<RunId, Arc<Curves>>,
    /// Runs whose measurements were asked for, longest ago first.
    asked: Vec<RunId>,
    checkpoints: HashMap<RunId, Vec<Arc<CheckpointRecord>>>,
    /// Those of all runs have been told.
    knows_checkpoints: bool,
    asked_checkpoints: bool,
}

impl Runs {
    #[must_use]
    pub fn list(&self) -> &[Arc<RunRecord>] {
        &self.list
    }

    #[must_use]
    pub fn listed(&self) -> &Listed {
        &self.listed
    }

    /// Rises whenever the list changes.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    #[must_use]
    pub fn get(&self, id: RunId) -> Option<&Arc<RunRecord>> {
        self.list.iter().find(|run| run.id == id)
    }

    /// The job that works on a run, the newest if there were several.
    #[must_use]
    pub fn run_of(&self, job: JobId) -> Option<RunId> {
        self.jobs.get(&job).copied()
    }

    /// What was measured, as far as it has come.
    #[must_use]
    pub fn curves(&self, id: RunId) -> Option<&Arc<Curves>> {
        self.curves.get(&id)
    }

    /// Whether the measurements of a run have been asked for.
    #[must_use]
    pub fn has_asked(&self, id: RunId) -> bool {
        self.asked.contains(&id) || self.fresh.contains(&id)
    }

    /// Whether what all runs keep on disk has been told, and whether it was asked for.
    #[must_use]
    pub fn knows_checkpoints(&self) -> bool {
        self.knows_checkpoints
    }

    #[must_use]
    pub fn asked_checkpoints(&self) -> bool {
        self.asked_checkpoints
    }

    /// What a run keeps on disk, the newest first.
    #[must_use]
    pub fn checkpoints(&self, id: RunId) -> &[Arc<CheckpointRecord>] {
        self.checkpoints.get(&id).map_or(&[], Vec::as_slice)
    }

    pub(super) fn asked(&mut self, query: &Query) {
        match query {
            Query::Checkpoints => self.asked_checkpoints = true,
            Query::Runs if self.listed != Listed::Ready => self.listed = Listed::Asked,
            Query::RunPoints(id) => {
                self.asked.retain(|asked| asked != id);
                self.asked.push(*id);
                if self.asked.len() > MAX_CURVES {
                    let gone = self.asked.remove(0);
                    self.curves.remove(&gone);
                }
            }
            _ => {}
        }
    }

    pub(super) fn refused(&mut self, query: &Query, failure: &Failure) -> bool {
        if *query == Query::Runs && self.listed != Listed::Ready {
            self.listed = Listed::Failed(failure.clone());
            return true;
        }
        false
    }

    pub(super) fn fetched(&mut self, runs: Vec<Arc<RunRecord>>) {
        // One that this window has just begun may not be stored yet.
        let stored = |id: RunId| runs.iter().any(|run| run.id == id);
        let waiting = self.list.iter().filter(|run| self.fresh.contains(&run.id) && !stored(run.id));
        self.list = waiting.cloned().chain(runs.iter().cloned()).collect();
        self.listed = Listed::Ready;
        self.version += 1;
    }

    pub(super) fn fetched_points(&mut self, id: RunId, points: &[MetricPoint]) {
        Arc::make_mut(self.curves.entry(id).or_default()).replace(points);
    }

    pub(super) fn fetched_checkpoints(&mut self, id: RunId, mut records: Vec<Arc<CheckpointRecord>>) {
        records.sort_by_key(|record| std::cmp::Reverse(record.at_ms));
        self.checkpoints.insert(id, records);
    }

    pub(super) fn fetched_all_checkpoints(&mut self, records: Vec<Arc<CheckpointRecord>>) {
        self.checkpoints.clear();
        for record in records {
            self.checkpoints.entry(record.run).or_default().push(record);
        }
        self.checkpoints
            .values_mut()
            .for_each(|kept| kept.sort_by_key(|record| std::cmp::Reverse(record.at_ms)));
        self.knows_checkpoints = true;
    }

    pub(super) fn started(&mut self, job: JobId, spec: &JobSpec, library: &Library, now_ms: i64) {
        let JobSpec::Train(spec) = spec else { return };
        match spec {
            TrainJob::New { run, spec } => {
                self.jobs.insert(job, *run);
                self.fresh.push(*run);
                self.list.insert(0, Arc::new(about_to_be(*run, spec, library, now_ms)));
                self.version += 1;
            }
            TrainJob::Resume { run } => {
                self.jobs.insert(job, *run);
            }
        }
    }

    pub(super) fn measured(&mut self, job: JobId, points: &[MetricPoint]) {
        if let Some(id) = self.run_of(job)
            && self.has_asked(id)
        {
            Arc::make_mut(self.curves.entry(id).or_default()).add(points);
        }
    }

    pub(super) fn stored(&mut self, run: Arc<RunRecord>) {
        let was = self.get(run.id).map(|old| old.status);
        if run.status == RunStatus::Running
            && was.is_some_and(|was| was != RunStatus::Running)
            && let Some(curves) = self.curves.get_mut(&run.id)
        {
            Arc::make_mut(curves).cut_after(run.progress.step);
        }
        if let Some(at) = self.fresh.iter().position(|fresh| *fresh == run.id) {
            self.fresh.remove(at);
            // Everything that was measured has been heard of from the first step on.
            self.asked.push(run.id);
        }
        match self.list.iter_mut().find(|old| old.id == run.id) {
            Some(old) => *old = run,
            None => self.list.insert(0, run),
        }
        self.version += 1;
    }

    pub(super) fn stored_checkpoint(&mut self, record: Arc<CheckpointRecord>) {
        let kept = self.checkpoints.entry(record.run).or_default();
        kept.retain(|old| old.kind != record.kind);
        kept.insert(0, record);
    }

    pub(super) fn checkpoint_deleted(&mut self, run: RunId, kind: CheckpointKind) {
        if let Some(kept) = self.checkpoints.get_mut(&run) {
            kept.retain(|record| record.kind != kind);
        }
    }

    /// What has to be fetched because the job ended: live measurements are hints, and some may have been missed.
    pub(super) fn settled(&mut self, job: JobId, outcome: &Outcome) -> Option<(RunId, Option<Query>)> {
        let id = self.jobs.remove(&job)?;
        if self.fresh.contains(&id) {
            // Refused before it began: there is no such run.
            self.fresh.retain(|fresh| *fresh != id);
            if !matches!(outcome, Outcome::Done(_)) {
                self.list.retain(|run| run.id != id);
            }
        }
        self.version += 1;
        Some((id, self.asked.contains(&id).then_some(Query::RunPoints(id))))
    }

    pub(super) fn edited(&mut self, edit: &Edit, now_ms: i64) {
        match edit {
            Edit::RenameRun { run, name } => self.change(*run, |record| record.name = name.trim().to_owned()),
            Edit::SetRunTags { run, tags } => self.change(*run, |record| record.tags.clone_from(tags)),
            Edit::SetRunNotes { run, notes } => self.change(*run, |record| record.notes.clone_from(notes)),
            Edit::TrashRun(run) => self.change(*run, |record| record.trashed_at_ms = Some(now_ms)),
            Edit::RestoreRun(run) => self.change(*run, |record| record.trashed_at_ms = None),
            _ => {}
        }
    }

    fn change(&mut self, id: RunId, how: impl FnOnce(&mut RunRecord)) {
        if let Some(record) = self.list.iter_mut().find(|record| record.id == id) {
            how(Arc::make_mut(record));
            self.version += 1;
        }
    }

    pub(super) fn deleted(&mut self, id: RunId) {
        self.list.retain(|run| run.id != id);
        self.curves.remove(&id);
        self.checkpoints.remove(&id);
        self.asked.retain(|asked| *asked != id);
        self.version += 1;
    }

    /// The job that is on a run.
    #[must_use]
    pub fn job(&self, id: RunId) -> Option<JobId> {
        self.jobs.iter().find(|(_, run)| **run == id).map(|(job, _)| *job)
    }
}

/// A run that was asked for and is not stored yet.
fn about_to_be(id: RunId, spec: &TrainSpec, library: &Library, now_ms: i64) -> RunRecord {
    let model_name = library.name_of_trained(spec);
    let name = if spec.name.is_empty() {
        format!("{model_name} · {}", spec.data.stem())
    } else {
        spec.name.clone()
    };
    RunRecord {
        id,
        name,
        spec: spec.clone(),
        status: RunStatus::Running,
        progress: RunProgress { model_name, ..RunProgress::default() },
        folder: PathBuf::new(),
        created_at_ms: now_ms,
        changed_at_ms: now_ms,
        tags: Vec::new(),
        notes: String::new(),
        trashed_at_ms: None,
    }
}

impl super::Model {
    /// How a run stands.
    #[must_use]
    pub fn run_state(&self, run: &RunRecord) -> RunState {
        if let Some(job) = self.runs.job(run.id).and_then(|id| self.jobs.get(id)) {
            let stage = job.progress.as_ref().map(|progress| progress.stage.key.as_ref());
            return match stage {
                _ if job.stopping => RunState::Ending,
                Some("train.stage.training") => RunState::Running,
                Some("train.stage.unplugged") => RunState::Unplugged,
                Some(_) | None => RunState::Waiting,
            };
        }
        match run.status {
            RunStatus::Running | RunStatus::Interrupted => RunState::Interrupted,
            RunStatus::Paused => RunState::Paused,
            RunStatus::Stopped => RunState::Stopped,
            RunStatus::Done => RunState::Done,
            RunStatus::Failed => RunState::Failed,
        }
    }
}
