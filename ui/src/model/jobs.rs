//! The jobs of this session: what runs, what waits, what has ended and how.

use glassworks_protocol::ids::{ChatId, JobId, ModelId};
use glassworks_protocol::inside::InsideJob;
use glassworks_protocol::prompts::PromptJob;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, JobOutput, JobSpec, Outcome, Progress, Query};
use std::sync::Arc;

/// Ended jobs that are kept in memory.
const MAX_ENDED: usize = 200;
/// As many of the quiet ones: some are asked for at every key.
const MAX_QUIET: usize = 20;

/// What kind of thing a job does, for icons and for looking it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    Generate,
    Score,
    LoadModel,
    ImportModel,
    DescribeModel,
    PreviewPrompt,
    Tokenize,
    CheckSchema,
    Inspect,
    /// Looking inside a model.
    Inside,
    /// Asked for while a person looks at maps.
    DrawMap,
    Bench,
    CheckData,
    MeasureTraining,
    Train,
    Merge,
    DeleteRuns,
    Predict,
    KeepRows,
    RunPrompt,
    PromptFiles,
    /// Asked for while a person looks at rows.
    LookAtDataset,
    Dataset,
    ExportChats,
    ImportChats,
    Backup,
    Restore,
}

impl JobKind {
    #[must_use]
    pub fn of(spec: &JobSpec) -> Self {
        match spec {
            JobSpec::Generate(_) => Self::Generate,
            JobSpec::Score(_) => Self::Score,
            JobSpec::LoadModel(_) => Self::LoadModel,
            JobSpec::ImportModel { .. } => Self::ImportModel,
            JobSpec::DescribeModel { .. } => Self::DescribeModel,
            JobSpec::PreviewPrompt { .. } => Self::PreviewPrompt,
            JobSpec::Tokenize(_) => Self::Tokenize,
            JobSpec::CheckSchema(_) => Self::CheckSchema,
            JobSpec::Inspect(_) => Self::Inspect,
            JobSpec::Inside(InsideJob::Head(_)) => Self::DrawMap,
            JobSpec::Inside(_) => Self::Inside,
            JobSpec::Bench(_) => Self::Bench,
            JobSpec::CheckData(_) => Self::CheckData,
            JobSpec::MeasureTraining(_) => Self::MeasureTraining,
            JobSpec::Train(_) => Self::Train,
            JobSpec::Merge(_) => Self::Merge,
            JobSpec::DeleteRuns(_) => Self::DeleteRuns,
            JobSpec::Predict(_) => Self::Predict,
            JobSpec::KeepRows(_) => Self::KeepRows,
            JobSpec::Prompt(PromptJob::Run { .. }) => Self::RunPrompt,
            JobSpec::Prompt(_) => Self::PromptFiles,
            JobSpec::Dataset(job) => super::datasets::kind(job),
            JobSpec::ExportChats(_) => Self::ExportChats,
            JobSpec::ImportChats { .. } => Self::ImportChats,
            JobSpec::Backup { .. } => Self::Backup,
            JobSpec::Restore { .. } => Self::Restore,
        }
    }

    /// Asked while a person types: shown where it is typed, not listed.
    #[must_use]
    pub fn is_quiet(self) -> bool {
        matches!(
            self,
            Self::DescribeModel
                | Self::PreviewPrompt
                | Self::Tokenize
                | Self::CheckSchema
                | Self::CheckData
                | Self::LookAtDataset
                | Self::DrawMap
        )
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    Waiting,
    Running,
    Ended,
}

#[derive(Clone, Debug)]
pub struct Job {
    pub id: JobId,
    pub kind: JobKind,
    pub title: Text,
    pub chat: Option<ChatId>,
    pub model: Option<ModelId>,
    pub progress: Option<Progress>,
    pub outcome: Option<Outcome>,
    /// A person pressed Stop and it has not ended yet.
    pub stopping: bool,
    pub started_at_ms: i64,
    pub ended_at_ms: Option<i64>,
    heard: bool,
}

impl Job {
    #[must_use]
    pub fn state(&self) -> JobState {
        match (&self.outcome, self.heard) {
            (Some(_), _) => JobState::Ended,
            (None, true) => JobState::Running,
            (None, false) => JobState::Waiting,
        }
    }

    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match &self.outcome {
            Some(Outcome::Failed(failure)) => Some(failure),
            _ => None,
        }
    }

    #[must_use]
    pub fn output(&self) -> Option<&JobOutput> {
        match &self.outcome {
            Some(Outcome::Done(output)) => Some(output),
            _ => None,
        }
    }
}

/// In the order of starting.
#[derive(Clone, Debug, Default)]
pub struct Jobs {
    all: Vec<Arc<Job>>,
}

impl Jobs {
    #[must_use]
    pub fn get(&self, id: JobId) -> Option<&Arc<Job>> {
        self.all.iter().rev().find(|j| j.id == id)
    }

    /// Those a person should see that have not ended, oldest first.
    pub fn active(&self) -> impl DoubleEndedIterator<Item = &Arc<Job>> {
        self.all.iter().filter(|j| j.outcome.is_none() && !j.kind.is_quiet())
    }

    /// Those a person should see that have ended, newest first.
    pub fn ended(&self) -> impl Iterator<Item = &Arc<Job>> {
        self.all.iter().rev().filter(|j| j.outcome.is_some() && !j.kind.is_quiet())
    }

    /// The newest job of a kind.
    #[must_use]
    pub fn newest(&self, kind: JobKind) -> Option<&Arc<Job>> {
        self.all.iter().rev().find(|j| j.kind == kind)
    }

    pub(super) fn start(&mut self, id: JobId, spec: &JobSpec, title: Text, now_ms: i64) {
        let (chat, model) = about(spec);
        self.all.push(Arc::new(Job {
            id,
            kind: JobKind::of(spec),
            title,
            chat,
            model,
            progress: None,
            outcome: None,
            stopping: false,
            started_at_ms: now_ms,
            ended_at_ms: None,
            heard: false,
        }));
    }

    pub(super) fn started(&mut self, id: JobId) {
        if let Some(job) = self.get_mut(id) {
            job.heard = true;
        }
    }

    pub(super) fn progress(&mut self, id: JobId, progress: Progress) {
        if let Some(job) = self.get_mut(id).filter(|j| j.outcome.is_none()) {
            job.heard = true;
            job.progress = Some(progress);
        }
    }

    pub(super) fn stopping(&mut self, id: JobId) {
        if let Some(job) = self.get_mut(id).filter(|j| j.outcome.is_none()) {
            job.stopping = true;
        }
    }

    /// What has to be fetched anew because the job ended.
    pub(super) fn settle(&mut self, id: JobId, outcome: Outcome, now_ms: i64) -> Option<Query> {
        let job = self.get_mut(id)?;
        let first = job.outcome.is_none();
        let brought = matches!(outcome, Outcome::Done(JobOutput::ChatsImported { .. }));
        if first {
            job.outcome = Some(outcome);
            job.stopping = false;
            job.ended_at_ms = Some(now_ms);
        }
        self.forget(MAX_QUIET, |job| job.kind.is_quiet());
        self.forget(MAX_ENDED, |job| !job.kind.is_quiet());
        (first && brought).then(|| Query::Chats { search: String::new(), trashed: false })
    }

    /// The oldest that has ended, if there are more than `most` of them.
    fn forget(&mut self, most: usize, of: impl Fn(&Job) -> bool) {
        let mut ended = self.all.iter().enumerate().filter(|(_, job)| job.outcome.is_some() && of(job));
        let oldest = ended.next().map(|(at, _)| at);
        if ended.count() >= most
            && let Some(oldest) = oldest
        {
            self.all.remove(oldest);
        }
    }

    /// All that have not ended, quiet ones included.
    pub(super) fn unsettled(&self) -> Vec<JobId> {
        self.all.iter().filter(|j| j.outcome.is_none()).map(|j| j.id).collect()
    }

    fn get_mut(&mut self, id: JobId) -> Option<&mut Job> {
        self.all.iter_mut().rev().find(|j| j.id == id).map(Arc::make_mut)
    }
}

fn about(spec: &JobSpec) -> (Option<ChatId>, Option<ModelId>) {
    use glassworks_protocol::generate::ModelSource;
    let library = |source: &ModelSource| match source {
        ModelSource::Library(id) => Some(*id),
        ModelSource::Path(_) => None,
    };
    match spec {
        JobSpec::Generate(spec) => (spec.keep.as_ref().map(|k| k.chat.id), library(&spec.model)),
        JobSpec::LoadModel(source) => (None, library(source)),
        JobSpec::PreviewPrompt { model, .. } => (None, library(model)),
        JobSpec::Inspect(spec) => (None, library(&spec.model)),
        JobSpec::Bench(spec) => (None, library(&spec.model)),
        _ => (None, None),
    }
}
