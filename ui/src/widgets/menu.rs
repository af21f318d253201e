//! Menus and selects: rows with icon, words and shortcut; arrow keys move, Enter takes, Escape closes.

use super::Button;
use super::frame::floating_frame;
use super::paint::{galley, icon_galley, left_at};
use crate::theme::{self, Type, Weight, icons, size};
use egui::{Margin, Popup, PopupCloseBehavior, Response, Role, Sense, Ui, WidgetInfo, vec2};

/// A row of a menu.
#[must_use = "a row draws nothing until `show`"]
pub struct MenuItem<'a> {
    text: String,
    icon: Option<&'a str>,
    hint: Option<String>,
    shortcut: Option<String>,
    selected: Option<bool>,
    danger: bool,
    stays: bool,
    off: Option<String>,
}

impl<'a> MenuItem<'a> {
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            icon: None,
            hint: None,
            shortcut: None,
            selected: None,
            danger: false,
            stays: false,
            off: None,
        }
    }

    pub fn icon(mut self, icon: &'a str) -> Self {
        self.icon = Some(icon);
        self
    }

    /// Weaker words after the words.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn shortcut(mut self, shortcut: Option<String>) -> Self {
        self.shortcut = shortcut;
        self
    }

    /// One of several that exclude each other.
    pub fn selected(mut self, selected: bool) -> Self {
        self.selected = Some(selected);
        self
    }

    /// One of several of which any number may be on; a press leaves the menu open.
    pub fn checked(mut self, checked: bool) -> Self {
        (self.selected, self.stays) = (Some(checked), true);
        self
    }

    pub fn danger(mut self) -> Self {
        self.danger = true;
        self
    }

    /// Disabled, saying why.
    pub fn off(mut self, why: Option<String>) -> Self {
        self.off = why;
        self
    }

    pub fn show(self, ui: &mut Ui) -> Response {
        let t = theme::of(ui).tokens;
        let enabled = self.off.is_none() && ui.is_enabled();
        let ink = match (enabled, self.danger) {
            (false, _) => t.text_off,
            (_, true) => t.danger,
            _ => t.text_1,
        };
        let words = galley(ui, &self.text, Type::Body.font(Weight::Regular), ink);
        let hint = self.hint.map(|h| galley(ui, h, Type::Hint.font(Weight::Regular), t.text_3));
        let keys = self.shortcut.map(|s| galley(ui, s, Type::Caption.mono(Weight::Regular), t.text_3));
        let gutter = 32.0;
        let width = gutter
            + words.size().x
            + hint.as_ref().map_or(0.0, |g| g.size().x + 12.0)
            + keys.as_ref().map_or(0.0, |g| g.size().x + 24.0)
            + 12.0;
        let width = width.max(ui.available_width().min(640.0));
        let sense = if enabled { Sense::click() } else { Sense::hover() };
        let (rect, response) = ui.allocate_exact_size(vec2(width, 28.0), sense);
        let role = match (self.selected, self.stays) {
            (Some(_), true) => Role::MenuItemCheckBox,
            (Some(_), false) => Role::MenuItemRadio,
            (None, _) => Role::MenuItem,
        };
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(role, enabled, &self.text);
            info.selected = self.selected;
            info
        });
        if enabled && (response.hovered() || response.has_focus()) {
            ui.painter().rect_filled(rect, f32::from(size::RADIUS_TAG), t.hover);
        }
        let icon = if self.selected == Some(true) { Some(icons::CHECK) } else { self.icon };
        let y = rect.center().y;
        if let Some(icon) = icon {
            left_at(ui, rect.left() + 8.0, y, icon_galley(ui, icon, size::ICON, false, ink));
        }
        let right = left_at(ui, rect.left() + gutter, y, words);
        if let Some(hint) = hint {
            left_at(ui, right + 12.0, y, hint);
        }
        if let Some(keys) = keys {
            left_at(ui, rect.right() - 8.0 - keys.size().x, y, keys);
        }
        if response.clicked() && !self.stays {
            ui.close();
        }
        match self.off {
            Some(why) => response.on_hover_text(why),
            None => response,
        }
    }
}

/// A menu below what was clicked; `add` draws [`MenuItem`]s.
pub fn menu<R>(button: &Response, width: f32, add: impl FnOnce(&mut Ui) -> R) -> Option<R> {
    let frame = floating_frame(&button.ctx).inner_margin(Margin::same(4));
    Popup::menu(button)
        .frame(frame)
        .gap(4.0)
        .show(|ui| {
            ui.set_min_width(width);
            ui.set_max_width(width.max(160.0));
            ui.spacing_mut().item_spacing.y = 0.0;
            egui::ScrollArea::vertical().max_height(420.0).show(ui, add).inner
        })
        .map(|shown| shown.inner)
}

/// A menu where the other button of the mouse was pressed; `add` draws [`MenuItem`]s.
pub fn context_menu<R>(response: &Response, width: f32, add: impl FnOnce(&mut Ui) -> R) -> Option<R> {
    let frame = floating_frame(&response.ctx).inner_margin(Margin::same(4));
    Popup::context_menu(response)
        .frame(frame)
        .show(|ui| {
            ui.set_min_width(width);
            ui.set_max_width(width.max(160.0));
            ui.spacing_mut().item_spacing.y = 0.0;
            add(ui)
        })
        .map(|shown| shown.inner)
}

/// One of many: a control that opens a menu.
#[must_use = "a select draws nothing until `show`"]
pub struct Select<'a> {
    name: &'a str,
    width: Option<f32>,
    small: bool,
}

impl<'a> Select<'a> {
    pub fn new(name: &'a str) -> Self {
        Self { name, width: None, small: false }
    }

    pub fn width(mut self, width: f32) -> Self {
        self.width = Some(width);
        self
    }

    pub fn small(mut self) -> Self {
        self.small = true;
        self
    }

    /// `Response::changed` says whether another was chosen.
    pub fn show<T: PartialEq + Clone>(self, ui: &mut Ui, value: &mut T, options: &[(T, String)]) -> Response {
        let words = options.iter().find(|(o, _)| o == value).map_or("", |(_, w)| w.as_str());
        let mut button = Button::control(words).caret().name(format!("{}: {words}", self.name));
        if self.small {
            button = button.small();
        }
        if let Some(width) = self.width {
            button = button.width(width);
        }
        let mut response = button.show(ui);
        let mut chosen = None;
        menu(&response, response.rect.width().max(160.0), |ui| {
            for (option, words) in options {
                if MenuItem::new(words).selected(option == value).show(ui).clicked() {
                    chosen = Some(option.clone());
                }
            }
        });
        if let Some(chosen) = chosen.filter(|c| c != value) {
            *value = chosen;
            response.mark_changed();
        }
        response
    }
}

/// A popover below what was clicked that stays open while its controls are used.
pub fn popover<R>(button: &Response, width: f32, add: impl FnOnce(&mut Ui) -> R) -> Option<R> {
    let frame = floating_frame(&button.ctx).inner_margin(Margin::same(12));
    Popup::menu(button)
        .frame(frame)
        .gap(4.0)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .show(|ui| {
            ui.set_width(width);
            add(ui)
        })
        .map(|shown| shown.inner)
}

/// A popover at a place, while `open` is. `opened` says that it has been opened by the click that is being handled.
pub fn popover_at<R>(
    ui: &Ui,
    name: &str,
    place: egui::Rect,
    width: f32,
    open: &mut bool,
    opened: bool,
    add: impl FnOnce(&mut Ui) -> R,
) -> Option<R> {
    let frame = floating_frame(ui.ctx()).inner_margin(Margin::same(12));
    let close =
        if opened { PopupCloseBehavior::IgnoreClicks } else { PopupCloseBehavior::CloseOnClickOutside };
    Popup::new(ui.unique_id().with("popover"), ui.ctx().clone(), place, ui.layer_id())
        .frame(frame)
        .gap(4.0)
        .accessible_name(name)
        .open_bool(open)
        .close_behavior(close)
        .show(|ui| {
            ui.set_width(width);
            add(ui)
        })
        .map(|shown| shown.inner)
}
