//! The tokens pane: any text as a tokenizer cuts it, and as another one does, side by side.

mod column;
mod flow;
mod table;

use super::{Pane, PaneCx};
use crate::theme::{Type, Weight, icons, size};
use crate::widgets::{self, Button, icon_button, segments, tiles};
use column::Column;
use egui::{Frame, Id, Margin, Rect, RichText, ScrollArea, TextEdit, Ui, UiBuilder, vec2};
use glassworks_protocol::ids::ModelId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Room for what is typed, in lines.
const LINES: f32 = 5.0;
/// A longer text is read to here: fields for text are slow beyond.
const MOST_CHARS: usize = 200_000;
/// As much of a text is kept between two runs of the program.
const KEPT_CHARS: usize = 10_000;

/// How tokens are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Shown {
    /// In the text, each with its ground.
    #[default]
    Flow,
    /// A line each.
    Table,
}

#[derive(Default)]
pub struct TokensPane {
    text: String,
    add_special: bool,
    shown: Shown,
    columns: Vec<Column>,
    /// The token that is looked at: its column and index.
    chosen: Option<(usize, usize)>,
}

impl Pane for TokensPane {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        self.begin(cx);
        let rect = ui.available_rect_before_wrap();
        tiles::tile(ui, "main", rect, |ui| {
            self.header(ui, cx);
            if self.columns.is_empty() {
                widgets::empty(ui, &cx.t("tokens.no_model"), &cx.t("tokens.no_model_hint"), None);
                return;
            }
            self.field(ui, cx);
            widgets::divider(ui);
            self.columns_ui(ui, cx);
        });
        ui.allocate_rect(rect, egui::Sense::hover());
    }

    fn save(&self) -> Option<Value> {
        let models: Vec<ModelId> = self.columns.iter().map(|column| column.model).collect();
        let text: String = self.text.chars().take(KEPT_CHARS).collect();
        Some(json!({ "text": text, "models": models, "special": self.add_special, "shown": self.shown }))
    }

    fn restore(&mut self, kept: &Value) {
        let part = |name: &str| kept.get(name).cloned().unwrap_or_default();
        self.text = serde_json::from_value(part("text")).unwrap_or_default();
        self.add_special = serde_json::from_value(part("special")).unwrap_or_default();
        self.shown = serde_json::from_value(part("shown")).unwrap_or_default();
        let models: Vec<ModelId> = serde_json::from_value(part("models")).unwrap_or_default();
        self.columns = models.into_iter().take(2).map(Column::new).collect();
    }
}

impl TokensPane {
    /// One column at least, of models that are there.
    fn begin(&mut self, cx: &PaneCx) {
        let library = &cx.model.library;
        let known = |id: &ModelId| library.get(*id).is_some();
        self.columns.retain(|column| known(&column.model));
        if self.columns.is_empty() {
            let last = cx.settings().last_model.filter(known).or(library.starter.filter(known));
            let first = last.or_else(|| library.models().first().map(|model| model.id));
            self.columns.extend(first.map(Column::new));
        }
    }

    fn header(&mut self, ui: &mut Ui, cx: &PaneCx) {
        let (special, shown) = (&mut self.add_special, &mut self.shown);
        tiles::header(
            ui,
            |ui| {
                let options =
                    [(Shown::Flow, cx.t("tokens.shown_flow")), (Shown::Table, cx.t("tokens.shown_table"))];
                segments(ui, &cx.t("tokens.shown"), shown, &options, None);
                ui.add_space(8.0);
                let name = cx.t("tokens.special");
                widgets::toggle(ui, &name, special).on_hover_text(cx.t("tokens.special_hint"));
                widgets::label(ui, name).on_hover_text(cx.t("tokens.special_hint"));
            },
            |ui| {
                widgets::title(ui, cx.t("shell.pane_tokens"));
            },
        );
    }

    fn field(&mut self, ui: &mut Ui, cx: &PaneCx) {
        let t = cx.theme.tokens;
        let name = cx.t("tokens.text");
        let font = Type::Prose.font(Weight::Regular);
        let height = LINES * Type::Prose.line();
        Frame::new().inner_margin(Margin::symmetric(16, 12)).show(ui, |ui| {
            ScrollArea::vertical().id_salt("text").max_height(height).show(ui, |ui| {
                ui.set_min_height(height);
                let edit = TextEdit::multiline(&mut self.text)
                    .id(Id::unique(("tokens text", cx.slot)))
                    .frame(Frame::NONE)
                    .margin(Margin::ZERO)
                    .font(font.clone())
                    .text_color(t.text_1)
                    .desired_rows(LINES as usize)
                    .desired_width(f32::INFINITY)
                    .char_limit(MOST_CHARS)
                    .hint_text(RichText::new(cx.t("tokens.placeholder")).font(font).color(t.text_3));
                ui.add(edit).accessible_name(&name);
            });
            self.examples(ui, cx);
        });
    }

    /// Texts that show something; gone once there is one.
    fn examples(&mut self, ui: &mut Ui, cx: &PaneCx) {
        if !self.text.is_empty() {
            return;
        }
        ui.horizontal_wrapped(|ui| {
            widgets::hint(ui, cx.t("tokens.try"));
            for key in ["tokens.try_words", "tokens.try_script", "tokens.try_numbers", "tokens.try_code"] {
                if Button::control(cx.t(key)).icon(icons::SPARKLE).small().show(ui).clicked() {
                    self.text = cx.t(&format!("{key}_text"));
                    self.chosen = None;
                }
            }
        });
    }

    fn columns_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let rect = ui.available_rect_before_wrap();
        let n = self.columns.len();
        let gap = 1.0;
        let width = (rect.width() - gap * (n - 1) as f32) / n as f32;
        let mut closed = None;
        for at in 0..n {
            let left = rect.left() + at as f32 * (width + gap);
            let part = Rect::from_min_size(egui::pos2(left, rect.top()), vec2(width, rect.height()));
            if at > 0 {
                let line = egui::Stroke::new(1.0, cx.theme.tokens.line_soft);
                ui.painter().vline(left - gap / 2.0, rect.y_range(), line);
            }
            let mut child = ui.new_child(UiBuilder::new().id_salt(("column", at)).max_rect(part));
            child.set_clip_rect(part.intersect(ui.clip_rect()));
            if self.column_ui(&mut child, cx, at) {
                closed = Some(at);
            }
        }
        if let Some(at) = closed {
            self.columns.remove(at);
            self.chosen = None;
        }
    }

    /// A tokenizer's choice, what it makes of the text, and the token that is looked at. Says whether it should go.
    fn column_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, at: usize) -> bool {
        let (text, special) = (self.text.clone(), self.add_special);
        self.columns[at].ask(cx, &text, special);
        let mut close = false;
        Frame::new().inner_margin(Margin::symmetric(16, 8)).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.set_min_height(size::CONTROL);
                if self.columns[at].choose(ui, cx, at) {
                    self.chosen = None;
                }
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if self.columns.len() > 1 {
                        close =
                            icon_button(ui, icons::X, cx.tf("tokens.close", &[("n", &(at + 1))])).clicked();
                    } else if self.add_button(ui, cx) {
                        self.chosen = None;
                    }
                });
            });
            self.figures(ui, cx, at);
        });
        let foot = if self.chosen.is_some() { column::CARD } else { 0.0 };
        let rect = ui.available_rect_before_wrap();
        let body = Rect::from_min_max(rect.min, rect.max - vec2(0.0, foot));
        let mut child = ui.new_child(UiBuilder::new().id_salt("body").max_rect(body));
        child.set_clip_rect(body.intersect(ui.clip_rect()));
        self.tokens_ui(&mut child, cx, at);
        if let Some((of, token)) = self.chosen {
            let card = Rect::from_min_max(egui::pos2(rect.left(), body.bottom()), rect.max);
            let mut child = ui.new_child(UiBuilder::new().id_salt("card").max_rect(card));
            self.columns[at].card(&mut child, cx, (of == at).then_some(token), self.also(at));
        }
        close
    }

    fn add_button(&mut self, ui: &mut Ui, cx: &PaneCx) -> bool {
        let taken = self.columns[0].model;
        let another = cx.model.library.models().iter().find(|model| model.id != taken).map(|model| model.id);
        let why = another.is_none().then(|| cx.t("tokens.no_other"));
        let pressed = Button::control(cx.t("tokens.beside")).icon(icons::COLUMNS).off(why).show(ui).clicked();
        if let Some(another) = another.filter(|_| pressed) {
            self.columns.push(Column::new(another));
            return true;
        }
        false
    }

    /// How many tokens, and how they compare.
    fn figures(&self, ui: &mut Ui, cx: &PaneCx, at: usize) {
        let first = (at > 0).then(|| self.columns[0].report()).flatten();
        self.columns[at].figures(ui, cx, first.map(|report| report.tokens.len()));
    }

    /// The characters of the chosen token, for the other column to show where they are.
    fn chosen_place(&self) -> Option<(u32, u32)> {
        let (of, token) = self.chosen?;
        self.columns.get(of)?.report()?.tokens.get(token)?.place
    }

    /// The tokens of this column that cover the chosen token of the other one.
    fn also(&self, at: usize) -> Vec<usize> {
        let other = self.chosen.is_some_and(|(of, _)| of != at);
        let Some(((from, to), report)) = self.chosen_place().filter(|_| other).zip(self.columns[at].report())
        else {
            return Vec::new();
        };
        let covers = |place: Option<(u32, u32)>| place.is_some_and(|(a, b)| a < to && b > from);
        report.tokens.iter().enumerate().filter(|(_, token)| covers(token.place)).map(|(i, _)| i).collect()
    }

    fn tokens_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, at: usize) {
        let chosen = self.chosen.filter(|(of, _)| *of == at).map(|(_, token)| token);
        let also = self.also(at);
        let column = &mut self.columns[at];
        let picked = match self.shown {
            _ if column.trouble(ui, cx) => None,
            Shown::Flow => column.flow(ui, cx, chosen, &also),
            Shown::Table => column.table(ui, cx, chosen, &also),
        };
        if let Some(token) = picked {
            let same = self.chosen == Some((at, token));
            self.chosen = (!same).then_some((at, token));
        }
    }
}
