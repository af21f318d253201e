//! Which panes are shown, side by side or alone, and what is kept of that between runs.

use crate::command::UiCommand;
use crate::panes::{Pane, PaneCx, PaneId};
use crate::theme::{self, icons, size};
use crate::widgets;
use egui::{Align, Color32, Layout as UiLayout, Rect, Stroke, Ui, UiBuilder, vec2};
use egui_tiles::{Behavior, ResizeState, SimplificationOptions, TileId, Tiles, Tree, UiResponse};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const MAX_SLOTS: usize = 2;
const MAX_RECENT: usize = 8;

/// What is stored in the settings. Unknown fields are dropped, missing ones are as at the first start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    slots: Vec<PaneId>,
    focused: usize,
    /// The first pane's part of the width.
    share: f32,
    recent: Vec<UiCommand>,
    /// By slot and pane: what [`Pane::save`] gave.
    panes: BTreeMap<String, serde_json::Value>,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            slots: vec![PaneId::Playground],
            focused: 0,
            share: 0.5,
            recent: Vec::new(),
            panes: BTreeMap::new(),
        }
    }
}

/// The arrangement and the panes themselves.
pub(crate) struct Layout {
    slots: Vec<PaneId>,
    focused: usize,
    recent: Vec<UiCommand>,
    tree: Tree<usize>,
    made: BTreeMap<(usize, PaneId), Box<dyn Pane>>,
    /// What was kept of panes that have not been made yet.
    kept: BTreeMap<String, serde_json::Value>,
}

impl Layout {
    /// From what was kept, tolerating anything.
    pub fn restore(value: Option<&serde_json::Value>) -> Self {
        let mut kept: Kept = value.and_then(|v| serde_json::from_value(v.clone()).ok()).unwrap_or_default();
        kept.slots.truncate(MAX_SLOTS);
        if kept.slots.is_empty() {
            kept.slots.push(PaneId::Playground);
        }
        let share = if kept.share.is_finite() { kept.share.clamp(0.2, 0.8) } else { 0.5 };
        Self {
            tree: tree(kept.slots.len(), share),
            focused: kept.focused.min(kept.slots.len() - 1),
            slots: kept.slots,
            recent: kept.recent,
            made: BTreeMap::new(),
            kept: kept.panes,
        }
    }

    /// What to keep.
    pub fn save(&self) -> serde_json::Value {
        let mut panes = self.kept.clone();
        for ((slot, id), pane) in &self.made {
            if let Some(value) = pane.save() {
                panes.insert(pane_key(*slot, *id), value);
            }
        }
        let kept = Kept {
            slots: self.slots.clone(),
            focused: self.focused,
            share: self.share(),
            recent: self.recent.clone(),
            panes,
        };
        serde_json::to_value(kept).unwrap_or_default()
    }

    pub fn focused_slot(&self) -> usize {
        self.focused
    }

    pub fn focused(&self) -> PaneId {
        self.slots[self.focused]
    }

    pub fn recent(&self) -> &[UiCommand] {
        &self.recent
    }

    pub fn used(&mut self, command: UiCommand) {
        self.recent.retain(|c| *c != command);
        self.recent.insert(0, command);
        self.recent.truncate(MAX_RECENT);
    }

    /// Shows `id` in the focused place, or goes where it is shown already.
    pub fn show(&mut self, id: PaneId) {
        match self.slots.iter().position(|s| *s == id) {
            Some(slot) => self.focused = slot,
            None => self.slots[self.focused] = id,
        }
    }

    pub fn beside(&mut self, id: PaneId) {
        if self.slots.len() < MAX_SLOTS {
            self.slots.push(id);
            self.tree = tree(self.slots.len(), 0.5);
        } else {
            self.slots[1] = id;
        }
        self.focused = 1;
    }

    pub fn close(&mut self, slot: usize) {
        if self.slots.len() > 1 && slot < self.slots.len() {
            self.slots.remove(slot);
            if slot == 0 {
                // What was beside is now first: its pane moves along, so that nothing is lost.
                let id = self.slots[0];
                if let Some(pane) = self.made.remove(&(1, id)) {
                    self.made.insert((0, id), pane);
                }
            }
            self.focused = 0;
            self.tree = tree(self.slots.len(), 0.5);
        }
    }

    pub fn focus_next(&mut self) {
        self.focused = (self.focused + 1) % self.slots.len();
    }

    /// The pane in a place, made when it is first needed.
    pub fn pane(&mut self, slot: usize) -> &mut dyn Pane {
        let id = self.slots[slot];
        let kept = &self.kept;
        let pane = self.made.entry((slot, id)).or_insert_with(|| {
            let mut pane = (id.kind().make)();
            if let Some(value) = kept.get(&pane_key(slot, id)) {
                pane.restore(value);
            }
            pane
        });
        pane.as_mut()
    }

    /// All panes that have been made, with their places.
    pub fn made(&mut self) -> impl Iterator<Item = (usize, &mut dyn Pane)> {
        self.made.iter_mut().map(|((slot, _), pane)| (*slot, pane.as_mut() as &mut dyn Pane))
    }

    /// Draws the panes; `context` makes what a pane is given.
    pub fn ui(&mut self, ui: &mut Ui, mut context: impl FnMut(usize, f32, &mut dyn FnMut(&mut PaneCx))) {
        if self.slots.len() == 1 {
            let width = ui.available_width() + size::RAIL;
            context(0, width, &mut |cx| self.pane(0).ui(ui, cx));
            return;
        }
        let mut tree = std::mem::replace(&mut self.tree, Tree::empty(egui::Id::unique("panes")));
        let mut side = SideBySide { layout: self, context: &mut context, close: None };
        tree.ui(&mut side, ui);
        let close = side.close;
        self.tree = tree;
        if let Some(slot) = close {
            self.close(slot);
        }
    }

    fn share(&self) -> f32 {
        let Some(root) = self.tree.root() else { return 0.5 };
        match self.tree.tiles.get_container(root) {
            Some(egui_tiles::Container::Linear(linear)) if linear.children.len() == 2 => {
                let shares: Vec<f32> = linear.children.iter().map(|c| linear.shares[*c]).collect();
                shares[0] / (shares[0] + shares[1]).max(f32::EPSILON)
            }
            _ => 0.5,
        }
    }
}

fn pane_key(slot: usize, id: PaneId) -> String {
    let id = serde_json::to_value(id).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    format!("{slot}/{id}")
}

fn tree(n_slots: usize, share: f32) -> Tree<usize> {
    let mut tiles = Tiles::default();
    let children: Vec<TileId> = (0..n_slots).map(|slot| tiles.insert_pane(slot)).collect();
    let mut linear = egui_tiles::Linear::new(egui_tiles::LinearDir::Horizontal, children.clone());
    if let [first, second] = children[..] {
        linear.shares.set_share(first, share);
        linear.shares.set_share(second, 1.0 - share);
    }
    let root = tiles.insert_container(egui_tiles::Container::Linear(linear));
    Tree::new(egui::Id::unique("panes"), root, tiles)
}

type Context<'a> = dyn FnMut(usize, f32, &mut dyn FnMut(&mut PaneCx)) + 'a;

/// Draws two panes, each under a line that names it.
struct SideBySide<'a> {
    layout: &'a mut Layout,
    context: &'a mut Context<'a>,
    close: Option<usize>,
}

impl SideBySide<'_> {
    fn bar(&mut self, ui: &mut Ui, slot: usize) -> Rect {
        let theme = theme::of(ui);
        let t = &theme.tokens;
        let whole = ui.max_rect();
        let (bar, rest) = whole.split_top_bottom_at_y(whole.top() + size::CONTROL);
        let focused = self.layout.focused == slot;
        let mut child = ui.new_child(
            UiBuilder::new()
                .id_salt(("slot", slot))
                .max_rect(bar.shrink2(vec2(8.0, 2.0)))
                .layout(UiLayout::left_to_right(Align::Center)),
        );
        let kind = self.layout.slots[slot].kind();
        let ink = if focused { t.text_1 } else { t.text_3 };
        child.label(egui::RichText::new(kind.icon).font(theme::icon_font(14.0, focused)).color(ink));
        child.label(theme::Type::Hint.medium(theme.t(kind.key), ink));
        child.with_layout(UiLayout::right_to_left(Align::Center), |ui| {
            if widgets::icon_button(ui, icons::X, theme.t("shell.close_pane")).clicked() {
                self.close = Some(slot);
            }
        });
        if focused {
            let line = Rect::from_x_y_ranges(bar.x_range().shrink(8.0), bar.bottom() - 2.0..=bar.bottom());
            ui.painter().rect_filled(line, 1.0, t.accent);
        }
        rest
    }
}

impl Behavior<usize> for SideBySide<'_> {
    fn pane_ui(&mut self, ui: &mut Ui, _tile: TileId, slot: &mut usize) -> UiResponse {
        let slot = *slot;
        let pressed = ui.input(|i| i.pointer.any_pressed() && i.pointer.interact_pos().is_some());
        if pressed && ui.rect_contains_pointer(ui.max_rect()) {
            self.layout.focused = slot;
        }
        let rest = self.bar(ui, slot);
        let mut child = ui.new_child(UiBuilder::new().id_salt(("pane", slot)).max_rect(rest));
        let width = rest.width() + size::RAIL;
        let layout = &mut *self.layout;
        (self.context)(slot, width, &mut |cx| layout.pane(slot).ui(&mut child, cx));
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, slot: &usize) -> egui::WidgetText {
        self.layout.slots[*slot].kind().key.into()
    }

    fn gap_width(&self, _style: &egui::Style) -> f32 {
        size::GAP
    }

    fn min_size(&self) -> f32 {
        400.0
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions::OFF
    }

    fn resize_stroke(&self, style: &egui::Style, state: ResizeState) -> Stroke {
        match state {
            ResizeState::Idle => Stroke::new(0.0, Color32::TRANSPARENT),
            ResizeState::Hovering | ResizeState::Dragging => Stroke::new(2.0, style.visuals.hyperlink_color),
        }
    }
}
