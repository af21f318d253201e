//! What stands around the matrix: tokens at the left and above, thinned out where there are many; the spread of rows at
//! the right, sums of columns below.

use super::drawn::Cells;
use super::names::Names;
use super::picture::Sight;
use crate::panes::PaneCx;
use crate::theme::{Tokens, Type, Weight};
use egui::epaint::TextShape;
use egui::text::{LayoutJob, TextWrapping};
use egui::{Align2, Color32, Galley, Rect, Ui, Vec2, pos2, vec2};
use glassworks_protocol::inside::HeadSpec;
use std::f32::consts::FRAC_PI_2;
use std::sync::Arc;

/// Labels are at least so far apart.
const APART: f32 = 14.0;
const MOST_LABEL: f32 = 92.0;
/// Names of so many are measured; of more the widest is expected.
const MEASURED: usize = 192;
const BAR: f32 = 56.0;
const SUM: f32 = 14.0;

/// Where the parts of a matrix lie.
pub struct Frame {
    pub plot: Rect,
    /// Points beside the plot.
    pub left: f32,
    pub top: f32,
    pub right: f32,
}

/// What labels take at the left and above.
pub fn room(ui: &Ui, names: &Names, spec: &HeadSpec) -> Vec2 {
    let widest = if spec.n() > MEASURED {
        MOST_LABEL
    } else {
        (0..spec.n()).map(|at| label(ui, names, spec, at).size().x).fold(24.0, f32::max)
    };
    vec2(widest + 14.0, widest + 12.0)
}

fn label(ui: &Ui, names: &Names, spec: &HeadSpec, at: usize) -> Arc<Galley> {
    let font = Type::Hint.mono(Weight::Regular);
    let mut job = LayoutJob::simple_singleline(names.segment(spec.segment(at)), font, Color32::PLACEHOLDER);
    job.wrap = TextWrapping::truncate_at_width(MOST_LABEL);
    ui.painter().layout_job(job)
}

/// Names of rows and columns in sight, the pointed ones always and on a ground.
pub fn labels(
    ui: &Ui,
    frame: &Frame,
    sight: Sight,
    names: &Names,
    spec: &HeadSpec,
    spot: Option<(usize, Option<usize>)>,
    t: &Tokens,
) {
    let every = (APART / sight.cell).ceil().max(1.0) as usize;
    let plot = frame.plot;
    let n = spec.n();
    let (row, column) = (spot.map(|spot| spot.0), spot.and_then(|spot| spot.1));
    // One that is pointed at takes the place of its neighbours.
    let hidden = |at: usize, pointed: Option<usize>| {
        pointed.is_some_and(|one| one != at && one.abs_diff(at) as f32 * sight.cell < APART)
    };
    let shown = |range: std::ops::Range<usize>, pointed: Option<usize>| {
        let thinned = range.clone().filter(move |at| at.is_multiple_of(every) && !hidden(*at, pointed));
        thinned.filter(move |at| Some(*at) != pointed).chain(pointed.filter(|at| range.contains(at)))
    };
    let room = sight.cell.max(APART);
    for at in shown(sight.range(sight.first.y, plot.height(), n), row) {
        let y = plot.top() + (at as f32 + 0.5 - sight.first.y) * sight.cell;
        if !plot.y_range().contains(y) {
            continue;
        }
        let pointed = row == Some(at);
        if pointed {
            let ground = Rect::from_min_max(
                pos2(plot.left() - frame.left, y - room / 2.0),
                pos2(plot.left() - 2.0, y + room / 2.0),
            );
            ui.painter().rect_filled(ground, 3.0, t.selected);
        }
        let words = label(ui, names, spec, at);
        let from = pos2(plot.left() - 8.0 - words.size().x, y - words.size().y / 2.0);
        ui.painter().galley(from, words, if pointed { t.text_1 } else { t.text_2 });
    }
    for at in shown(sight.range(sight.first.x, plot.width(), n), column) {
        let x = plot.left() + (at as f32 + 0.5 - sight.first.x) * sight.cell;
        if !plot.x_range().contains(x) {
            continue;
        }
        let pointed = column == Some(at);
        if pointed {
            let ground = Rect::from_min_max(
                pos2(x - room / 2.0, plot.top() - frame.top),
                pos2(x + room / 2.0, plot.top() - 2.0),
            );
            ui.painter().rect_filled(ground, 3.0, t.selected);
        }
        let words = label(ui, names, spec, at);
        let ink = if pointed { t.text_1 } else { t.text_2 };
        // Turned to the left around its lower left corner, so that it ends at the map.
        let from = pos2(x - words.size().y / 2.0, plot.top() - 6.0);
        ui.painter().add(TextShape::new(from, words, ink).with_angle(-FRAC_PI_2));
    }
}

/// Bits of each row at the right, the sum of each column below.
pub fn margins(ui: &Ui, cx: &PaneCx, frame: &Frame, sight: Sight, cells: Option<&Cells>, row: Option<usize>) {
    let Some(cells) = cells.filter(|cells| !cells.values.row_entropy.is_empty()) else { return };
    let (t, plot) = (cx.theme.tokens, frame.plot);
    let n = cells.values.n as usize;
    let thick = (sight.cell * 0.25).clamp(1.0, 5.0);
    // As many as there are places for.
    let every = (2.0 / sight.cell).ceil().max(1.0) as usize;
    let most =
        |numbers: &[f32], at: usize| numbers[at..(at + every).min(n)].iter().copied().fold(0.0, f32::max);
    if frame.right >= BAR {
        caption(
            ui,
            pos2(plot.right() + 12.0, plot.top() - 10.0),
            Align2::LEFT_CENTER,
            cx.t("inside.row_spread"),
            &t,
        );
        let full = (n as f32).log2().max(1.0);
        for at in sight.range(sight.first.y, plot.height(), n).step_by(every) {
            let y = plot.top() + (at as f32 + every as f32 / 2.0 - sight.first.y) * sight.cell;
            if !plot.y_range().contains(y) {
                continue;
            }
            let pointed = row.is_some_and(|row| (at..at + every).contains(&row));
            let bits = most(&cells.values.row_entropy, at).max(0.0);
            let width = (BAR * bits / full).max(1.0);
            let bar = Rect::from_min_size(pos2(plot.right() + 12.0, y - thick / 2.0), vec2(width, thick));
            ui.painter().rect_filled(bar, 1.0, if pointed { t.series[0] } else { t.line_strong });
        }
        if let Some(row) = row.filter(|row| *row < n) {
            let y = plot.top() + (row as f32 + 0.5 - sight.first.y) * sight.cell;
            let bits = cells.values.row_entropy[row].max(0.0);
            let words = cx.tf("inside.bits", &[("n", &format!("{bits:.2}"))]);
            if plot.y_range().contains(y) {
                let at = pos2(plot.right() + 20.0 + BAR * bits / full, y);
                let font = Type::Hint.mono(Weight::Medium);
                ui.painter().text(at, Align2::LEFT_CENTER, words, font, t.text_1);
            }
        }
    }
    let largest = cells.values.column_sums.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let wide = (sight.cell * every as f32 * 0.7).max(1.0);
    for at in sight.range(sight.first.x, plot.width(), n).step_by(every) {
        let x = plot.left() + (at as f32 + every as f32 / 2.0 - sight.first.x) * sight.cell;
        if !plot.x_range().contains(x) {
            continue;
        }
        let height = (SUM * most(&cells.values.column_sums, at) / largest).max(1.0);
        let bar = Rect::from_min_size(pos2(x - wide / 2.0, plot.bottom() + 4.0), vec2(wide, height));
        ui.painter().rect_filled(bar, 1.0, t.series[1]);
    }
    if frame.right >= BAR {
        caption(
            ui,
            pos2(plot.right() + 12.0, plot.bottom() + 11.0),
            Align2::LEFT_CENTER,
            cx.t("inside.column_sum"),
            &t,
        );
    }
}

fn caption(ui: &Ui, at: egui::Pos2, align: Align2, words: String, t: &Tokens) {
    ui.painter().text(at, align, words, Type::Caption.font(Weight::Regular), t.text_3);
}
