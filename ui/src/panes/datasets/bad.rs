//! Lines that could not be read when they came in: where each stood and why, its text to be mended, the way out.

use super::DatasetsPane;
use super::scroll::Scroll;
use crate::command::UiCommand;
use crate::model::{BAD_PAGE, Bad};
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::units;
use crate::widgets::{self, Button, Field, tiles};
use egui::{
    EventFilter, Frame, Id, Key, Margin, Modifiers, Rect, Role, Sense, Stroke, Ui, UiBuilder, WidgetInfo,
    pos2, vec2,
};
use glassworks_protocol::datasets::import::BadRow;
use glassworks_protocol::datasets::{DatasetEdit, DatasetQuery, DatasetRecord};
use glassworks_protocol::{Edit, Query};
use std::sync::Arc;

const ROW: f32 = size::ROW;
const HEAD: f32 = 30.0;
const FILE: f32 = 150.0;
const LINE: f32 = 76.0;

#[derive(Default)]
pub struct BadState {
    /// The place that the keyboard is at.
    at: u64,
    scroll: Scroll,
    follow: bool,
    want_focus: bool,
    /// What is being mended, by its number.
    text: Option<(u64, String)>,
}

impl BadState {
    pub fn show(&mut self) {
        self.want_focus = true;
    }
}

fn table_id(cx: &PaneCx) -> Id {
    Id::unique(("bad rows", cx.slot))
}

impl DatasetsPane {
    pub(super) fn bad_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<DatasetRecord>) {
        let bad = cx.model.datasets.bad(record.id).cloned().unwrap_or_default();
        self.bad_bar(ui, cx, record);
        let rect = ui.available_rect_before_wrap();
        if record.n_bad == 0 {
            ui.add_space(24.0);
            ui.vertical_centered(|ui| widgets::hint(ui, cx.t("datasets.bad_none")));
            return;
        }
        self.bad.at = self.bad.at.min(record.n_bad - 1);
        self.fetch_bad(cx, record, &bad);
        let (head, body) = rect.split_top_bottom_at_y(rect.top() + HEAD);
        bad_headings(ui, cx, head);
        let table = ui.interact(body, table_id(cx), Sense::focusable_noninteractive());
        let name = cx.t("datasets.bad_rows");
        table.widget_info(|| WidgetInfo::labeled(Role::List, true, &name));
        if std::mem::take(&mut self.bad.want_focus) {
            table.request_focus();
        }
        if table.has_focus() {
            let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|m| m.set_focus_lock_filter(table.id, filter));
            self.bad_keys(ui, cx, record, &bad);
        }
        let n = record.n_bad as usize;
        self.bad.scroll.height = f64::from(body.height() / ROW);
        self.bad.scroll.wheel(ui, body, ROW);
        if std::mem::take(&mut self.bad.follow) {
            self.bad.scroll.reveal(self.bad.at as usize);
        }
        self.bad.scroll.clamp(n);
        let mut child = ui.new_child(UiBuilder::new().id_salt("bad rows").max_rect(body));
        child.set_clip_rect(body.intersect(ui.clip_rect()));
        for place in self.bad.scroll.sight(n) {
            let top = body.top() + self.bad.scroll.y(place, ROW);
            let rect = Rect::from_min_size(pos2(body.left(), top), vec2(body.width(), ROW));
            if self.bad_row(&mut child, cx, &bad, place as u64, rect) {
                self.bad.at = place as u64;
                table.request_focus();
            }
        }
        self.bad.scroll.bar(ui, cx, body, n, &cx.t("datasets.rows_bar"));
    }

    /// What all of them can be told at once.
    fn bad_bar(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &DatasetRecord) {
        let margin = Margin { left: 16, right: 16, top: 8, bottom: 8 };
        Frame::new().inner_margin(margin).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                let none = (record.n_bad == 0).then(|| cx.t("datasets.bad_none"));
                let export = Button::control(cx.t("datasets.export_bad")).icon(icons::EXPORT).small();
                if export.off(none.clone()).show(ui).clicked() {
                    self.export.ask_bad(record);
                }
                let dismiss = Button::quiet(cx.t("datasets.dismiss_all")).small().off(none);
                if dismiss.show(ui).clicked() {
                    self.doomed_bad = true;
                }
                let n = units::grouped(record.n_bad);
                let words = cx.tf("datasets.bad_sentence", &[("n", &n)]);
                widgets::truncated(ui, Type::Hint.text(words, cx.theme.tokens.text_3));
            });
        });
    }

    fn fetch_bad(&self, cx: &mut PaneCx, record: &DatasetRecord, bad: &Bad) {
        let sight = self.bad.scroll.sight(record.n_bad as usize);
        for place in [sight.start as u64, sight.end as u64, self.bad.at] {
            if let Some(from) = bad.wanted(place.min(record.n_bad - 1)) {
                let query = DatasetQuery::Bad { dataset: record.id, from, n: BAD_PAGE as u32 };
                cx.fetch(Query::Dataset(query));
                // The model knows of it in the next frame: one a frame.
                return;
            }
        }
    }

    fn bad_row(&self, ui: &mut Ui, cx: &PaneCx, bad: &Bad, place: u64, rect: Rect) -> bool {
        let t = cx.theme.tokens;
        ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, t.line_soft));
        let Some(row) = bad.row(place) else {
            ui.painter().rect_filled(rect.shrink2(vec2(24.0, 13.0)), 2.0, t.hatch);
            return false;
        };
        let selected = self.bad.at == place;
        let response = ui.interact(rect, Id::unique(("bad row", cx.slot, place)), Sense::CLICK);
        let name = place_words(cx, &row);
        response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, selected, &name));
        let fill = match (selected, response.hovered()) {
            (true, _) => t.selected,
            (_, true) => t.hover,
            _ => t.pane,
        };
        ui.painter().rect_filled(rect.with_max_y(rect.bottom() - 1.0), 0.0, fill);
        let [file, line, reason, text] = places(rect);
        let body = Type::Body.font(Weight::Regular);
        super::cells::cut(ui, file, row.file.clone(), body.clone(), t.text_2, false);
        let mono = Type::Hint.mono(Weight::Regular);
        super::cells::cut(ui, line, units::grouped(row.row), mono.clone(), t.text_3, true);
        super::cells::cut(ui, reason, cx.render(&row.reason), body, t.text_1, false);
        let one_line: String = row.text.chars().take(200).collect();
        super::cells::cut(ui, text, one_line, mono, t.text_3, false);
        response.clicked()
    }

    fn bad_keys(&mut self, ui: &Ui, cx: &mut PaneCx, record: &DatasetRecord, bad: &Bad) {
        let pressed = |key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
        let page = (self.bad.scroll.height as u64).max(1);
        let last = record.n_bad - 1;
        let at = self.bad.at;
        let ways = [
            (Key::ArrowUp, at.saturating_sub(1)),
            (Key::ArrowDown, at + 1),
            (Key::PageUp, at.saturating_sub(page)),
            (Key::PageDown, at + page),
            (Key::Home, 0),
            (Key::End, last),
        ];
        for (key, to) in ways {
            if pressed(key) {
                self.bad.at = to.min(last);
                self.bad.follow = true;
            }
        }
        if pressed(Key::Enter) {
            ui.memory_mut(|m| m.request_focus(text_id(cx)));
            self.drawer = true;
        }
        if pressed(Key::Delete)
            && let Some(row) = bad.row(self.bad.at)
        {
            dismiss(cx, record, Some(row.n));
        }
    }

    /// The one in the keyboard's hands, with its text.
    pub(super) fn bad_tile(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<DatasetRecord>) {
        let bad = cx.model.datasets.bad(record.id).cloned().unwrap_or_default();
        let row = bad.row(self.bad.at).filter(|_| record.n_bad > 0);
        let title = row.as_ref().map_or_else(|| cx.t("datasets.no_row"), |row| place_words(cx, row));
        tiles::header(ui, |_| {}, |ui| drop(widgets::title(ui, title)));
        let Some(row) = row else { return };
        let t = cx.theme.tokens;
        tiles::scroll(ui, "bad row", 0.0, |ui| {
            ui.label(Type::Body.text(cx.render(&row.reason), t.warn));
            if !row.whole {
                widgets::hint(ui, cx.t("datasets.bad_long"));
            }
            let label = cx.t("datasets.bad_text");
            widgets::label(ui, &label);
            let mut text = match &self.bad.text {
                Some((n, text)) if *n == row.n => text.clone(),
                _ => row.text.clone(),
            };
            let lines = ((ui.available_height() - 140.0) / 20.0).clamp(4.0, 18.0) as usize;
            let problem = cx.model.datasets.not_mended(record.id, row.n).cloned();
            let field = Field::new(&label).id(text_id(cx)).mono().rows(lines).width(ui.available_width());
            if field.problem(problem.is_some()).show(ui, &mut text).changed() {
                self.bad.text = Some((row.n, text.clone()));
            }
            if let Some(failure) = &problem {
                widgets::failed_line(ui, failure, None);
            }
            ui.horizontal(|ui| {
                let button = Button::control(cx.t("datasets.mend")).icon(icons::CHECK);
                let keys = cx.keys(ui, UiCommand::Send).unwrap_or_default();
                if button.tooltip(keys).show(ui).clicked() {
                    self.mend_bad(cx, record);
                }
                if Button::quiet(cx.t("datasets.dismiss")).icon(icons::TRASH).show(ui).clicked() {
                    dismiss(cx, record, Some(row.n));
                }
            });
        });
    }

    /// What is written of the one in the keyboard's hands becomes a row, if it can be read now.
    pub(super) fn mend_bad(&self, cx: &mut PaneCx, record: &DatasetRecord) {
        let Some(row) = cx.model.datasets.bad(record.id).and_then(|bad| bad.row(self.bad.at)) else { return };
        let text = match &self.bad.text {
            Some((n, text)) if *n == row.n => text.clone(),
            _ => row.text.clone(),
        };
        cx.edit(Edit::Dataset(DatasetEdit::MendBad { dataset: record.id, bad: row.n, text }));
    }

    /// Whether all of them may go.
    pub(super) fn bad_dialog(&mut self, ctx: &egui::Context, cx: &mut PaneCx) {
        let Some(record) = self.record(cx).filter(|_| self.doomed_bad) else {
            self.doomed_bad = false;
            return;
        };
        let theme = Arc::clone(&cx.theme);
        let (mut go, mut keep) = (false, false);
        let title = cx.t("datasets.dismiss_title");
        let close = widgets::dialog(ctx, &theme, "dismiss bad rows", &title, 440.0, |ui| {
            let n = units::grouped(record.n_bad);
            let words = cx.tf("datasets.dismiss_sentence", &[("n", &n)]);
            ui.label(Type::Body.text(words, theme.tokens.text_2));
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                go = Button::danger(cx.t("datasets.dismiss_all")).show(ui).clicked();
                keep = Button::control(cx.t("shell.cancel")).show(ui).clicked();
            });
        });
        if go {
            dismiss(cx, &record, None);
        }
        self.doomed_bad = !(go || keep || close);
    }
}

fn text_id(cx: &PaneCx) -> Id {
    Id::unique(("bad text", cx.slot))
}

fn dismiss(cx: &mut PaneCx, record: &DatasetRecord, bad: Option<u64>) {
    cx.edit(Edit::Dataset(DatasetEdit::DismissBad { dataset: record.id, bad }));
}

fn place_words(cx: &PaneCx, row: &BadRow) -> String {
    cx.tf("datasets.bad_place", &[("file", &row.file), ("row", &units::grouped(row.row))])
}

/// File, line, reason, text.
fn places(rect: Rect) -> [Rect; 4] {
    let rect = rect.shrink2(vec2(16.0, 0.0));
    let rest = rect.width() - FILE - LINE - 24.0;
    let mut x = rect.left();
    [FILE, LINE, rest * 0.55, rest * 0.45].map(|width| {
        let gap = if width == LINE { 16.0 } else { 8.0 };
        let place = Rect::from_min_size(pos2(x, rect.top()), vec2(width - gap, rect.height()));
        x += width;
        place
    })
}

fn bad_headings(ui: &Ui, cx: &PaneCx, head: Rect) {
    let t = cx.theme.tokens;
    let keys =
        ["datasets.bad_file", "datasets.column_row", "datasets.bad_reason", "datasets.bad_as_it_stands"];
    for (key, place) in keys.into_iter().zip(places(head)) {
        let right = key == "datasets.column_row";
        super::cells::cut(ui, place, cx.t(key), Type::Hint.font(Weight::Medium), t.text_3, right);
    }
    ui.painter().hline(head.x_range(), head.bottom() - 0.5, Stroke::new(1.0, t.line_soft));
}
