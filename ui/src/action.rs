//! What panes ask for while they draw; carried out after drawing.

use crate::command::UiCommand;
use crate::host::{FileRequest, PickId, RunExport};
use crate::panes::PaneId;
use glassworks_protocol::settings::Settings;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Command, Edit, Failure, JobSpec, Query};
use std::path::PathBuf;

pub enum Action {
    /// Ask the engine.
    Send(Command),
    /// Show a pane in place of the focused one.
    Show(PaneId),
    /// Show a pane beside the focused one.
    Beside(PaneId),
    /// Close the pane beside, the one that asks.
    CloseBeside,
    /// What a menu entry or a shortcut would do.
    Run(UiCommand),
    /// Change the settings; all changes of a frame are kept.
    Set(Box<dyn FnOnce(&mut Settings)>),
    Toast(Toast),
    Copy(String),
    OpenLink(String),
    Reveal(PathBuf),
    Pick(PickId, FileRequest),
    /// Read a recipe; it comes back through [`Open::Recipe`].
    ReadRecipe(PathBuf),
    /// Write a run's measurements to a file, beside the window.
    ExportRun(RunExport),
    /// A document for a pane to open: the pane takes it through [`crate::panes::Pane::open`].
    Open(Open),
}

/// Something for a pane to show.
#[derive(Clone, Debug, PartialEq)]
pub enum Open {
    Chat(glassworks_protocol::ids::ChatId),
    Model(glassworks_protocol::ids::ModelId),
    Run(glassworks_protocol::ids::RunId),
    /// A model that a run made, to talk to.
    Tuned(glassworks_protocol::ids::RunId),
    Recipe(std::sync::Arc<RecipeFile>),
    /// A model that a run made, to predict with.
    Predict(glassworks_protocol::ids::RunId),
    /// A row of a dataset, to look at.
    DatasetRow(glassworks_protocol::ids::DatasetId, glassworks_protocol::datasets::RowId),
    /// A dataset, to learn from.
    LearnFrom(glassworks_protocol::ids::DatasetId),
    /// Rows out of a prediction, to learn from.
    Learn(std::sync::Arc<glassworks_protocol::predict::LearnReport>),
    /// A dataset, to look at its rows.
    Dataset(glassworks_protocol::ids::DatasetId),
    /// Rows of a dataset that could not be read.
    BadRows(glassworks_protocol::ids::DatasetId),
    /// A prompt of the library, to look at.
    Prompt(glassworks_protocol::ids::PromptId),
    /// A prompt with its variables filled in, to talk with.
    UsePrompt(std::sync::Arc<FilledPrompt>),
    /// A text to become a prompt of the library.
    SavePrompt(std::sync::Arc<glassworks_protocol::prompts::PromptBody>),
    /// A text, to look at how a model reads it.
    Inside(std::sync::Arc<LookInside>),
    /// A file or folder that was dropped, picked or given on the command line.
    Path(PathBuf),
}

/// A prompt and what stands for its variables.
#[derive(Clone, Debug, PartialEq)]
pub struct FilledPrompt {
    pub name: String,
    pub body: glassworks_protocol::prompts::PromptBody,
    pub values: glassworks_protocol::prompts::Values,
}

/// A text to look into.
#[derive(Clone, Debug, PartialEq)]
pub struct LookInside {
    /// As it is called.
    pub title: String,
    pub subject: glassworks_protocol::inside::Subject,
    /// What is to read it; `None`: as the attention pane has it.
    pub model:
        Option<(glassworks_protocol::generate::ModelSource, Option<glassworks_protocol::train::TunedSource>)>,
}

/// A recipe as it lies on disk: TOML as the JSON that it means.
#[derive(Clone, Debug, PartialEq)]
pub struct RecipeFile {
    pub path: PathBuf,
    pub fields: serde_json::Map<String, serde_json::Value>,
}

/// One line that goes away by itself; dangerous ones stay.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    pub text: Text,
    pub icon: &'static str,
    pub danger: Option<Box<Failure>>,
    /// The one action, and what it does.
    pub action: Option<(Text, ToastAction)>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ToastAction {
    Edit(Edit),
    Show(PaneId),
    Open(Open),
    Reveal(PathBuf),
    Run(UiCommand),
}

impl Toast {
    #[must_use]
    pub fn new(text: Text) -> Self {
        Self { text, icon: crate::theme::icons::INFO, danger: None, action: None }
    }

    #[must_use]
    pub fn failed(failure: Failure) -> Self {
        Self {
            text: failure.summary.clone(),
            icon: crate::theme::icons::WARNING_CIRCLE,
            danger: Some(Box::new(failure)),
            action: None,
        }
    }

    #[must_use]
    pub fn icon(mut self, icon: &'static str) -> Self {
        self.icon = icon;
        self
    }

    /// With the action that takes it back.
    #[must_use]
    pub fn undo(self, edit: Edit) -> Self {
        self.action(Text::new("shell.undo"), ToastAction::Edit(edit))
    }

    #[must_use]
    pub fn action(mut self, text: Text, action: ToastAction) -> Self {
        self.action = Some((text, action));
        self
    }
}

/// Where actions go while a frame is drawn.
#[derive(Default)]
pub struct Actions {
    list: Vec<Action>,
}

impl Actions {
    pub fn push(&mut self, action: Action) {
        self.list.push(action);
    }

    pub fn take(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.list)
    }

    /// Starts a job; its id is known at once.
    pub fn start(&mut self, spec: JobSpec) -> glassworks_protocol::ids::JobId {
        let id = glassworks_protocol::ids::JobId::mint();
        self.push(Action::Send(Command::Start(id, spec)));
        id
    }

    pub fn edit(&mut self, edit: Edit) {
        self.push(Action::Send(Command::Edit(glassworks_protocol::ids::EditId::mint(), edit)));
    }

    pub fn fetch(&mut self, query: Query) {
        self.push(Action::Send(Command::Fetch(glassworks_protocol::ids::QueryId::mint(), query)));
    }
}
