//! The atlas: every head of every layer as a tile, in the order of layers or by what heads tend to do.

use super::AttentionPane;
use super::order::{Order, Trait, sorted};
use super::tiles_picture::{Sheet, Tile};
use crate::panes::PaneCx;
use crate::theme::{Tokens, Type, Weight, size};
use crate::widgets::{self, Button, Select, tiles};
use egui::{
    Align2, EventFilter, Key, Rect, Response, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};
use glassworks_protocol::inside::{Capture, Effect, HeadScores};

const LEAST_TILE: f32 = 12.0;
const MOST_TILE: f32 = 40.0;
/// Numbers of layers at the left.
const NUMBERS: f32 = 26.0;
/// Above the tiles, where heads share keys.
const BRACKETS: f32 = 22.0;
/// Between heads that share keys and the next ones.
const BETWEEN: f32 = 6.0;

#[derive(Default)]
pub struct Atlas {
    picture: super::tiles_picture::TilesPicture,
    /// Only heads that do this are bright.
    pub only: Option<Trait>,
}

/// Where tiles lie.
struct Grid {
    columns: usize,
    tile: f32,
    /// Tiles of a group, next to each other; 0 for no groups.
    group: usize,
    origin: egui::Pos2,
}

impl Grid {
    fn rect(&self, at: usize) -> Rect {
        let (row, column) = (at / self.columns, at % self.columns);
        let groups = column.checked_div(self.group).unwrap_or(0) as f32;
        let x = column as f32 * self.tile + groups * BETWEEN;
        Rect::from_min_size(
            self.origin + vec2(x, row as f32 * self.tile),
            vec2(self.tile - 1.0, self.tile - 1.0),
        )
    }

    fn at(&self, pos: egui::Pos2, n: usize) -> Option<usize> {
        let row = ((pos.y - self.origin.y) / self.tile).floor();
        if row < 0.0 {
            return None;
        }
        let line = row as usize * self.columns;
        (line..(line + self.columns).min(n)).find(|at| self.rect(*at).expand(0.5).contains(pos))
    }
}

impl AttentionPane {
    pub(super) fn atlas_tile(&mut self, ui: &mut Ui, cx: &mut PaneCx, capture: Option<&Capture>) {
        let shape = capture.and_then(|capture| capture.layers.first()).map(|layer| layer.shape);
        let order = &mut self.choices.order;
        tiles::header(
            ui,
            |ui| {
                if shape.is_some() {
                    order_menu(ui, cx, order);
                }
            },
            |ui| {
                widgets::title(ui, cx.t("inside.atlas"));
                if let (Some(shape), Some(capture)) = (shape, capture) {
                    widgets::mono(ui, format!("{} × {}", capture.layers.len(), shape.n_heads));
                }
            },
        );
        match capture.filter(|capture| !capture.layers.is_empty()) {
            Some(capture) => self.atlas_body(ui, cx, capture),
            None => {
                egui::Frame::new()
                    .inner_margin(size::PADDING as i8)
                    .show(ui, |ui| widgets::hint(ui, cx.t("inside.atlas_empty")));
            }
        }
    }

    /// The same in a popover.
    pub(super) fn atlas_body(&mut self, ui: &mut Ui, cx: &mut PaneCx, capture: &Capture) {
        let (scores, _) = self.scores(cx, capture);
        let scores: Vec<(u32, &[HeadScores])> =
            scores.iter().map(|(layer, scores)| (*layer, scores.as_slice())).collect();
        let margin = egui::Margin { left: 4, right: 4, top: 8, bottom: 4 };
        egui::Frame::new().inner_margin(margin).show(ui, |ui| self.found_ui(ui, cx, &scores));
        let margin = egui::Margin { left: 16, right: 12, top: 0, bottom: 4 };
        egui::Frame::new().inner_margin(margin).show(ui, |ui| self.effects_line(ui, cx));
        let foot = 44.0;
        let room = ui.available_size() - vec2(0.0, foot);
        ScrollArea::both().id_salt("atlas").auto_shrink(false).max_height(room.y).show(ui, |ui| {
            self.grid_ui(ui, cx, capture, &scores, room.x);
        });
        let margin = egui::Margin { left: 16, right: 12, top: 6, bottom: 4 };
        let effects = self.choices.effects && self.effects(cx).is_some();
        let key = if effects { "inside.effects_hint" } else { "inside.tiles_hint" };
        egui::Frame::new().inner_margin(margin).show(ui, |ui| widgets::hint(ui, cx.t(key)));
    }

    /// `heads found: induction 3 · previous 5`; each shows which.
    fn found_ui(&mut self, ui: &mut Ui, cx: &PaneCx, scores: &[(u32, &[HeadScores])]) {
        ui.horizontal(|ui| {
            // Where the words of the buttons begin.
            ui.add_space(12.0);
            ui.spacing_mut().interact_size.y = 16.0;
            widgets::caption(ui, cx.t("inside.found"));
        });
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
            for one in [Trait::Induction, Trait::Previous, Trait::Duplicate, Trait::First] {
                let n = scores.iter().flat_map(|(_, heads)| *heads).filter(|head| one.is_found(head)).count();
                let words = format!("{} {n}", cx.t(one.key()));
                let from = format!("{:.1}", one.found_from());
                let tip = cx.tf("inside.found_tip", &[("what", &cx.t(one.key())), ("from", &from)]);
                let on = self.atlas.only == Some(one);
                let off = (n == 0 && !on).then(|| tip.clone());
                if Button::quiet(words).small().selected(on).off(off).tooltip(tip).show(ui).clicked() {
                    self.atlas.only = (!on).then_some(one);
                }
            }
        });
    }

    fn grid_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        capture: &Capture,
        scores: &[(u32, &[HeadScores])],
        width: f32,
    ) {
        let t = cx.theme.tokens;
        let shape = capture.layers[0].shape;
        let effects = self.effects(cx);
        let (order, by_layers) = match (&effects, self.choices.order) {
            (Some(effects), Order::Effect) => {
                let captured = |(layer, _): &(u32, u32)| capture.layer(*layer).is_some();
                (effects.largest().into_iter().map(|(head, _)| head).filter(captured).collect(), false)
            }
            (None, Order::Effect) => (sorted(scores, Order::Layers), true),
            (_, order) => (sorted(scores, order), order == Order::Layers),
        };
        let columns = shape.n_heads.max(1) as usize;
        let shared = by_layers && shape.n_kv_heads > 0 && shape.n_kv_heads < shape.n_heads;
        let group = if shared { (shape.n_heads / shape.n_kv_heads) as usize } else { 0 };
        let gaps = if shared { (shape.n_kv_heads - 1) as f32 * BETWEEN } else { 0.0 };
        let tile = ((width - NUMBERS - 20.0 - gaps) / columns as f32).floor().clamp(LEAST_TILE, MOST_TILE);
        let above = if shared { BRACKETS } else { 6.0 };
        let rows = order.len().div_ceil(columns);
        let whole = vec2(NUMBERS + gaps + tile * columns as f32 + 12.0, above + rows as f32 * tile + 4.0);
        let (rect, response) = ui.allocate_exact_size(whole, Sense::click());
        let grid = Grid { columns, tile, group, origin: rect.min + vec2(NUMBERS + 8.0, above) };
        let found = |(layer, head): &(u32, u32)| {
            let heads = scores.iter().find(|(one, _)| one == layer).map(|(_, heads)| *heads);
            heads.and_then(|heads| heads.get(*head as usize)).copied()
        };
        let only = self.atlas.only;
        let dimmed =
            |tile: &(u32, u32)| only.is_some_and(|only| !found(tile).is_some_and(|one| only.is_found(&one)));
        let all: Vec<Tile> = order.iter().map(|tile| (*tile, dimmed(tile))).collect();
        let most = ui.input(|i| i.max_texture_side);
        let side =
            ((tile * ui.pixels_per_point()).round() as usize).min(most / rows.max(columns).max(1)).max(1);
        let sheet = Sheet { tiles: all, columns, side, gamma: self.choices.gamma };
        let texture = self.atlas.picture.texture(ui, capture, sheet, &t);
        if let Some(texture) = texture {
            paint(ui, &grid, texture, rows);
        }
        if let Some(effects) = effects.as_ref().filter(|_| self.choices.effects) {
            let most = effects.most();
            for (at, tile) in order.iter().enumerate() {
                let Some(effect) = effects.of(*tile) else { continue };
                let fill = super::sweep::colour(&t, effect.delta_logprob, most);
                paint_effect(ui, &grid, at, fill, dimmed(tile), &t);
            }
        }
        if by_layers {
            numbers(ui, capture, &grid, self.look.layer, &t);
        }
        if shared {
            brackets(ui, cx, &grid, shape.n_kv_heads, &t);
        }
        let selected: Vec<usize> = (0..order.len())
            .filter(|at| self.look.layer == Some(order[*at].0) && self.look.heads.contains(&order[*at].1))
            .collect();
        for at in &selected {
            ui.painter().rect_stroke(
                grid.rect(*at).expand(1.0),
                2.0,
                Stroke::new(2.0, t.accent),
                StrokeKind::Inside,
            );
        }
        let hovered = response.hover_pos().and_then(|pos| grid.at(pos, order.len()));
        if let Some(at) = hovered {
            ui.painter().rect_stroke(
                grid.rect(at).expand(1.0),
                2.0,
                Stroke::new(1.0, t.text_1),
                StrokeKind::Inside,
            );
        }
        self.choose_tile(ui, &response, hovered, &selected, &order, columns, &grid);
        let now = selected.first().map(|at| order[*at]);
        let effect = |tile: (u32, u32)| effects.as_ref().and_then(|effects| effects.of(tile));
        let said = now.map(|tile| tile_words(cx, tile, found(&tile), effect(tile))).unwrap_or_default();
        let name = cx.t("inside.atlas_of_heads");
        response.widget_info(|| WidgetInfo {
            current_text_value: Some(said.clone()),
            ..WidgetInfo::labeled(Role::Image, true, &name)
        });
        if let Some(tile) = hovered.map(|at| order[at]) {
            response.on_hover_ui_at_pointer(|ui| {
                ui.label(Type::Hint.number(tile_words(cx, tile, found(&tile), effect(tile)), t.text_1));
            });
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what the pointer and the keys need to know of the grid")]
    fn choose_tile(
        &mut self,
        ui: &Ui,
        response: &Response,
        hovered: Option<usize>,
        selected: &[usize],
        order: &[(u32, u32)],
        columns: usize,
        grid: &Grid,
    ) {
        if response.clicked()
            && let Some((layer, head)) = hovered.map(|at| order[at])
        {
            let modifiers = ui.input(|i| i.modifiers);
            match (modifiers.command, modifiers.shift) {
                (true, _) => self.look.toggle(layer, head),
                (_, true) => self.look.stretch(layer, head),
                _ => self.look.select(layer, head),
            }
            response.request_focus();
        }
        if !response.has_focus() {
            return;
        }
        let keep = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, keep));
        let n = |key| ui.input(|i| i.num_presses(key)) as isize;
        let by =
            n(Key::ArrowRight) - n(Key::ArrowLeft) + columns as isize * (n(Key::ArrowDown) - n(Key::ArrowUp));
        if let Some(at) = selected.first().filter(|_| by != 0) {
            let to = at.checked_add_signed(by).filter(|to| *to < order.len()).unwrap_or(*at);
            self.look.select(order[to].0, order[to].1);
            ui.scroll_to_rect_animation(
                grid.rect(to).expand(8.0),
                None,
                egui::style::ScrollAnimation::none(),
            );
        }
        if selected.is_empty() {
            widgets::focus_ring(ui, response, response.rect.shrink(4.0));
        }
    }
}

pub(super) fn order_menu(ui: &mut Ui, cx: &PaneCx, order: &mut Order) {
    let mut options = vec![(Order::Layers, cx.t("inside.layer_order"))];
    options.extend(Trait::ALL.map(|one| (Order::By(one), cx.t(one.key()))));
    options.push((Order::Effect, cx.t("inside.tiles_effects")));
    Select::new(&cx.t("inside.order")).small().show(ui, order, &options);
}

/// `14.5  Previous token 0.11 · Induction 0.24 …`
fn tile_words(
    cx: &PaneCx,
    (layer, head): (u32, u32),
    scores: Option<HeadScores>,
    effect: Option<Effect>,
) -> String {
    let one = |one: Trait| {
        let score = scores.as_ref().and_then(|scores| one.of(scores));
        format!("{} {}", cx.t(one.key()), score.map_or_else(|| "–".to_owned(), |score| format!("{score:.2}")))
    };
    let mut words = format!("{layer}.{head}\n{}", Trait::ALL.map(one).join("\n"));
    if let Some(effect) = effect {
        let delta = super::scales::signed(effect.delta_logprob, 4);
        words.push_str(&format!("\n{} {delta} log p", cx.t("inside.tiles_effects")));
    }
    words
}

/// One texture, a part of it for each group.
fn paint(ui: &Ui, grid: &Grid, texture: egui::TextureId, rows: usize) {
    let each = if grid.group == 0 { grid.columns } else { grid.group };
    for first in (0..grid.columns).step_by(each) {
        let n = each.min(grid.columns - first);
        let place = Rect::from_min_size(grid.rect(first).min, vec2(n as f32, rows as f32) * grid.tile);
        let x = |column: usize| column as f32 / grid.columns as f32;
        let part = Rect::from_min_max(pos2(x(first), 0.0), pos2(x(first + n), 1.0));
        ui.painter().image(texture, place, part, crate::theme::AS_IT_IS);
    }
}

/// A colour in the place of a tile's picture.
fn paint_effect(ui: &Ui, grid: &Grid, at: usize, fill: egui::Color32, dimmed: bool, t: &Tokens) {
    let rect = grid.rect(at);
    let whole = Rect::from_min_size(rect.min, egui::Vec2::splat(grid.tile));
    ui.painter().rect_filled(whole, 0.0, t.pane);
    let fill = if dimmed { t.pane.lerp_to_gamma(fill, super::tiles_picture::DIM) } else { fill };
    ui.painter().rect_filled(rect, 1.0, fill);
}

fn numbers(ui: &Ui, capture: &Capture, grid: &Grid, now: Option<u32>, t: &Tokens) {
    let every = (14.0 / grid.tile).ceil().max(1.0) as usize;
    for (row, layer) in capture.layers.iter().enumerate() {
        let current = now == Some(layer.layer);
        if !current && !row.is_multiple_of(every) {
            continue;
        }
        let y = grid.rect(row * grid.columns).center().y;
        let (ink, weight) = if current { (t.text_1, Weight::Semibold) } else { (t.text_3, Weight::Regular) };
        let at = pos2(grid.origin.x - 8.0, y);
        ui.painter().text(at, Align2::RIGHT_CENTER, layer.layer.to_string(), Type::Caption.mono(weight), ink);
    }
}

/// Heads that share keys and values.
fn brackets(ui: &Ui, cx: &PaneCx, grid: &Grid, n: u32, t: &Tokens) {
    for kv in 0..n as usize {
        let (first, last) = (grid.rect(kv * grid.group), grid.rect((kv + 1) * grid.group - 1));
        let range = first.left()..=last.right();
        let y = grid.origin.y - 4.0;
        let line = Stroke::new(1.0, t.line_strong);
        ui.painter().hline(range.clone(), y, line);
        for x in [first.left() + 0.5, last.right() - 0.5] {
            ui.painter().vline(x, y..=y + 3.0, line);
        }
        let words = cx.tf("inside.kv", &[("n", &kv)]);
        let words = widgets::galley(ui, words, Type::Caption.font(Weight::Regular), t.text_3);
        let middle = f32::midpoint(first.left(), last.right());
        if words.size().x <= last.right() - first.left() {
            ui.painter().galley(pos2(middle - words.size().x / 2.0, y - 17.0), words, t.text_3);
        }
    }
}
