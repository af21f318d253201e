//! The matrix: rows read, columns are read. Where it lies, how it is moved and zoomed, what the pointer and the keys point
//! at; labels and margins are drawn by `edges`, colours by `picture`.

use super::AttentionPane;
use super::edges::{self, Frame};
use super::picture::{Picture, Scale, Sight};
use crate::panes::PaneCx;
use crate::theme::{Tokens, Type, Weight};
use crate::widgets;
use egui::{
    Align2, EventFilter, Key, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2,
    vec2,
};
use glassworks_protocol::inside::{Capture, LayerCapture, MapKind};
use std::sync::Arc;

/// The largest cell, in points.
const MOST_CELL: f32 = 40.0;
/// Smaller cells are not brought to whole points.
const WHOLE_FROM: f32 = 4.0;
/// The smallest side of a map, in points.
const LEAST_SIDE: f32 = 80.0;
/// Room for bits at the right and sums below.
const RIGHT: f32 = 136.0;
const BELOW: f32 = 26.0;

#[derive(Default)]
pub struct Matrix {
    /// `None`: all of it.
    sight: Option<Sight>,
    /// Rows of the map that was zoomed.
    n: usize,
    picture: Picture,
    /// A cell that a key moved to is brought into sight.
    follow: bool,
}

/// A cell, by row and column.
pub type Spot = (usize, usize);

impl AttentionPane {
    pub(super) fn matrix_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        capture: &Capture,
        layer: &Arc<LayerCapture>,
    ) {
        let Some(spec) = self.drawn.spec().cloned() else { return };
        let n = spec.n();
        if n == 0 {
            return;
        }
        if self.matrix.n != n {
            (self.matrix.n, self.matrix.sight) = (n, None);
        }
        let area = ui.available_rect_before_wrap();
        let labels = edges::room(ui, &self.names, &spec);
        let frame =
            place(ui, area, labels, n, self.drawn.spec().is_some_and(|spec| spec.kind == MapKind::Weights));
        let fit = Sight { first: Vec2::ZERO, cell: frame.plot.width() / n as f32 };
        let name = self.map_name(cx, layer);
        let id = egui::Id::unique(("attention map", cx.slot));
        let response = ui.interact(frame.plot, id, Sense::click_and_drag());
        self.move_sight(ui, &response, frame.plot, fit, n);
        let sight = self.matrix.sight.unwrap_or(fit);
        let hover = response
            .hover_pos()
            .filter(|_| !response.dragged())
            .and_then(|at| cell_at(frame.plot, sight, n, at));
        if response.clicked()
            && let Some((row, column)) = hover
        {
            let last = |at: usize| spec.segment(at).end - 1;
            (self.look.query, self.look.key) = (Some(last(row)), Some(spec.segment(column).start));
            response.request_focus();
        }
        if response.has_focus() {
            self.matrix_keys(ui, &response, capture);
        }
        let picked = self.look.query.map(|query| spec.segment_of(query));
        let picked = picked.map(|row| (row, self.look.key.map(|key| spec.segment_of(key))));
        let spot = hover.map(|(row, column)| (row, Some(column))).or(picked);
        if std::mem::take(&mut self.matrix.follow)
            && let Some((row, Some(column))) = picked
        {
            self.bring((row, column), frame.plot, n);
        }
        let sight = self.matrix.sight.unwrap_or(fit);
        if self.drawn.make_rows(sight.range(sight.first.y, frame.plot.height(), n)) {
            ui.ctx().request_repaint();
        }
        let scale = self.scale();
        let t = cx.theme.tokens;
        hatch(ui, frame.plot, &t);
        self.matrix.picture.show(ui, frame.plot, &self.drawn, sight, scale, &t);
        ui.painter().rect_stroke(frame.plot, 0.0, Stroke::new(1.0, t.line), StrokeKind::Outside);
        if self.drawn.cells().is_none() {
            let words = cx.t("inside.drawing");
            ui.painter().text(
                frame.plot.center(),
                Align2::CENTER_CENTER,
                words,
                Type::Body.font(Weight::Regular),
                t.text_2,
            );
        }
        edges::labels(ui, &frame, sight, &self.names, &spec, spot, &t);
        edges::margins(ui, cx, &frame, sight, self.drawn.cells(), spot.map(|(row, _)| row));
        crosshair(ui, frame.plot, sight, spot, &t);
        let said = match spot {
            Some((row, Some(column))) => {
                let card = self.card(cx, layer, (row, column));
                let cell = cell_rect(frame.plot, sight, (row, column));
                if frame.plot.intersects(cell) {
                    card.show(ui, cell, area);
                }
                card.words()
            }
            _ => String::new(),
        };
        response.widget_info(|| WidgetInfo {
            current_text_value: Some(said.clone()),
            ..WidgetInfo::labeled(Role::Image, true, &name)
        });
        // The crosshair shows that the map has the keyboard.
        if spot.is_none() {
            widgets::focus_ring(ui, &response, frame.plot);
        }
        self.fit_button(ui, cx, &frame);
    }

    /// How numbers become colours.
    pub(super) fn scale(&self) -> Scale {
        let scores = self.drawn.spec().is_some_and(|spec| spec.kind == MapKind::Scores);
        if !scores {
            return Scale::Weights { gamma: self.choices.gamma };
        }
        let cells = self.drawn.cells().map(|cells| cells.values.cells.as_slice()).unwrap_or_default();
        Scale::Scores { most: cells.iter().filter(|a| !a.is_nan()).fold(0.0, |most, a| a.abs().max(most)) }
    }

    /// Wheel and keys zoom, drags move, a double click shows all.
    fn move_sight(&mut self, ui: &Ui, response: &Response, plot: Rect, fit: Sight, n: usize) {
        let mut sight = self.matrix.sight.unwrap_or(fit);
        let before = sight;
        if let Some(at) = response.hover_pos() {
            let wheel = ui.input(|i| i.smooth_scroll_delta().y) / 300.0 + ui.input(|i| i.zoom_delta()).ln();
            if wheel != 0.0 {
                let most = MOST_CELL.max(fit.cell);
                let cell = (sight.cell * wheel.exp()).clamp(fit.cell, most);
                let from = at - plot.min;
                sight.first += from / sight.cell - from / cell;
                sight.cell = cell;
            }
        }
        if response.dragged() {
            sight.first -= response.drag_delta() / sight.cell;
        }
        if response.double_clicked() {
            sight = fit;
        }
        if sight == before && self.matrix.sight.is_none() {
            return;
        }
        let last = (n as f32 - plot.width() / sight.cell).max(0.0);
        sight.first = sight.first.clamp(Vec2::ZERO, Vec2::splat(last));
        self.matrix.sight = (sight.cell > fit.cell * 1.001).then_some(sight);
    }

    fn bring(&mut self, (row, column): Spot, plot: Rect, n: usize) {
        let Some(sight) = &mut self.matrix.sight else { return };
        let shown = plot.width() / sight.cell;
        let last = (n as f32 - shown).max(0.0);
        let near =
            |first: f32, at: usize| first.clamp((at as f32 + 1.0 - shown).max(0.0), at as f32).min(last);
        sight.first = vec2(near(sight.first.x, column), near(sight.first.y, row));
    }

    fn matrix_keys(&mut self, ui: &Ui, response: &Response, capture: &Capture) {
        let keep = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, keep));
        let pressed = |key| ui.input(|i| i.modifiers.is_none() && i.key_pressed(key));
        let by = (
            isize::from(pressed(Key::ArrowDown)) - isize::from(pressed(Key::ArrowUp)),
            isize::from(pressed(Key::ArrowRight)) - isize::from(pressed(Key::ArrowLeft)),
        );
        if by != (0, 0)
            && let (Some(spec), true) = (self.drawn.spec(), capture.n_tokens() > 0)
        {
            let last = spec.n() - 1;
            let step = |token: Option<usize>, by: isize| match token {
                Some(token) => spec.segment_of(token).saturating_add_signed(by).min(last),
                None => 0,
            };
            let (row, column) = (step(self.look.query, by.0), step(self.look.key, by.1));
            (self.look.query, self.look.key) =
                (Some(spec.segment(row).end - 1), Some(spec.segment(column).start));
            self.matrix.follow = true;
        }
    }

    fn fit_button(&mut self, ui: &mut Ui, cx: &PaneCx, frame: &Frame) {
        if self.matrix.sight.is_none() {
            return;
        }
        let place =
            Rect::from_min_size(frame.plot.left_top() + vec2(-frame.left, -frame.top), vec2(28.0, 28.0));
        let mut child = ui.new_child(egui::UiBuilder::new().id_salt("fit").max_rect(place));
        if widgets::icon_button(&mut child, crate::theme::icons::ARROWS_IN, cx.t("inside.fit")).clicked() {
            self.matrix.sight = None;
        }
    }
}

/// The map as large as there is room, with labels at the left and above, numbers at the right and below.
fn place(ui: &Ui, area: Rect, labels: Vec2, n: usize, margins: bool) -> Frame {
    let right = if margins && area.width() > 480.0 { RIGHT } else { 8.0 };
    let below = if margins { BELOW } else { 8.0 };
    let room = area.size() - vec2(labels.x + right, labels.y + below);
    let mut side = room.x.min(room.y).max(LEAST_SIDE);
    let cell = side / n as f32;
    if cell >= WHOLE_FROM {
        side = cell.floor().min(MOST_CELL) * n as f32;
    }
    let pixel = ui.pixels_per_point();
    let round = |x: f32| (x * pixel).round() / pixel;
    let min = pos2(round(area.left() + labels.x), round(area.top() + labels.y));
    let plot = Rect::from_min_size(min, Vec2::splat(round(side)));
    Frame { plot, left: labels.x, top: labels.y, right }
}

fn cell_at(plot: Rect, sight: Sight, n: usize, at: egui::Pos2) -> Option<Spot> {
    let place = sight.first + (at - plot.min) / sight.cell;
    let (row, column) = (place.y.floor(), place.x.floor());
    let inside = |x: f32| x >= 0.0 && x < n as f32;
    (inside(row) && inside(column)).then_some((row as usize, column as usize))
}

fn cell_rect(plot: Rect, sight: Sight, (row, column): Spot) -> Rect {
    let at = plot.min + (vec2(column as f32, row as f32) - sight.first) * sight.cell;
    Rect::from_min_size(at, Vec2::splat(sight.cell))
}

/// What can't be read.
pub(super) fn hatch(ui: &Ui, rect: Rect, t: &Tokens) {
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    painter.rect_filled(rect, 0.0, t.pane);
    let mut x = rect.left() - rect.height();
    while x < rect.right() {
        let from = pos2(x, rect.bottom());
        painter.line_segment([from, from + vec2(rect.height(), -rect.height())], Stroke::new(1.0, t.hatch));
        x += 6.0;
    }
}

fn crosshair(ui: &Ui, plot: Rect, sight: Sight, spot: Option<(usize, Option<usize>)>, t: &Tokens) {
    let Some((row, column)) = spot else { return };
    let painter = ui.painter().with_clip_rect(plot.expand(1.0).intersect(ui.clip_rect()));
    let line = Stroke::new(1.0, t.selected_line);
    let cell = cell_rect(plot, sight, (row, column.unwrap_or(0)));
    // Cells that are too small for a frame get lines.
    let least = |range: egui::Rangef| if range.span() < 3.0 { range.expand(1.0) } else { range };
    let across = Rect::from_x_y_ranges(plot.x_range(), least(cell.y_range()));
    painter.rect_stroke(across, 0.0, line, StrokeKind::Inside);
    if column.is_some() {
        let down = Rect::from_x_y_ranges(least(cell.x_range()), plot.y_range());
        painter.rect_stroke(down, 0.0, line, StrokeKind::Inside);
        if sight.cell >= 6.0 {
            painter.rect_stroke(cell, 0.0, Stroke::new(2.0, t.text_1), StrokeKind::Inside);
        }
    }
}
