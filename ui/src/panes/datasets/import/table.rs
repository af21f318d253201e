//! The first rows as they would come in, above each column what it is; below them what could not be read.

use super::ImportState;
use super::roles::role_word;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::units;
use crate::widgets::{self, Select};
use egui::{Rect, ScrollArea, Stroke, Ui, UiBuilder, pos2, vec2};
use glassworks_protocol::datasets::import::{BadRow, ImportPreview};
use glassworks_protocol::datasets::roles::TaskRow;
use glassworks_protocol::datasets::{ColumnKind, ColumnRecord, Mapping, Role, Row};
use serde_json::Value;

const NUMBER: f32 = 48.0;
const HEAD: f32 = 64.0;
const LINE: f32 = 28.0;
/// Bad rows that are listed before anything is imported.
const MOST_BAD: usize = 50;

impl ImportState {
    /// Another mapping where a role was given to another column.
    pub(super) fn table_ui(
        &mut self,
        ui: &mut Ui,
        cx: &PaneCx,
        preview: &ImportPreview,
        mapping: &Mapping,
        height: f32,
    ) -> Option<Mapping> {
        let n_bad = preview.bad.len().min(MOST_BAD);
        let bad = if n_bad == 0 { 0.0 } else { (34.0 + 22.0 * n_bad as f32).min(height * 0.35) };
        let fixed = self.into.is_some();
        let mut chosen = None;
        let width = ui.available_width();
        let widths = widths(preview, width);
        let whole = NUMBER + widths.iter().sum::<f32>();
        let rows = height - bad - 30.0;
        ScrollArea::horizontal().id_salt("import table").max_height(rows).show(ui, |ui| {
            ui.set_width(whole.max(width));
            ui.spacing_mut().item_spacing.y = 0.0;
            chosen = head_ui(ui, cx, preview, (mapping, fixed), &widths);
            let n = preview.rows.len();
            let area = ScrollArea::vertical().id_salt("import rows").max_height(rows - HEAD - 12.0);
            area.auto_shrink([false, false]).show_rows(ui, LINE, n, |ui, range| {
                for at in range {
                    row_ui(ui, cx, preview, (at, &preview.rows[at]), &widths);
                }
            });
        });
        let key = if preview.whole { "datasets.preview_all" } else { "datasets.preview_first" };
        widgets::hint(ui, cx.tf(key, &[("n", &units::grouped(preview.rows.len() as u64))]));
        if n_bad > 0 {
            bad_ui(ui, cx, preview, bad);
        }
        chosen
    }
}

/// Long texts get more room than numbers and labels.
fn widths(preview: &ImportPreview, width: f32) -> Vec<f32> {
    let long = |column: &ColumnRecord| {
        let chars = |row: &Row| cell(row.get(&column.name)).chars().count();
        preview.rows.iter().take(40).map(chars).max().unwrap_or(0)
    };
    let share = |column: &ColumnRecord| match column.kind {
        ColumnKind::Number | ColumnKind::Bool => 0.6,
        _ => (long(column) as f32 / 24.0).clamp(0.8, 4.0),
    };
    let shares: Vec<f32> = preview.columns.iter().map(share).collect();
    let unit = ((width - NUMBER) / shares.iter().sum::<f32>().max(0.1)).max(120.0);
    shares.iter().map(|share| (unit * share).clamp(120.0, 460.0)).collect()
}

fn cell(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    text.chars().take(200).map(|c| if c == '\n' || c == '\t' { ' ' } else { c }).collect()
}

/// Names of columns with what each is; another mapping where another role was chosen.
fn head_ui(
    ui: &mut Ui,
    cx: &PaneCx,
    preview: &ImportPreview,
    (mapping, fixed): (&Mapping, bool),
    widths: &[f32],
) -> Option<Mapping> {
    let t = cx.theme.tokens;
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), HEAD));
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, t.line_soft));
    let roles = TaskRow::of(mapping.task).roles();
    let mut chosen = None;
    let mut x = rect.left() + NUMBER;
    for (column, width) in preview.columns.iter().zip(widths) {
        let place = Rect::from_min_size(pos2(x, rect.top()), vec2(width - 8.0, HEAD));
        x += width;
        let mut child = ui.new_child(UiBuilder::new().id_salt(&column.name).max_rect(place));
        child.spacing_mut().item_spacing.y = 4.0;
        let now = mapping.roles.iter().find(|(_, name)| **name == column.name).map(|(role, _)| *role);
        widgets::truncated(&mut child, Type::Hint.medium(column.name.clone(), t.text_1));
        if fixed {
            let words = now.map_or_else(|| cx.t("datasets.role_none"), |role| role_word(cx, role));
            widgets::truncated(&mut child, Type::Hint.text(words, t.text_3));
            continue;
        }
        let mut options: Vec<(Option<Role>, String)> = vec![(None, cx.t("datasets.role_none"))];
        let takes = roles.iter().filter(|role| role.takes(column.kind) || now == Some(**role));
        options.extend(takes.map(|role| (Some(*role), role_word(cx, *role))));
        let name = cx.tf("datasets.role_of", &[("column", &column.name)]);
        let mut role = now;
        let select = Select::new(&name).small().width((width - 8.0).min(180.0));
        if select.show(&mut child, &mut role, &options).changed() {
            chosen = Some(given(mapping, &column.name, role));
        }
    }
    chosen
}

/// The mapping with another role for a column. What had that role has none.
fn given(mapping: &Mapping, column: &str, role: Option<Role>) -> Mapping {
    let mut mapping = mapping.clone();
    mapping.roles.retain(|_, name| name != column);
    if let Some(role) = role {
        mapping.roles.insert(role, column.to_owned());
    }
    mapping
}

fn row_ui(ui: &mut Ui, cx: &PaneCx, preview: &ImportPreview, (at, row): (usize, &Row), widths: &[f32]) {
    let t = cx.theme.tokens;
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), LINE));
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, t.line_soft));
    let number = Rect::from_min_size(rect.min, vec2(NUMBER - 12.0, LINE));
    let mono = Type::Hint.mono(Weight::Regular);
    super::super::cells::cut(ui, number, units::grouped(at as u64 + 1), mono, t.text_3, true);
    let mut x = rect.left() + NUMBER;
    for (column, width) in preview.columns.iter().zip(widths) {
        let place = Rect::from_min_size(pos2(x, rect.top()), vec2(width - 12.0, LINE));
        x += width;
        let font = Type::Body.font(Weight::Regular);
        super::super::cells::cut(ui, place, cell(row.get(&column.name)), font, t.text_2, false);
    }
}

/// What could not be read: where, why, and what stands there.
fn bad_ui(ui: &mut Ui, cx: &PaneCx, preview: &ImportPreview, height: f32) {
    let t = cx.theme.tokens;
    ui.horizontal(|ui| {
        let at = ui.cursor().left_center() + vec2(8.0, 0.0);
        widgets::shape_icon(ui, at, icons::WARNING, size::ICON_SMALL, false, t.warn);
        ui.add_space(20.0);
        let words = cx.tf("datasets.preview_bad", &[("n", &units::grouped(preview.bad.len() as u64))]);
        widgets::medium(ui, words);
    });
    ScrollArea::vertical().id_salt("import bad").max_height(height - 34.0).auto_shrink([false, true]).show(
        ui,
        |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            preview.bad.iter().take(MOST_BAD).for_each(|bad| bad_row_ui(ui, cx, bad));
        },
    );
}

fn bad_row_ui(ui: &mut Ui, cx: &PaneCx, bad: &BadRow) {
    let t = cx.theme.tokens;
    let place = cx.tf("datasets.bad_place", &[("file", &bad.file), ("row", &units::grouped(bad.row))]);
    let words = format!("{place}: {}", cx.render(&bad.reason));
    widgets::truncated(ui, Type::Hint.text(words, t.text_2))
        .on_hover_text(bad.text.chars().take(400).collect::<String>());
}
