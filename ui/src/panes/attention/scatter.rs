//! What a head tends to do against what switching it off did: a pretty head may do nothing.

use super::AttentionPane;
use super::order::Trait;
use super::scales::signed;
use super::sweep::Effects;
use crate::panes::PaneCx;
use crate::theme::{Tokens, Type, Weight};
use crate::widgets::{self, Select};
use egui::{Align2, EventFilter, Key, Pos2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::inside::Capture;

const HEIGHT: f32 = 240.0;
/// Of numbers at the left.
const LEFT: f32 = 44.0;
const BELOW: f32 = 20.0;
/// Of a head, and how near the pointer has to come.
const DOT: f32 = 3.0;
const NEAR: f32 = 10.0;

struct Point {
    head: (u32, u32),
    score: f32,
    delta: f32,
    at: Pos2,
}

impl AttentionPane {
    pub(super) fn scatter_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, capture: &Capture, effects: &Effects) {
        ui.horizontal(|ui| {
            ui.set_min_height(24.0);
            widgets::semibold(ui, cx.t("inside.scatter"));
            let traits = Trait::ALL.map(|one| (one, cx.t(one.key())));
            Select::new(&cx.t("inside.scatter_by")).small().show(ui, &mut self.off.sweep.by, &traits);
        });
        let (rect, response) =
            ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT + BELOW), Sense::click());
        let plot =
            Rect::from_min_max(rect.min + vec2(LEFT, 8.0), pos2(rect.right() - 8.0, rect.bottom() - BELOW));
        let t = cx.theme.tokens;
        let most = effects.most().max(1e-6);
        axes(ui, plot, most, &t);
        let points = self.points(cx, capture, effects, plot, most);
        let selected =
            |head: (u32, u32)| self.look.layer == Some(head.0) && self.look.heads.contains(&head.1);
        for point in &points {
            let fill = if point.delta < 0.0 { t.series[0] } else { t.series[1] };
            ui.painter().circle_filled(point.at, DOT, fill.gamma_multiply(0.85));
        }
        for point in points.iter().filter(|point| selected(point.head)) {
            ui.painter().circle_stroke(point.at, DOT + 3.0, Stroke::new(2.0, t.accent));
        }
        let pointer = response.hover_pos();
        let near = |at: Pos2| {
            let nearest = points.iter().min_by(|a, b| a.at.distance(at).total_cmp(&b.at.distance(at)));
            nearest.filter(|point| point.at.distance(at) <= NEAR)
        };
        let hovered = pointer.and_then(near);
        if let Some(point) = hovered {
            ui.painter().circle_stroke(point.at, DOT + 2.0, Stroke::new(1.0, t.text_1));
        }
        if points.is_empty() {
            let words = cx.t("inside.scatter_none");
            let font = Type::Hint.font(Weight::Regular);
            ui.painter().text(plot.center(), Align2::CENTER_CENTER, words, font, t.text_3);
        }
        let by = cx.t(self.off.sweep.by.key());
        let words = |point: &Point| {
            let (layer, head) = point.head;
            format!("{layer}.{head}\n{by} {:.3}\n{} log p", point.score, signed(point.delta, 4))
        };
        let now = points.iter().find(|point| selected(point.head)).map(&words).unwrap_or_default();
        let name = cx.t("inside.scatter_name");
        response.widget_info(|| WidgetInfo {
            current_text_value: Some(now.clone()),
            ..WidgetInfo::labeled(Role::Image, true, &name)
        });
        let mut chosen = hovered.filter(|_| response.clicked()).map(|point| point.head);
        if response.has_focus() {
            chosen = chosen.or_else(|| by_keys(ui, &response, &points, selected));
            widgets::focus_ring(ui, &response, rect.shrink(4.0));
        }
        if let Some(words) = hovered.map(words) {
            response.clone().on_hover_ui_at_pointer(|ui| {
                ui.label(Type::Hint.number(words, t.text_1));
            });
        }
        if response.clicked() {
            response.request_focus();
        }
        if let Some((layer, head)) = chosen {
            self.look.select(layer, head);
        }
    }

    /// Heads of which both numbers are known, from the left to the right.
    fn points(&self, cx: &PaneCx, capture: &Capture, effects: &Effects, plot: Rect, most: f32) -> Vec<Point> {
        let (scores, _) = self.scores(cx, capture);
        let by = self.off.sweep.by;
        let mut points = Vec::new();
        for (layer, heads) in &scores {
            for (head, scores) in (0..).zip(heads) {
                let known = by.of(scores).zip(effects.of((*layer, head)));
                let Some((score, effect)) = known else { continue };
                let delta = effect.delta_logprob;
                let x = plot.left() + plot.width() * score.clamp(0.0, 1.0);
                let y = plot.center().y - plot.height() / 2.0 * (delta / most).clamp(-1.0, 1.0);
                points.push(Point { head: (*layer, head), score, delta, at: pos2(x, y) });
            }
        }
        points.sort_by(|a, b| a.score.total_cmp(&b.score));
        points
    }
}

/// The neighbour of the selected head, along the lower axis.
fn by_keys(
    ui: &Ui,
    response: &egui::Response,
    points: &[Point],
    selected: impl Fn((u32, u32)) -> bool,
) -> Option<(u32, u32)> {
    let keep = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, keep));
    let n = |key| ui.input(|i| i.num_presses(key)) as isize;
    let by = n(Key::ArrowRight) - n(Key::ArrowLeft);
    if by == 0 {
        return None;
    }
    let now = points.iter().position(|point| selected(point.head));
    let to = now.map_or(0, |now| now.saturating_add_signed(by).min(points.len().saturating_sub(1)));
    points.get(to).map(|point| point.head)
}

fn axes(ui: &Ui, plot: Rect, most: f32, t: &Tokens) {
    let painter = ui.painter();
    let font = Type::Caption.mono(Weight::Regular);
    for (part, words) in [(0.0, "0"), (0.25, ""), (0.5, "0.5"), (0.75, ""), (1.0, "1")] {
        let x = plot.left() + plot.width() * part;
        painter.vline(x, plot.y_range(), Stroke::new(1.0, t.line_soft));
        painter.text(pos2(x, plot.bottom() + 10.0), Align2::CENTER_CENTER, words, font.clone(), t.text_3);
    }
    for (value, strong) in [(most, false), (0.0, true), (-most, false)] {
        let y = plot.center().y - plot.height() / 2.0 * value / most;
        let line = if strong { t.line_strong } else { t.line_soft };
        painter.hline(plot.x_range(), y, Stroke::new(1.0, line));
        let at = pos2(plot.left() - 6.0, y);
        painter.text(at, Align2::RIGHT_CENTER, signed(value, 2), font.clone(), t.text_3);
    }
}
