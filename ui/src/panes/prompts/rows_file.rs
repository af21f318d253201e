//! Inputs out of a file: chosen or typed, its columns laid to variables.

use super::PromptsPane;
use crate::host::{FileKind, FileRequest, PickId};
use crate::model::Told;
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::widgets::{self, Button, Field, Select};
use egui::{Context, Key, Ui};
use glassworks_protocol::Query;
use glassworks_protocol::prompts::{FileRows, PromptQuery, Values, Variable, same_name};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const ENDINGS: [&str; 5] = ["csv", "tsv", "jsonl", "json", "ndjson"];

/// Whether a file's name says that it holds rows.
pub fn has_rows(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

#[derive(Default)]
pub struct RowsFile {
    open: bool,
    want_focus: bool,
    typed: String,
    pick: Option<PickId>,
    /// What is read, or was.
    path: Option<PathBuf>,
    /// The column chosen for each variable, where it isn't the one of its name.
    columns: HashMap<String, Option<String>>,
}

impl RowsFile {
    pub fn ask(&mut self) {
        *self = Self { open: true, want_focus: true, ..Self::default() };
    }
}

impl PromptsPane {
    /// A file that was dropped on the table.
    pub(super) fn drop_rows(&mut self, cx: &mut PaneCx, path: PathBuf) {
        self.rows_file.ask();
        self.take_file(cx, path);
    }

    fn take_file(&mut self, cx: &mut PaneCx, path: PathBuf) {
        cx.fetch(Query::Prompt(PromptQuery::Rows(path.clone())));
        self.rows_file.path = Some(path);
    }

    pub(super) fn rows_dialog(&mut self, ctx: &Context, cx: &mut PaneCx) {
        if let Some(path) = cx.picked(&mut self.rows_file.pick) {
            self.take_file(cx, path);
        }
        if !self.rows_file.open {
            return;
        }
        let theme = Arc::clone(&cx.theme);
        let title = cx.t("prompts.add_file");
        let mut done = false;
        let close = widgets::dialog(ctx, &theme, "rows of a prompt", &title, 520.0, |ui| {
            ui.label(Type::Body.text(cx.t("prompts.file_sentence"), theme.tokens.text_2));
            self.file_line(ui, cx);
            let told =
                self.rows_file.path.as_ref().and_then(|path| cx.model.prompts.file_rows(path)).cloned();
            match told {
                Some(Told::Asked) => drop(widgets::hint(ui, cx.t("prompts.reading_file"))),
                Some(Told::Failed(failure)) => {
                    widgets::failed_line(ui, &failure, None);
                }
                Some(Told::Known(rows)) => done = self.columns_ui(ui, cx, &rows),
                None => {}
            }
            ui.add_space(4.0);
            done |= Button::quiet(cx.t("shell.cancel")).show(ui).clicked();
        });
        if close || done {
            self.rows_file.open = false;
        }
    }

    fn file_line(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        ui.horizontal(|ui| {
            if Button::control(cx.t("prompts.choose_file")).icon(icons::FOLDER_OPEN).show(ui).clicked() {
                self.rows_file.pick = Some(cx.pick(FileRequest {
                    kind: FileKind::Open,
                    title: cx.t("prompts.add_file"),
                    suggested: String::new(),
                    filter: Some((cx.t("prompts.tab_table"), ENDINGS.map(str::to_owned).to_vec())),
                }));
            }
            let name = cx.t("prompts.typed_path");
            let width = (ui.available_width() - 80.0).max(120.0);
            let field = Field::new(&name).mono().width(width).placeholder(&name);
            let response = field.show(ui, &mut self.rows_file.typed);
            if std::mem::take(&mut self.rows_file.want_focus) {
                response.request_focus();
            }
            let entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            let path = cx.typed_path(&self.rows_file.typed);
            let off = path.is_none().then(|| cx.t("prompts.no_path"));
            let pressed = Button::control(cx.t("prompts.read_file")).off(off).show(ui).clicked();
            if let Some(path) = path.filter(|_| pressed || entered) {
                self.take_file(cx, path);
            }
        });
    }

    /// Which column is meant for which variable; says whether rows were taken.
    fn columns_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, rows: &FileRows) -> bool {
        let named = self.editing.as_ref().map(|editing| editing.body.named()).unwrap_or_default();
        let mut options = vec![(None, cx.t("prompts.no_column"))];
        options.extend(rows.columns.iter().map(|column| (Some(column.clone()), column.clone())));
        for variable in &named {
            let mut column = self.column_of(variable, rows);
            ui.horizontal(|ui| {
                let name = cx.tf("prompts.column_for", &[("name", &variable.shown())]);
                widgets::label(ui, variable.shown());
                if Select::new(&name).width(220.0).show(ui, &mut column, &options).changed() {
                    self.rows_file.columns.insert(variable.name.clone(), column.clone());
                }
            });
        }
        if rows.n_left_out > 0 {
            widgets::hint(ui, cx.tf("prompts.file_left_out", &[("n", &rows.n_left_out)]));
        }
        let laid: Vec<(String, String)> =
            named.iter().filter_map(|one| Some((one.name.clone(), self.column_of(one, rows)?))).collect();
        let off = laid.is_empty().then(|| cx.t("prompts.lay_a_column"));
        let words = match rows.rows.len() {
            1 => cx.t("prompts.take_row"),
            n => cx.tf("prompts.take_rows", &[("n", &n)]),
        };
        if !Button::accent(words).off(off).show(ui).clicked() {
            return false;
        }
        let row = |row: &Values| -> Values {
            laid.iter().filter_map(|(name, column)| Some((name.clone(), row.get(column)?.clone()))).collect()
        };
        let rows = rows.rows.iter().map(row).collect();
        self.add_rows(cx, rows);
        true
    }

    /// The one that was chosen, else the one of the same name.
    fn column_of(&self, variable: &Variable, rows: &FileRows) -> Option<String> {
        if let Some(chosen) = self.rows_file.columns.get(&variable.name) {
            return chosen.clone();
        }
        let same = |column: &&String| same_name(column, &variable.name) || same_name(column, &variable.label);
        let alone = (rows.columns.len() == 1).then(|| rows.columns.first()).flatten();
        rows.columns.iter().find(same).or(alone).cloned()
    }
}
