//! What a row shows: its number, split, cells, tokens or characters, and what is wrong with it.

use super::columns::{Column, Shows};
use super::grid::Layout;
use super::headings::PAD;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::units;
use crate::widgets;
use egui::text::{LayoutJob, TextWrapping};
use egui::{Color32, FontId, Rect, Ui, pos2, vec2};
use glassworks_protocol::datasets::{Role, RowFlags, RowId, RowLine, Split};

/// What screen readers and tests call a row: its number and the beginning of what it says.
pub fn row_name(cx: &PaneCx, layout: &Layout, row: RowId, line: Option<&RowLine>) -> String {
    let number = units::grouped(u64::from(row.0) + 1);
    let text = line.and_then(|line| {
        layout.columns.iter().find_map(|column| {
            match column.shows {
                Shows::Cell(at) => line.cells.get(at),
                Shows::Question(_) => line.turns.as_ref().map(|turns| &turns.question),
                Shows::Answer(_) => line.turns.as_ref().map(|turns| &turns.answer),
                _ => None,
            }
            .filter(|text| !text.is_empty())
        })
    });
    cx.tf("datasets.row_name", &[("row", &number), ("text", &text.map_or("", |text| text.as_str()))])
}

pub fn paint(ui: &Ui, cx: &PaneCx, layout: &Layout, rect: Rect, line: &RowLine, ground: Color32) {
    let t = &cx.theme.tokens;
    let mut first = true;
    for column in layout.columns.iter().skip(1) {
        let place = layout.cell(column, rect);
        if place.right() < layout.left || place.left() > layout.body.right() {
            continue;
        }
        let inner = place.shrink2(vec2(PAD, 0.0));
        match column.shows {
            Shows::Number => {}
            Shows::Split => {
                let words = split_word(cx, line.split);
                cut(ui, inner, words, Type::Body.font(Weight::Regular), strong(layout, t.text_3, t), false);
            }
            Shows::Cell(at) => {
                let text = line.cells.get(at).cloned().unwrap_or_default();
                let ink = if std::mem::take(&mut first) { t.text_1 } else { t.text_2 };
                text_cell(ui, cx, layout, (column, at), inner, text, strong(layout, ink, t));
            }
            Shows::Question(at) | Shows::Answer(at) => {
                let ink = if std::mem::take(&mut first) { t.text_1 } else { t.text_2 };
                turns_cell(ui, cx, (column.shows, at), inner, line, strong(layout, ink, t));
            }
            Shows::Count => {
                let n = line.tokens.map_or(line.n_chars, |tokens| tokens.n_tokens);
                let ink = strong(layout, t.text_2, t);
                let font = Type::Hint.mono(Weight::Regular);
                cut(ui, inner, units::grouped(u64::from(n)), font, ink, true);
            }
            Shows::Problem => problem_cell(ui, cx, layout, inner, line),
        }
    }
    number_cell(ui, cx, layout, rect, line.id, ground);
    if line.made.is_some() {
        let at = pos2(rect.left() + 11.0, rect.center().y);
        widgets::shape_icon(ui, at, icons::SPARKLE, 12.0, false, t.warm);
    }
}

/// A row whose line is on its way: where its words will stand.
pub fn paint_waiting(ui: &Ui, cx: &PaneCx, layout: &Layout, rect: Rect, row: RowId) {
    let t = &cx.theme.tokens;
    for column in layout.columns.iter().skip(1).filter(|column| column.shows.field().is_some()) {
        let place = layout.cell(column, rect).shrink2(vec2(PAD, 13.0));
        let part = Rect::from_min_size(place.min, vec2(place.width() * 0.6, place.height()));
        ui.painter().rect_filled(part, 2.0, t.hatch);
    }
    number_cell(ui, cx, layout, rect, row, t.pane);
}

/// Content of an old view steps back.
fn strong(layout: &Layout, ink: Color32, t: &crate::theme::Tokens) -> Color32 {
    if layout.old { t.text_3 } else { ink }
}

fn number_cell(ui: &Ui, cx: &PaneCx, layout: &Layout, rect: Rect, row: RowId, ground: Color32) {
    let Some(column) = layout.columns.first() else { return };
    let place = layout.cell(column, rect);
    // What is scrolled below it is hidden; the line under the row is not.
    let above = Rect::from_min_max(place.min, place.max - vec2(0.0, 1.0));
    ui.painter().rect_filled(above, 0.0, ground);
    let words = units::grouped(u64::from(row.0) + 1);
    let inner = Rect::from_min_max(place.min, place.max - vec2(PAD, 0.0));
    cut(ui, inner, words, Type::Hint.mono(Weight::Regular), cx.theme.tokens.text_3, true);
}

/// A label with its colour, any other text as it is.
fn text_cell(
    ui: &Ui,
    cx: &PaneCx,
    layout: &Layout,
    (column, at): (&Column, usize),
    mut inner: Rect,
    text: String,
    ink: Color32,
) {
    let t = &cx.theme.tokens;
    let name = &layout.record.columns[at].name;
    let is_label = layout.record.mapping.column(Role::Label) == Some(name);
    if is_label && !text.is_empty() {
        let place = layout.labels.iter().position(|label| *label == text);
        widgets::paint_bead(ui, inner.left_center() + vec2(5.0, 0.0), place.map(|at| label_color(t, at)));
        inner.min.x += 16.0;
    }
    let font = match column.right {
        true => Type::Hint.mono(Weight::Regular),
        false => Type::Body.font(Weight::Regular),
    };
    cut(ui, inner, text, font, ink, column.right);
}

/// What is asked first or answered last; how many turns there are beside the answer, where they are more than these two.
fn turns_cell(
    ui: &Ui,
    cx: &PaneCx,
    (shows, at): (Shows, usize),
    mut inner: Rect,
    line: &RowLine,
    ink: Color32,
) {
    let font = Type::Body.font(Weight::Regular);
    let Some(turns) = &line.turns else {
        // No conversation stands there: as it is.
        if matches!(shows, Shows::Question(_)) {
            cut(ui, inner, line.cells.get(at).cloned().unwrap_or_default(), font, ink, false);
        }
        return;
    };
    if matches!(shows, Shows::Question(_)) {
        cut(ui, inner, turns.question.clone(), font, ink, false);
        return;
    }
    if turns.n > 2 {
        let words = cx.tf("datasets.n_turns", &[("n", &units::grouped(turns.n.into()))]);
        let small = Type::Caption.font(Weight::Regular);
        inner.max.x -= cut(ui, inner, words, small, cx.theme.tokens.text_3, true) + 10.0;
    }
    cut(ui, inner, turns.answer.clone(), font, ink, false);
}

/// A label keeps its colour by its place among the labels.
pub fn label_color(t: &crate::theme::Tokens, place: usize) -> Color32 {
    t.series[place % t.series.len()]
}

pub fn split_word(cx: &PaneCx, split: Option<Split>) -> String {
    cx.t(match split {
        Some(Split::Train) => "datasets.split_train",
        Some(Split::Validation) => "datasets.split_validation",
        Some(Split::Test) => "datasets.split_test",
        None => "datasets.split_none",
    })
}

/// What is wrong with a row, worst first: how it is told, and whether it spoils the row.
pub fn problem(cx: &PaneCx, line: &RowLine, max_length: Option<u32>) -> Option<(String, bool)> {
    let flags = line.flags;
    let keys = [
        (RowFlags::EMPTY, "datasets.flag_empty", true),
        (RowFlags::BROKEN, "datasets.flag_broken", true),
        (RowFlags::NO_TARGET, "datasets.flag_no_target", true),
        (RowFlags::BAD_TAGS, "datasets.flag_bad_tags", true),
        (RowFlags::NOT_LITERAL, "datasets.flag_not_literal", true),
        (RowFlags::BAD_TURNS, "datasets.flag_bad_turns", false),
        (RowFlags::CONTROL, "datasets.flag_control", false),
    ];
    if let Some((_, key, severe)) = keys.iter().find(|(flag, ..)| flags.any(*flag)) {
        return Some((cx.t(key), *severe));
    }
    let (tokens, limit) = (line.tokens?, max_length?);
    if tokens.n_targets > 0 && tokens.n_kept_targets == 0 {
        return Some((cx.t("datasets.flag_cut_away"), true));
    }
    let over = tokens.n_tokens.checked_sub(limit).filter(|over| *over > 0)?;
    Some((cx.tf("datasets.flag_cut", &[("n", &units::grouped(u64::from(over)))]), false))
}

fn problem_cell(ui: &Ui, cx: &PaneCx, layout: &Layout, inner: Rect, line: &RowLine) {
    let t = &cx.theme.tokens;
    let Some((words, severe)) = problem(cx, line, layout.max_length) else { return };
    let accepted = line.flags.any(RowFlags::ACCEPTED);
    let (icon, ink) = match (accepted, severe) {
        (true, _) => (icons::CHECK, t.text_3),
        (_, true) => (icons::WARNING_CIRCLE, t.danger),
        (_, false) => (icons::WARNING, t.warn),
    };
    let at = inner.left_center() + vec2(7.0, 0.0);
    widgets::shape_icon(ui, at, icon, size::ICON_SMALL, severe && !accepted, ink);
    let rest = Rect::from_min_max(pos2(inner.left() + 20.0, inner.top()), inner.max);
    cut(ui, rest, words, Type::Body.font(Weight::Regular), ink, false);
}

/// One line in its place, cut with an ellipsis; how wide it became.
pub fn cut(ui: &Ui, place: Rect, text: String, font: FontId, ink: Color32, right: bool) -> f32 {
    if text.is_empty() {
        return 0.0;
    }
    let mut job = LayoutJob::simple_singleline(text, font, ink);
    job.wrap = TextWrapping::truncate_at_width(place.width().max(8.0));
    let galley = ui.painter().layout_job(job);
    let (width, height) = (galley.size().x, galley.size().y);
    let x = if right { place.right() - width } else { place.left() };
    ui.painter().galley(pos2(x, place.center().y - height / 2.0), galley, ink);
    width
}
