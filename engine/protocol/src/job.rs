//! Jobs: everything slow.

use crate::bench::{BenchRecord, BenchSpec};
use crate::chat::{ExportChatsSpec, TemplateOptions, Turn};
use crate::dataset::DataReport;
use crate::datasets::{DatasetJob, DatasetOutput};
use crate::failure::Failure;
use crate::generate::{GenerateSpec, ModelSource, Prompt, PromptPreview, Reply};
use crate::ids::{ChatId, RunId};
use crate::inside::{InsideJob, InsideOutput};
use crate::inspect::{InspectReport, InspectSpec};
use crate::model::{ModelCard, ModelRecord};
use crate::predict::{LearnReport, PredictReport, PredictSpec, RowsToLearn};
use crate::prompts::{PromptJob, PromptOutput};
use crate::score::{ScoreReport, ScoreSpec};
use crate::text::Text;
use crate::tokens::{TokenizeReport, TokenizeSpec};
use crate::train::{MergeSpec, RunRecord, StepReport, TrainJob, TrainSpec};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum JobSpec {
    /// Write a reply or a continuation.
    Generate(Box<GenerateSpec>),
    /// How likely a model finds a reply that is there already.
    Score(Box<ScoreSpec>),
    /// Bring a model into memory before it is needed.
    LoadModel(ModelSource),
    /// Check the files at `path` and enter them into the library, where they lie.
    ImportModel {
        path: PathBuf,
    },
    /// Read the headers at `path`, entering nothing.
    DescribeModel {
        path: PathBuf,
    },
    /// What would the model be given?
    PreviewPrompt {
        model: ModelSource,
        prompt: Prompt,
    },
    /// How does a model's tokenizer cut this text?
    Tokenize(Box<TokenizeSpec>),
    /// Can replies follow this JSON schema?
    CheckSchema(String),
    Inspect(InspectSpec),
    /// Look inside a model, for the window.
    Inside(InsideJob),
    /// How fast a model reads and writes here. Kept, where the home can be written.
    Bench(BenchSpec),
    /// Read what the spec's data holds for its model, and keep nothing.
    CheckData(Box<TrainSpec>),
    /// Time a few steps of such a run, and keep nothing.
    MeasureTraining(Box<TrainSpec>),
    /// Tune a model. Understands every [`crate::Signal`].
    Train(TrainJob),
    /// Work an adapter into a model's weights.
    Merge(MergeSpec),
    /// Delete runs for good: what was measured of them, and everything they keep on disk.
    DeleteRuns(Vec<RunId>),
    /// What a model makes of every row of a file. Goes on where one that was stopped or killed has left it.
    Predict(Box<PredictSpec>),
    /// Write rows to learn from, out of a prediction and what was mended of it.
    KeepRows(RowsToLearn),
    /// Of the prompt library: a run over a table, files in and out.
    Prompt(PromptJob),
    /// Of datasets that are kept.
    Dataset(DatasetJob),
    ExportChats(ExportChatsSpec),
    /// Markdown or JSON, as exported.
    ImportChats {
        path: PathBuf,
    },
    /// Everything in the home folder except downloaded models, into one file.
    Backup {
        to: PathBuf,
        /// As in [`ExportChatsSpec`].
        replace: bool,
    },
    /// Check a backup and put it in place of the home folder at the next start.
    Restore {
        from: PathBuf,
    },
}

impl JobSpec {
    /// A prompt of turns, spelled short.
    #[must_use]
    pub fn chat_prompt(turns: Vec<Turn>, template: TemplateOptions) -> Prompt {
        Prompt::Chat { turns, template }
    }
}

/// How a job ended: exactly one per job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    Done(JobOutput),
    Cancelled,
    Failed(Failure),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum JobOutput {
    Replied(Arc<Reply>),
    Scored(Arc<ScoreReport>),
    Loaded(Arc<ModelCard>),
    ModelImported(Arc<ModelRecord>),
    ModelDescribed(Arc<ModelCard>),
    Preview(Arc<PromptPreview>),
    Tokenized(Arc<TokenizeReport>),
    /// They can; what of it is not enforced is named, in English.
    SchemaChecked {
        warnings: Vec<String>,
    },
    Inspected(Arc<InspectReport>),
    Inside(InsideOutput),
    Benched(Arc<BenchRecord>),
    DataChecked(Arc<DataReport>),
    TrainingMeasured(Arc<StepReport>),
    /// The run as it is now: done, or paused.
    Trained(Arc<RunRecord>),
    Predicted(Arc<PredictReport>),
    RowsKept(Arc<LearnReport>),
    Prompt(PromptOutput),
    Dataset(DatasetOutput),
    Merged {
        to: PathBuf,
        size_bytes: u64,
    },
    RunsDeleted {
        n_runs: u32,
        freed_bytes: u64,
    },
    ChatsExported {
        to: PathBuf,
        n_chats: u32,
    },
    /// The chats that came in; files or parts that could not be read are in `problems`, one sentence each.
    ChatsImported {
        chats: Vec<ChatId>,
        problems: Vec<Text>,
    },
    BackedUp {
        to: PathBuf,
        size_bytes: u64,
    },
    /// In place at the next start; what stood there is kept beside it.
    RestoreReady,
}
