//! What the window asks.

use crate::chat::{ChatRecord, MessageRecord, TemplateOptions};
use crate::datasets::{DatasetEdit, DatasetQuery};
use crate::ids::{ChatId, EditId, JobId, MessageId, ModelId, PredictionId, QueryId, RunId, VoteId};
use crate::job::JobSpec;
use crate::predict::{Mend, RowsView};
use crate::prompts::{PromptEdit, PromptQuery};
use crate::settings::Settings;
use crate::train::{CheckpointKind, Look};
use crate::vote::VoteRecord;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    Start(JobId, JobSpec),
    /// Stop at once.
    Cancel(JobId),
    /// Steer a job that understands it; others pass it over.
    Signal(JobId, Signal),
    Edit(EditId, Edit),
    Fetch(QueryId, Query),
    /// Store what runs, then end the engine thread.
    Shutdown,
}

/// What a long job can be told besides to stop at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// Write a checkpoint and settle; resuming is a new job.
    Pause,
    /// End here as if this were the end, and keep the best there is.
    StopKeepBest,
    /// What waits for the machine to be plugged in goes on now.
    GoOn,
}

/// A change to something stored: quick, durable before [`crate::Event::Stored`] says so, and undoable where a
/// document is concerned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Edit {
    /// Make an empty document.
    CreateChat(ChatRecord),
    RenameChat {
        chat: ChatId,
        title: String,
    },
    SetSystemPrompt {
        chat: ChatId,
        text: String,
    },
    SetTemplate {
        chat: ChatId,
        template: TemplateOptions,
    },
    /// What stands in the composer; not undoable.
    SaveDraft {
        chat: ChatId,
        text: String,
    },
    /// Show the path that ends in this message; not undoable.
    ShowBranch {
        chat: ChatId,
        leaf: MessageId,
    },
    /// Add a message that a person wrote in a reply's place (an edited answer, a sibling of the one it came from),
    /// and show it. Undone by hiding it.
    AddMessage(Box<MessageRecord>),
    /// Hide a message and everything below it; kept until the chat is deleted for good.
    RemoveMessage {
        chat: ChatId,
        message: MessageId,
    },
    TrashChat(ChatId),
    RestoreChat(ChatId),
    /// Not undoable.
    DeleteChatForever(ChatId),
    /// Not undoable.
    EmptyTrash,
    /// Take back the newest edit of the document that has not been taken back.
    Undo(ChatId),
    Redo(ChatId),
    RenameModel {
        model: ModelId,
        name: String,
    },
    /// Forget a model; its files stay where they are.
    RemoveModel(ModelId),
    /// Not undoable; a name of nothing but spaces is refused.
    RenameRun {
        run: RunId,
        name: String,
    },
    /// Remove a checkpoint that stays, its files with it; not undoable. The newest and the best are refused.
    DeleteCheckpoint {
        run: RunId,
        kind: CheckpointKind,
    },
    /// All of its tags; empty ones and repetitions are left out.
    SetRunTags {
        run: RunId,
        tags: Vec<String>,
    },
    SetRunNotes {
        run: RunId,
        notes: String,
    },
    TrashRun(RunId),
    RestoreRun(RunId),
    /// What a person says of a row's answer; `None`: nothing any more.
    Mend {
        prediction: PredictionId,
        row: u64,
        mend: Option<Mend>,
    },
    UndoMend(PredictionId),
    RedoMend(PredictionId),
    /// Forget a prediction and what was mended; a finished file stays, what is left of an unfinished one goes. Not
    /// undoable.
    RemovePrediction(PredictionId),
    /// Keep what a person said of a blind round.
    AddVote(Box<VoteRecord>),
    /// Taken back by [`Edit::RestoreVote`].
    RemoveVote(VoteId),
    RestoreVote(VoteId),
    /// Begin the score anew. The moment, minted by the sender, names it for [`Edit::UndoVotesReset`], which works until
    /// the next one.
    ResetVotes {
        at_ms: i64,
    },
    UndoVotesReset {
        at_ms: i64,
    },
    SaveSettings(Box<Settings>),
    /// Of the prompt library.
    Prompt(PromptEdit),
    /// Of datasets that are kept.
    Dataset(DatasetEdit),
}

/// A question about something stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query {
    /// Newest first; `search` looks into titles and messages.
    Chats {
        search: String,
        trashed: bool,
    },
    Chat(ChatId),
    Models,
    /// Newest first.
    Runs,
    /// Everything that was measured of a run, by series and step.
    RunPoints(RunId),
    /// What a run keeps on disk.
    RunCheckpoints(RunId),
    /// What a run wrote for its prompts, by step and prompt.
    RunSamples(RunId),
    /// The `n` held-out rows that a run does worst on.
    WorstRows {
        run: RunId,
        look: Look,
        n: u32,
    },
    /// How much room the home folder's disk has.
    Disk,
    /// What all runs keep on disk.
    Checkpoints,
    /// Newest first.
    Predictions,
    /// `n` rows of a prediction from the place `from` of the view on.
    PredictedRows {
        prediction: PredictionId,
        view: RowsView,
        from: u64,
        n: u32,
    },
    /// All of one row of a prediction.
    PredictedRow {
        prediction: PredictionId,
        row: u64,
    },
    /// The columns of a file of rows.
    DataHead(PathBuf),
    /// Of the prompt library.
    Prompt(PromptQuery),
    /// Of datasets that are kept.
    Dataset(DatasetQuery),
    /// Benchmarks that were kept, newest first.
    Benches,
    /// Blind votes that count, oldest first.
    Votes,
    Memory,
    /// The newest lines of the log, for "copy diagnostics".
    LogTail,
}
