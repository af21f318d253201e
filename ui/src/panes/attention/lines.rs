//! Lines: the tokens twice, each row's weights as lines between them, the strongest until they hold most of the row.

use super::AttentionPane;
use crate::panes::PaneCx;
use crate::theme::{Tokens, Type, Weight};
use crate::units::grouped;
use crate::widgets;
use egui::{Margin, Pos2, Rect, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use std::collections::HashMap;

const ROW: f32 = 22.0;
/// Of the names at both sides.
const NAMES: f32 = 150.0;
/// The most that lie between the names.
const MOST_BETWEEN: f32 = 520.0;
/// Lines at one time.
pub const MOST_LINES: usize = 2000;

#[derive(Default)]
pub struct Lines {
    /// Of which numbers, and for which part of a row.
    of: (u64, f32),
    kept: HashMap<usize, Vec<(usize, f32)>>,
    /// A token under the pointer: whether it is at the side that is read.
    hovered: Option<(bool, usize)>,
}

/// The largest values of a row that hold `mass` of it, the largest first.
fn strongest(row: &[f32], mass: f32) -> Vec<(usize, f32)> {
    let mut all: Vec<(usize, f32)> = row.iter().copied().enumerate().filter(|(_, a)| *a > 0.0).collect();
    let whole: f32 = all.iter().map(|(_, a)| a).sum();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut held = 0.0;
    let n = all.iter().take_while(|(_, a)| {
        let before = held;
        held += a;
        before < mass * whole
    });
    let n = n.count();
    all.truncate(n);
    all
}

impl AttentionPane {
    pub(super) fn lines_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let Some(spec) = self.drawn.spec().cloned() else { return };
        let of = (self.drawn.version, self.choices.mass);
        if self.lines.of != of {
            self.lines.of = of;
            self.lines.kept.clear();
        }
        let n = spec.n();
        let mut counts = (0, 0);
        let top = ui.allocate_exact_size(vec2(ui.available_width(), 56.0), Sense::hover()).0;
        ScrollArea::vertical().id_salt("lines").auto_shrink(false).show_viewport(ui, |ui, sight| {
            let width = ui.available_width();
            ui.set_height(n as f32 * ROW + 8.0);
            let origin = ui.max_rect().min;
            let between = (width - 2.0 * NAMES - 32.0).clamp(60.0, MOST_BETWEEN);
            let left = origin.x + ((width - between - 2.0 * NAMES) / 2.0).max(8.0) + NAMES;
            let rows = ((sight.top() / ROW).max(0.0) as usize).min(n)
                ..((sight.bottom() / ROW).ceil() as usize).min(n);
            let y = |at: usize| origin.y + (at as f32 + 0.5) * ROW + 4.0;
            let focus = self.lines.hovered.or(self.look.query.map(|query| (false, spec.segment_of(query))));
            let edges = self.edges(rows.clone(), focus, &mut counts);
            let t = cx.theme.tokens;
            paint(ui, &edges, self.choices.gamma, &t, |(query, key)| {
                [pos2(left, y(query)), pos2(left + between, y(key))]
            });
            let mut hovered = None;
            for at in rows {
                for (read, x) in [(false, left - NAMES), (true, left + between)] {
                    let place = Rect::from_min_size(pos2(x, y(at) - ROW / 2.0), vec2(NAMES, ROW));
                    let key = if read { "inside.read_token" } else { "inside.reading_token" };
                    let name = self.names.segment(spec.segment(at));
                    let label = cx.tf(key, &[("token", &name), ("at", &at)]);
                    let response = ui.interact(place, ui.scope_id().with((read, at)), Sense::click());
                    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
                    if response.hovered() || response.has_focus() {
                        hovered = Some((read, at));
                    }
                    if response.clicked() {
                        let tokens = spec.segment(at);
                        match read {
                            true => self.look.key = Some(tokens.start),
                            false if self.look.query == Some(tokens.end - 1) => self.look.query = None,
                            false => self.look.query = Some(tokens.end - 1),
                        }
                    }
                    let bright = focus == Some((read, at));
                    token(ui, place, &name, read, bright, &t);
                }
            }
            if self.lines.hovered != hovered {
                self.lines.hovered = hovered;
                ui.ctx().request_repaint();
            }
        });
        let mut child = ui.new_child(egui::UiBuilder::new().id_salt("lines top").max_rect(top));
        self.mass_line(&mut child, cx, counts);
    }

    /// Those of the rows in sight, or of the token that is pointed at: drawn ones, and how many there would be.
    fn edges(
        &mut self,
        rows: std::ops::Range<usize>,
        focus: Option<(bool, usize)>,
        counts: &mut (usize, usize),
    ) -> Vec<(usize, usize, f32)> {
        let mass = self.choices.mass;
        let mut all = Vec::new();
        let queries: Vec<usize> = match focus {
            Some((false, query)) => vec![query],
            _ => rows.collect(),
        };
        for query in queries {
            if !self.lines.kept.contains_key(&query) {
                let kept = strongest(self.drawn.row(query), mass);
                self.lines.kept.insert(query, kept);
            }
            let kept = self.lines.kept.get(&query).map(Vec::as_slice).unwrap_or_default();
            let shown = kept.iter().filter(|(key, _)| match focus {
                Some((true, read)) => *key == read,
                _ => true,
            });
            all.extend(shown.map(|(key, a)| (query, *key, *a)));
        }
        counts.1 = all.len();
        if all.len() > MOST_LINES {
            all.sort_by(|a, b| b.2.total_cmp(&a.2));
            all.truncate(MOST_LINES);
        }
        counts.0 = all.len();
        // The strongest lie on top.
        all.sort_by(|a, b| a.2.total_cmp(&b.2));
        all
    }

    fn mass_line(&mut self, ui: &mut Ui, cx: &PaneCx, (drawn, all): (usize, usize)) {
        egui::Frame::new().inner_margin(Margin { left: 16, right: 16, top: 4, bottom: 4 }).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 24.0;
                ui.allocate_ui(vec2(240.0, 48.0), |ui| {
                    let mut percent = (self.choices.mass * 100.0).round();
                    if widgets::slider_row(ui, &cx.t("inside.mass"), &mut percent, 5.0..=100.0, 0, "")
                        .changed()
                    {
                        self.choices.mass = percent / 100.0;
                    }
                });
                let words = if all > drawn {
                    cx.tf(
                        "inside.lines_capped",
                        &[("n", &grouped(drawn as u64)), ("all", &grouped(all as u64))],
                    )
                } else {
                    cx.tf("inside.lines_drawn", &[("n", &grouped(drawn as u64))])
                };
                widgets::hint(ui, words);
            });
        });
    }
}

fn paint(
    ui: &Ui,
    edges: &[(usize, usize, f32)],
    gamma: f32,
    t: &Tokens,
    ends: impl Fn((usize, usize)) -> [Pos2; 2],
) {
    for (query, key, a) in edges {
        let value = a.clamp(0.0, 1.0).powf(gamma);
        let color = Tokens::map(&t.ember, 0.2 + 0.7 * value);
        ui.painter().line_segment(ends((*query, *key)), Stroke::new(0.75 + 2.25 * value, color));
    }
}

fn token(ui: &Ui, place: Rect, name: &str, read: bool, bright: bool, t: &Tokens) {
    if bright {
        ui.painter().rect_filled(place.shrink2(vec2(2.0, 1.0)), 3.0, t.selected);
    }
    let ink = if bright { t.text_1 } else { t.text_2 };
    let mut job =
        egui::text::LayoutJob::simple_singleline(name.to_owned(), Type::Hint.mono(Weight::Regular), ink);
    job.wrap = egui::text::TextWrapping::truncate_at_width(place.width() - 20.0);
    let words = ui.painter().layout_job(job);
    let x = if read { place.left() + 10.0 } else { place.right() - 10.0 - words.size().x };
    ui.painter().galley(pos2(x, place.center().y - words.size().y / 2.0), words, ink);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hold_as_much_of_a_row_as_was_asked_for() {
        let row = [0.1, 0.5, f32::NAN, 0.3, 0.1];
        assert_eq!(strongest(&row, 0.7), [(1, 0.5), (3, 0.3)]);
        assert_eq!(strongest(&row, 0.5), [(1, 0.5)]);
        assert_eq!(strongest(&row, 1.0).len(), 4);
        assert!(strongest(&[], 0.7).is_empty());
    }
}
