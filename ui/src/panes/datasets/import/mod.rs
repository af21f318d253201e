//! How data comes in: chosen, dropped or pasted, looked at before anything is kept, then imported by a job.

mod files;
mod roles;
mod source;
mod table;

use super::{DatasetsPane, list};
use crate::action::{Toast, ToastAction};
use crate::host::PickId;
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::units;
use crate::widgets::{self, Button, Field, Select};
use egui::{Context, Id, Ui, vec2};
use glassworks_protocol::datasets::import::{
    ImportPreview, ImportReport, ImportSource, ImportSpec, PreviewSpec, ReadOptions,
};
use glassworks_protocol::datasets::{DatasetJob, DatasetOutput, Mapping, Split};
use glassworks_protocol::ids::{DatasetId, JobId};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, JobOutput, JobSpec, Outcome};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const WIDTH: f32 = 1080.0;

/// What ends a file's name with rows in it; those in other wrappings end so before.
const ENDINGS: [&str; 17] = [
    "jsonl", "ndjson", "json", "csv", "tsv", "parquet", "txt", "text", "md", "conll", "bio", "iob", "conllu",
    "gz", "zst", "tab", "data",
];

/// Whether a file's name says that it may hold rows.
pub fn has_rows(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

#[derive(Default)]
pub struct ImportState {
    shown: bool,
    source: Option<ImportSource>,
    options: ReadOptions,
    /// The look at the beginning that is being had, and the last one that has been.
    looking: Option<(JobId, PreviewSpec)>,
    preview: Option<Arc<ImportPreview>>,
    failure: Option<Failure>,
    /// As chosen; `None`: as guessed.
    mapping: Option<Mapping>,
    name: Option<String>,
    into: Option<DatasetId>,
    split: Option<Split>,
    typed: String,
    pasted: Option<String>,
    want_focus: bool,
    picking: Option<PickId>,
    running: Option<Running>,
}

/// An import on its way.
struct Running {
    job: JobId,
    dataset: DatasetId,
    name: String,
}

impl ImportState {
    /// Asks what to import; `into`: to add to.
    pub fn ask(&mut self, into: Option<DatasetId>) {
        let running = self.running.take();
        *self = Self { shown: true, want_focus: true, into, running, ..Self::default() };
    }
}

impl DatasetsPane {
    /// A file or folder to bring in; several that come one after the other are one import.
    pub(super) fn bring(&mut self, path: PathBuf) {
        if !self.import.shown {
            self.import.ask(None);
        }
        let mut paths = match self.import.source.take() {
            Some(ImportSource::Files(paths)) => paths,
            _ => Vec::new(),
        };
        if !paths.contains(&path) {
            paths.push(path);
        }
        self.import.choose(ImportSource::Files(paths));
    }

    /// A text that was pasted where no dataset is open.
    pub(super) fn bring_text(&mut self, text: String) {
        self.import.ask(None);
        self.import.choose(ImportSource::Text(text));
    }

    pub(super) fn import_ui(&mut self, ctx: &Context, cx: &mut PaneCx) {
        if let Some(path) = cx.picked(&mut self.import.picking) {
            self.bring(path);
        }
        self.import_ended(cx);
        if !self.import.shown {
            return;
        }
        self.import.look(cx);
        let theme = Arc::clone(&cx.theme);
        let title = cx.t("datasets.import_title");
        let mut done = false;
        let width = if self.import.source.is_some() { WIDTH } else { 560.0 };
        let close = widgets::dialog(ctx, &theme, "import", &title, width, |ui| {
            done = match self.import.source {
                None => self.source_ui(ui, cx),
                Some(_) => self.look_ui(ui, cx),
            };
        });
        if close || done {
            self.import.close(cx);
        }
    }

    /// What would come in; says whether the dialog is to be closed.
    fn look_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) -> bool {
        let room = ui.ctx().content_rect().height() - 190.0;
        let height = room.clamp(300.0, 620.0);
        let width = ui.available_width();
        let left = (width * 0.27).clamp(220.0, 290.0);
        ui.allocate_ui(vec2(width, height), |ui| {
            ui.horizontal_top(|ui| {
                ui.allocate_ui(vec2(left, height), |ui| {
                    ui.vertical(|ui| {
                        ui.set_width(left);
                        ui.set_min_height(height);
                        self.import.files_ui(ui, cx);
                    });
                });
                ui.add_space(8.0);
                ui.vertical(|ui| {
                    ui.set_min_height(height);
                    ui.set_width(ui.available_width());
                    self.content_ui(ui, cx, height);
                });
            });
        });
        widgets::divider(ui);
        self.import_foot(ui, cx)
    }

    fn content_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, height: f32) {
        if let Some(failure) = self.import.failure.clone() {
            let other = Button::control(cx.t("datasets.import_other")).icon(icons::ARROW_LEFT);
            if widgets::failed_line(ui, &failure, Some(other)) {
                self.import.ask(self.import.into);
            }
            return;
        }
        let Some(preview) = self.import.preview.clone() else {
            widgets::hint(ui, cx.t("datasets.import_looking"));
            return;
        };
        let known = self.import.into.and_then(|id| cx.model.datasets.get(id)).cloned();
        match &known {
            // Rows that are added are what the others are.
            Some(record) => {
                widgets::hint(ui, cx.tf("datasets.import_as_there", &[("name", &record.name)]));
                let mapping = record.mapping.clone();
                self.import.table_ui(ui, cx, &preview, &mapping, height - 30.0);
            }
            None => {
                let mapping = self.import.mapping.clone().unwrap_or_else(|| preview.mapping.clone());
                let chosen = roles::task_ui(ui, cx, &preview, &mapping);
                let mapping = chosen.clone().unwrap_or(mapping);
                if chosen.is_some() {
                    self.import.mapping = chosen;
                }
                if let Some(new) = self.import.table_ui(ui, cx, &preview, &mapping, height - 64.0) {
                    self.import.mapping = Some(new);
                }
            }
        }
    }

    /// Its name, where it goes, and the way there.
    fn import_foot(&mut self, ui: &mut Ui, cx: &mut PaneCx) -> bool {
        let (mut go, mut cancel) = (false, false);
        let own: Vec<(DatasetId, String)> =
            cx.model.datasets.kept().map(|record| (record.id, record.name.clone())).collect();
        ui.horizontal(|ui| {
            let mut into = vec![(None, cx.t("datasets.import_new"))];
            into.extend(
                own.iter().map(|(id, name)| (Some(*id), cx.tf("datasets.import_append", &[("name", name)]))),
            );
            let select = cx.t("datasets.import_into");
            Select::new(&select).width(190.0).show(ui, &mut self.import.into, &into);
            if self.import.into.is_none() {
                let label = cx.t("datasets.name");
                let mut name = self.import.name(cx);
                let id = Id::unique(("import name", cx.slot));
                if Field::new(&label).id(id).width(200.0).show(ui, &mut name).changed() {
                    self.import.name = Some(name);
                }
            }
            self.import.split_ui(ui, cx);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let off = self.import.why_not(cx);
                go = Button::accent(cx.t("datasets.import_go")).off(off).show(ui).clicked();
                cancel = Button::quiet(cx.t("shell.cancel")).show(ui).clicked();
            });
        });
        if go {
            self.start_import(cx);
        }
        go || cancel
    }

    fn start_import(&mut self, cx: &mut PaneCx) {
        let Some(source) = self.import.source.clone() else { return };
        let append = self.import.into.is_some();
        let dataset = self.import.into.unwrap_or_else(DatasetId::mint);
        let name = match self.import.into.and_then(|id| cx.model.datasets.get(id)) {
            Some(record) => record.name.clone(),
            None => self.import.name(cx).trim().to_owned(),
        };
        let spec = ImportSpec {
            dataset,
            append,
            name: name.clone(),
            source,
            options: self.import.options.clone(),
            mapping: if append { None } else { self.import.mapping.clone() },
            split: self.import.split,
        };
        let job = cx.start(JobSpec::Dataset(DatasetJob::Import(Box::new(spec))));
        self.import.running = Some(Running { job, dataset, name });
    }

    /// What became of it.
    fn import_ended(&mut self, cx: &mut PaneCx) {
        let Some(running) = &self.import.running else { return };
        let Some(job) = cx.model.jobs.get(running.job).cloned() else { return };
        let toast = match &job.outcome {
            None => return,
            Some(Outcome::Done(JobOutput::Dataset(DatasetOutput::Imported(report)))) => {
                self.open_dataset(report.dataset);
                told(cx, report)
            }
            Some(Outcome::Failed(failure)) => Toast::failed(failure.clone()),
            Some(Outcome::Done(_) | Outcome::Cancelled) => {
                self.import.running = None;
                return;
            }
        };
        self.import.running = None;
        cx.toast(toast);
    }

    /// An import on its way, where its rows will be.
    pub(super) fn importing_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) -> bool {
        let Some(running) = &self.import.running else { return false };
        if cx.model.datasets.get(running.dataset).is_some() {
            return false;
        }
        let job = cx.model.jobs.get(running.job).cloned();
        let title = cx.tf("datasets.importing", &[("name", &running.name)]);
        if widgets::working(ui, &title, job.as_ref().and_then(|job| job.progress.as_ref())) {
            cx.cancel(running.job);
        }
        true
    }
}

/// How many rows came in, and how many could not.
fn told(cx: &PaneCx, report: &ImportReport) -> Toast {
    let rows = list::n_rows(cx, report.n_rows);
    if report.n_bad == 0 {
        return Toast::new(Text::new("datasets.imported").arg("rows", rows)).icon(icons::CHECK);
    }
    let bad = units::grouped(report.n_bad);
    let text = Text::new("datasets.imported_some").arg("rows", rows).arg("bad", bad);
    let show = ToastAction::Open(crate::action::Open::BadRows(report.dataset));
    Toast::new(text).icon(icons::WARNING).action(Text::new("datasets.show_bad"), show)
}

impl ImportState {
    fn close(&mut self, cx: &mut PaneCx) {
        if let Some((job, _)) = self.looking.take() {
            cx.cancel(job);
        }
        let running = self.running.take();
        *self = Self { running, ..Self::default() };
    }

    fn choose(&mut self, source: ImportSource) {
        self.source = Some(source);
        (self.options, self.mapping, self.failure) = (ReadOptions::default(), None, None);
    }

    /// Looks at the beginning whenever something else would be read.
    fn look(&mut self, cx: &mut PaneCx) {
        let Some(source) = self.source.clone() else { return };
        let spec = PreviewSpec { source, options: self.options.clone() };
        if self.looking.as_ref().is_none_or(|(_, asked)| *asked != spec) {
            if let Some((job, _)) = self.looking.take() {
                cx.cancel(job);
            }
            let job = cx.start(JobSpec::Dataset(DatasetJob::Preview(spec.clone())));
            self.looking = Some((job, spec));
            return;
        }
        let job = self.looking.as_ref().and_then(|(job, _)| cx.model.jobs.get(*job));
        match job.and_then(|job| job.outcome.as_ref()) {
            Some(Outcome::Done(JobOutput::Dataset(DatasetOutput::Preview(preview)))) => {
                let same = self.preview.as_ref().is_some_and(|old| Arc::ptr_eq(old, preview));
                if !same {
                    self.take_preview(preview);
                }
            }
            Some(Outcome::Failed(failure)) => self.failure = Some(failure.clone()),
            _ => {}
        }
    }

    /// What was chosen of roles stays where its columns are still there.
    fn take_preview(&mut self, preview: &Arc<ImportPreview>) {
        self.failure = None;
        if let Some(mapping) = &mut self.mapping {
            let there = |name: &String| preview.columns.iter().any(|column| column.name == *name);
            if mapping.roles.values().any(|name| !there(name)) {
                self.mapping = None;
            }
        }
        self.preview = Some(Arc::clone(preview));
    }

    /// As typed, else after its files.
    fn name(&self, cx: &PaneCx) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let name = match &self.source {
            Some(ImportSource::Files(paths)) => paths.first().and_then(|path| name_of(path)),
            Some(ImportSource::Starter(name)) => Some(name.clone()),
            Some(ImportSource::Text(_)) | None => None,
        };
        let name = name.unwrap_or_else(|| cx.t("datasets.pasted_name"));
        let taken = |name: &str| cx.model.datasets.kept().any(|record| record.name == name);
        if !taken(&name) {
            return name;
        }
        (2..).map(|n| format!("{name} {n}")).find(|name| !taken(name)).unwrap_or_default()
    }

    /// Why it cannot be imported as it is.
    fn why_not(&self, cx: &PaneCx) -> Option<String> {
        if self.failure.is_some() || self.preview.is_none() {
            return Some(cx.t("datasets.import_nothing"));
        }
        let preview = self.preview.as_ref()?;
        if preview.rows.is_empty() {
            return Some(cx.t("datasets.import_no_rows"));
        }
        let unnamed = self.into.is_none() && self.name(cx).trim().is_empty();
        unnamed.then(|| cx.t("datasets.import_no_name"))
    }

    /// The split of files that do not say theirs.
    fn split_ui(&mut self, ui: &mut Ui, cx: &PaneCx) {
        let said = |preview: &Arc<ImportPreview>| preview.files.iter().all(|file| file.split.is_some());
        if self.preview.as_ref().is_none_or(said) {
            return;
        }
        let all = [None, Some(Split::Train), Some(Split::Validation), Some(Split::Test)];
        let options: Vec<(Option<Split>, String)> = all
            .into_iter()
            .map(|split| {
                (split, cx.tf("datasets.import_split", &[("split", &super::cells::split_word(cx, split))]))
            })
            .collect();
        Select::new(&cx.t("datasets.column_split")).show(ui, &mut self.split, &options);
    }
}

/// A file's name without its endings; a folder's own.
fn name_of(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy();
    let mut name: &str = &name;
    while let Some((head, ending)) = name.rsplit_once('.') {
        if head.is_empty() || !ENDINGS.contains(&ending.to_ascii_lowercase().as_str()) {
            break;
        }
        name = head;
    }
    Some(name.to_owned())
}

/// A line of words in a quiet tone.
fn quiet(ui: &mut Ui, cx: &PaneCx, words: impl Into<String>) {
    ui.label(Type::Hint.text(words, cx.theme.tokens.text_3));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_give_their_names() {
        let check = |path: &str, name: &str| assert_eq!(name_of(Path::new(path)).as_deref(), Some(name));
        check("/data/Reviews 2024.csv", "Reviews 2024");
        check("/data/talks.jsonl.gz", "talks");
        check("/data/v1.2", "v1.2");
        check("/data/.csv", ".csv");
        assert!(has_rows(Path::new("a/B.CSV")) && has_rows(Path::new("a.jsonl.zst")));
        assert!(!has_rows(Path::new("a.gguf")) && !has_rows(Path::new("a")));
    }
}
