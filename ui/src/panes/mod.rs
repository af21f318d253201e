//! The panes: what one is, what it is given, and the table of all of them.

mod attention;
mod datasets;
mod finetune;
mod jobs;
mod offers;
pub mod playground;
mod predict;
mod prompts;
mod runs;
mod settings;
mod tokens;

pub(crate) use datasets::has_rows;

use crate::action::{Action, Actions, Open, Toast};
use crate::command::UiCommand;
use crate::host::{FileRequest, PickId};
use crate::model::{JobKind, Model};
use crate::theme::{Theme, icons, size};
use glassworks_protocol::ids::{ChatId, JobId};
use glassworks_protocol::model::ModelCard;
use glassworks_protocol::settings::Settings;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Edit, JobSpec, Query};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A place in the window that does one job. It keeps what the person is doing now; what is known is in the model.
pub trait Pane {
    /// Draws, and pushes what was asked for.
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut PaneCx);

    /// A command of this pane's scope. Says whether it was carried out.
    fn command(&mut self, command: UiCommand, cx: &mut PaneCx) -> bool {
        let _unused = (command, cx);
        false
    }

    /// Something to show. Says whether this pane shows such things.
    fn open(&mut self, open: &Open, cx: &mut PaneCx) -> bool {
        let _unused = (open, cx);
        false
    }

    /// The document that undo and redo concern.
    fn document(&self) -> Option<ChatId> {
        None
    }

    /// What is kept between runs.
    fn save(&self) -> Option<serde_json::Value> {
        None
    }

    /// What was kept. Tolerates anything.
    fn restore(&mut self, kept: &serde_json::Value) {
        let _unused = kept;
    }

    /// The window is about to close: the last chance to push edits.
    fn closing(&mut self, cx: &mut PaneCx) {
        let _unused = cx;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaneId {
    Playground,
    Datasets,
    Finetune,
    Runs,
    Attention,
    Predict,
    Prompts,
    Tokens,
    Jobs,
    Settings,
}

/// A line of the table: where it stands in the rail and how it is made.
pub struct PaneKind {
    pub id: PaneId,
    /// The word in the rail.
    pub key: &'static str,
    pub icon: &'static str,
    /// At the foot of the rail.
    pub low: bool,
    /// Jobs counted in the rail's badge.
    pub badge: fn(&Model) -> usize,
    pub make: fn() -> Box<dyn Pane>,
}

/// All panes, in the order of the rail.
pub const PANES: &[PaneKind] = &[
    PaneKind {
        id: PaneId::Playground,
        key: "shell.pane_playground",
        icon: icons::CHAT_TEARDROP_TEXT,
        low: false,
        badge: |_| 0,
        make: || Box::new(playground::Playground::default()),
    },
    PaneKind {
        id: PaneId::Datasets,
        key: "shell.pane_datasets",
        icon: icons::TABLE,
        low: false,
        badge: |model| model.jobs.active().filter(|job| job.kind == JobKind::Dataset).count(),
        make: || Box::new(datasets::DatasetsPane::default()),
    },
    PaneKind {
        id: PaneId::Finetune,
        key: "shell.pane_finetune",
        icon: icons::FLAME,
        low: false,
        badge: |_| 0,
        make: || Box::new(finetune::Finetune::default()),
    },
    PaneKind {
        id: PaneId::Runs,
        key: "shell.pane_runs",
        icon: icons::CHART_LINE,
        low: false,
        badge: |model| model.jobs.active().filter(|job| job.kind == JobKind::Train).count(),
        make: || Box::new(runs::RunsPane::default()),
    },
    PaneKind {
        id: PaneId::Attention,
        key: "shell.pane_attention",
        icon: icons::GRID_NINE,
        low: false,
        badge: |model| model.jobs.active().filter(|job| job.kind == JobKind::Inside).count(),
        make: || Box::new(attention::AttentionPane::default()),
    },
    PaneKind {
        id: PaneId::Predict,
        key: "shell.pane_predict",
        icon: icons::TAG,
        low: false,
        badge: |model| model.jobs.active().filter(|job| job.kind == JobKind::Predict).count(),
        make: || Box::new(predict::Predict::default()),
    },
    PaneKind {
        id: PaneId::Prompts,
        key: "shell.pane_prompts",
        icon: icons::BRACKETS_CURLY,
        low: false,
        badge: |model| model.jobs.active().filter(|job| job.kind == JobKind::RunPrompt).count(),
        make: || Box::new(prompts::PromptsPane::default()),
    },
    PaneKind {
        id: PaneId::Tokens,
        key: "shell.pane_tokens",
        icon: icons::SCISSORS,
        low: false,
        badge: |_| 0,
        make: || Box::new(tokens::TokensPane::default()),
    },
    PaneKind {
        id: PaneId::Jobs,
        key: "shell.pane_jobs",
        icon: icons::LIST_CHECKS,
        low: true,
        badge: |model| model.jobs.active().count(),
        make: || Box::new(jobs::JobsPane::default()),
    },
    PaneKind {
        id: PaneId::Settings,
        key: "shell.pane_settings",
        icon: icons::GEAR_SIX,
        low: true,
        badge: |_| 0,
        make: || Box::new(settings::SettingsPane::default()),
    },
];

impl PaneId {
    /// The line of the table.
    #[must_use]
    pub fn kind(self) -> &'static PaneKind {
        PANES.iter().find(|p| p.id == self).unwrap_or(&PANES[0])
    }
}

/// Answers of file dialogs that no pane has taken yet.
pub type Picks = HashMap<PickId, Option<PathBuf>>;

/// What a pane is given while it draws.
pub struct PaneCx<'a> {
    pub model: &'a Model,
    pub theme: Arc<Theme>,
    pub language: Language,
    pub actions: &'a mut Actions,
    pub picks: &'a mut Picks,
    /// As if the pane had the window to itself: its own width and the rail's.
    pub width: f32,
    /// Milliseconds since 1970, UTC.
    pub now_ms: i64,
    pub utc_offset_secs: i32,
    /// Whether this is the pane that shortcuts go to.
    pub focused: bool,
    /// Which of the panes side by side this is: 0 is the first.
    pub slot: usize,
    /// The operating system, in a line.
    pub system: &'a str,
    /// What `~` stands for.
    pub user_folder: Option<&'a Path>,
}

impl PaneCx<'_> {
    /// The sentence for `key`.
    #[must_use]
    pub fn t(&self, key: &str) -> String {
        self.language.get(key).to_owned()
    }

    /// The sentence for `key` with `args` filled in.
    #[must_use]
    pub fn tf(&self, key: &str, args: &[(&str, &dyn Display)]) -> String {
        self.language.format(key, args)
    }

    #[must_use]
    pub fn render(&self, text: &Text) -> String {
        self.language.render(text)
    }

    /// Why a model is not tuned or measured; `None` where it can be.
    #[must_use]
    pub fn runs_only(&self, card: &ModelCard) -> Option<String> {
        card.run_only.then(|| self.tf("model.runs_only_tip", &[("architecture", &card.architecture)]))
    }

    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.model.settings
    }

    /// Whether the list tile has to fold into a picker.
    #[must_use]
    pub fn folds_list(&self) -> bool {
        self.width < size::FOLD_LIST_BELOW
    }

    /// Whether the inspector has to become a drawer.
    #[must_use]
    pub fn folds_inspector(&self) -> bool {
        self.width < size::FOLD_INSPECTOR_BELOW
    }

    pub fn push(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// Starts a job; its id is known at once.
    pub fn start(&mut self, spec: JobSpec) -> JobId {
        self.actions.start(spec)
    }

    pub fn cancel(&mut self, job: JobId) {
        self.actions.push(Action::Send(glassworks_protocol::Command::Cancel(job)));
    }

    pub fn edit(&mut self, edit: Edit) {
        self.actions.edit(edit);
    }

    pub fn fetch(&mut self, query: Query) {
        self.actions.fetch(query);
    }

    pub fn toast(&mut self, toast: Toast) {
        self.actions.push(Action::Toast(toast));
    }

    pub fn copy(&mut self, text: impl Into<String>) {
        self.actions.push(Action::Copy(text.into()));
    }

    /// Changes the settings; stored by the engine.
    pub fn set(&mut self, change: impl FnOnce(&mut Settings) + 'static) {
        self.actions.push(Action::Set(Box::new(change)));
    }

    /// Opens a file dialog; keep the id and ask [`PaneCx::picked`] for the answer.
    #[must_use]
    pub fn pick(&mut self, request: FileRequest) -> PickId {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = PickId(NEXT.fetch_add(1, Ordering::Relaxed));
        self.actions.push(Action::Pick(id, request));
        id
    }

    /// The answer to `waiting`, once; clears it. `None` while there is none, or when nothing was chosen.
    pub fn picked(&mut self, waiting: &mut Option<PickId>) -> Option<PathBuf> {
        let id = (*waiting)?;
        let answer = self.picks.remove(&id)?;
        *waiting = None;
        answer
    }

    /// The path that typed text means; `None` when it is blank.
    #[must_use]
    pub fn typed_path(&self, text: &str) -> Option<PathBuf> {
        crate::typed_path::typed_path(text, self.user_folder)
    }

    /// The keys of a command, as tooltips and menus show them.
    #[must_use]
    pub fn keys(&self, ui: &egui::Ui, command: UiCommand) -> Option<String> {
        command.keys(ui.ctx())
    }

    /// A tooltip: the command's name and its keys.
    #[must_use]
    pub fn tip(&self, ui: &egui::Ui, command: UiCommand) -> String {
        let name = command.info().map_or_else(String::new, |i| self.t(i.key));
        match self.keys(ui, command) {
            Some(keys) => format!("{name}  {keys}"),
            None => name,
        }
    }
}
