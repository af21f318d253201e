//! What a person can set, in groups that can be searched.

mod about;
mod backup;
mod bench;
mod rows;

use super::{Pane, PaneCx};
use crate::theme::{self, Theme, Type, Weight, icons, size};
use crate::widgets::{self, tiles};
use backup::BackupForms;
use egui::{Role, Sense, Ui, WidgetInfo, vec2};
use glassworks_protocol::ids::ModelId;

/// The widest the form gets.
const WIDTH: f32 = 860.0;

/// A row: what it is called, what it explains, how it is drawn.
pub(super) struct Row {
    pub label: &'static str,
    /// Empty for none.
    pub hint: &'static str,
    pub draw: fn(&mut SettingsPane, &mut Ui, &mut PaneCx),
    /// Drawn across the whole width, without a label.
    pub wide: bool,
}

/// Rows under one heading.
pub(super) struct Group {
    pub key: &'static str,
    pub icon: &'static str,
    pub rows: &'static [Row],
}

const GROUPS: &[Group] = &[
    Group { key: "settings.appearance", icon: icons::SUN, rows: rows::APPEARANCE },
    Group { key: "settings.typing", icon: icons::KEYBOARD, rows: rows::TYPING },
    Group { key: "settings.engine", icon: icons::CPU, rows: rows::ENGINE },
    Group { key: "settings.bench", icon: icons::LIGHTNING, rows: bench::ROWS },
    Group { key: "settings.privacy", icon: icons::SHIELD_CHECK, rows: rows::PRIVACY },
    Group { key: "settings.folders", icon: icons::FOLDER, rows: rows::FOLDERS },
    Group { key: "settings.backup", icon: icons::HARD_DRIVES, rows: backup::ROWS },
    Group { key: "settings.diagnostics", icon: icons::BUG, rows: about::DIAGNOSTICS },
    Group { key: "settings.about", icon: icons::INFO, rows: about::ABOUT },
];

#[derive(Default)]
pub struct SettingsPane {
    search: String,
    sizes: tiles::TileSizes,
    /// The group to scroll to.
    go_to: Option<usize>,
    /// The group at the top of what is shown.
    at: usize,
    backup: BackupForms,
    /// Picked for a benchmark.
    bench_model: Option<ModelId>,
    licences_open: bool,
    /// Diagnostics were asked for and the log has not come yet.
    wants_diagnostics: bool,
}

impl Pane for SettingsPane {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        about::copy_when_there(self, cx);
        let list = !cx.folds_inspector();
        let columns = tiles::columns(ui, &mut self.sizes, list, false);
        if let Some(rect) = columns.list {
            tiles::tile(ui, "groups", rect, |ui| self.groups(ui, &cx.theme));
        }
        tiles::tile(ui, "main", columns.main, |ui| {
            if !list {
                let name = cx.t("settings.search");
                let title = cx.t("shell.pane_settings");
                tiles::header(
                    ui,
                    |ui| {
                        widgets::search_field(ui, &name, 240.0, &mut self.search);
                    },
                    |ui| {
                        widgets::title(ui, title);
                    },
                );
            }
            tiles::scroll(ui, "settings", 0.0, |ui| {
                ui.set_max_width(WIDTH.min(ui.available_width()));
                self.form(ui, cx);
                ui.add_space(ui.clip_rect().height() * 0.4);
            });
        });
    }
}

impl SettingsPane {
    fn groups(&mut self, ui: &mut Ui, theme: &Theme) {
        tiles::header(
            ui,
            |_| {},
            |ui| {
                widgets::title(ui, theme.t("shell.pane_settings"));
            },
        );
        egui::Frame::new().inner_margin(8).show(ui, |ui| {
            let name = theme.t("settings.search");
            widgets::search_field(ui, &name, ui.available_width(), &mut self.search);
        });
        for (i, group) in GROUPS.iter().enumerate() {
            let here = self.search.is_empty() && i == self.at;
            if group_line(ui, &theme.t(group.key), group.icon, here) {
                self.search.clear();
                self.go_to = Some(i);
            }
        }
    }

    fn form(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let search = self.search.trim().to_lowercase();
        let go_to = self.go_to.take();
        let top = ui.clip_rect().top();
        let mut at = 0;
        let mut any = false;
        for (i, group) in GROUPS.iter().enumerate() {
            let name = cx.t(group.key);
            let whole = search.is_empty() || name.to_lowercase().contains(&search);
            let rows: Vec<&Row> = group
                .rows
                .iter()
                .filter(|row| {
                    let has = |key: &str| !key.is_empty() && cx.t(key).to_lowercase().contains(&search);
                    whole || has(row.label) || has(row.hint)
                })
                .collect();
            if rows.is_empty() {
                continue;
            }
            any = true;
            let heading = widgets::title(ui, name);
            if go_to == Some(i) {
                heading.scroll_to_me(Some(egui::Align::TOP));
            }
            if heading.rect.top() < top + 120.0 {
                at = i;
            }
            ui.add_space(4.0);
            for row in rows {
                self.row(ui, cx, row);
            }
            ui.add_space(20.0);
        }
        self.at = at;
        if !any {
            widgets::label(ui, cx.tf("settings.nothing_found", &[("words", &self.search)]));
        }
    }

    fn row(&mut self, ui: &mut Ui, cx: &mut PaneCx, row: &Row) {
        let label = cx.t(row.label);
        let hint = if row.hint.is_empty() { String::new() } else { cx.t(row.hint) };
        ui.push_id(row.label, |ui| {
            if row.wide {
                (row.draw)(self, ui, cx);
            } else {
                widgets::form_row(ui, &label, &hint, |ui| (row.draw)(self, ui, cx));
            }
        });
        ui.add_space(2.0);
    }
}

/// A line of the list of groups. Says whether it was clicked.
fn group_line(ui: &mut Ui, name: &str, icon: &str, selected: bool) -> bool {
    let t = theme::of(ui).tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), size::ROW), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, selected, name));
    let cell = rect.shrink2(vec2(6.0, 1.0));
    if selected || response.hovered() {
        let fill = if selected { t.selected } else { t.hover };
        ui.painter().rect_filled(cell, f32::from(size::RADIUS_CONTROL), fill);
    }
    let y = rect.center().y;
    let ink = if selected { t.text_1 } else { t.text_2 };
    widgets::shape_icon(ui, egui::pos2(cell.left() + 16.0, y), icon, size::ICON, selected, ink);
    let words = widgets::galley(ui, name, Type::Body.font(Weight::Medium), ink);
    ui.painter().galley(egui::pos2(cell.left() + 34.0, y - words.size().y / 2.0), words, ink);
    widgets::focus_ring(ui, &response, cell.shrink(3.0));
    response.clicked()
}
