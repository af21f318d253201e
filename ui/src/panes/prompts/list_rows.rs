//! Rows of the list: folders that fold, prompts with what can be done with them.

use super::list::Asked;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::widgets::{self, MenuItem};
use egui::text::{LayoutJob, TextWrapping};
use egui::{Color32, Id, Rect, Role, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use glassworks_protocol::ids::PromptId;
use glassworks_protocol::prompts::{PromptRecord, share::shown_folder};
use std::collections::BTreeSet;
use std::sync::Arc;

const INDENT: f32 = 14.0;

/// A row of the list.
pub enum Line {
    Folder {
        path: String,
        depth: usize,
        open: bool,
        prompts: Vec<PromptId>,
    },
    /// `found`: by a search, or in the trash, where the folder is told beside the name.
    Prompt {
        record: Arc<PromptRecord>,
        depth: usize,
        found: bool,
    },
}

/// Rows of prompts that are in the order of their folders.
pub fn lines(prompts: &[Arc<PromptRecord>], flat: bool, closed: &BTreeSet<String>) -> Vec<Line> {
    if flat {
        let found =
            |record: &Arc<PromptRecord>| Line::Prompt { record: Arc::clone(record), depth: 0, found: true };
        return prompts.iter().map(found).collect();
    }
    let mut folders: BTreeSet<(String, String)> = BTreeSet::new();
    for record in prompts {
        let parts: Vec<&str> = record.folder.split('/').filter(|part| !part.is_empty()).collect();
        for n in 1..=parts.len() {
            let path = parts[..n].join("/");
            folders.insert((path.to_lowercase(), path));
        }
    }
    let hidden = |path: &str| {
        let above = path.match_indices('/').map(|(at, _)| &path[..at]);
        above.into_iter().any(|above| closed.contains(above))
    };
    let mut lines = Vec::new();
    for (_, path) in folders.into_iter().filter(|(_, path)| !hidden(path)) {
        let depth = path.matches('/').count();
        let open = !closed.contains(&path);
        let within = |record: &&Arc<PromptRecord>| {
            record.folder == path || record.folder.starts_with(&format!("{path}/"))
        };
        let all = prompts.iter().filter(within).map(|record| record.id).collect();
        lines.push(Line::Folder { path: path.clone(), depth, open, prompts: all });
        if open {
            let of = prompts.iter().filter(|record| record.folder == path);
            lines.extend(of.map(|record| Line::Prompt {
                record: Arc::clone(record),
                depth: depth + 1,
                found: false,
            }));
        }
    }
    let top = prompts.iter().filter(|record| record.folder.is_empty());
    lines.extend(top.map(|record| Line::Prompt { record: Arc::clone(record), depth: 0, found: false }));
    lines
}

pub fn row(ui: &mut Ui, cx: &PaneCx, line: &Line, selected: bool, trash: bool) -> Option<Asked> {
    match line {
        Line::Folder { path, depth, open, prompts } => folder_row(ui, cx, path, *depth, *open, prompts),
        Line::Prompt { record, depth, found } => {
            prompt_row(ui, cx, record, *depth as f32 * INDENT, (selected, trash, *found))
        }
    }
}

fn folder_row(
    ui: &mut Ui,
    cx: &PaneCx,
    path: &str,
    depth: usize,
    open: bool,
    prompts: &[PromptId],
) -> Option<Asked> {
    let t = cx.theme.tokens;
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), size::ROW));
    let response = ui.interact(rect, Id::unique(("prompt folder", cx.slot, path)), Sense::click());
    let name = cx.tf("prompts.folder_name", &[("path", &shown_folder(path))]);
    response.widget_info(|| WidgetInfo::selected(Role::DisclosureTriangle, true, open, &name));
    let inside = widgets::row_ground(ui, rect, false, response.hovered());
    let x = inside.left() + 10.0 + depth as f32 * INDENT;
    let y = rect.center().y;
    let caret = if open { icons::CARET_DOWN } else { icons::CARET_RIGHT };
    widgets::shape_icon(ui, pos2(x, y), caret, 12.0, false, t.text_3);
    let icon = if open { icons::FOLDER_OPEN } else { icons::FOLDER };
    widgets::shape_icon(ui, pos2(x + 18.0, y), icon, size::ICON, false, t.text_2);
    let last = path.rsplit('/').next().unwrap_or(path);
    let end = inside.right() - 34.0;
    cut(
        ui,
        Rect::from_min_max(pos2(x + 32.0, rect.top()), pos2(end, rect.bottom())),
        last,
        Weight::Medium,
        t.text_2,
    );
    let n = widgets::galley(ui, prompts.len().to_string(), Type::Hint.mono(Weight::Regular), t.text_3);
    let menu = menu_button(ui, cx, (rect, false), &response, &cx.tf("prompts.more", &[("name", &last)]));
    if menu.is_none() {
        ui.painter().galley(pos2(inside.right() - 10.0 - n.size().x, y - n.size().y / 2.0), n, t.text_3);
    }
    widgets::focus_ring(ui, &response, inside.shrink(2.0));
    let mut asked = response.clicked().then(|| Asked::Fold(path.to_owned()));
    let mut items = |ui: &mut Ui| {
        if MenuItem::new(cx.t("prompts.new_here")).icon(icons::PLUS).show(ui).clicked() {
            asked = Some(Asked::NewIn(path.to_owned()));
        }
        if MenuItem::new(cx.t("prompts.rename_folder")).icon(icons::PENCIL_SIMPLE).show(ui).clicked() {
            asked = Some(Asked::RenameFolder(path.to_owned()));
        }
        if MenuItem::new(cx.t("prompts.export_folder")).icon(icons::EXPORT).show(ui).clicked() {
            asked = Some(Asked::Export(prompts.to_vec()));
        }
    };
    if let Some(button) = menu {
        widgets::menu(&button, 200.0, &mut items);
    }
    asked
}

fn prompt_row(
    ui: &mut Ui,
    cx: &PaneCx,
    record: &PromptRecord,
    indent: f32,
    (selected, trash, found): (bool, bool, bool),
) -> Option<Asked> {
    let t = cx.theme.tokens;
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), size::ROW));
    let response = ui.interact(rect, Id::unique(("prompt row", cx.slot, record.id)), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, selected, &record.name));
    let inside = widgets::row_ground(ui, rect, selected, response.hovered());
    let x = inside.left() + 10.0 + indent;
    let menu =
        menu_button(ui, cx, (rect, selected), &response, &cx.tf("prompts.more", &[("name", &record.name)]));
    let mut end = inside.right() - if menu.is_some() { 32.0 } else { 8.0 };
    if record.draft.is_some() && menu.is_none() {
        ui.painter().circle_filled(pos2(end - 4.0, rect.center().y), 3.0, t.accent);
        end -= 14.0;
    }
    let place = Rect::from_min_max(pos2(x, rect.top()), pos2(end, rect.bottom()));
    let right = x + cut(ui, place, &record.name, Weight::Regular, t.text_1) + 8.0;
    if found && !record.folder.is_empty() && right < end - 24.0 {
        let rest = Rect::from_min_max(pos2(right, rect.top()), place.max);
        cut(ui, rest, &shown_folder(&record.folder), Weight::Regular, t.text_3);
    }
    widgets::focus_ring(ui, &response, inside.shrink(2.0));
    let mut asked = response.clicked().then_some(Asked::Open(record.id));
    if let Some(button) = menu {
        widgets::menu(&button, 200.0, |ui| {
            if let Some(what) = items(ui, cx, record.id, trash) {
                asked = Some(what);
            }
        });
    }
    asked
}

/// What can be done with a prompt.
pub fn items(ui: &mut Ui, cx: &PaneCx, id: PromptId, trash: bool) -> Option<Asked> {
    let all: &[(&str, &str, Asked)] = if trash {
        &[
            ("prompts.restore", icons::ARROW_COUNTER_CLOCKWISE, Asked::Restore(id)),
            ("prompts.delete_ask", icons::TRASH, Asked::Delete(id)),
        ]
    } else {
        &[
            ("prompts.rename", icons::PENCIL_SIMPLE, Asked::Rename(id)),
            ("prompts.duplicate", icons::COPY, Asked::Duplicate(id)),
            ("prompts.move", icons::FOLDER, Asked::Move(id)),
            ("prompts.export", icons::EXPORT, Asked::Export(vec![id])),
            ("prompts.to_trash", icons::TRASH, Asked::Trash(id)),
        ]
    };
    let mut asked = None;
    for (key, icon, what) in all {
        let item = MenuItem::new(cx.t(key)).icon(icon);
        let item = if matches!(what, Asked::Delete(_)) { item.danger() } else { item };
        if item.show(ui).clicked() {
            asked = Some(what.clone());
        }
    }
    asked
}

/// A button at the right of a row that is marked, hovered or focused, or whose menu is open.
fn menu_button(
    ui: &mut Ui,
    cx: &PaneCx,
    (rect, selected): (Rect, bool),
    row: &egui::Response,
    name: &str,
) -> Option<egui::Response> {
    let place = Rect::from_center_size(
        pos2(rect.right() - 22.0, rect.center().y),
        vec2(size::CONTROL_SMALL, size::CONTROL_SMALL),
    );
    let salt = ("menu of", cx.slot, row.id);
    let used_id = Id::unique((salt, "used"));
    let was_used = ui.data(|d| d.get_temp::<bool>(used_id)).unwrap_or_default();
    if !(selected || was_used || row.has_focus() || ui.rect_contains_pointer(rect)) {
        return None;
    }
    let mut child = ui.new_child(UiBuilder::new().id_salt(salt).max_rect(place));
    let button = widgets::icon_button(&mut child, icons::DOTS_THREE, name);
    let open = egui::Popup::is_id_open(ui.ctx(), egui::Popup::default_response_id(&button));
    let used = open || button.clicked() || button.has_focus();
    ui.data_mut(|d| d.insert_temp(used_id, used));
    Some(button)
}

/// One line in its place, cut with an ellipsis; how wide it became.
fn cut(ui: &Ui, place: Rect, text: &str, weight: Weight, ink: Color32) -> f32 {
    let mut job = LayoutJob::simple_singleline(text.to_owned(), Type::Body.font(weight), ink);
    job.wrap = TextWrapping::truncate_at_width(place.width().max(8.0));
    let galley = ui.painter().layout_job(job);
    let (width, height) = (galley.size().x, galley.size().y);
    ui.painter().galley(pos2(place.left(), place.center().y - height / 2.0), galley, ink);
    width
}
