//! What is about to be predicted: by what, which column of which file.

use crate::model::{Pick, Told};
use crate::panes::PaneCx;
use crate::units;
use glassworks_protocol::ids::{ModelId, PredictionId, RunId};
use glassworks_protocol::predict::{DataHead, MAX_NEW_TOKENS, PredictSpec};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    pub chosen: Option<Pick>,
    pub data: Option<PathBuf>,
    pub column: Option<String>,
    /// What a model that writes is asked; the column alone where it is blank.
    pub template: String,
    pub max_new_tokens: u32,
    /// When the next one was begun to be thought of: its file is called by it.
    #[serde(skip)]
    pub since_ms: Option<i64>,
    /// Of the next one.
    #[serde(skip, default = "PredictionId::mint")]
    pub id: PredictionId,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            chosen: None,
            data: None,
            column: None,
            template: String::new(),
            max_new_tokens: MAX_NEW_TOKENS,
            since_ms: None,
            id: PredictionId::mint(),
        }
    }
}

impl Draft {
    /// Something that is there: the chosen one, else the newest head that a run has made, else the model used last.
    pub fn settle(&mut self, cx: &PaneCx) {
        if self.chosen.is_some_and(|chosen| cx.model.offer(chosen).is_some()) {
            return;
        }
        let runs = cx.model.runs.list().iter().filter(|run| run.spec.task.classifies());
        let head = runs.filter(|run| run.trashed_at_ms.is_none()).find_map(|run| cx.model.first_of(run));
        let library = &cx.model.library;
        let there = |id: &ModelId| library.get(*id).is_some();
        let last = cx.settings().last_model.filter(there).or(library.starter.filter(there));
        let any = || library.models().first().map(|model| model.id);
        self.chosen = head.or_else(|| last.or_else(any).map(Pick::Model));
    }

    /// What a run has made.
    pub fn choose_run(&mut self, cx: &PaneCx, run: RunId) {
        let made = cx.model.runs.get(run).and_then(|run| cx.model.first_of(run));
        self.chosen = made.or(self.chosen);
    }

    pub fn choose_data(&mut self, path: PathBuf) {
        if self.data.as_ref() != Some(&path) {
            self.column = None;
        }
        self.data = Some(path);
    }

    /// Another one comes after this.
    pub fn begin_another(&mut self) {
        self.id = PredictionId::mint();
        self.since_ms = None;
    }

    /// What is known of the file.
    pub fn head<'a>(&self, cx: &'a PaneCx) -> Option<&'a Told<DataHead>> {
        cx.model.predictions.head(self.data.as_deref()?)
    }

    pub fn known_head(&self, cx: &PaneCx) -> Option<Arc<DataHead>> {
        match self.head(cx)? {
            Told::Known(head) => Some(Arc::clone(head)),
            Told::Asked | Told::Failed(_) => None,
        }
    }

    /// A column that is there: the chosen one, else the one that one would read.
    pub fn settle_column(&mut self, cx: &PaneCx) {
        let Some(head) = self.known_head(cx) else { return };
        let there = |column: &String| head.columns.iter().any(|(name, _)| name == column);
        if !self.column.as_ref().is_some_and(there) {
            self.column.clone_from(&head.column);
        }
    }

    /// Where the result comes to lie.
    pub fn out(&self, cx: &PaneCx) -> Option<PathBuf> {
        let data = self.data.as_deref()?;
        let ending = match ending(data).as_str() {
            "csv" => "csv",
            "tsv" => "tsv",
            _ => "jsonl",
        };
        let folder = cx.model.home.join("predictions");
        let since = stamp(cx, self.since_ms.unwrap_or(cx.now_ms));
        Some(folder.join(format!("{}-{since}.{ending}", stem(data))))
    }

    /// What is asked for, as soon as all is chosen.
    pub fn spec(&self, cx: &PaneCx) -> Option<PredictSpec> {
        let chosen = self.chosen?;
        let (model, tuned) = cx.model.source_of(chosen)?;
        let sorts = cx.model.offer(chosen)?.sorts();
        let template = Some(self.template.trim()).filter(|words| !words.is_empty());
        let template = template.filter(|_| !sorts).map(str::to_owned);
        Some(PredictSpec {
            model,
            tuned,
            adapter: None,
            data: self.data.clone()?,
            column: self.column.clone()?,
            template,
            out: self.out(cx)?,
            max_new_tokens: self.max_new_tokens,
            precision: cx.settings().precision,
            keep: Some(self.id),
        })
    }
}

/// A moment as files are called by it: `20261121-120305`.
pub fn stamp(cx: &PaneCx, ms: i64) -> String {
    let date = units::date(ms, cx.utc_offset_secs);
    let clock = units::clock(ms, cx.utc_offset_secs);
    let secs = ms.div_euclid(1000).rem_euclid(60);
    format!("{date}-{clock}{secs:02}").replace(':', "").replacen('-', "", 2)
}

pub fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn ending(path: &Path) -> String {
    path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

/// Endings of files that have rows.
pub const ENDINGS: [&str; 5] = ["csv", "tsv", "jsonl", "json", "ndjson"];

pub fn is_rows(path: &Path) -> bool {
    ENDINGS.contains(&ending(path).as_str()) && path.file_name().is_none_or(|name| name != "config.json")
}
