//! The table: only rows in sight are drawn.

use super::Predict;
use super::choices::label_color;
use crate::model::Looked;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::units;
use crate::widgets;
use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Color32, EventFilter, FontId, Id, Rect, Role, ScrollArea, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2,
    vec2,
};
use glassworks_protocol::predict::{PredictedRow, PredictedWhole, PredictionRecord};

pub const ROW: f32 = size::ROW;
const HEADINGS: f32 = 30.0;
const FOOT: f32 = 32.0;
const NUMBER: f32 = 72.0;
const ANSWER: f32 = 140.0;
const PROBABILITY: f32 = 116.0;
const SECOND: f32 = 150.0;
const TRUTH: f32 = 120.0;
/// Below this width the second label has no column.
const NARROW: f32 = 860.0;

/// Where the columns begin and end.
struct Places {
    number: Rect,
    text: Rect,
    answer: Rect,
    probability: Option<Rect>,
    second: Option<Rect>,
    truth: Option<Rect>,
}

impl Places {
    fn of(whole: &PredictedWhole, rect: Rect) -> Self {
        let mut rest = rect.shrink2(vec2(16.0, 0.0));
        let wide = rest.width() >= NARROW;
        let right = |rest: &mut Rect, width: f32| {
            let part = Rect::from_min_max(pos2(rest.right() - width, rest.top()), rest.max);
            rest.max.x = part.left();
            part
        };
        let truth = (whole.n_labelled > 0).then(|| right(&mut rest, TRUTH));
        let second = (whole.sorts && wide).then(|| right(&mut rest, SECOND));
        let probability = whole.sorts.then(|| right(&mut rest, PROBABILITY));
        let number = Rect::from_min_max(rest.min, pos2(rest.left() + NUMBER, rest.bottom()));
        rest.min.x = number.right();
        // What a model writes is as long as what it read.
        let width = if whole.sorts { ANSWER } else { rest.width() * 0.4 };
        let answer = right(&mut rest, width);
        rest.max.x -= 12.0;
        Self { number, text: rest, answer, probability, second, truth }
    }
}

/// The table as one thing for the keyboard.
pub fn table_id(cx: &PaneCx) -> Id {
    Id::unique(("predicted rows", cx.slot))
}

impl Predict {
    pub(super) fn table(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &PredictionRecord, looked: &Looked) {
        let tile = ui.max_rect();
        headings(ui, cx, looked.whole());
        let rect =
            Rect::from_min_max(ui.cursor().left_top(), pos2(ui.max_rect().right(), tile.bottom() - FOOT));
        let table = ui.interact(rect, table_id(cx), Sense::focusable_noninteractive());
        let name = cx.t("predict.rows");
        table.widget_info(|| WidgetInfo::labeled(Role::List, true, &name));
        if std::mem::take(&mut self.results.want_focus) {
            table.request_focus();
        }
        if table.has_focus() {
            let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|m| m.set_focus_lock_filter(table.id, filter));
        }
        match looked.n_rows() {
            Some(0) => {
                ui.add_space(24.0);
                ui.vertical_centered(|ui| widgets::hint(ui, cx.t("predict.none_found")));
            }
            n => {
                let n = n.unwrap_or(0);
                if self.body(ui, cx, rect, n, looked) {
                    table.request_focus();
                }
            }
        }
        self.foot(ui, cx, tile, record, looked);
    }

    /// The rows in sight; says whether one was pressed.
    fn body(&mut self, ui: &mut Ui, cx: &PaneCx, rect: Rect, n_rows: u64, looked: &Looked) -> bool {
        let height = rect.height().max(ROW);
        self.results.height = height;
        let mut area = ScrollArea::vertical().id_salt("predicted").max_height(height).auto_shrink(false);
        if std::mem::take(&mut self.results.follow) {
            let top = self.results.at as f32 * ROW;
            area = area.vertical_scroll_offset(self.results.offset.max(top + ROW - height).min(top));
        }
        let mut pressed = None;
        let shown = area.show_viewport(ui, |ui, viewport| {
            ui.set_height(ROW * n_rows as f32);
            let (top, x) = (ui.min_rect().top(), ui.max_rect().x_range());
            let first = (viewport.min.y / ROW).floor().max(0.0) as u64;
            let end = ((viewport.max.y / ROW).ceil() as u64).min(n_rows);
            for place in first..end {
                let y = top + place as f32 * ROW;
                let rect = Rect::from_x_y_ranges(x, y..=y + ROW);
                if self.row_ui(ui, cx, rect, place, looked) {
                    pressed = Some(place);
                }
            }
        });
        self.results.offset = shown.state.clamped_offset().y;
        if let Some(place) = pressed {
            self.results.at = place;
        }
        pressed.is_some()
    }

    fn row_ui(&self, ui: &mut Ui, cx: &PaneCx, rect: Rect, place: u64, looked: &Looked) -> bool {
        let t = &cx.theme.tokens;
        let selected = self.results.at == place;
        let Some(row) = looked.row(place) else {
            // On its way: where it will stand.
            let hatch = rect.shrink2(vec2(16.0 + NUMBER, 13.0));
            ui.painter().rect_filled(hatch, 2.0, t.hatch);
            return false;
        };
        let response = ui.interact(rect, Id::unique(("predicted row", cx.slot, place)), Sense::CLICK);
        let name = cx.tf("predict.row_name", &[("row", &units::grouped(row.row + 1)), ("text", &row.text)]);
        response.widget_info(|| WidgetInfo {
            current_text_value: Some(said(row).unwrap_or_default().to_owned()),
            ..WidgetInfo::selected(Role::ListItem, true, selected, &name)
        });
        widgets::row_ground(ui, rect, selected, response.hovered());
        cells(ui, cx, &Places::of(looked.whole(), rect), row, looked.whole());
        response.clicked()
    }

    fn foot(&self, ui: &mut Ui, cx: &PaneCx, tile: Rect, record: &PredictionRecord, looked: &Looked) {
        let rect = Rect::from_min_max(pos2(tile.left(), tile.bottom() - FOOT), tile.max);
        ui.painter().hline(rect.x_range(), rect.top(), Stroke::new(1.0, cx.theme.tokens.line_soft));
        let inner = rect.shrink2(vec2(16.0, 0.0));
        let builder = UiBuilder::new().id_salt("keys").max_rect(inner);
        let mut child = ui.new_child(builder.layout(egui::Layout::left_to_right(egui::Align::Center)));
        let ui = &mut child;
        let numbers = super::mend::choices(looked.whole()).len();
        let mut keys = vec![("↑ ↓".to_owned(), "predict.key_move")];
        if numbers > 0 {
            keys.push((format!("1 – {numbers}"), "predict.key_label"));
        }
        keys.push(("↵".to_owned(), "predict.key_confirm"));
        keys.push(("⌫".to_owned(), "predict.key_clear"));
        for (key, words) in keys {
            widgets::kbd(ui, &key);
            widgets::hint(ui, cx.t(words));
        }
        if !record.done {
            let n = units::grouped(record.n_rows + 1);
            widgets::truncated(
                ui,
                Type::Hint.text(cx.tf("predict.unfinished", &[("row", &n)]), cx.theme.tokens.warn),
            );
        }
    }
}

fn headings(ui: &mut Ui, cx: &PaneCx, whole: &PredictedWhole) {
    let t = cx.theme.tokens;
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), HEADINGS));
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, t.line_soft));
    let places = Places::of(whole, rect);
    let truth = whole.truth.clone().unwrap_or_default();
    let heading = |place: Rect, words: String| {
        cut(ui, place, words, Type::Hint.font(Weight::Medium), t.text_3);
    };
    heading(places.number, cx.t("predict.row"));
    heading(places.text, cx.t("predict.text"));
    heading(places.answer, cx.t(if whole.sorts { "predict.prediction" } else { "predict.answer" }));
    for (place, words) in [
        (places.probability, cx.t("predict.probability")),
        (places.second, cx.t("predict.second")),
        (places.truth, cx.tf("predict.own_label", &[("column", &truth)])),
    ] {
        if let Some(place) = place {
            heading(place, words);
        }
    }
}

/// What stands as the row's answer: a person's word before the model's.
pub fn said(row: &PredictedRow) -> Option<&str> {
    row.mend.as_ref().map(|mend| mend.answer.as_str()).or(row.answer.as_deref())
}

fn cells(ui: &Ui, cx: &PaneCx, places: &Places, row: &PredictedRow, whole: &PredictedWhole) {
    let t = cx.theme.tokens;
    let body = Type::Body.font(Weight::Regular);
    let number = Type::Hint.mono(Weight::Regular);
    cut(ui, places.number, units::grouped(row.row + 1), number.clone(), t.text_3);
    cut(ui, places.text, row.text.clone(), body.clone(), t.text_1);
    answer_cell(ui, cx, places.answer, row, whole);
    if let (Some(place), Some(probability)) = (places.probability, row.probability) {
        let bar = Rect::from_center_size(place.left_center() + vec2(26.0, 0.0), vec2(52.0, 6.0));
        ui.painter().rect_filled(bar, 2.0, t.hatch);
        let width = bar.width() * probability.clamp(0.0, 1.0);
        ui.painter().rect_filled(Rect::from_min_size(bar.min, vec2(width, 6.0)), 2.0, t.series[1]);
        let rest = Rect::from_min_max(pos2(bar.right() + 8.0, place.top()), place.max);
        cut(ui, rest, format!("{probability:.3}"), number.clone(), t.text_1);
    }
    if let (Some(place), Some((label, probability))) = (places.second, &row.second) {
        cut(ui, place, format!("{label} {probability:.3}"), number, t.text_3);
    }
    if let (Some(place), Some(truth)) = (places.truth, &row.truth) {
        let right = row.answer.as_ref() == Some(truth);
        let (icon, ink) = if right { (icons::CHECK, t.ok) } else { (icons::X, t.danger) };
        let at = place.left_center() + vec2(7.0, 0.0);
        widgets::shape_icon(ui, at, icon, size::ICON_SMALL, false, ink);
        let rest = Rect::from_min_max(place.min + vec2(20.0, 0.0), place.max);
        cut(ui, rest, truth.clone(), body, if right { t.text_2 } else { t.text_1 });
    }
}

/// The label with its colour; a pencil where a person gave another one, a check where it was found right.
fn answer_cell(ui: &Ui, cx: &PaneCx, place: Rect, row: &PredictedRow, whole: &PredictedWhole) {
    let t = cx.theme.tokens;
    let Some(answer) = said(row) else {
        cut(ui, place, cx.t("predict.nothing_asked"), Type::Hint.font(Weight::Regular), t.text_3);
        return;
    };
    let mut rest = place;
    let label = whole.answers.iter().position(|(one, _)| one == answer);
    if let Some(label) = label {
        let at = place.left_center() + vec2(5.0, 0.0);
        ui.painter().circle_filled(at, 4.0, label_color(cx, label));
        rest.min.x += 18.0;
    }
    rest.max.x -= 26.0;
    let weight = if row.mend.is_some() { Weight::Medium } else { Weight::Regular };
    let width = cut(ui, rest, answer.to_owned(), Type::Body.font(weight), t.text_1);
    if let Some(mend) = &row.mend {
        let (icon, ink) = match mend.confirmed {
            true => (icons::CHECK_CIRCLE, t.ok),
            false => (icons::PENCIL_SIMPLE, t.accent),
        };
        let at = pos2(rest.left() + width + 14.0, rest.center().y);
        widgets::shape_icon(ui, at, icon, size::ICON_SMALL, mend.confirmed, ink);
    }
}

/// One line in its place, cut with an ellipsis; how wide it became.
fn cut(ui: &Ui, place: Rect, text: String, font: FontId, ink: Color32) -> f32 {
    let mut job = LayoutJob::simple_singleline(text, font, ink);
    job.wrap = TextWrapping::truncate_at_width((place.width() - 8.0).max(8.0));
    let galley = ui.painter().layout_job(job);
    let (width, height) = (galley.size().x, galley.size().y);
    ui.painter().galley(pos2(place.left(), place.center().y - height / 2.0), galley, ink);
    width
}
