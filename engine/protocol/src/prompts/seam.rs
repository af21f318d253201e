//! What the window asks of the prompt library, and what the engine tells of it.

use super::{
    PromptBody, PromptRecord, PromptResult, PromptRun, PromptSheet, PromptTable, PromptVersion,
    RunPromptSpec, Values,
};
use crate::ids::{PromptId, PromptRunId};
use crate::text::Text;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// A change to the library. Undoable per prompt where nothing else is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PromptEdit {
    Create(Box<PromptRecord>),
    Rename {
        prompt: PromptId,
        name: String,
    },
    Move {
        prompt: PromptId,
        folder: String,
    },
    Tag {
        prompt: PromptId,
        tags: Vec<String>,
    },
    /// What is being written; not undoable.
    Draft {
        prompt: PromptId,
        draft: Option<Box<PromptBody>>,
    },
    /// Make a version, and none where nothing is new. The draft is gone then.
    Save {
        prompt: PromptId,
        body: Box<PromptBody>,
        label: String,
    },
    /// Not undoable.
    Label {
        prompt: PromptId,
        version: u32,
        label: String,
    },
    Trash(PromptId),
    Restore(PromptId),
    /// With its versions and results; not undoable.
    DeleteForever(PromptId),
    Undo(PromptId),
    Redo(PromptId),
    /// All of the inputs; not undoable.
    SaveSheet {
        prompt: PromptId,
        sheet: Box<PromptSheet>,
    },
    /// With its results; not undoable.
    RemoveRun(PromptRunId),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PromptQuery {
    /// All, those in the trash too.
    All,
    /// Newest first.
    Versions(PromptId),
    Table(PromptId),
    /// The rows of a file, to become inputs.
    Rows(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PromptPage {
    All(Vec<Arc<PromptRecord>>),
    Versions(Vec<Arc<PromptVersion>>),
    Table(Box<PromptTable>),
    Rows(Arc<FileRows>),
}

/// Rows out of a file, columns in its order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FileRows {
    pub columns: Vec<String>,
    pub rows: Vec<Values>,
    /// Rows there was no room for, and rows that could not be read.
    pub n_left_out: u64,
}

/// Something of the library is on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PromptStored {
    Prompt(Arc<PromptRecord>),
    Version(Arc<PromptVersion>),
    Deleted(PromptId),
    Sheet {
        prompt: PromptId,
        sheet: Arc<PromptSheet>,
    },
    Run(Arc<PromptRun>),
    RunRemoved {
        prompt: PromptId,
        run: PromptRunId,
    },
    Result {
        prompt: PromptId,
        result: Arc<PromptResult>,
    },
    /// What an undo or redo did, for a toast.
    Undone {
        prompt: PromptId,
        what: Text,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PromptJob {
    Run {
        spec: Box<RunPromptSpec>,
        /// These rows, also where something was written for them; `None`: those without a reply.
        rows: Option<Vec<u64>>,
    },
    /// As JSON, see [`share`].
    Export {
        prompts: Vec<PromptId>,
        to: PathBuf,
        /// As in [`crate::chat::ExportChatsSpec`].
        replace: bool,
    },
    Import {
        path: PathBuf,
    },
    /// Inputs with what runs wrote beside them: CSV or JSON lines, as the path's ending says.
    ExportResults {
        prompt: PromptId,
        runs: Vec<PromptRunId>,
        to: PathBuf,
        replace: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PromptOutput {
    Ran {
        run: PromptRunId,
        n_written: u32,
        n_failed: u32,
    },
    Exported {
        to: PathBuf,
        n: u32,
    },
    Imported {
        prompts: Vec<PromptId>,
        /// What could not be read, a sentence each.
        problems: Vec<Text>,
    },
}
