//! The list of datasets: search, rows with what can be done with each, the trash.

use super::DatasetsPane;
use crate::action::{Action, Open, Toast};
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::units;
use crate::widgets::{self, Button, MenuItem, icon_button};
use egui::{Context, Id, Rect, Response, Role, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use glassworks_protocol::Edit;
use glassworks_protocol::datasets::{
    ColumnKind, ColumnRecord, DataTask, DatasetEdit, DatasetRecord, Mapping,
};
use glassworks_protocol::ids::DatasetId;
use glassworks_protocol::text::Text;
use std::sync::Arc;

#[derive(Default)]
pub struct ListState {
    search: String,
    pub trash: bool,
    /// To be confirmed.
    doomed: Option<DatasetId>,
}

impl ListState {
    /// What was looked for has been found.
    pub fn opened(&mut self) {
        self.search.clear();
    }
}

/// How much a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Wide,
    Narrow,
}

/// What a row was asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Asked {
    Open(DatasetId),
    /// Fine-tune a model on it.
    Learn(DatasetId),
    Rename(DatasetId),
    Notes(DatasetId),
    Import(DatasetId),
    Export(DatasetId),
    Duplicate(DatasetId),
    Trash(DatasetId),
    Restore(DatasetId),
    Delete(DatasetId),
}

/// What a task is called.
pub fn task_word(cx: &PaneCx, task: DataTask) -> String {
    cx.t(match task {
        DataTask::Chat => "datasets.task_chat",
        DataTask::Classification => "datasets.task_classification",
        DataTask::Tagging => "datasets.task_tagging",
        DataTask::QuestionAnswering => "datasets.task_question_answering",
        DataTask::Pairs => "datasets.task_pairs",
        DataTask::Preference => "datasets.task_preference",
        DataTask::Text => "datasets.task_text",
    })
}

/// How many rows there are, in words.
pub fn n_rows(cx: &PaneCx, n: u64) -> String {
    match n {
        1 => cx.t("datasets.one_row"),
        n => cx.tf("datasets.n_rows", &[("n", &units::grouped(n))]),
    }
}

impl DatasetsPane {
    /// Search and rows; says whether a dataset was opened.
    pub(super) fn list_body(&mut self, ui: &mut Ui, cx: &mut PaneCx, wide: Size) -> bool {
        let trash = self.list.trash;
        let (own, starters) = self.found(cx);
        let any = cx.model.datasets.list().iter().any(|one| one.trashed_at_ms.is_some() == trash);
        if any {
            let width = if wide == Size::Wide { 280.0 } else { ui.available_width() };
            widgets::search_field(ui, &cx.t("datasets.search"), width, &mut self.list.search);
        }
        let mut asked = None;
        if own.is_empty() && starters.is_empty() {
            let key = match (self.list.search.trim().is_empty(), trash) {
                (false, _) => "datasets.none_named",
                (true, true) => "datasets.trash_empty",
                (true, false) => "datasets.none",
            };
            widgets::hint(ui, cx.t(key));
        }
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            if wide == Size::Wide && !(own.is_empty() && starters.is_empty()) {
                list_headings(ui, cx);
            }
            for record in &own {
                asked = self.dataset_row(ui, cx, record, wide).or(asked);
            }
            if !starters.is_empty() {
                ui.add_space(12.0);
                widgets::semibold(ui, cx.t("datasets.starters"));
                ui.add_space(6.0);
            }
            for record in &starters {
                asked = self.dataset_row(ui, cx, record, wide).or(asked);
            }
        });
        let n = cx.model.datasets.list().iter().filter(|one| one.trashed_at_ms.is_some()).count();
        if !trash && n > 0 && wide == Size::Wide {
            ui.add_space(12.0);
            let words = cx.tf("datasets.trash_n", &[("n", &n)]);
            if Button::quiet(words).icon(icons::TRASH).show(ui).clicked() {
                self.list.trash = true;
            }
        }
        if let Some(asked) = asked {
            self.list_asked(cx, asked);
        }
        matches!(asked, Some(Asked::Open(_)))
    }

    /// What the list shows: own datasets, the newest change first, and those that came along.
    fn found(&self, cx: &PaneCx) -> (Vec<Arc<DatasetRecord>>, Vec<Arc<DatasetRecord>>) {
        let words = self.list.search.trim().to_lowercase();
        let about = |record: &&Arc<DatasetRecord>| {
            let all = format!("{}\n{}", record.name, record.origin).to_lowercase();
            words.split_whitespace().all(|word| all.contains(word))
        };
        let there = |record: &&Arc<DatasetRecord>| record.trashed_at_ms.is_some() == self.list.trash;
        let mut all: Vec<Arc<DatasetRecord>> =
            cx.model.datasets.list().iter().filter(there).filter(about).cloned().collect();
        all.sort_by_key(|record| (std::cmp::Reverse(record.changed_at_ms), record.name.clone()));
        let (mut starters, own): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|record| record.starter && !self.list.trash);
        starters.sort_by_key(|record| record.name.clone());
        (own, starters)
    }

    fn dataset_row(&self, ui: &mut Ui, cx: &PaneCx, record: &DatasetRecord, wide: Size) -> Option<Asked> {
        let t = cx.theme.tokens;
        let height = if wide == Size::Wide { size::ROW + 16.0 } else { size::ROW + 8.0 };
        let (_, rect) = ui.allocate_space(vec2(ui.available_width(), height));
        let id = Id::unique(("dataset", cx.slot, record.id, wide == Size::Wide));
        let response = ui.interact(rect, id, Sense::click());
        let selected = self.open == Some(record.id);
        response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, selected, &record.name));
        let inside = widgets::row_ground(ui, rect, selected, response.hovered());
        if wide == Size::Wide {
            ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, t.line_soft));
        }
        let menu = menu_button(ui, cx, rect, selected, &response, &record.name);
        let place = Rect::from_min_max(inside.min + vec2(12.0, 0.0), inside.max - vec2(34.0, 0.0));
        let rows = n_rows(cx, record.n_rows);
        if wide == Size::Wide {
            let [name, from, task, count] = places(place);
            let hint = Type::Hint.font(Weight::Regular);
            let told = if record.starter { record.licence.clone() } else { record.origin.clone() };
            super::cells::cut(ui, from, told, hint.clone(), t.text_2, false);
            super::cells::cut(ui, task, task_word(cx, record.mapping.task), hint.clone(), t.text_2, false);
            super::cells::cut(ui, count, rows, Type::Hint.mono(Weight::Regular), t.text_2, true);
            let about = about(&record.notes);
            let (upper, lower) = name.shrink2(vec2(0.0, 5.0)).split_top_bottom_at_fraction(0.52);
            let first = if about.is_empty() { name } else { upper };
            super::cells::cut(
                ui,
                first,
                record.name.clone(),
                Type::Body.font(Weight::Medium),
                t.text_1,
                false,
            );
            super::cells::cut(ui, lower, about, Type::Caption.font(Weight::Regular), t.text_3, false);
        } else {
            let (upper, lower) = place.shrink2(vec2(0.0, 3.0)).split_top_bottom_at_fraction(0.5);
            super::cells::cut(
                ui,
                upper,
                record.name.clone(),
                Type::Body.font(Weight::Regular),
                t.text_1,
                false,
            );
            let words = format!("{} · {rows}", task_word(cx, record.mapping.task));
            super::cells::cut(ui, lower, words, Type::Caption.font(Weight::Regular), t.text_3, false);
        }
        widgets::focus_ring(ui, &response, inside.shrink(2.0));
        let mut asked = response.clicked().then_some(Asked::Open(record.id));
        if let Some(button) = menu {
            widgets::menu(&button, 200.0, |ui| asked = items(ui, cx, record).or(asked));
        }
        asked
    }

    pub(super) fn list_asked(&mut self, cx: &mut PaneCx, asked: Asked) {
        match asked {
            // What lies in the trash is restored first.
            Asked::Open(_) if self.list.trash => {}
            Asked::Open(id) => self.open_dataset(id),
            Asked::Learn(id) => cx.push(Action::Open(Open::LearnFrom(id))),
            Asked::Rename(id) => {
                self.open_dataset(id);
                // The name takes the keyboard, not the rows.
                self.grid.want_focus = false;
                self.want_name = true;
            }
            Asked::Notes(id) => {
                if let Some(record) = cx.model.datasets.get(id) {
                    self.notes.show(record);
                }
            }
            Asked::Import(id) => self.import.ask(Some(id)),
            Asked::Export(id) => {
                if let Some(record) = cx.model.datasets.get(id).cloned() {
                    self.export.ask(&record);
                }
            }
            Asked::Duplicate(id) => duplicate(cx, id),
            Asked::Trash(id) => {
                cx.edit(Edit::Dataset(DatasetEdit::Trash(id)));
                let name = cx.model.datasets.get(id).map(|record| record.name.clone()).unwrap_or_default();
                let text = Text::new("datasets.trashed").arg("name", name);
                let undo = Edit::Dataset(DatasetEdit::Restore(id));
                cx.toast(Toast::new(text).icon(icons::TRASH).undo(undo));
            }
            Asked::Restore(id) => cx.edit(Edit::Dataset(DatasetEdit::Restore(id))),
            Asked::Delete(id) => self.list.doomed = Some(id),
        }
    }

    /// One without rows, to write them by hand.
    pub(super) fn create_empty(&mut self, cx: &mut PaneCx) {
        let name = free_name(cx, cx.t("datasets.new_name"));
        let columns = ["prompt", "completion"]
            .map(|name| ColumnRecord { name: name.to_owned(), kind: ColumnKind::Text });
        let record = DatasetRecord {
            id: DatasetId::mint(),
            name,
            mapping: Mapping::guess(&columns),
            columns: columns.to_vec(),
            n_rows: 0,
            n_by_split: [0; 4],
            n_bytes: 0,
            n_bad: 0,
            version: 1,
            revision: 0,
            undo: None,
            redo: None,
            origin: cx.t("datasets.by_hand"),
            notes: String::new(),
            licence: String::new(),
            starter: false,
            created_at_ms: cx.now_ms,
            changed_at_ms: cx.now_ms,
            trashed_at_ms: None,
        };
        self.open_dataset(record.id);
        cx.edit(Edit::Dataset(DatasetEdit::Create(Box::new(record))));
    }

    pub(super) fn list_dialogs(&mut self, ctx: &Context, cx: &mut PaneCx) {
        let Some(record) = self.list.doomed.and_then(|id| cx.model.datasets.get(id)).cloned() else {
            self.list.doomed = None;
            return;
        };
        let theme = Arc::clone(&cx.theme);
        let title = cx.tf("datasets.delete_title", &[("name", &record.name)]);
        let (mut delete, mut keep) = (false, false);
        let close = widgets::dialog(ctx, &theme, "delete dataset", &title, 440.0, |ui| {
            let size = units::size(record.n_bytes);
            let words =
                cx.tf("datasets.delete_sentence", &[("rows", &n_rows(cx, record.n_rows)), ("size", &size)]);
            ui.label(Type::Body.text(words, theme.tokens.text_2));
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                delete = Button::danger(cx.t("datasets.delete")).show(ui).clicked();
                keep = Button::control(cx.t("shell.cancel")).show(ui).clicked();
            });
        });
        if delete {
            cx.edit(Edit::Dataset(DatasetEdit::DeleteForever(record.id)));
        }
        if delete || keep || close {
            self.list.doomed = None;
        }
    }
}

/// The name, with a number where there is one of that name.
fn free_name(cx: &PaneCx, name: String) -> String {
    let taken = |name: &str| cx.model.datasets.kept().any(|one| one.name == name);
    let numbered = || (2..).map(|n| format!("{name} {n}")).find(|name| !taken(name));
    if taken(&name) { numbered().unwrap_or_default() } else { name }
}

/// Another one with the same rows; its way back is the trash.
fn duplicate(cx: &mut PaneCx, dataset: DatasetId) {
    let Some(record) = cx.model.datasets.get(dataset) else { return };
    let name = free_name(cx, cx.tf("datasets.copy_name", &[("name", &record.name)]));
    let copy = DatasetId::mint();
    let text = Text::new("datasets.copied").arg("name", &name);
    cx.edit(Edit::Dataset(DatasetEdit::Duplicate { dataset, copy, name }));
    let undo = Edit::Dataset(DatasetEdit::Trash(copy));
    cx.toast(Toast::new(text).icon(icons::COPY).undo(undo));
}

/// Name, where it comes from, what it is for, how many rows.
fn places(rect: Rect) -> [Rect; 4] {
    let wide = rect.width() > 640.0;
    let widths = [if wide { 190.0 } else { 0.0 }, 160.0, 96.0];
    let mut x = rect.right() - widths.iter().sum::<f32>();
    let name = Rect::from_min_max(rect.min, pos2(x - 12.0, rect.bottom()));
    let [from, task, count] = widths.map(|width| {
        let place = Rect::from_min_size(pos2(x, rect.top()), vec2((width - 12.0).max(0.0), rect.height()));
        x += width;
        place
    });
    [name, from, task, Rect::from_min_max(count.min, rect.max)]
}

fn list_headings(ui: &mut Ui, cx: &PaneCx) {
    let t = cx.theme.tokens;
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), 28.0));
    let inside = rect.shrink2(vec2(6.0, 1.0));
    let place = Rect::from_min_max(inside.min + vec2(12.0, 0.0), inside.max - vec2(34.0, 0.0));
    let keys = ["datasets.list_name", "datasets.list_from", "datasets.list_for", "datasets.list_rows"];
    for (key, place) in keys.into_iter().zip(places(place)) {
        if place.width() > 0.0 {
            let right = key == "datasets.list_rows";
            super::cells::cut(ui, place, cx.t(key), Type::Hint.font(Weight::Medium), t.text_3, right);
        }
    }
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, t.line_soft));
}

/// The first sentence of a card or of notes that is no heading.
fn about(notes: &str) -> String {
    let line = notes
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with(['#', '-', '|', '>', '`', '*']) && *line != "---");
    line.unwrap_or_default().chars().take(200).collect()
}

/// What can be done with a dataset.
pub fn items(ui: &mut Ui, cx: &PaneCx, record: &DatasetRecord) -> Option<Asked> {
    let id = record.id;
    let all: &[(&str, &str, Asked)] = if record.trashed_at_ms.is_some() {
        &[
            ("datasets.restore", icons::ARROW_COUNTER_CLOCKWISE, Asked::Restore(id)),
            ("datasets.delete_ask", icons::TRASH, Asked::Delete(id)),
        ]
    } else {
        &[
            ("datasets.learn_from", icons::FLAME, Asked::Learn(id)),
            ("datasets.rename", icons::PENCIL_SIMPLE, Asked::Rename(id)),
            ("datasets.notes", icons::FILE_TEXT, Asked::Notes(id)),
            ("datasets.import_more", icons::DOWNLOAD_SIMPLE, Asked::Import(id)),
            ("datasets.export", icons::EXPORT, Asked::Export(id)),
            ("datasets.duplicate", icons::COPY, Asked::Duplicate(id)),
            ("datasets.to_trash", icons::TRASH, Asked::Trash(id)),
        ]
    };
    let mut asked = None;
    for (key, icon, what) in all {
        let item = MenuItem::new(cx.t(key)).icon(icon);
        let item = if matches!(what, Asked::Delete(_)) { item.danger() } else { item };
        if item.show(ui).clicked() {
            asked = Some(*what);
        }
    }
    asked
}

/// A button at the right of a row that is marked, hovered or focused, or whose menu is open.
fn menu_button(
    ui: &mut Ui,
    cx: &PaneCx,
    rect: Rect,
    selected: bool,
    row: &Response,
    name: &str,
) -> Option<Response> {
    let place = Rect::from_center_size(
        pos2(rect.right() - 24.0, rect.center().y),
        vec2(size::CONTROL_SMALL, size::CONTROL_SMALL),
    );
    let salt = ("menu of", cx.slot, row.id);
    let used_id = Id::unique((salt, "used"));
    let was_used = ui.data(|d| d.get_temp::<bool>(used_id)).unwrap_or_default();
    if !(selected || was_used || row.has_focus() || ui.rect_contains_pointer(rect)) {
        return None;
    }
    let mut child = ui.new_child(UiBuilder::new().id_salt(salt).max_rect(place));
    let button = icon_button(&mut child, icons::DOTS_THREE, cx.tf("datasets.more", &[("name", &name)]));
    let open = egui::Popup::is_id_open(ui.ctx(), egui::Popup::default_response_id(&button));
    let used = open || button.clicked() || button.has_focus();
    ui.data_mut(|d| d.insert_temp(used_id, used));
    Some(button)
}
