//! The runs as a list: searched, filtered, sorted; only the rows in sight are drawn.

use super::RunsPane;
use super::list_row::{self, Asked};
use super::trash::Doomed;
use crate::model::{Model, RunState};
use crate::panes::PaneCx;
use crate::theme::{Type, icons, size};
use crate::widgets::{self, Button, Field, MenuItem, icon_button, tiles};
use egui::{Align, Id, Layout, Margin, Rect, ScrollArea, Ui, UiBuilder, vec2};
use glassworks_protocol::ids::RunId;
use glassworks_protocol::train::{RunRecord, TaskSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Filter {
    #[default]
    All,
    Live,
    CanResume,
    Done,
    Failed,
    Trash,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Sort {
    #[default]
    Newest,
    Best,
    Name,
    Longest,
}

const FILTERS: [(Filter, &str); 6] = [
    (Filter::All, "runs.filter_all"),
    (Filter::Live, "runs.filter_live"),
    (Filter::CanResume, "runs.filter_open"),
    (Filter::Done, "runs.filter_done"),
    (Filter::Failed, "runs.filter_failed"),
    (Filter::Trash, "runs.filter_trash"),
];

const SORTS: [(Sort, &str); 4] = [
    (Sort::Newest, "runs.sort_newest"),
    (Sort::Best, "runs.sort_best"),
    (Sort::Name, "runs.sort_name"),
    (Sort::Longest, "runs.sort_longest"),
];

const GOAL: usize = 1;

/// What is listed, and in which order: kept between starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Order {
    filter: Filter,
    sort: Sort,
    /// Only runs of this model, of this goal, with this tag.
    model: Option<String>,
    goal: Option<String>,
    tag: Option<String>,
}

#[derive(Default)]
pub struct ListState {
    pub order: Order,
    search: String,
    /// The row that the keyboard goes to next.
    focus: Option<usize>,
    /// How far the list was scrolled in the last frame.
    offset: f32,
    /// The row that has it, which is drawn even out of sight: what is not drawn loses the keyboard.
    focused: Option<usize>,
}

impl Filter {
    fn takes(self, state: RunState) -> bool {
        match self {
            Self::All | Self::Trash => true,
            Self::Live => state.is_live(),
            Self::CanResume => state.can_resume(),
            Self::Done => state == RunState::Done,
            Self::Failed => state == RunState::Failed,
        }
    }
}

impl ListState {
    fn rows(&self, model: &Model) -> Vec<Arc<RunRecord>> {
        let search = self.search.trim().to_lowercase();
        let found = |run: &&Arc<RunRecord>| {
            let state = model.run_state(run);
            let in_trash = run.trashed_at_ms.is_some();
            in_trash == (self.order.filter == Filter::Trash)
                && self.order.filter.takes(state)
                && self.order.fits(run)
                && (search.is_empty() || is_about(run, &search))
        };
        let mut rows: Vec<Arc<RunRecord>> = model.runs.list().iter().filter(found).cloned().collect();
        match self.order.sort {
            Sort::Newest => {}
            Sort::Best => rows.sort_by(|a, b| {
                let loss = |run: &RunRecord| run.progress.best_loss.unwrap_or(f64::INFINITY);
                loss(a).total_cmp(&loss(b))
            }),
            Sort::Name => rows.sort_by_key(|run| run.name.to_lowercase()),
            Sort::Longest => rows.sort_by(|a, b| b.progress.train_secs.total_cmp(&a.progress.train_secs)),
        }
        rows
    }
}

impl Order {
    fn fits(&self, run: &RunRecord) -> bool {
        let is = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
        is(&self.model, &run.progress.model_name)
            && is(&self.goal, goal(run))
            && self.tag.as_ref().is_none_or(|tag| run.tags.contains(tag))
    }

    /// What is left out besides by state, each with its word; the goal's is at [`GOAL`].
    fn chosen(&mut self) -> [&mut Option<String>; 3] {
        [&mut self.model, &mut self.goal, &mut self.tag]
    }
}

/// What is learned, as a recipe has it.
fn goal(run: &RunRecord) -> &'static str {
    match run.spec.task {
        TaskSpec::Chat => "chat",
        TaskSpec::Text => "text",
        TaskSpec::Classification(_) => "classification",
        TaskSpec::Scratch(_) => "scratch",
    }
}

/// The same as a person knows it.
fn goal_words(cx: &PaneCx, goal: &str) -> String {
    cx.t(match goal {
        "chat" => "finetune.goal_chat",
        "text" => "finetune.goal_text",
        "classification" => "finetune.goal_classification",
        "scratch" => "finetune.goal_scratch",
        // Kept by a version that knew more goals.
        other => return other.to_owned(),
    })
}

fn is_about(run: &RunRecord, search: &str) -> bool {
    run.name.to_lowercase().contains(search)
        || run.progress.model_name.to_lowercase().contains(search)
        || run.tags.iter().any(|tag| tag.to_lowercase().contains(search))
        || run.notes.to_lowercase().contains(search)
        || run.spec.data.names().iter().any(|name| name.to_lowercase().contains(search))
}

impl RunsPane {
    pub(super) fn list_tile(&mut self, ui: &mut Ui, cx: &mut PaneCx, tile: Rect) {
        let in_trash = self.list.order.filter == Filter::Trash;
        let runs = cx.model.runs.list().iter();
        let n = runs.filter(|run| run.trashed_at_ms.is_some() == in_trash).count();
        let title = cx.t(if in_trash { "runs.filter_trash" } else { "shell.pane_runs" });
        let order = &mut self.list.order;
        tiles::header(
            ui,
            |ui| order_menu(ui, cx, order),
            |ui| {
                widgets::title(ui, title);
                widgets::mono(ui, crate::units::grouped(n as u64));
            },
        );
        self.list_body(ui, cx, size::HEADER);
        let words = cx.tf("runs.shown", &[("n", &self.shown().len())]);
        let mut empties = false;
        tiles::footer(ui, tile, |ui| {
            ui.add_space(8.0);
            if in_trash {
                let none = (n == 0).then(|| cx.t("runs.trash_empty"));
                let button = Button::quiet(cx.t("runs.empty_trash")).icon(icons::TRASH).off(none);
                empties = button.show(ui).clicked();
            } else {
                widgets::hint(ui, words);
            }
        });
        if empties {
            let trashed = cx.model.runs.list().iter().filter(|run| run.trashed_at_ms.is_some());
            self.doomed = Some(Doomed::All(trashed.map(|run| run.id).collect()));
        }
    }

    /// Search, headings and rows; says whether a run was chosen.
    pub(super) fn list_body(&mut self, ui: &mut Ui, cx: &mut PaneCx, foot: f32) -> bool {
        ui.add_space(10.0);
        let name = cx.t("runs.search");
        egui::Frame::new().inner_margin(Margin::symmetric(8, 0)).show(ui, |ui| {
            let response = Field::new(&name)
                .icon(icons::MAGNIFYING_GLASS)
                .placeholder(&name)
                .width(ui.available_width())
                .id(Id::unique(("search runs", cx.slot)))
                .show(ui, &mut self.list.search);
            if response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Escape)) {
                self.list.search.clear();
            }
        });
        self.chosen_ui(ui, cx);
        headings(ui, cx);
        let rows = self.list.rows(cx.model);
        if rows.is_empty() {
            egui::Frame::new()
                .inner_margin(Margin::symmetric(16, 8))
                .show(ui, |ui| widgets::hint(ui, cx.t("runs.none_found")));
            return false;
        }
        self.list_rows(ui, cx, &rows, foot)
    }

    /// What is left out, each to be taken back.
    fn chosen_ui(&mut self, ui: &mut Ui, cx: &PaneCx) {
        let order = &mut self.list.order;
        if order.chosen().iter().all(|one| one.is_none()) {
            return;
        }
        egui::Frame::new().inner_margin(Margin { left: 8, right: 8, top: 6, bottom: 0 }).show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
                for (i, one) in order.chosen().into_iter().enumerate() {
                    let Some(value) = one.clone() else { continue };
                    let words = if i == GOAL { goal_words(cx, &value) } else { value };
                    let name = cx.tf("runs.filter_off", &[("name", &words)]);
                    if Button::control(words).icon(icons::X).small().name(name).show(ui).clicked() {
                        *one = None;
                    }
                }
            });
        });
    }

    fn list_rows(&mut self, ui: &mut Ui, cx: &mut PaneCx, rows: &[Arc<RunRecord>], foot: f32) -> bool {
        let height = (ui.available_height() - foot).max(40.0);
        ui.spacing_mut().item_spacing.y = 0.0;
        let mut asked: Option<(RunId, Asked)> = None;
        let mut area = ScrollArea::vertical().id_salt("runs").max_height(height).auto_shrink(false);
        let focus = self.list.focus.take().map(|row| row.min(rows.len() - 1));
        if let Some(row) = focus {
            // What is out of sight cannot have the keyboard.
            let top = row as f32 * list_row::HEIGHT;
            area =
                area.vertical_scroll_offset(self.list.offset.max(top + list_row::HEIGHT - height).min(top));
        }
        let focused = self.list.focused.take();
        let shown = area.show_viewport(ui, |ui, viewport| {
            ui.set_height(list_row::HEIGHT * rows.len() as f32);
            let top = ui.min_rect().top();
            let first = (viewport.min.y / list_row::HEIGHT).floor().max(0.0) as usize;
            let end = ((viewport.max.y / list_row::HEIGHT).ceil() as usize).min(rows.len());
            for (row, run) in rows.iter().enumerate() {
                if !(first..end).contains(&row) && focused != Some(row) {
                    continue;
                }
                let y = top + row as f32 * list_row::HEIGHT;
                let place = Rect::from_min_size(
                    egui::pos2(ui.max_rect().left(), y),
                    vec2(ui.max_rect().width(), list_row::HEIGHT),
                );
                // By the run, not by the row, so that it keeps the keyboard while the list scrolls.
                let id = Id::unique(("run row", cx.slot, run.id));
                let mut child = ui.new_child(UiBuilder::new().scope_id(id).max_rect(place));
                let look = list_row::Look {
                    selected: self.selected == Some(run.id),
                    color: self.color(run.id, &cx.theme.tokens),
                    full: self.beside.len() >= super::MAX_BESIDE,
                    wants_focus: focus == Some(row),
                };
                let (one, has_focus) = list_row::show(&mut child, cx, run, &look);
                if has_focus {
                    self.list.focused = Some(row);
                }
                match one {
                    Some(Asked::Move(by)) => self.list.focus = Some(row.saturating_add_signed(by)),
                    Some(other) => asked = Some((run.id, other)),
                    None => {}
                }
            }
        });
        self.list.offset = shown.state.clamped_offset().y;
        match asked {
            Some((id, Asked::Select)) => {
                self.select(id);
                true
            }
            Some((id, Asked::Toggle)) => {
                self.toggle_beside(id);
                false
            }
            _ => false,
        }
    }

    /// The list as a popover, where it has no tile.
    pub(super) fn list_picker(&mut self, ui: &mut Ui, cx: &mut PaneCx, run: &RunRecord) {
        let name = cx.tf("runs.picker", &[("name", &run.name)]);
        let button =
            widgets::Button::quiet(cx.t("shell.pane_runs")).icon(icons::CHART_LINE).caret().name(name);
        let response = button.show(ui);
        let chosen = widgets::popover(&response, 300.0, |ui| {
            ui.set_height(480.0_f32.min(ui.ctx().content_rect().height() - 140.0));
            let line = vec2(ui.available_width(), size::CONTROL_SMALL);
            ui.allocate_ui_with_layout(line, Layout::right_to_left(Align::Center), |ui| {
                order_menu(ui, cx, &mut self.list.order);
            });
            self.list_body(ui, cx, 0.0)
        });
        if chosen == Some(true) {
            egui::Popup::close_all(ui.ctx());
        }
    }
}

fn headings(ui: &mut Ui, cx: &PaneCx) {
    let t = cx.theme.tokens;
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), 30.0));
    let inner = rect.shrink2(vec2(18.0, 0.0));
    let mut left = ui.new_child(
        UiBuilder::new().id_salt("left").max_rect(inner).layout(Layout::left_to_right(Align::Center)),
    );
    left.add_space(14.0);
    left.label(Type::Hint.medium(cx.t("runs.column_run"), t.text_3));
    let mut right = ui.new_child(
        UiBuilder::new().id_salt("right").max_rect(inner).layout(Layout::right_to_left(Align::Center)),
    );
    right.label(Type::Hint.medium(cx.t("runs.column_best"), t.text_3));
}

fn order_menu(ui: &mut Ui, cx: &PaneCx, order: &mut Order) {
    let button = icon_button(ui, icons::FUNNEL, cx.t("runs.order"));
    if order.filter != Filter::All || order.chosen().iter().any(|one| one.is_some()) {
        // Something is left out: the icon says so.
        let at = button.rect.right_top() + vec2(-5.0, 5.0);
        ui.painter().circle_filled(at, 3.0, cx.theme.tokens.accent);
    }
    widgets::menu(&button, 220.0, |ui| {
        for (filter, key) in FILTERS {
            if MenuItem::new(cx.t(key)).selected(order.filter == filter).show(ui).clicked() {
                order.filter = filter;
            }
        }
        ui.add_space(4.0);
        widgets::divider(ui);
        ui.add_space(4.0);
        for (sort, key) in SORTS {
            if MenuItem::new(cx.t(key)).selected(order.sort == sort).show(ui).clicked() {
                order.sort = sort;
            }
        }
        let [models, goals, tags] = values(cx.model);
        let [model, goal, tag] = order.chosen();
        let plain = |value: &str| value.to_owned();
        choices(ui, cx, "runs.filter_model", &models, &plain, model);
        choices(ui, cx, "runs.filter_goal", &goals, &|goal| goal_words(cx, goal), goal);
        choices(ui, cx, "runs.filter_tag", &tags, &plain, tag);
    });
}

/// The models, goals and tags that runs have.
fn values(model: &Model) -> [Vec<String>; 3] {
    let runs = model.runs.list();
    let sorted = |values: BTreeSet<String>| values.into_iter().collect();
    [
        sorted(runs.iter().map(|run| run.progress.model_name.clone()).collect()),
        sorted(runs.iter().map(|run| goal(run).to_owned()).collect()),
        sorted(runs.iter().flat_map(|run| run.tags.iter().cloned()).collect()),
    ]
}

/// One of several values, or all; not shown where there is nothing to choose from.
fn choices(
    ui: &mut Ui,
    cx: &PaneCx,
    heading: &str,
    values: &[String],
    words: &dyn Fn(&str) -> String,
    chosen: &mut Option<String>,
) {
    if values.len() < 2 && heading != "runs.filter_tag" || values.is_empty() {
        return;
    }
    ui.add_space(4.0);
    widgets::divider(ui);
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        ui.add_space(8.0);
        widgets::hint(ui, cx.t(heading));
    });
    for value in values.iter().filter(|value| !value.is_empty()) {
        let is_chosen = chosen.as_ref() == Some(value);
        if MenuItem::new(words(value)).selected(is_chosen).show(ui).clicked() {
            *chosen = (!is_chosen).then(|| value.clone());
        }
    }
}
