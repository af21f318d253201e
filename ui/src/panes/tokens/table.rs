//! Tokens as a table: number, token, id, bytes, characters. Only rows in sight are drawn.

use super::column::{Column, hex};
use super::flow::visible;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight};
use crate::widgets;
use egui::{Align2, Color32, EventFilter, Key, Rect, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::tokens::{TokenSeen, TokenizeReport};
use std::sync::Arc;

const ROW: f32 = 24.0;
const HEADINGS: f32 = 30.0;
/// Where the columns begin, as shares of what is left after the number.
const NUMBER: f32 = 56.0;
const SHARES: [f32; 4] = [0.0, 0.34, 0.52, 0.8];

impl Column {
    /// Draws them; says which was clicked, or gone to by an arrow key.
    pub fn table(
        &mut self,
        ui: &mut Ui,
        cx: &PaneCx,
        chosen: Option<usize>,
        also: &[usize],
    ) -> Option<usize> {
        let report = Arc::clone(self.report()?);
        headings(ui, cx);
        let rect = ui.available_rect_before_wrap();
        let table = ui.interact(rect, ui.unique_id().with("table"), Sense::focusable_noninteractive());
        let name = cx.t("tokens.table");
        table.widget_info(|| WidgetInfo::labeled(Role::List, true, &name));
        let moved = table.has_focus().then(|| by_keyboard(ui, &table, chosen, report.tokens.len())).flatten();
        let mut area = ScrollArea::vertical().id_salt("table").auto_shrink(false);
        if let Some(to) = moved {
            let middle = to as f32 * ROW - rect.height() / 2.0;
            area = area.vertical_scroll_offset(middle.max(0.0));
        }
        let mut picked = None;
        ui.spacing_mut().item_spacing.y = 0.0;
        area.show_rows(ui, ROW, report.tokens.len(), |ui, rows| {
            for at in rows {
                let ground = match (chosen == Some(at), also.binary_search(&at).is_ok()) {
                    (false, false) => None,
                    _ => Some(cx.theme.tokens.selected),
                };
                if row(ui, cx, &report, at, ground) {
                    picked = Some(at);
                }
            }
        });
        if picked.is_some() {
            table.request_focus();
        }
        picked.or(moved)
    }
}

fn by_keyboard(ui: &Ui, table: &egui::Response, chosen: Option<usize>, n: usize) -> Option<usize> {
    let keep = EventFilter { vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(table.id, keep));
    let last = n.checked_sub(1)?;
    let pressed = |key| ui.input(|input| input.modifiers.is_none() && input.key_pressed(key));
    let to = match chosen {
        _ if pressed(Key::Home) => 0,
        _ if pressed(Key::End) => last,
        Some(at) if pressed(Key::ArrowDown) => (at + 1).min(last),
        Some(at) if pressed(Key::ArrowUp) => at.saturating_sub(1),
        None if pressed(Key::ArrowDown) => 0,
        _ => return None,
    };
    (chosen != Some(to)).then_some(to)
}

/// Left edges of the columns after the number.
fn places(rect: Rect) -> [f32; 4] {
    let (left, width) = (rect.left() + 16.0 + NUMBER, rect.width() - 32.0 - NUMBER);
    SHARES.map(|share| left + share * width)
}

fn headings(ui: &mut Ui, cx: &PaneCx) {
    let t = cx.theme.tokens;
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), HEADINGS), Sense::hover());
    let font = Type::Hint.font(Weight::Medium);
    let keys = ["tokens.head_token", "tokens.head_id", "tokens.head_bytes", "tokens.head_chars"];
    for (x, key) in places(rect).into_iter().zip(keys) {
        ui.painter().text(pos2(x, rect.center().y), Align2::LEFT_CENTER, cx.t(key), font.clone(), t.text_2);
    }
    widgets::divider(ui);
}

fn row(ui: &mut Ui, cx: &PaneCx, report: &TokenizeReport, at: usize, ground: Option<Color32>) -> bool {
    let Some(token) = report.tokens.get(at) else { return false };
    let t = cx.theme.tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let number = at + 1;
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Button, true, format!("{number} {} {}", visible(token), token.id))
    });
    let ground = ground.or(response.hovered().then_some(t.hover));
    if let Some(color) = ground {
        ui.painter().rect_filled(rect, 0.0, color);
    }
    let font = Type::Hint.mono(Weight::Regular);
    let end = pos2(rect.left() + 16.0 + NUMBER - 16.0, rect.center().y);
    ui.painter().text(
        end,
        Align2::RIGHT_CENTER,
        crate::units::grouped(number as u64),
        font.clone(),
        t.text_3,
    );
    let xs = places(rect);
    let ends = [xs[1], xs[2], xs[3], rect.right() - 16.0];
    for (i, words) in cells(cx, token).into_iter().enumerate() {
        let clip = Rect::from_x_y_ranges(xs[i]..=ends[i] - 8.0, rect.y_range());
        let ink = if i == 0 { t.text_1 } else { t.text_2 };
        let painter = ui.painter().with_clip_rect(clip.intersect(ui.clip_rect()));
        painter.text(pos2(xs[i], rect.center().y), Align2::LEFT_CENTER, words, font.clone(), ink);
    }
    widgets::focus_ring(ui, &response, rect.shrink(2.0));
    response.clicked()
}

fn cells(cx: &PaneCx, token: &TokenSeen) -> [String; 4] {
    let place = match token.place {
        Some((from, to)) if to == from + 1 => format!("{to}"),
        Some((from, to)) => format!("{}–{to}", from + 1),
        None => cx.t("tokens.added"),
    };
    [visible(token), token.id.to_string(), hex(&token.bytes), place]
}
