//! The blocks of the tile at the left: problems, lengths, splits, languages; each a way to its rows.

use super::lengths::{self, Lengths};
use super::problems::{self, Line};
use super::{Asked, Known, findings, shares, stale};
use crate::panes::PaneCx;
use crate::theme::Type;
use crate::units;
use crate::widgets;
use egui::{Margin, Ui};
use glassworks_protocol::datasets::Filter;

const PLOT: f32 = 92.0;

/// What the tile in the middle shows.
#[derive(Clone, Copy, Debug)]
pub enum Beside<'a> {
    /// Rows that pass these.
    Rows(&'a [Filter]),
    /// What could not be read.
    Bad,
}

impl Beside<'_> {
    fn shows(self, filter: &Filter) -> bool {
        matches!(self, Self::Rows(filters) if filters.contains(filter))
    }
}

/// All blocks.
pub fn side(ui: &mut Ui, cx: &PaneCx, known: &Known, beside: Beside) -> Option<Asked> {
    if known.record.n_rows == 0 && known.record.n_bad == 0 {
        return None;
    }
    let mut asked = None;
    let lines = problems::lines(known);
    block(ui, &cx.t("datasets.overview_problems"), true, |ui| {
        for line in &lines {
            if problem_row(ui, cx, line, beside) {
                asked = Some(line.problem.asked());
            }
        }
        egui::Frame::new().inner_margin(Margin::symmetric(10, 0)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            if lines.is_empty() && known.report.is_some() {
                findings::nothing_odd(ui, cx);
            }
            if known.record.n_rows > 0 {
                asked = stale::line(ui, cx, known).or(asked.take());
            }
        });
    });
    if known.record.n_rows == 0 {
        return asked;
    }
    let lengths = known.measure.map(Lengths::tokens).or(known.report.map(Lengths::characters));
    if let Some(lengths) = lengths.filter(|lengths| lengths.longest > 0) {
        block(ui, &lengths::heading(cx, lengths.unit), false, |ui| {
            asked = lengths::plot(ui, cx, &lengths, PLOT, false).or(asked.take());
        });
    }
    block(ui, &cx.t("datasets.splits"), true, |ui| {
        asked = splits(ui, cx, known, beside).or(asked.take());
    });
    if let Some(report) = known.report.filter(|report| !report.languages.is_empty()) {
        block(ui, &cx.t("datasets.overview_languages"), false, |ui| shares::languages(ui, cx, report, false));
    }
    asked
}

/// Rows of each split; one that is pressed shows its rows.
fn splits(ui: &mut Ui, cx: &PaneCx, known: &Known, beside: Beside) -> Option<Asked> {
    let mut asked = None;
    for (split, n) in shares::PLACES.into_iter().zip(known.record.n_by_split).filter(|(_, n)| *n > 0) {
        let filter = Filter::Splits(vec![split]);
        let selected = beside.shows(&filter);
        let (name, n) = (shares::split_name(cx, split), units::grouped(n));
        if widgets::count_row(ui, &name, &n, selected, None).clicked() {
            asked = Some(Asked::Rows(vec![filter]));
        }
    }
    asked
}

/// A heading and what is below it, with a line under both. `rows`: lists that come with a margin of their own.
fn block(ui: &mut Ui, heading: &str, rows: bool, add: impl FnOnce(&mut Ui)) {
    let t = crate::theme::of(ui).tokens;
    egui::Frame::new().inner_margin(Margin { left: 16, right: 16, top: 12, bottom: 4 }).show(ui, |ui| {
        ui.label(Type::Hint.medium(heading, t.text_3));
    });
    let x = if rows { 6 } else { 16 };
    egui::Frame::new().inner_margin(Margin { left: x, right: x, top: 0, bottom: 12 }).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = if rows { 0.0 } else { 6.0 };
        add(ui);
    });
    widgets::divider(ui);
}

fn problem_row(ui: &mut Ui, cx: &PaneCx, line: &Line, beside: Beside) -> bool {
    let (icon, filled, ink) = line.problem.severity().look(&cx.theme.tokens);
    let bad = matches!(beside, Beside::Bad);
    let selected = line.problem.filter().map_or(bad, |filter| beside.shows(&filter));
    let (name, n) = (cx.t(line.problem.key()), units::grouped(line.n_rows));
    let response = widgets::count_row(ui, &name, &n, selected, Some((icon, ink, filled)));
    response.on_hover_text(cx.t(&format!("{}_hint", line.problem.key()))).clicked()
}
