//! Buttons: one accent button a pane at most, others as controls, quiet ones bare.

use super::paint::{focus_ring, galley, icon_galley};
use crate::theme::{self, Theme, Type, Weight, size};
use egui::text::{LayoutJob, TextWrapping};
use egui::{Color32, Galley, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};
use std::sync::Arc;

/// Between icon, words and what follows.
const GAP: f32 = 8.0;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Accent,
    Control,
    Quiet,
    Danger,
}

/// A button with words, and perhaps an icon and a shortcut.
#[must_use = "a button draws nothing until `show`"]
pub struct Button<'a> {
    text: String,
    kind: Kind,
    icon: Option<(&'a str, bool)>,
    shortcut: Option<String>,
    caret: bool,
    detail: Option<String>,
    height: f32,
    width: Option<f32>,
    selected: bool,
    off: Option<String>,
    tooltip: Option<String>,
    name: Option<String>,
}

impl<'a> Button<'a> {
    fn new(text: impl Into<String>, kind: Kind) -> Self {
        Self {
            text: text.into(),
            kind,
            icon: None,
            shortcut: None,
            caret: false,
            detail: None,
            height: size::CONTROL,
            width: None,
            selected: false,
            off: None,
            tooltip: None,
            name: None,
        }
    }

    /// The main action of a pane.
    pub fn accent(text: impl Into<String>) -> Self {
        Self::new(text, Kind::Accent)
    }

    pub fn control(text: impl Into<String>) -> Self {
        Self::new(text, Kind::Control)
    }

    /// Bare until hovered.
    pub fn quiet(text: impl Into<String>) -> Self {
        Self::new(text, Kind::Quiet)
    }

    /// What cannot be taken back.
    pub fn danger(text: impl Into<String>) -> Self {
        Self::new(text, Kind::Danger)
    }

    pub fn icon(mut self, icon: &'a str) -> Self {
        self.icon = Some((icon, false));
        self
    }

    pub fn filled_icon(mut self, icon: &'a str) -> Self {
        self.icon = Some((icon, true));
        self
    }

    /// Shown after the words, in mono.
    pub fn shortcut(mut self, shortcut: impl Into<String>) -> Self {
        self.shortcut = Some(shortcut.into());
        self
    }

    /// More words after the words, in mono and weaker: `Q4_K_M`.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// A caret at the right: it opens a menu.
    pub fn caret(mut self) -> Self {
        self.caret = true;
        self
    }

    /// 24 high, for toolbars.
    pub fn small(mut self) -> Self {
        self.height = size::CONTROL_SMALL;
        self
    }

    /// 36 high, for the one main action.
    pub fn main(mut self) -> Self {
        self.height = size::CONTROL_MAIN;
        self
    }

    /// As wide as this.
    pub fn width(mut self, width: f32) -> Self {
        self.width = Some(width);
        self
    }

    pub fn selected(mut self, selected: bool) -> Self {
        self.selected = selected;
        self
    }

    /// Disabled, saying why on hover.
    pub fn off(mut self, why: Option<String>) -> Self {
        self.off = why;
        self
    }

    pub fn tooltip(mut self, tooltip: impl Into<String>) -> Self {
        self.tooltip = Some(tooltip.into());
        self
    }

    /// What screen readers say, when it is not the words.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    pub fn show(self, ui: &mut Ui) -> Response {
        let theme = theme::of(ui);
        let enabled = self.off.is_none() && ui.is_enabled();
        let pad = if self.height > 30.0 { 16.0 } else { 12.0 };
        let weight = if self.kind == Kind::Accent { Weight::Semibold } else { Weight::Medium };
        let font = if self.height > 30.0 { Type::Prose } else { Type::Body }.font(weight);
        // Laid out in placeholder ink: the colour depends on the pointer, which depends on the size.
        let ink = Color32::PLACEHOLDER;
        let icon = self.icon.map(|(icon, fill)| icon_galley(ui, icon, size::ICON, fill, ink));
        let detail = self.detail.as_ref().map(|d| galley(ui, d, Type::Hint.mono(Weight::Regular), ink));
        let keys = self.shortcut.as_ref().map(|s| galley(ui, s, Type::Caption.mono(Weight::Regular), ink));
        let caret = self.caret.then(|| icon_galley(ui, theme::icons::CARET_DOWN, 12.0, false, ink));
        let beside: f32 =
            [&icon, &detail, &keys, &caret].into_iter().flatten().map(|g| g.size().x + GAP).sum();
        let words = (!self.text.is_empty()).then(|| {
            let room = self.width.map_or(f32::INFINITY, |w| (w - 2.0 * pad - beside).max(0.0));
            cut(ui, &self.text, font, room)
        });
        let parts = [icon, words, detail, keys, caret];
        let inner: f32 = parts.iter().flatten().map(|g| g.size().x + GAP).sum::<f32>() - GAP;
        let width = self.width.unwrap_or(inner + 2.0 * pad);
        let sense = if enabled { Sense::click() } else { Sense::hover() };
        let (rect, response) = ui.allocate_exact_size(vec2(width, self.height), sense);
        let name = self.name.as_ref().unwrap_or(&self.text);
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::Button, enabled, name);
            info.selected = self.selected.then_some(true);
            info
        });
        if ui.is_rect_visible(rect) {
            let look = self.look(&theme, &response, enabled);
            let radius = f32::from(size::RADIUS_CONTROL);
            ui.painter().rect(rect, radius, look.fill, look.line, StrokeKind::Inside);
            focus_ring(ui, &response, rect);
            let left = self.caret || inner > width - 2.0 * pad;
            paint_parts(ui, rect.shrink2(vec2(pad, 0.0)), parts, inner, left, &look);
        }
        match (self.off, self.tooltip) {
            (Some(why), _) => response.on_hover_text(why),
            (None, Some(tooltip)) => response.on_hover_text(tooltip),
            _ => response,
        }
    }

    fn look(&self, theme: &Theme, response: &Response, enabled: bool) -> Look {
        let t = &theme.tokens;
        let down = response.is_pointer_button_down_on();
        let over = response.hovered();
        let none = Stroke::NONE;
        let pick = |rest, hover, pressed| {
            if down {
                pressed
            } else if over {
                hover
            } else {
                rest
            }
        };
        if !enabled {
            let bare = self.kind == Kind::Quiet;
            let fill = if bare { Color32::TRANSPARENT } else { t.control };
            let line = if bare { none } else { Stroke::new(1.0, t.line) };
            return Look { fill, line, ink: t.text_off, weak: t.text_off };
        }
        if self.selected {
            let line = Stroke::new(1.0, t.selected_line);
            return Look { fill: t.selected, line, ink: t.accent, weak: t.text_2 };
        }
        match self.kind {
            Kind::Accent => {
                let fill = pick(t.accent, t.accent_hover, t.accent_pressed);
                Look { fill, line: none, ink: t.on_accent, weak: t.on_accent }
            }
            Kind::Control | Kind::Danger => {
                let fill = pick(t.control, t.hover, t.pressed);
                let ink = if self.kind == Kind::Danger { t.danger } else { t.text_1 };
                Look { fill, line: Stroke::new(1.0, t.line), ink, weak: t.text_2 }
            }
            Kind::Quiet => {
                let fill = pick(Color32::TRANSPARENT, t.hover, t.pressed);
                let ink = if over || down { t.text_1 } else { t.text_2 };
                Look { fill, line: none, ink, weak: t.text_2 }
            }
        }
    }
}

struct Look {
    fill: Color32,
    line: Stroke,
    ink: Color32,
    weak: Color32,
}

/// Icon, words, detail, keys and caret in a row; the caret at the right end.
fn paint_parts(ui: &Ui, rect: Rect, parts: [Option<Arc<Galley>>; 5], inner: f32, left: bool, look: &Look) {
    let mut x = if left { rect.left() } else { rect.center().x - inner / 2.0 };
    for (i, part) in parts.into_iter().enumerate() {
        let Some(part) = part else { continue };
        let ink = if matches!(i, 2 | 3) { look.weak } else { look.ink };
        if i == 4 {
            x = rect.right() - part.size().x;
        }
        let at = egui::pos2(x, rect.center().y - part.size().y / 2.0);
        x += part.size().x + GAP;
        ui.painter().galley(at, part, ink);
    }
}

/// One line, cut with an ellipsis when it is wider than `room`.
fn cut(ui: &Ui, text: &str, font: egui::FontId, room: f32) -> Arc<Galley> {
    let mut job = LayoutJob::simple_singleline(text.to_owned(), font, Color32::PLACEHOLDER);
    job.wrap = TextWrapping::truncate_at_width(room);
    ui.painter().layout_job(job)
}

/// Words in the accent colour that do something.
pub fn link(ui: &mut Ui, text: impl Into<String>) -> Response {
    let t = theme::of(ui).tokens;
    let text = text.into();
    let words = galley(ui, &text, Type::Body.font(Weight::Medium), Color32::PLACEHOLDER);
    let (rect, response) = ui.allocate_exact_size(words.size(), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Link, ui.is_enabled(), &text));
    let ink = if response.hovered() { t.accent_hover } else { t.accent };
    ui.painter().galley(rect.min, words, ink);
    focus_ring(ui, &response, rect);
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}

/// An icon alone: always with a tooltip, which is also its name.
pub fn icon_button(ui: &mut Ui, icon: &str, name: impl Into<String>) -> Response {
    icon_button_of(ui, icon, name.into(), None, false)
}

/// An icon alone that cannot be used now, with the reason.
pub fn icon_button_off(ui: &mut Ui, icon: &str, name: impl Into<String>, why: Option<String>) -> Response {
    icon_button_of(ui, icon, name.into(), why, false)
}

fn icon_button_of(ui: &mut Ui, icon: &str, name: String, off: Option<String>, selected: bool) -> Response {
    let theme = theme::of(ui);
    let t = &theme.tokens;
    let enabled = off.is_none() && ui.is_enabled();
    let sense = if enabled { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(size::CONTROL_SMALL, size::CONTROL_SMALL), sense);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, &name));
    if ui.is_rect_visible(rect) {
        let (fill, ink) = match (enabled, response.is_pointer_button_down_on(), response.hovered()) {
            (false, ..) => (Color32::TRANSPARENT, t.text_off),
            (_, true, _) => (t.pressed, t.text_1),
            (_, _, true) => (t.hover, t.text_1),
            _ => (if selected { t.selected } else { Color32::TRANSPARENT }, t.text_2),
        };
        ui.painter().rect_filled(rect, f32::from(size::RADIUS_CONTROL), fill);
        super::shape_icon(ui, rect.center(), icon, size::ICON, selected, ink);
        focus_ring(ui, &response, rect);
    }
    let text = match off {
        Some(why) => format!("{name}\n{why}"),
        None => name,
    };
    response.on_hover_text(text)
}
