//! Parts of a whole as one bar and its legend: splits and languages.

use super::Asked;
use crate::panes::PaneCx;
use crate::panes::datasets::list;
use crate::theme::{Tokens, Type, Weight, size};
use crate::units;
use crate::widgets;
use egui::{Color32, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::datasets::overview::{LanguageShare, OverviewReport};
use glassworks_protocol::datasets::{Filter, Split};

const BAR: f32 = 8.0;
/// Languages that are told by name; the rest is one.
const FEW: usize = 5;

/// Where rows belong: train, validation, test, none, as reports count them.
pub const PLACES: [Option<Split>; 4] = [Some(Split::Train), Some(Split::Validation), Some(Split::Test), None];

pub fn split_name(cx: &PaneCx, split: Option<Split>) -> String {
    cx.t(match split {
        Some(Split::Train) => "datasets.split_train",
        Some(Split::Validation) => "datasets.split_validation",
        Some(Split::Test) => "datasets.split_test",
        None => "datasets.split_none",
    })
}

/// Series 1 is training, 2 validation, everywhere in the window.
pub fn split_color(t: &Tokens, split: Option<Split>) -> Color32 {
    split.map_or(t.line_strong, |split| t.series[split as usize])
}

/// Parts beside each other, as wide as they are large.
pub fn bar(ui: &mut Ui, name: &str, width: f32, parts: &[(Color32, u64)]) {
    let (rect, response) = ui.allocate_exact_size(vec2(width, BAR), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    paint_bar(ui, rect, parts);
}

pub fn paint_bar(ui: &Ui, rect: Rect, parts: &[(Color32, u64)]) {
    let t = crate::theme::of(ui).tokens;
    let whole: u64 = parts.iter().map(|(_, n)| n).sum();
    if whole == 0 {
        ui.painter().rect_filled(rect, 2.0, t.hatch);
        return;
    }
    let mut x = rect.left();
    for (color, n) in parts.iter().filter(|(_, n)| *n > 0) {
        let end = x + rect.width() * (*n as f64 / whole as f64) as f32;
        // What is there is seen, however small it is.
        let gap = if end - x > 3.0 && end < rect.right() - 0.5 { 1.0 } else { 0.0 };
        let part = Rect::from_min_max(pos2(x, rect.top()), pos2((end - gap).max(x + 1.0), rect.bottom()));
        ui.painter().rect_filled(part, 2.0, *color);
        x = end;
    }
}

/// All splits as one bar, and a row each; one that is pressed shows its rows.
pub fn splits(ui: &mut Ui, cx: &PaneCx, counts: &[u64; 4]) -> Option<Asked> {
    let t = cx.theme.tokens;
    let mut asked = None;
    let sides = || PLACES.into_iter().zip(*counts);
    let parts: Vec<_> = sides().map(|(split, n)| (split_color(&t, split), n)).collect();
    let width = ui.available_width();
    bar(ui, &cx.t("datasets.splits"), width, &parts);
    ui.add_space(4.0);
    let whole: u64 = counts.iter().sum();
    for (split, n) in sides().filter(|(split, n)| *n > 0 || split.is_some()) {
        if row(ui, &split_name(cx, split), split_color(&t, split), n, whole) && n > 0 {
            asked = Some(Asked::Rows(vec![Filter::Splits(vec![split])]));
        }
    }
    asked
}

/// Name, number and share; says whether it was pressed.
fn row(ui: &mut Ui, name: &str, color: Color32, n: u64, whole: u64) -> bool {
    let t = crate::theme::of(ui).tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 26.0), Sense::click());
    let number = units::grouped(n);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), format!("{name} {number}")));
    if response.hovered() {
        let ground = rect.expand2(vec2(6.0, 0.0));
        ui.painter().rect_filled(ground, f32::from(size::RADIUS_TAG), t.hover);
    }
    widgets::focus_ring(ui, &response, rect);
    widgets::paint_bead(ui, rect.left_center() + vec2(4.0, 0.0), Some(color));
    let mono = Type::Hint.mono(Weight::Regular);
    let right = |end: f32, words: String, ink| {
        let galley = widgets::galley(ui, words, mono.clone(), ink);
        let left = end - galley.size().x;
        ui.painter().galley(pos2(left, rect.center().y - galley.size().y / 2.0), galley, ink);
        left
    };
    right(rect.right(), percent(n, whole), t.text_3);
    let end = right(rect.right() - 64.0, number, t.text_1);
    let words = Rect::from_min_max(pos2(rect.left() + 18.0, rect.top()), pos2(end - 8.0, rect.bottom()));
    widgets::one_line(ui, words, name, Type::Body.font(Weight::Regular), t.text_1);
    response.clicked()
}

/// Which languages, as one bar with its legend; `full` tells counts too.
pub fn languages(ui: &mut Ui, cx: &PaneCx, report: &OverviewReport, full: bool) {
    let t = cx.theme.tokens;
    let shown = told(cx, &report.languages);
    if shown.is_empty() {
        widgets::hint(ui, cx.t("datasets.overview_no_language"));
        return;
    }
    // The first is cool as the tool is; those after it take what is left.
    let color = |i: usize| t.series[[1, 0, 2, 3, 4, 5][i % 6]];
    let parts: Vec<_> = shown.iter().enumerate().map(|(i, (_, n))| (color(i), *n)).collect();
    let width = ui.available_width();
    bar(ui, &cx.t("datasets.overview_languages"), width, &parts);
    ui.add_space(4.0);
    let whole: u64 = shown.iter().map(|(_, n)| n).sum();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(14.0, 4.0);
        ui.spacing_mut().interact_size.y = 16.0;
        for (i, (name, n)) in shown.iter().enumerate() {
            let number = if full { units::grouped(*n) } else { String::new() };
            let response = legend(ui, color(i), &format!("{name} {}", percent(*n, whole)), &number);
            response.on_hover_text(list::n_rows(cx, *n));
        }
    });
}

/// What a colour stands for, and how much of it there is; wraps as a whole.
pub fn legend(ui: &mut Ui, color: Color32, words: &str, number: &str) -> Response {
    let t = crate::theme::of(ui).tokens;
    let said = format!("{words} {number}");
    let words = widgets::galley(ui, words, Type::Hint.font(Weight::Regular), t.text_2);
    let number = widgets::galley(ui, number, Type::Hint.mono(Weight::Regular), t.text_1);
    let after = 14.0 + words.size().x + 6.0;
    let width = if number.size().x > 0.0 { after + number.size().x } else { after - 6.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(width, 16.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, said.trim_end()));
    let y = rect.center().y;
    widgets::paint_bead(ui, pos2(rect.left() + 4.0, y), Some(color));
    ui.painter().galley(pos2(rect.left() + 14.0, y - words.size().y / 2.0), words, t.text_2);
    ui.painter().galley(pos2(rect.left() + after, y - number.size().y / 2.0), number, t.text_1);
    response
}

/// Languages by name, the small ones together.
fn told(cx: &PaneCx, languages: &[LanguageShare]) -> Vec<(String, u64)> {
    let name = |one: &LanguageShare| match one.code.is_empty() {
        true => cx.t("datasets.overview_too_short"),
        false if one.name.is_empty() => one.code.clone(),
        false => one.name.clone(),
    };
    let mut shown: Vec<_> = languages.iter().take(FEW).map(|one| (name(one), one.n_rows)).collect();
    let rest: u64 = languages.iter().skip(FEW).map(|one| one.n_rows).sum();
    if rest > 0 {
        shown.push((cx.t("datasets.overview_other_languages"), rest));
    }
    shown
}

/// `84 %`; what is there is never 0.
pub fn percent(n: u64, whole: u64) -> String {
    let share = 100.0 * n as f64 / whole.max(1) as f64;
    match share {
        _ if n == 0 => "0 %".to_owned(),
        x if x < 1.0 => "< 1 %".to_owned(),
        x if x > 99.0 && n < whole => "> 99 %".to_owned(),
        x => format!("{x:.0} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn shares_are_never_rounded_away() {
        let shares = [(0, 9), (1, 1000), (1, 2), (999, 1000), (9, 9)].map(|(n, whole)| percent(n, whole));
        assert_eq!(shares, ["0 %", "< 1 %", "50 %", "> 99 %", "100 %"]);
    }
}
