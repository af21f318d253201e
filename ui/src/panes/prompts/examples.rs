//! Few-shot examples as a table: a column for each variable, and the answer. They become turns, or text, before what is
//! asked.

use super::PromptsPane;
use crate::panes::PaneCx;
use crate::theme::{Type, icons, size};
use crate::widgets::{self, Button, EditGrid, GridAsked, GridColumn, MenuItem};
use egui::{Frame, Id, Margin, Ui};
use glassworks_protocol::prompts::{PromptExample, pasted};

const ROW: f32 = 64.0;

impl PromptsPane {
    pub(super) fn examples_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let margin = Margin { left: 16, right: 8, top: 0, bottom: 8 };
        Frame::new().inner_margin(margin).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 6.0;
            ui.label(Type::Body.text(cx.t("prompts.examples_sentence"), cx.theme.tokens.text_2));
            self.examples_table(ui, cx);
            ui.horizontal(|ui| {
                ui.set_min_height(size::CONTROL);
                if Button::control(cx.t("prompts.add_example")).icon(icons::PLUS).show(ui).clicked() {
                    self.example_asked(ui, cx, GridAsked::Add);
                }
                widgets::hint(ui, cx.t("prompts.examples_keys"));
            });
        });
    }

    fn examples_table(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let Some(editing) = &mut self.editing else { return };
        let named = editing.body.named();
        let mut columns: Vec<GridColumn> =
            named.iter().map(|one| GridColumn::field(one.shown(), 1.0).hint(one.default.as_str())).collect();
        columns.push(GridColumn::field(cx.t("prompts.answer"), 1.0));
        let n_rows = editing.body.examples.len();
        if n_rows == 0 {
            ui.add_space(4.0);
            widgets::hint(ui, cx.t("prompts.no_examples"));
            ui.add_space(4.0);
            return;
        }
        let height = (ui.available_height() - size::CONTROL - 24.0).max(120.0);
        let grid = EditGrid {
            id: Id::unique(("examples", cx.slot, editing.id)),
            columns: &columns,
            n_rows,
            lines: 2,
            row_height: ROW,
            at: None,
            height: height.min(30.0 + ROW * n_rows as f32 + 4.0),
        };
        let examples = &mut editing.body.examples;
        let mut changed = false;
        let asked = grid.show(
            ui,
            &mut |row, column, field| {
                let example = &mut examples[row];
                changed |= match named.get(column) {
                    Some(variable) => {
                        let mut value = example.values.get(&variable.name).cloned().unwrap_or_default();
                        let typed = field(&mut value);
                        if typed {
                            example.values.insert(variable.name.clone(), value);
                        }
                        typed
                    }
                    None => field(&mut example.answer),
                };
            },
            &mut |_, _, _, _| {},
        );
        if changed {
            self.typed(cx.now_ms);
        }
        for what in asked {
            self.example_asked(ui, cx, what);
        }
    }

    fn example_asked(&mut self, ui: &Ui, cx: &PaneCx, asked: GridAsked) {
        let Some(editing) = &mut self.editing else { return };
        let columns: Vec<String> = editing.body.named().into_iter().map(|one| one.name).collect();
        let answer = cx.t("prompts.answer");
        let id = Id::unique(("examples", cx.slot, editing.id));
        let examples = &mut editing.body.examples;
        let n = examples.len();
        match asked {
            GridAsked::Menu(row, button) => {
                let Some(what) = example_menu(cx, &button, row, n) else { return };
                match what {
                    Some(what) => return self.example_asked(ui, cx, what),
                    None => examples.insert(row + 1, examples[row].clone()),
                }
            }
            GridAsked::Add => {
                examples.push(PromptExample::default());
                ui.memory_mut(|m| m.request_focus(id.with(("cell", n, 0_usize))));
            }
            GridAsked::Remove(row) if row < n => drop(examples.remove(row)),
            GridAsked::Move(from, to) if from < n && to < n => examples.swap(from, to),
            GridAsked::Paste(row, column, text) => {
                let mut names: Vec<&str> = columns.iter().map(String::as_str).collect();
                names.push(&answer);
                let answers = names.len() - 1;
                for (at, mut values) in pasted(&text, &names[column.min(answers)..]).into_iter().enumerate() {
                    if row + at >= examples.len() {
                        examples.push(PromptExample::default());
                    }
                    let example = &mut examples[row + at];
                    if let Some(said) = values.remove(&answer) {
                        example.answer = said;
                    }
                    example.values.extend(values);
                }
            }
            GridAsked::Remove(_) | GridAsked::Move(..) | GridAsked::At(_) => return,
        }
        self.typed(cx.now_ms);
    }
}

/// What a row's menu asked: `Some(None)` is another one like it.
fn example_menu(cx: &PaneCx, button: &egui::Response, row: usize, n: usize) -> Option<Option<GridAsked>> {
    let mut asked = None;
    widgets::menu(button, 180.0, |ui| {
        let first = (row == 0).then(|| cx.t("prompts.is_first"));
        if MenuItem::new(cx.t("prompts.row_up")).icon(icons::ARROW_UP).off(first).show(ui).clicked() {
            asked = Some(Some(GridAsked::Move(row, row.saturating_sub(1))));
        }
        let last = (row + 1 == n).then(|| cx.t("prompts.is_last"));
        if MenuItem::new(cx.t("prompts.row_down")).icon(icons::ARROW_DOWN).off(last).show(ui).clicked() {
            asked = Some(Some(GridAsked::Move(row, row + 1)));
        }
        if MenuItem::new(cx.t("prompts.duplicate")).icon(icons::COPY).show(ui).clicked() {
            asked = Some(None);
        }
        if MenuItem::new(cx.t("prompts.remove_row")).icon(icons::TRASH).show(ui).clicked() {
            asked = Some(Some(GridAsked::Remove(row)));
        }
    });
    asked
}
