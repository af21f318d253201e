//! What was found, a row each: how bad, what, how many rows, the way to them, and what mends it.

use super::Asked;
use super::problems::{Line, Severity};
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::units;
use crate::widgets::{self, Button};
use egui::{Align, Layout, Rect, Role, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};

/// Name and explanation.
const ROW: f32 = 52.0;
const COUNT: f32 = 56.0;
/// Where words begin, after the icon.
const WORDS: f32 = 28.0;
/// Below this width of a row its remedy stands under its words.
const REMEDY_BESIDE: f32 = 460.0;

/// All findings, or that there are none.
pub fn findings(ui: &mut Ui, cx: &PaneCx, lines: &[Line]) -> Option<Asked> {
    ui.spacing_mut().item_spacing.y = 0.0;
    if lines.is_empty() {
        nothing_odd(ui, cx);
        return None;
    }
    let mut asked = None;
    for line in lines {
        asked = row(ui, cx, line).or(asked);
    }
    asked
}

pub fn nothing_odd(ui: &mut Ui, cx: &PaneCx) {
    ui.horizontal(|ui| {
        ui.set_min_height(size::ROW);
        let icon = egui::RichText::new(icons::CHECK_CIRCLE).font(crate::theme::icon_font(size::ICON, false));
        ui.label(icon.color(cx.theme.tokens.ok));
        widgets::label(ui, cx.t("datasets.overview_nothing_odd"));
    });
}

fn row(ui: &mut Ui, cx: &PaneCx, line: &Line) -> Option<Asked> {
    let t = cx.theme.tokens;
    let (name, key) = (cx.t(line.problem.key()), line.problem.key());
    let remedy = line.problem.remedy();
    let beside = ui.available_width() >= REMEDY_BESIDE;
    let below = if remedy.is_some() && !beside { size::CONTROL_SMALL + 10.0 } else { 0.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW + below), Sense::click());
    let severity = line.problem.severity();
    let n = units::grouped(line.n_rows);
    let said =
        cx.tf("datasets.finding_row", &[("name", &name), ("n", &n), ("severity", &cx.t(severity.key()))]);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), &said));
    widgets::row_ground(ui, rect.expand2(vec2(14.0, 0.0)), false, response.hovered());
    widgets::focus_ring(ui, &response, rect.expand2(vec2(6.0, -3.0)));

    let middle = rect.top() + ROW / 2.0;
    icon(ui, pos2(rect.left() + 8.0, middle), severity, &t);
    let number = widgets::galley(ui, n, Type::Body.mono(Weight::Medium), t.text_1);
    let at = pos2(rect.right() - number.size().x, middle - number.size().y / 2.0);
    ui.painter().galley(at, number, t.text_1);
    let mut right = rect.right() - COUNT;
    let mut asked = None;
    if let Some(remedy) = remedy {
        let place = match beside {
            true => Rect::from_min_max(pos2(rect.left() + 160.0, rect.top()), pos2(right, rect.top() + ROW)),
            false => Rect::from_min_max(pos2(rect.left() + WORDS, rect.top() + ROW), rect.max),
        };
        let layout =
            if beside { Layout::right_to_left(Align::Center) } else { Layout::left_to_right(Align::Min) };
        let mut child = ui.new_child(UiBuilder::new().id_salt(key).max_rect(place).layout(layout));
        let words = cx.t(remedy.key());
        let said = cx.tf("datasets.finding_remedy", &[("name", &name), ("remedy", &words)]);
        let button = Button::control(words).small().name(said).show(&mut child);
        if button.clicked() {
            asked = Some(Asked::Prepare(remedy));
        }
        if beside {
            right = button.rect.left() - 8.0;
        }
    }
    let words =
        Rect::from_min_max(pos2(rect.left() + WORDS, rect.top() + 7.0), pos2(right, rect.top() + 27.0));
    widgets::one_line(ui, words, name.as_str(), Type::Body.font(Weight::Medium), t.text_1);
    let explained = explained(cx, line);
    let below = words.translate(vec2(0.0, 19.0));
    widgets::one_line(ui, below, explained.as_str(), Type::Hint.font(Weight::Regular), t.text_3);
    if response.on_hover_text(explained).clicked() {
        asked = Some(line.problem.asked());
    }
    asked
}

fn explained(cx: &PaneCx, line: &Line) -> String {
    let hint = cx.t(&format!("{}_hint", line.problem.key()));
    if line.n_groups == 0 {
        return hint;
    }
    let groups = cx.tf("datasets.finding_groups", &[("n", &units::grouped(line.n_groups))]);
    format!("{hint}{}{groups}", cx.t("finetune.comma"))
}

/// The icon of how bad something is.
pub fn icon(ui: &Ui, at: egui::Pos2, severity: Severity, t: &crate::theme::Tokens) {
    let (icon, filled, ink) = severity.look(t);
    widgets::shape_icon(ui, at, icon, size::ICON, filled, ink);
}
