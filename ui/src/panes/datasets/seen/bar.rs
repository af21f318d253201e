//! A row against the limit: what is read, learned, cut away, and what of the limit it leaves.

use crate::panes::PaneCx;
use crate::theme::{self, Type, Weight};
use crate::units;
use crate::widgets;
use egui::{Color32, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::datasets::measure::SeenRow;
use std::ops::Range;

const BAR: f32 = 8.0;
const HEIGHT: f32 = 26.0;

/// Draws it; the token that was pressed, or by the keyboard the first that is cut away.
pub fn bar(ui: &mut Ui, cx: &PaneCx, seen: &SeenRow) -> Option<usize> {
    let t = theme::of(ui).tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::click());
    let n = seen.tokens.len();
    let (n_kept, limit) = (seen.n_kept as usize, seen.max_length as usize);
    let (read, learned, cut) = counts(seen);
    let args: [(&str, &dyn std::fmt::Display); 4] =
        [("n", &units::grouped(n as u64)), ("read", &read), ("learned", &learned), ("cut", &cut)];
    let name = cx.tf("datasets.seen_bar", &args);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    let whole = if seen.in_pieces { n } else { n.max(limit) }.max(1);
    let line = Rect::from_min_size(rect.min, vec2(rect.width(), BAR));
    let x = |at: usize| line.left() + line.width() * at as f32 / whole as f32;
    let part = |range: Range<usize>| Rect::from_x_y_ranges(x(range.start)..=x(range.end), line.y_range());
    let kept = if seen.in_pieces { n } else { n_kept };
    ui.painter().rect_filled(part(0..kept), 1.0, t.line_strong);
    for run in runs(seen, kept) {
        let mut run = part(run);
        run.max.x = run.max.x.max(run.min.x + 1.0);
        ui.painter().rect_filled(run, 0.0, t.warm);
    }
    if kept < n {
        hatch(ui, part(kept..n), t.text_3);
    }
    if n < whole {
        padding(ui, part(n..whole), t.line_strong);
    }
    if seen.in_pieces && limit > 0 {
        for at in (limit..n).step_by(limit) {
            ui.painter().vline(x(at), line.y_range().expand(2.0), Stroke::new(1.0, t.text_1));
        }
    } else if limit <= whole {
        ui.painter().vline(x(limit), line.y_range().expand(2.0), Stroke::new(1.0, t.warn));
    }
    numbers(ui, cx, seen, rect, whole);
    widgets::focus_ring(ui, &response, rect);
    let pressed = response.clicked().then(|| match response.interact_pointer_pos() {
        Some(pos) => ((pos.x - line.left()) / line.width() * whole as f32).max(0.0) as usize,
        None => n_kept,
    });
    let response = response.on_hover_text(format!("{name}\n{}", cx.t("datasets.seen_bar_tip")));
    let _unused = response.on_hover_cursor(egui::CursorIcon::PointingHand);
    pressed.filter(|_| n > 0).map(|at| at.min(n - 1))
}

/// 0, the limit, and how many tokens there are, each where it stands.
fn numbers(ui: &Ui, cx: &PaneCx, seen: &SeenRow, rect: Rect, whole: usize) {
    let t = theme::of(ui).tokens;
    let font = || Type::Caption.mono(Weight::Regular);
    let n = seen.tokens.len();
    let limit = seen.max_length as usize;
    let tokens = cx.tf("datasets.row_n_tokens", &[("n", &units::grouped(n as u64))]);
    let limit_words = cx.tf("datasets.seen_limit_n", &[("n", &units::grouped(limit as u64))]);
    let mut labels: Vec<(usize, String, Color32)> = vec![(n, tokens, t.text_2)];
    if !seen.in_pieces {
        labels.push((limit, limit_words, t.text_2));
        if n < limit {
            let left = units::grouped((limit - n) as u64);
            labels.push((n + (limit - n) / 2, cx.tf("datasets.seen_left", &[("n", &left)]), t.text_3));
        }
    }
    let mut taken: Vec<Rect> = Vec::new();
    let zero = widgets::galley(ui, "0", font(), t.text_3);
    let top = rect.top() + BAR + 3.0;
    taken.push(Rect::from_min_size(pos2(rect.left(), top), zero.size()));
    ui.painter().galley(pos2(rect.left(), top), zero, t.text_3);
    for (at, words, ink) in labels {
        let galley = widgets::galley(ui, words, font(), ink);
        let middle = rect.left() + rect.width() * at as f32 / whole as f32;
        let most = rect.right() - galley.size().x;
        let left = (middle - galley.size().x / 2.0).clamp(rect.left(), most.max(rect.left()));
        let place = Rect::from_min_size(pos2(left, top), galley.size());
        // Of words that would stand on each other the first counts.
        if taken.iter().all(|one| !one.expand2(vec2(6.0, 0.0)).intersects(place)) {
            ui.painter().galley(place.min, galley, ink);
            taken.push(place);
        }
    }
}

/// Read only, learned, cut away.
fn counts(seen: &SeenRow) -> (String, String, String) {
    let n = seen.tokens.len() as u64;
    let kept = if seen.in_pieces { n } else { u64::from(seen.n_kept).min(n) };
    // A label is learned and is none of the tokens.
    let learned = seen.tokens.iter().take(kept as usize).filter(|token| token.learned).count() as u64;
    (units::grouped(kept.saturating_sub(learned)), units::grouped(learned), units::grouped(n - kept))
}

/// Stretches of learned tokens among the kept.
fn runs(seen: &SeenRow, kept: usize) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    for (at, _) in seen.tokens.iter().enumerate().take(kept).filter(|(_, token)| token.learned) {
        match all.last_mut() {
            Some(last) if last.end == at => last.end += 1,
            _ => all.push(at..at + 1),
        }
    }
    all
}

/// Lines aslant: what is cut away.
pub fn hatch(ui: &Ui, rect: Rect, color: Color32) {
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let stroke = Stroke::new(1.0, color);
    let mut x = rect.left() - rect.height();
    while x < rect.right() {
        painter.line_segment([pos2(x, rect.bottom()), pos2(x + rect.height(), rect.top())], stroke);
        x += 5.0;
    }
}

/// Dots: what is left of the limit.
pub fn padding(ui: &Ui, rect: Rect, color: Color32) {
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let mut x = rect.left() + 3.0;
    while x < rect.right() {
        painter.circle_filled(pos2(x, rect.center().y), 1.0, color);
        x += 6.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::datasets::RowId;
    use glassworks_protocol::datasets::measure::SeenToken;

    #[test]
    fn a_row_is_counted_as_it_is_kept() {
        let token = |learned| SeenToken { id: 1, text: "a".into(), special: false, learned };
        let mut seen = SeenRow {
            row: RowId(0),
            tokens: [false, true, true, false, true].map(token).to_vec(),
            n_targets: 3,
            n_kept: 3,
            n_kept_targets: 2,
            max_length: 3,
            in_pieces: false,
            problem: None,
        };
        assert_eq!(counts(&seen), ("1".into(), "2".into(), "2".into()));
        assert_eq!(runs(&seen, 3), std::iter::once(1..3).collect::<Vec<_>>());
        assert_eq!(runs(&seen, 5), [1..3, 4..5]);
        seen.in_pieces = true;
        assert_eq!(counts(&seen), ("2".into(), "3".into(), "0".into()));
    }
}
