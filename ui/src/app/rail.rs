//! The rail at the left: the mark, the panes, badges.

use super::App;
use crate::action::Action;
use crate::command::UiCommand;
use crate::panes::{PANES, PaneKind};
use crate::theme::{self, Type, Weight, icons, size};
use crate::widgets::{self, MenuItem};
use egui::{Align, Layout, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

const CELL: f32 = 50.0;

impl App {
    pub(super) fn rail(&mut self, ui: &mut Ui) {
        ui.spacing_mut().item_spacing.y = 0.0;
        let (_, rect) = ui.allocate_space(vec2(size::RAIL, 46.0));
        widgets::paint_logo(ui, Rect::from_center_size(rect.center(), vec2(26.0, 26.0)));
        for pane in PANES.iter().filter(|p| !p.low) {
            self.rail_cell(ui, pane);
        }
        ui.with_layout(Layout::bottom_up(Align::Min), |ui| {
            ui.add_space(4.0);
            for pane in PANES.iter().rev().filter(|p| p.low) {
                self.rail_cell(ui, pane);
            }
        });
    }

    fn rail_cell(&mut self, ui: &mut Ui, pane: &PaneKind) {
        let theme = theme::of(ui);
        let t = &theme.tokens;
        let (rect, response) = ui.allocate_exact_size(vec2(size::RAIL, CELL), Sense::click());
        let shown = self.layout.focused() == pane.id;
        let word = theme.t(pane.key);
        response.widget_info(|| WidgetInfo::selected(Role::Tab, true, shown, &word));
        let cell = rect.shrink2(vec2(3.0, 1.0));
        let ink = match (shown, response.hovered()) {
            (true, _) | (_, true) => t.text_1,
            _ => t.text_3,
        };
        if shown || response.hovered() {
            let fill = if shown { t.raised } else { t.hover };
            ui.painter().rect_filled(cell, f32::from(size::RADIUS_CONTROL), fill);
        }
        if shown {
            let bar = Rect::from_min_size(pos2(rect.left(), rect.center().y - 12.0), vec2(2.0, 24.0));
            ui.painter().rect_filled(bar, 1.0, t.accent);
        }
        let icon_ink = if shown { t.accent } else { ink };
        let at = pos2(rect.center().x, rect.top() + 18.0);
        widgets::shape_icon(ui, at, pane.icon, size::ICON_RAIL, shown, icon_ink);
        let words = widgets::galley(ui, &word, Type::Rail.font(Weight::Medium), ink);
        ui.painter().galley(pos2(rect.center().x - words.size().x / 2.0, rect.top() + 31.0), words, ink);
        let n = (pane.badge)(&self.model);
        if n > 0 {
            badge(ui, pos2(rect.center().x + 11.0, rect.top() + 10.0), n);
        }
        if response.has_focus() {
            let line = Stroke::new(2.0, t.accent);
            ui.painter().rect_stroke(cell, f32::from(size::RADIUS_CONTROL), line, StrokeKind::Inside);
        }
        if response.clicked() {
            let beside = ui.input(|i| i.modifiers.command);
            self.actions.push(if beside { Action::Beside(pane.id) } else { Action::Show(pane.id) });
        }
        response.context_menu(|ui| {
            let item = MenuItem::new(theme.t("shell.cmd_open_beside")).icon(icons::COLUMNS);
            let keys = UiCommand::OpenBeside.keys(ui.ctx());
            let own = self.layout.focused() == pane.id;
            if item.shortcut(keys.filter(|_| own)).show(ui).clicked() {
                self.actions.push(Action::Beside(pane.id));
            }
        });
    }
}

fn badge(ui: &Ui, center: egui::Pos2, n: usize) {
    let t = theme::of(ui).tokens;
    let text = if n > 9 { "9+".to_owned() } else { n.to_string() };
    ui.painter().circle(center, 7.0, t.warm, Stroke::new(1.5, t.window));
    let words = widgets::galley(ui, text, Type::Rail.mono(Weight::Semibold), t.window);
    ui.painter().galley(center - words.size() / 2.0, words, t.window);
}
