//! Layers by tokens: each cell the likeliest next token there on the colour of a number; the model's output at the top,
//! the length of the residual stream's vector at the right.

use super::AttentionPane;
use super::card::exact;
use super::lens::LensScale;
use super::names::visible;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight};
use crate::units::grouped;
use crate::widgets;
use egui::{
    EventFilter, Key, Pos2, Rect, Response, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};
use glassworks_protocol::inside::{Capture, LensCell, LensReport};

const ROW: f32 = 22.0;
const HEAD: f32 = 24.0;
/// Of layers' numbers.
const LEFT: f32 = 56.0;
/// Of norms.
const RIGHT: f32 = 112.0;
const LEAST_CELL: f32 = 56.0;
const MOST_CELL: f32 = 104.0;
/// Between grid and norms.
const GAP: f32 = 12.0;

impl AttentionPane {
    /// Norms stand still at the right, the grid scrolls under its heads where it is wider than the room.
    pub(super) fn lens_grid(
        &mut self,
        ui: &mut Ui,
        cx: &PaneCx,
        capture: &Capture,
        report: &LensReport,
        scale: LensScale,
    ) {
        let n = report.layers.first().map_or(0, Vec::len);
        if n == 0 {
            return;
        }
        let n_rows = report.layers.len();
        let room = ui.available_width() - LEFT - RIGHT - GAP;
        let cell = (room / n as f32).clamp(LEAST_CELL, MOST_CELL).floor();
        let height = HEAD + n_rows as f32 * ROW;
        let column = self.position(capture).checked_sub(report.from as usize).filter(|at| *at < n);
        ui.spacing_mut().item_spacing = vec2(0.0, 8.0);
        ui.horizontal_top(|ui| {
            let (left, _) = ui.allocate_exact_size(vec2(LEFT, height), Sense::hover());
            let shown = room.min(cell * n as f32);
            ui.allocate_ui(vec2(shown, height + 10.0), |ui| {
                let area =
                    ScrollArea::horizontal().id_salt("lens grid").stick_to_right(true).max_width(shown);
                area.show(ui, |ui| self.lens_cells(ui, cx, report, scale, cell, column));
            });
            ui.add_space(GAP);
            let (right, norms) = ui.allocate_exact_size(vec2(RIGHT - GAP, height), Sense::hover());
            labels(ui, cx, left, n_rows, self.lens.row);
            let column = column.unwrap_or(n - 1);
            self.norms(ui, cx, report, right, column);
            norms.widget_info(|| WidgetInfo::labeled(Role::Image, true, cx.t("inside.lens_norm_name")));
        });
        ui.spacing_mut().item_spacing.x = 8.0;
    }

    fn lens_cells(
        &mut self,
        ui: &mut Ui,
        cx: &PaneCx,
        report: &LensReport,
        scale: LensScale,
        cell: f32,
        column: Option<usize>,
    ) {
        let t = cx.theme.tokens;
        let (n, n_rows) = (report.layers[0].len(), report.layers.len());
        let size = vec2(cell * n as f32, HEAD + n_rows as f32 * ROW);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let origin = rect.min + vec2(0.0, HEAD);
        let place = |row: usize, at: usize| {
            let min = origin + vec2(at as f32 * cell, row as f32 * ROW);
            Rect::from_min_size(min, vec2(cell - 1.0, ROW - 1.0))
        };
        let clip = ui.clip_rect();
        let mono = Type::Caption.mono(Weight::Regular);
        for at in (0..n).filter(|at| place(0, *at).x_range().intersects(clip.x_range())) {
            let head =
                Rect::from_min_size(rect.min + vec2(at as f32 * cell, 0.0), vec2(cell - 1.0, HEAD - 2.0));
            let chosen = column == Some(at);
            if chosen {
                ui.painter().rect_filled(head, 3.0, t.selected);
            }
            let name = self.names.alone.get(report.from as usize + at).cloned().unwrap_or_default();
            let ink = if chosen { t.text_1 } else { t.text_2 };
            widgets::one_line(ui, head.shrink2(vec2(4.0, 0.0)), name, mono.clone(), ink);
            for row in (0..n_rows).filter(|row| place(*row, at).y_range().intersects(clip.y_range())) {
                let of = &report.layers[n_rows - 1 - row][at];
                let rect = place(row, at);
                let fill = scale.part(of).map_or(t.pane, |part| LensScale::colour(&t, part));
                ui.painter().rect_filled(rect, 2.0, fill);
                let words = of.top.first().map(|top| visible(&top.1)).unwrap_or_default();
                widgets::one_line(ui, rect.shrink2(vec2(4.0, 0.0)), words, mono.clone(), t.text_1);
            }
        }
        if let Some(at) = column {
            let whole = place(0, at).union(place(n_rows - 1, at));
            ui.painter().rect_stroke(whole, 2.0, Stroke::new(1.0, t.selected_line), StrokeKind::Inside);
        }
        let row = self.lens.row.filter(|row| *row < n_rows);
        if let (Some(row), Some(at)) = (row, column) {
            ui.painter().rect_stroke(place(row, at), 2.0, Stroke::new(2.0, t.accent), StrokeKind::Inside);
        }
        let hovered = response.hover_pos().and_then(|pos| spot(pos, rect.min, cell, n, n_rows));
        if let Some((Some(row), at)) = hovered {
            ui.painter().rect_stroke(place(row, at), 2.0, Stroke::new(1.0, t.text_1), StrokeKind::Inside);
        }
        let said = row.zip(column).map(|(row, at)| self.cell_words(cx, report, row, at)).unwrap_or_default();
        let name = cx.t("inside.lens_name");
        response.widget_info(|| WidgetInfo {
            current_text_value: Some(said.clone()),
            ..WidgetInfo::labeled(Role::Image, true, &name)
        });
        self.lens_input(ui, &response, report, hovered, column);
        if let Some((Some(row), at)) = hovered {
            let words = self.cell_words(cx, report, row, at);
            response.on_hover_ui_at_pointer(|ui| {
                ui.label(Type::Hint.number(words, t.text_1));
            });
        }
    }

    /// A click picks a token and a layer, arrow keys move both.
    fn lens_input(
        &mut self,
        ui: &Ui,
        response: &Response,
        report: &LensReport,
        hovered: Option<(Option<usize>, usize)>,
        column: Option<usize>,
    ) {
        let (n, n_rows) = (report.layers[0].len(), report.layers.len());
        let mut pick = |at: usize| {
            (self.look.query, self.look.key) = (Some(report.from as usize + at), None);
        };
        if let Some((row, at)) = hovered.filter(|_| response.clicked()) {
            pick(at);
            self.lens.row = row;
            response.request_focus();
        }
        if !response.has_focus() {
            return;
        }
        let keep = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, keep));
        let pressed = |key| isize::from(ui.input(|i| i.modifiers.is_none() && i.key_pressed(key)));
        let across = pressed(Key::ArrowRight) - pressed(Key::ArrowLeft);
        let down = pressed(Key::ArrowDown) - pressed(Key::ArrowUp);
        if across != 0 {
            pick(column.map_or(n - 1, |at| at.saturating_add_signed(across).min(n - 1)));
        }
        if down != 0 {
            let to = self.lens.row.map_or(0, |row| row.saturating_add_signed(down).min(n_rows - 1));
            self.lens.row = Some(to);
        }
        if self.lens.row.is_none() {
            widgets::focus_ring(ui, response, response.rect.shrink(4.0));
        }
    }

    /// All that is known of a cell, in lines.
    fn cell_words(&self, cx: &PaneCx, report: &LensReport, row: usize, at: usize) -> String {
        let layer = report.layers.len() - 1 - row;
        let Some(cell) = report.layers[layer].get(at) else { return String::new() };
        let token = self.names.alone.get(report.from as usize + at).cloned().unwrap_or_default();
        let place = match layer + 1 == report.layers.len() {
            true => cx.tf("inside.lens_at_end", &[("token", &token)]),
            false => cx.tf("inside.lens_before", &[("token", &token), ("layer", &layer)]),
        };
        let mut lines = vec![place];
        lines.extend(cell.top.iter().map(|(_, text, p)| format!("{}  {}", exact(*p), visible(text))));
        lines.extend(numbers(cx, cell));
        lines.join("\n")
    }

    /// The length of the picked token's vector at each layer, as bars.
    fn norms(&self, ui: &Ui, cx: &PaneCx, report: &LensReport, rect: Rect, column: usize) {
        let t = cx.theme.tokens;
        let token = self.names.alone.get(report.from as usize + column).cloned().unwrap_or_default();
        let head = Rect::from_min_size(rect.min, vec2(rect.width(), HEAD - 2.0));
        let words = cx.tf("inside.lens_norm", &[("token", &token)]);
        widgets::one_line(ui, head, words, Type::Caption.font(Weight::Regular), t.text_3);
        let norm = |layer: &Vec<LensCell>| layer.get(column).map_or(0.0, |cell| cell.norm);
        let most = report.layers.iter().map(norm).fold(f32::MIN_POSITIVE, f32::max);
        let bar = rect.width() - 48.0;
        for (row, layer) in report.layers.iter().rev().enumerate() {
            let y = rect.top() + HEAD + (row as f32 + 0.5) * ROW - 0.5;
            let width = (bar * norm(layer) / most).max(1.0);
            let filled = Rect::from_min_size(pos2(rect.left(), y - 3.0), vec2(width, 6.0));
            ui.painter().rect_filled(filled, 1.0, t.line_strong);
            let words = format!("{:.1}", norm(layer));
            let words = widgets::galley(ui, words, Type::Caption.mono(Weight::Regular), t.text_3);
            let at = pos2(rect.left() + width + 6.0, y - words.size().y / 2.0);
            ui.painter().galley(at, words, t.text_3);
        }
    }
}

fn numbers(cx: &PaneCx, cell: &LensCell) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some((p, rank)) = cell.next {
        let rank = grouped(u64::from(rank) + 1);
        lines.push(cx.tf("inside.lens_next", &[("p", &exact(p)), ("rank", &rank)]));
    }
    lines.push(cx.tf("inside.lens_entropy_is", &[("n", &exact(cell.entropy))]));
    lines.push(cx.tf("inside.lens_kl_is", &[("n", &exact(cell.kl))]));
    lines.push(cx.tf("inside.lens_norm_is", &[("n", &exact(cell.norm))]));
    lines
}

fn spot(pos: Pos2, min: Pos2, cell: f32, n: usize, n_rows: usize) -> Option<(Option<usize>, usize)> {
    let at = ((pos.x - min.x) / cell).floor();
    let row = ((pos.y - min.y - HEAD) / ROW).floor();
    let inside = at >= 0.0 && (at as usize) < n && row < n_rows as f32;
    inside.then(|| ((row >= 0.0).then_some(row as usize), at as usize))
}

/// The output at the top, below it each layer by its number.
fn labels(ui: &Ui, cx: &PaneCx, rect: Rect, n_rows: usize, row: Option<usize>) {
    let t = cx.theme.tokens;
    let head = Rect::from_min_size(rect.min, vec2(rect.width() - 8.0, HEAD - 2.0));
    let caption = Type::Caption.font(Weight::Regular);
    widgets::one_line(ui, head, cx.t("inside.lens_layer"), caption.clone(), t.text_3);
    for at in 0..n_rows {
        let place = Rect::from_min_size(
            rect.min + vec2(0.0, HEAD + at as f32 * ROW),
            vec2(rect.width() - 8.0, ROW - 1.0),
        );
        let ink = if row == Some(at) { t.text_1 } else { t.text_3 };
        match at {
            0 => widgets::one_line(ui, place, cx.t("inside.lens_output"), caption.clone(), ink),
            _ => {
                let words = (n_rows - 1 - at).to_string();
                widgets::one_line(ui, place, words, Type::Caption.mono(Weight::Regular), ink)
            }
        };
    }
}
