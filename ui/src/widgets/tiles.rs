//! Tiles inside a pane: list, main, inspector, with borders to drag that remember their place.

use crate::theme::{self, size};
use egui::{
    Align, Area, CursorIcon, Id, Layout, Margin, Order, Rect, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder,
    WidgetInfo, pos2, vec2,
};
use serde::{Deserialize, Serialize};

/// The tile at the right is no narrower.
const LEAST_INSPECTOR: f32 = 264.0;

/// Where the borders stand, in points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TileSizes {
    pub list: f32,
    pub inspector: f32,
}

impl Default for TileSizes {
    fn default() -> Self {
        Self { list: 224.0, inspector: 280.0 }
    }
}

/// The places of a pane's tiles.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    pub list: Option<Rect>,
    pub main: Rect,
    pub inspector: Option<Rect>,
}

/// How wide the tile at the right is after a double click on its border, and how wide it can be made, in points.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    pub usual: f32,
    pub most: f32,
}

impl Default for Reach {
    fn default() -> Self {
        Self { usual: TileSizes::default().inspector, most: 420.0 }
    }
}

/// Divides what is available and lets the borders be dragged; a double click sets them back.
pub fn columns(ui: &mut Ui, sizes: &mut TileSizes, list: bool, inspector: bool) -> Columns {
    columns_reaching(ui, sizes, list, inspector, Reach::default())
}

/// The same with another reach of the tile at the right.
pub fn columns_reaching(
    ui: &mut Ui,
    sizes: &mut TileSizes,
    list: bool,
    inspector: bool,
    reach: Reach,
) -> Columns {
    let (_, whole) = ui.allocate_space(ui.available_size());
    let usual = TileSizes::default();
    let mut main = whole;
    let list = list.then(|| {
        let x = whole.left() + sizes.list + size::GAP / 2.0;
        if let Some(moved) = border(ui, "list", whole, x) {
            sizes.list = moved.map_or(usual.list, |x| (x - whole.left()).clamp(216.0, 360.0));
        }
        let rect = Rect::from_min_max(whole.min, pos2(whole.left() + sizes.list, whole.bottom()));
        main.min.x = rect.right() + size::GAP;
        rect
    });
    let inspector = inspector.then(|| {
        // Of a width from a larger window as much as leaves the main tile room.
        let most = reach.most.max(LEAST_INSPECTOR);
        let width = sizes.inspector.min(most);
        let x = whole.right() - width - size::GAP / 2.0;
        if let Some(moved) = border(ui, "inspector", whole, x) {
            sizes.inspector = moved.map_or(reach.usual, |x| (whole.right() - x).clamp(LEAST_INSPECTOR, most));
        }
        let width = sizes.inspector.min(most);
        let rect = Rect::from_min_max(pos2(whole.right() - width, whole.top()), whole.max);
        main.max.x = rect.left() - size::GAP;
        rect
    });
    Columns { list, main, inspector }
}

/// `Some(None)` on a double click, `Some(Some(x))` while dragged.
fn border(ui: &Ui, name: &str, whole: Rect, x: f32) -> Option<Option<f32>> {
    let grab = Rect::from_x_y_ranges(x - 4.0..=x + 4.0, whole.y_range());
    let response = ui.interact(grab, ui.scope_id().with(("border", name)), Sense::click_and_drag());
    let theme = theme::of(ui);
    let label = theme.t("shell.border");
    response.widget_info(|| WidgetInfo::labeled(Role::Splitter, true, &label));
    if response.hovered() || response.dragged() || response.has_focus() {
        ui.ctx().set_cursor_icon(CursorIcon::ResizeHorizontal);
        let line = Rect::from_x_y_ranges(x - 1.0..=x + 1.0, grab.y_range().shrink(8.0));
        ui.painter().rect_filled(line, 1.0, theme.tokens.accent);
    }
    if response.has_focus() {
        let step = ui.input(|i| {
            i.num_presses(egui::Key::ArrowRight) as f32 - i.num_presses(egui::Key::ArrowLeft) as f32
        });
        let filter = egui::EventFilter { horizontal_arrows: true, ..Default::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        if step != 0.0 {
            return Some(Some(x + 16.0 * step));
        }
    }
    if response.double_clicked() {
        return Some(None);
    }
    response.dragged().then(|| response.interact_pointer_pos().map(|p| p.x)).flatten().map(Some)
}

/// One tile: a pane of glass at `rect`, with no padding of its own.
pub fn tile<R>(ui: &mut Ui, name: &str, rect: Rect, add: impl FnOnce(&mut Ui) -> R) -> R {
    let theme = theme::of(ui);
    let t = &theme.tokens;
    let radius = f32::from(size::RADIUS_TILE);
    let edge = if theme.high_contrast { t.line } else { t.line_soft };
    ui.painter().rect(rect, radius, t.pane, Stroke::new(1.0, edge), StrokeKind::Inside);
    let rim = rect.x_range().shrink(radius);
    ui.painter().hline(rim, rect.top() + 0.5, Stroke::new(1.0, t.rim));
    let inner = rect.shrink(1.0);
    let mut child = ui.new_child(
        UiBuilder::new().id_salt(("tile", name)).max_rect(inner).layout(Layout::top_down(Align::Min)),
    );
    child.set_clip_rect(inner.intersect(ui.clip_rect()));
    child.spacing_mut().item_spacing = vec2(8.0, 0.0);
    add(&mut child)
}

/// The 44 points at the top of a tile, with a line below. Draw the right side first, right to left.
pub fn header(ui: &mut Ui, right: impl FnOnce(&mut Ui), left: impl FnOnce(&mut Ui)) {
    let t = theme::of(ui).tokens;
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), size::HEADER));
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, t.line_soft));
    let mut inner = rect.shrink2(vec2(size::PADDING, 0.0));
    let mut right_ui = ui.new_child(
        UiBuilder::new().id_salt("right").max_rect(inner).layout(Layout::right_to_left(Align::Center)),
    );
    right(&mut right_ui);
    let taken = right_ui.min_rect();
    if taken.width() > 0.0 {
        inner.max.x = (taken.left() - 8.0).max(inner.left());
    }
    let mut left_ui = ui.new_child(
        UiBuilder::new().id_salt("left").max_rect(inner).layout(Layout::left_to_right(Align::Center)),
    );
    left_ui.set_clip_rect(inner.expand2(vec2(4.0, 0.0)).intersect(ui.clip_rect()));
    left(&mut left_ui);
}

/// The foot of a tile, with a line above; the height is fixed so that lists can leave room for it.
pub fn footer(ui: &mut Ui, tile: Rect, add: impl FnOnce(&mut Ui)) {
    let t = theme::of(ui).tokens;
    let rect = Rect::from_min_max(pos2(tile.left(), tile.bottom() - size::HEADER), tile.max).shrink(1.0);
    ui.painter().hline(rect.x_range(), rect.top(), Stroke::new(1.0, t.line_soft));
    let mut child = ui.new_child(
        UiBuilder::new()
            .id_salt("footer")
            .max_rect(rect.shrink2(vec2(8.0, 0.0)))
            .layout(Layout::left_to_right(Align::Center)),
    );
    add(&mut child);
}

/// Content with the usual padding, scrolling when it is too tall. `foot` points stay free at the bottom.
pub fn scroll<R>(ui: &mut Ui, name: &str, foot: f32, add: impl FnOnce(&mut Ui) -> R) -> R {
    let height = (ui.available_height() - foot).max(0.0);
    egui::ScrollArea::vertical()
        .id_salt(name)
        .max_height(height)
        .auto_shrink(false)
        .show(ui, |ui| {
            egui::Frame::new()
                .inner_margin(Margin::same(16))
                .show(ui, |ui| {
                    ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
                    ui.set_width(ui.available_width());
                    // A child, so that content can ask for less than the whole width.
                    ui.vertical(add).inner
                })
                .inner
        })
        .inner
}

/// The inspector as a drawer over the right of `main`. Escape, or a click outside, closes it.
pub fn drawer(ui: &mut Ui, name: &str, main: Rect, width: f32, open: &mut bool, add: impl FnOnce(&mut Ui)) {
    if !*open {
        return;
    }
    let rect = Rect::from_min_max(pos2(main.right() - width.min(main.width()), main.top()), main.max);
    let theme = theme::of(ui);
    let shown = Area::new(Id::unique(("drawer", name)))
        .order(Order::Middle)
        .fixed_pos(rect.min)
        .constrain(false)
        .show(ui.ctx(), |ui| {
            ui.set_clip_rect(rect.expand(40.0));
            let shadow =
                egui::epaint::Shadow { offset: [0, 8], blur: 24, spread: 0, color: theme.tokens.shadow };
            ui.painter().add(shadow.as_shape(rect, f32::from(size::RADIUS_TILE)));
            ui.allocate_rect(rect, Sense::hover());
            tile(ui, name, rect, add);
        });
    let elsewhere = shown.response.clicked_elsewhere() && !egui::Popup::is_any_open(ui.ctx());
    if elsewhere || ui.input(|i| i.key_pressed(egui::Key::Escape)) {
        *open = false;
    }
}
