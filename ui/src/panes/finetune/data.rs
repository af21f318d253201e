//! The dialog in which data is chosen: picked, typed or dropped; and what is wrong with what was chosen.

use super::Finetune;
use super::draft::{ENDINGS, is_data};
use super::facts::Facts;
use super::findings::Answer;
use crate::action::{Action, Open, Toast};
use crate::host::{FileKind, FileRequest, PickId};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::units;
use crate::widgets::{self, Button, Field, MenuItem};
use egui::{Context, Key, Ui};
use glassworks_protocol::datasets::{DatasetRecord, RowId};
use glassworks_protocol::ids::DatasetId;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::TaskSpec;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows that are told one by one.
const MOST_ROWS: usize = 50;

#[derive(Default)]
pub struct DataDialog {
    open: bool,
    want_focus: bool,
    train: Adding,
    validation: Adding,
    /// Rows that are left out are listed.
    rows_open: bool,
}

/// A file on its way into a list.
#[derive(Default)]
struct Adding {
    typed: String,
    pick: Option<PickId>,
}

impl DataDialog {
    pub fn open(&mut self) {
        self.open = true;
        self.want_focus = true;
    }
}

impl Finetune {
    /// A file that was dropped on the window. Says whether it is data.
    pub(super) fn drop_file(&mut self, path: &Path, cx: &mut PaneCx) -> bool {
        if !is_data(path) {
            return false;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.draft.add_file(path.to_path_buf());
        cx.toast(Toast::new(Text::new("finetune.file_added").arg("name", name)).icon(icons::CHECK));
        true
    }

    pub(super) fn data_dialog(&mut self, ctx: &Context, cx: &mut PaneCx) {
        if let Some(path) = cx.picked(&mut self.data.train.pick) {
            self.draft.add_file(path);
        }
        if let Some(path) = cx.picked(&mut self.data.validation.pick) {
            add(&mut self.draft.spec.data.validation_files, path);
        }
        if !self.data.open {
            return;
        }
        let title = cx.t("train.field.files");
        let theme = Arc::clone(&cx.theme);
        let mut done = false;
        let close = widgets::dialog(ctx, &theme, "training data", &title, 560.0, |ui| {
            self.dataset_choice(ui, cx);
            if self.draft.spec.data.dataset.is_some() {
                ui.add_space(8.0);
                done = Button::accent(cx.t("finetune.done")).show(ui).clicked();
                return;
            }
            ui.label(Type::Body.text(cx.t("finetune.data_sentence"), theme.tokens.text_2));
            if let Some(gone) = files(ui, cx, &self.draft.spec.data.files) {
                self.draft.spec.data.files.remove(gone);
            }
            let focus = std::mem::take(&mut self.data.want_focus);
            if let Some(path) = self.data.train.ui(ui, cx, "finetune.typed_path", focus) {
                self.draft.add_file(path);
            }
            if let Some(path) = sample(ui, cx, &self.draft.spec.data.files) {
                self.draft.add_file(path);
            }
            ui.add_space(8.0);
            widgets::semibold(ui, cx.t("train.field.validation_files"));
            ui.label(Type::Hint.text(cx.t("train.field.validation_files_hint"), theme.tokens.text_3));
            if let Some(gone) = files(ui, cx, &self.draft.spec.data.validation_files) {
                self.draft.spec.data.validation_files.remove(gone);
            }
            if let Some(path) = self.data.validation.ui(ui, cx, "finetune.typed_validation", false) {
                add(&mut self.draft.spec.data.validation_files, path);
            }
            ui.add_space(8.0);
            done = Button::accent(cx.t("finetune.done")).show(ui).clicked();
        });
        if close || done {
            self.data.open = false;
        }
    }

    /// The dataset that is learned from, with what says so and takes it away; else those there are.
    fn dataset_choice(&mut self, ui: &mut Ui, cx: &PaneCx) {
        if let Some(dataset) = &self.draft.spec.data.dataset {
            let record = dataset.id.and_then(|id| cx.model.datasets.get(id));
            let name = record.map_or_else(|| dataset.name.clone(), |record| record.name.clone());
            let mut gone = false;
            ui.horizontal(|ui| {
                let remove = cx.tf("finetune.remove_file", &[("name", &name)]);
                gone = widgets::icon_button(ui, icons::X, remove).clicked();
                widgets::truncated(ui, Type::Body.medium(&name, cx.theme.tokens.text_1));
            });
            match record {
                Some(record) => widgets::hint(ui, splits(cx, record)),
                None => widgets::hint(ui, cx.t("finetune.dataset_gone")),
            };
            if gone {
                self.draft.spec.data.dataset = None;
            }
            return;
        }
        let mut kept: Vec<Arc<DatasetRecord>> =
            cx.model.datasets.kept().filter(|record| record.n_rows > 0).cloned().collect();
        kept.sort_by_key(|record| (record.starter, std::cmp::Reverse(record.changed_at_ms)));
        if kept.is_empty() {
            return;
        }
        let choose = Button::control(cx.t("finetune.choose_dataset")).icon(icons::TABLE).caret().show(ui);
        let chosen = widgets::menu(&choose, 320.0, |ui| {
            let mut chosen = None;
            for record in &kept {
                let rows = cx.tf("finetune.n_rows", &[("n", &units::grouped(record.n_rows))]);
                if MenuItem::new(record.name.clone()).hint(rows).show(ui).clicked() {
                    chosen = Some(Arc::clone(record));
                }
            }
            chosen
        });
        if let Some(record) = chosen.flatten() {
            self.draft.take_dataset(&record);
        }
        ui.add_space(8.0);
        widgets::semibold(ui, cx.t("finetune.or_files"));
    }

    /// Data that cannot be used, with the ways on; rows that are left out.
    pub(super) fn data_trouble(&mut self, ui: &mut Ui, cx: &mut PaneCx, facts: &Facts) {
        match &facts.data {
            Answer::Failed(failure) => {
                ui.add_space(4.0);
                widgets::card(ui, |ui| {
                    ui.set_width(ui.available_width());
                    let other = Button::control(cx.t("finetune.choose_other")).icon(icons::FOLDER_OPEN);
                    if widgets::failed_line(ui, failure, Some(other)) {
                        self.data.open();
                    }
                    ui.horizontal(|ui| {
                        ui.add_space(24.0);
                        if Button::quiet(cx.t("finetune.read_again"))
                            .icon(icons::ARROW_CLOCKWISE)
                            .show(ui)
                            .clicked()
                        {
                            self.findings.check_again();
                        }
                        let empty = failure.summary.key == "failure.data_empty";
                        if empty
                            && self.draft.spec.task == TaskSpec::Chat
                            && Button::quiet(cx.t("finetune.learn_text")).show(ui).clicked()
                        {
                            self.draft.spec.task = TaskSpec::Text;
                            self.draft.goal_chosen = true;
                        }
                    });
                });
            }
            Answer::Known(report) if report.n_left_out > 0 => {
                let n = units::grouped(report.n_left_out);
                let name = cx.tf("finetune.rows_left_out", &[("n", &n)]);
                let mut open = self.data.rows_open;
                widgets::fold(ui, &name, "", &mut open, |ui| {
                    for problem in report.problems.iter().take(MOST_ROWS) {
                        let file = problem.file.file_name().unwrap_or_default().to_string_lossy();
                        let kept = self.draft.spec.data.dataset.as_ref().and_then(|dataset| dataset.id);
                        ui.horizontal_wrapped(|ui| {
                            ui.add_space(28.0);
                            widgets::mono(ui, format!("{file}:{}", problem.row));
                            widgets::label(ui, cx.render(&problem.reason));
                            if let Some(row) = kept.and_then(|id| row_of(id, problem.row)) {
                                let name = cx.tf("finetune.mend_row", &[("row", &problem.row)]);
                                if widgets::icon_button(ui, icons::PENCIL_SIMPLE, name).clicked() {
                                    cx.push(Action::Open(row));
                                }
                            }
                        });
                    }
                    let rest = report.n_left_out.saturating_sub(report.problems.len().min(MOST_ROWS) as u64);
                    if rest > 0 {
                        widgets::hint(ui, cx.tf("finetune.rows_more", &[("n", &units::grouped(rest))]));
                    }
                });
                self.data.rows_open = open;
            }
            _ => {}
        }
    }
}

impl Adding {
    /// A button for the system's dialog and a field for a path; what was chosen by typing.
    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, key: &'static str, focus: bool) -> Option<PathBuf> {
        let name = cx.t(key);
        let mut added = None;
        ui.push_id(key, |ui| {
            ui.horizontal(|ui| {
                let choose = Button::control(cx.t("finetune.choose_file")).icon(icons::FOLDER_OPEN);
                if choose.name(format!("{}: {name}", cx.t("finetune.choose_file"))).show(ui).clicked() {
                    let endings = ENDINGS.map(str::to_owned).to_vec();
                    self.pick = Some(cx.pick(FileRequest {
                        kind: FileKind::Open,
                        title: cx.t("train.field.files"),
                        suggested: String::new(),
                        filter: Some((cx.t("finetune.data"), endings)),
                    }));
                }
                let width = (ui.available_width() - 80.0).max(120.0);
                let field = Field::new(&name).mono().width(width).placeholder(name.as_str());
                let response = field.show(ui, &mut self.typed);
                if focus {
                    response.request_focus();
                }
                let entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
                let path = cx.typed_path(&self.typed);
                let off = path.is_none().then(|| cx.t("finetune.path_first"));
                let button = Button::control(cx.t("finetune.add")).off(off);
                let pressed = button.name(format!("{}: {name}", cx.t("finetune.add"))).show(ui).clicked();
                if pressed || entered {
                    added = path;
                }
                if added.is_some() {
                    self.typed.clear();
                    response.request_focus();
                }
            });
        });
        added
    }
}

/// A row of a dataset by its number in reports.
fn row_of(dataset: DatasetId, number: u64) -> Option<Open> {
    let row = number.checked_sub(1).and_then(|row| u32::try_from(row).ok())?;
    Some(Open::DatasetRow(dataset, RowId(row)))
}

/// Which of its rows are learned from, measured on, left alone.
fn splits(cx: &PaneCx, record: &DatasetRecord) -> String {
    let [train, validation, test, none] = record.n_by_split;
    let mut words = vec![cx.tf("finetune.split_train", &[("n", &units::grouped(train + none))])];
    if validation > 0 {
        words.push(cx.tf("finetune.split_validation", &[("n", &units::grouped(validation))]));
    }
    if test > 0 {
        words.push(cx.tf("finetune.split_test", &[("n", &units::grouped(test))]));
    }
    words.join(&cx.t("finetune.comma"))
}

/// Bundled data to begin with, where nothing is chosen yet; what was pressed.
fn sample(ui: &mut Ui, cx: &PaneCx, chosen: &[PathBuf]) -> Option<PathBuf> {
    let path = cx.model.samples.first().filter(|_| chosen.is_empty())?;
    let button = Button::control(cx.t("finetune.sample_reviews")).icon(icons::BOOK_OPEN);
    let pressed = ui.horizontal(|ui| {
        widgets::hint(ui, cx.t("finetune.sample"));
        button.show(ui).clicked()
    });
    pressed.inner.then(|| path.clone())
}

/// The files of a list, each with a button that takes it out; the one that was pressed.
fn files(ui: &mut Ui, cx: &PaneCx, files: &[PathBuf]) -> Option<usize> {
    let mut gone = None;
    for (idx, file) in files.iter().enumerate() {
        ui.push_id(file, |ui| {
            ui.horizontal(|ui| {
                let path = file.display().to_string();
                if widgets::icon_button(ui, icons::X, cx.tf("finetune.remove_file", &[("name", &path)]))
                    .clicked()
                {
                    gone = Some(idx);
                }
                widgets::truncated(ui, Type::Hint.number(path, cx.theme.tokens.text_1));
            });
        });
    }
    gone
}

fn add(files: &mut Vec<PathBuf>, path: PathBuf) {
    if !files.contains(&path) {
        files.push(path);
    }
}
