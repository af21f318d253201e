//! What the engine tells.

use crate::bench::BenchRecord;
use crate::chat::{ChatDocument, ChatRecord, ChatSummary, MessageRecord};
use crate::datasets::view::FoundRows;
use crate::datasets::{DatasetPage, DatasetStored};
use crate::failure::Failure;
use crate::generate::TokenPiece;
use crate::ids::{ChatId, EditId, JobId, ModelId, PredictionId, QueryId, RunId, VoteId};
use crate::inside::InsidePartial;
use crate::job::Outcome;
use crate::machine::{DiskStatus, MemoryStatus};
use crate::model::ModelRecord;
use crate::predict::{DataHead, Mend, PredictedRows, PredictionRecord, RowInFull};
use crate::prompts::{PromptPage, PromptStored};
use crate::settings::Settings;
use crate::text::Text;
use crate::train::{CheckpointKind, CheckpointRecord, MetricPoint, RunRecord, RunSample, WorstRows};
use crate::vote::VoteRecord;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// A hint, at most 20 a second and job.
    Progress(JobId, Progress),
    /// A hint: something to show before the job has settled.
    Partial(JobId, Partial),
    /// Truth, exactly once a job.
    Settled(JobId, Outcome),
    /// Truth: it is on disk.
    Stored(Stored),
    Fetched(QueryId, Page),
    /// The command was not carried out.
    Refused(RequestId, Failure),
    Notice(Notice),
}

impl Event {
    /// Whether a sleeping window may miss it.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Progress(..) | Self::Partial(..) | Self::Notice(Notice::Memory(_)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RequestId {
    Job(JobId),
    Edit(EditId),
    Query(QueryId),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done: "Loading SmolLM2", "Reading the prompt".
    pub stage: Text,
    pub done: u64,
    pub total: Option<u64>,
    pub unit: Unit,
    /// Units per second, once there is something to go by.
    pub per_sec: Option<f32>,
}

impl Progress {
    /// 0 to 1, when the end is known.
    #[must_use]
    pub fn fraction(&self) -> Option<f32> {
        let total = self.total.filter(|t| *t > 0)?;
        Some((self.done as f64 / total as f64).clamp(0.0, 1.0) as f32)
    }

    /// Estimated seconds to the end.
    #[must_use]
    pub fn left_secs(&self) -> Option<f32> {
        let per_sec = self.per_sec.filter(|r| *r > 0.0)?;
        Some(self.total?.saturating_sub(self.done) as f32 / per_sec)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    Tokens,
    Bytes,
    Layers,
    Files,
    Chats,
    Rows,
    Steps,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Partial {
    /// The prompt has been read.
    PromptRead { n_prompt: u32, n_reused: u32, context_length: u32 },
    /// New tokens; `first` is the index of the first of them in the reply, so that gaps can be seen.
    Tokens { first: u32, pieces: Vec<TokenPiece> },
    /// What a run measured, at most ten times a second.
    Metrics(Vec<MetricPoint>),
    /// What a run is writing for its prompts, as far as it has come: all of them.
    Samples(Vec<Arc<RunSample>>),
    /// A benchmark as far as it has come.
    Bench(Arc<BenchRecord>),
    /// Rows of a view, as they are found.
    Found(Arc<FoundRows>),
    /// Of looking inside.
    Inside(InsidePartial),
}

/// Something on disk has changed: the new state of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Stored {
    /// A chat's own fields and its line in the list.
    Chat {
        chat: Arc<ChatRecord>,
        summary: Arc<ChatSummary>,
    },
    Message(Arc<MessageRecord>),
    /// Hidden, or shown again by an undo: fetch the chat anew.
    TreeChanged(ChatId),
    ChatDeleted(ChatId),
    Model(Arc<ModelRecord>),
    ModelRemoved(ModelId),
    Run(Arc<RunRecord>),
    RunDeleted(RunId),
    Checkpoint(Arc<CheckpointRecord>),
    CheckpointDeleted {
        run: RunId,
        kind: CheckpointKind,
    },
    Sample(Arc<RunSample>),
    /// The losses of a run's held-out rows are new: fetch those that are shown.
    RowsMeasured(RunId),
    Bench(Arc<BenchRecord>),
    Prediction(Arc<PredictionRecord>),
    PredictionRemoved(PredictionId),
    /// What a person says of a row's answer now.
    Mended {
        prediction: PredictionId,
        row: u64,
        mend: Option<Mend>,
    },
    /// Of the prompt library.
    Prompt(PromptStored),
    /// Of datasets that are kept.
    Dataset(DatasetStored),
    /// A blind vote that counts: new, or put there again.
    Vote(Arc<VoteRecord>),
    VoteRemoved(VoteId),
    /// None counts any more.
    VotesReset,
    Settings(Arc<Settings>),
    /// What an undo or redo did, for a toast, and whether more can be done.
    Undone {
        chat: ChatId,
        what: Text,
        can_undo: bool,
        can_redo: bool,
    },
}

/// The answer to a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Page {
    Chats(Vec<ChatSummary>),
    Chat(Arc<ChatDocument>),
    Models(Vec<Arc<ModelRecord>>),
    Runs(Vec<Arc<RunRecord>>),
    RunPoints(Arc<Vec<MetricPoint>>),
    RunCheckpoints(Vec<Arc<CheckpointRecord>>),
    RunSamples(Vec<Arc<RunSample>>),
    /// `None` where no rows were measured.
    WorstRows(Option<Arc<WorstRows>>),
    /// `None` where the system doesn't say.
    Disk(Option<DiskStatus>),
    Checkpoints(Vec<Arc<CheckpointRecord>>),
    Predictions(Vec<Arc<PredictionRecord>>),
    PredictedRows(Arc<PredictedRows>),
    PredictedRow(Arc<RowInFull>),
    DataHead(Arc<DataHead>),
    Prompt(PromptPage),
    Dataset(DatasetPage),
    Benches(Vec<Arc<BenchRecord>>),
    Votes(Vec<Arc<VoteRecord>>),
    Memory(MemoryStatus),
    LogTail(String),
}

/// Something a person should know that answers no command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Notice {
    /// Good to know: a toast.
    Info(Text),
    /// Needs attention and stays on screen until dismissed: a recovered database, a full disk.
    Alert(Failure),
    /// A hint.
    Memory(MemoryStatus),
    /// The engine thread has ended; nothing will come any more.
    Ended,
}
