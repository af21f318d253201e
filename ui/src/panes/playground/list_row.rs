//! A row of the list: title, what is in it, what can be done with it.

use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::widgets::{self, MenuItem, icon_button};
use egui::{Align, Key, Layout, Popup, Rect, Response, Role, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use glassworks_protocol::chat::{ChatKind, ChatSummary};

const HEIGHT: f32 = 50.0;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Open,
    Rename,
    Trash,
    Export,
    Restore,
    Delete,
}

pub fn show(ui: &mut Ui, cx: &PaneCx, row: &ChatSummary, selected: bool, trashed: bool) -> Option<Asked> {
    let t = cx.theme.tokens;
    let (outer, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::click());
    let title = super::list::title(cx, &row.title, row.kind);
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, selected, &title));
    let rect = outer.shrink2(vec2(6.0, 1.0));
    let over = ui.rect_contains_pointer(outer);
    let active = over || response.has_focus() || selected;
    let fill = match (selected, over) {
        (true, _) => t.selected,
        (_, true) => t.hover,
        _ => egui::Color32::TRANSPARENT,
    };
    if ui.is_rect_visible(outer) {
        ui.painter().rect_filled(rect, f32::from(size::RADIUS_CONTROL), fill);
        let room = rect.width() - 24.0 - if active { 28.0 } else { 0.0 };
        let at = rect.min + vec2(12.0, 5.0);
        cut(ui, &title, Type::Body.font(Weight::Medium), t.text_1, at, room);
        let under = row.excerpt.clone().unwrap_or_else(|| detail(cx, row));
        cut(ui, &under, Type::Hint.font(Weight::Regular), t.text_3, at + vec2(0.0, 20.0), room);
        widgets::focus_ring(ui, &response, rect.shrink(3.0));
    }
    if !ui.is_rect_visible(outer) && !response.has_focus() {
        return None;
    }
    let mut asked = menu(ui, cx, rect, &response, &title, active, trashed);
    if response.clicked() {
        asked = Some(if trashed { Asked::Restore } else { Asked::Open });
    }
    if response.double_clicked() && !trashed {
        asked = Some(Asked::Rename);
    }
    if response.has_focus() {
        let pressed = |key| ui.input(|i| i.key_pressed(key));
        if pressed(Key::F2) && !trashed {
            asked = Some(Asked::Rename);
        } else if pressed(Key::Delete) {
            asked = Some(if trashed { Asked::Delete } else { Asked::Trash });
        }
    }
    asked
}

/// The menu at the right of the row, which a right click opens as well.
fn menu(
    ui: &mut Ui,
    cx: &PaneCx,
    rect: Rect,
    response: &Response,
    title: &str,
    active: bool,
    trashed: bool,
) -> Option<Asked> {
    let place = Rect::from_center_size(pos2(rect.right() - 18.0, rect.center().y), vec2(24.0, 24.0));
    let mut child =
        ui.new_child(UiBuilder::new().max_rect(place).layout(Layout::left_to_right(Align::Center)));
    if !active {
        child.set_opacity(0.0);
    }
    let dots = icon_button(&mut child, icons::DOTS_THREE, cx.tf("playground.row_menu", &[("name", &title)]));
    let mut asked = None;
    let mut items = |ui: &mut Ui| {
        let entries: &[(Asked, &str, &str, Option<&str>)] = if trashed {
            &[
                (Asked::Restore, "playground.restore", icons::ARROW_COUNTER_CLOCKWISE, None),
                (Asked::Delete, "playground.delete", icons::TRASH, Some("Del")),
            ]
        } else {
            &[
                (Asked::Rename, "playground.rename", icons::PENCIL_SIMPLE, Some("F2")),
                (Asked::Export, "playground.export", icons::EXPORT, None),
                (Asked::Trash, "playground.move_to_trash", icons::TRASH, Some("Del")),
            ]
        };
        for (what, key, icon, shortcut) in entries {
            let item = MenuItem::new(cx.t(key)).icon(icon).shortcut(shortcut.map(str::to_owned));
            if item.show(ui).clicked() {
                asked = Some(*what);
            }
        }
    };
    widgets::menu(&dots, 200.0, &mut items);
    Popup::context_menu(response).frame(widgets::popover_frame(ui).inner_margin(4)).show(|ui| {
        ui.set_min_width(200.0);
        ui.spacing_mut().item_spacing.y = 0.0;
        items(ui);
    });
    asked
}

/// `SmolLM2 · 4 messages`, `6 messages · 3 branches`.
fn detail(cx: &PaneCx, row: &ChatSummary) -> String {
    let mut parts = Vec::new();
    if row.kind == ChatKind::Completion {
        parts.push(cx.t("playground.completion"));
    } else if row.n_branches < 2
        && let Some(name) = &row.model_name
    {
        parts.push(name.split(['-', '_', ' ']).next().unwrap_or(name).to_owned());
    }
    if row.n_messages == 0 {
        parts.push(cx.t("playground.draft"));
        return parts.join(" · ");
    }
    let key = if row.n_messages == 1 { "playground.one_message" } else { "playground.n_messages" };
    parts.push(cx.tf(key, &[("n", &row.n_messages)]));
    if row.n_branches > 1 {
        parts.push(cx.tf("playground.n_branches", &[("n", &row.n_branches)]));
    }
    parts.join(" · ")
}

fn cut(ui: &Ui, text: &str, font: egui::FontId, ink: egui::Color32, at: egui::Pos2, width: f32) {
    let line = text.replace('\n', " ");
    let mut job = egui::text::LayoutJob::simple_singleline(line, font, ink);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width);
    let galley = ui.painter().layout_job(job);
    ui.painter().galley(at, galley, ink);
}
