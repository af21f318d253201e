//! What a dataset was: its versions, what is different between two of them, and the way back to one.

use super::{DatasetsPane, list};
use crate::model::Told;
use crate::panes::PaneCx;
use crate::theme::{Type, icons, size};
use crate::units;
use crate::widgets::{self, Button, Field, Select, Tone, diff, tiles};
use egui::{Align, Label, Layout, Ui, vec2};
use glassworks_protocol::datasets::edit::{RowDiff, VersionDiff, VersionRecord};
use glassworks_protocol::datasets::{DatasetEdit, DatasetQuery, DatasetRecord, Row};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Edit, Query};
use serde_json::Value;
use std::sync::Arc;

const WIDTH: f32 = 820.0;

#[derive(Default)]
pub struct VersionsState {
    /// What is compared; `None` at the right: the present.
    sides: Option<(u32, Option<u32>)>,
    label: String,
}

impl DatasetsPane {
    pub(super) fn versions_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<DatasetRecord>) {
        if cx.model.datasets.wants_versions(record) {
            cx.fetch(Query::Dataset(DatasetQuery::Versions(record.id)));
        }
        let Some(versions) = cx.model.datasets.versions(record.id).map(<[_]>::to_vec) else {
            ui.add_space(24.0);
            ui.vertical_centered(|ui| widgets::hint(ui, cx.t("datasets.reading_versions")));
            return;
        };
        tiles::scroll(ui, "versions", 0.0, |ui| {
            ui.set_max_width(WIDTH.min(ui.available_width()));
            ui.spacing_mut().item_spacing.y = 6.0;
            self.keep_ui(ui, cx, record);
            widgets::section(ui, cx.t("datasets.compare"));
            self.compare_ui(ui, cx, record, &versions);
            widgets::section(ui, cx.t("datasets.all_versions"));
            for version in &versions {
                ui.push_id(version.n, |ui| version_row(ui, cx, record, version));
            }
        });
    }

    /// The present as a version, under a name.
    fn keep_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &DatasetRecord) {
        ui.horizontal(|ui| {
            let name = cx.t("datasets.version_label");
            let field = Field::new(&name).width(260.0).placeholder(&name);
            let response = field.show(ui, &mut self.versions.label);
            let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
            let button = Button::control(cx.t("datasets.keep_version")).icon(icons::FLOPPY_DISK);
            if button.show(ui).clicked() || entered {
                let label = std::mem::take(&mut self.versions.label).trim().to_owned();
                cx.edit(Edit::Dataset(DatasetEdit::KeepVersion { dataset: record.id, label }));
            }
        });
    }

    fn compare_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        record: &DatasetRecord,
        versions: &[VersionRecord],
    ) {
        let there = |n: u32| versions.iter().any(|version| version.n == n);
        let kept = self.versions.sides.filter(|(from, to)| there(*from) && to.is_none_or(there));
        let usual = || versions.first().map(|newest| (newest.n, None));
        let Some((mut from, mut to)) = kept.or_else(usual) else { return };
        let named: Vec<(u32, String)> = versions.iter().map(|one| (one.n, title(cx, one))).collect();
        let mut ends = vec![(None, cx.t("datasets.the_present"))];
        ends.extend(named.iter().map(|(n, words)| (Some(*n), words.clone())));
        ui.horizontal_wrapped(|ui| {
            let one = Select::new(&cx.t("datasets.compare_from")).width(260.0).show(ui, &mut from, &named);
            widgets::hint(ui, "→");
            let other = Select::new(&cx.t("datasets.compare_to")).width(260.0).show(ui, &mut to, &ends);
            if one.changed() || other.changed() {
                self.versions.sides = Some((from, to));
            }
        });
        match cx.model.datasets.compared(record.id, from, to).cloned() {
            None => cx.fetch(Query::Dataset(DatasetQuery::Compare { dataset: record.id, from, to })),
            Some(Told::Asked) => drop(widgets::hint(ui, cx.t("datasets.comparing"))),
            Some(Told::Failed(failure)) => {
                let again = Button::control(cx.t("datasets.ask_again")).icon(icons::ARROW_CLOCKWISE);
                if widgets::failed_line(ui, &failure, Some(again)) {
                    cx.fetch(Query::Dataset(DatasetQuery::Compare { dataset: record.id, from, to }));
                }
            }
            Some(Told::Known(diff)) => difference_ui(ui, cx, &diff),
        }
    }
}

/// What made it at the left; how many rows, when, and the way back to it at the right, below each other in all rows.
fn version_row(ui: &mut Ui, cx: &mut PaneCx, record: &DatasetRecord, version: &VersionRecord) {
    widgets::divider(ui);
    let room = vec2(ui.available_width(), size::CONTROL + 6.0);
    let mut restored = false;
    ui.allocate_ui_with_layout(room, Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_width(room.x);
        let button = Button::quiet(cx.t("datasets.restore_version")).icon(icons::CLOCK_COUNTER_CLOCKWISE);
        let name = cx.tf("datasets.restore_version_n", &[("n", &version.n)]);
        restored = button.small().name(name).show(ui).clicked();
        ui.add_space(4.0);
        widgets::hint(ui, when(cx, version.at_ms));
        ui.add_space(4.0);
        widgets::mono(ui, list::n_rows(cx, version.n_rows));
        ui.add_space(4.0);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            widgets::mono(ui, format!("v{}", version.n));
            if version.n == record.version {
                widgets::tag(ui, Tone::Accent, cx.t("datasets.stands_on"));
            }
            if !version.label.is_empty() {
                widgets::medium(ui, version.label.as_str());
            }
            widgets::truncated(ui, Type::Body.text(cx.render(&version.what), cx.theme.tokens.text_2));
        });
    });
    if restored {
        let edit = DatasetEdit::RestoreVersion { dataset: record.id, version: version.n };
        cx.edit(Edit::Dataset(edit));
        let text = Text::new("datasets.version_restored").arg("n", version.n);
        let undo = Edit::Dataset(DatasetEdit::Undo(record.id));
        cx.toast(crate::action::Toast::new(text).icon(icons::CLOCK_COUNTER_CLOCKWISE).undo(undo));
    }
}

fn when(cx: &PaneCx, ms: i64) -> String {
    format!("{} {}", units::date(ms, cx.utc_offset_secs), units::clock(ms, cx.utc_offset_secs))
}

fn title(cx: &PaneCx, version: &VersionRecord) -> String {
    let words = match version.label.trim() {
        "" => cx.render(&version.what),
        label => label.to_owned(),
    };
    format!("v{}  {words}", version.n)
}

/// How many rows are other ones, and the first of them word by word.
fn difference_ui(ui: &mut Ui, cx: &PaneCx, diff: &VersionDiff) {
    let parts = [
        (diff.n_removed, "datasets.diff_removed"),
        (diff.n_changed, "datasets.diff_changed"),
        (diff.n_added, "datasets.diff_added"),
        (diff.n_moved, "datasets.diff_moved"),
    ];
    let told: Vec<String> = parts
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, key)| cx.tf(key, &[("n", &units::grouped(n))]))
        .collect();
    if told.is_empty() {
        widgets::hint(ui, cx.t("datasets.no_difference"));
        return;
    }
    widgets::label(ui, told.join(" · "));
    for row in &diff.rows {
        ui.push_id(row.row.0, |ui| row_ui(ui, cx, row));
    }
    let all = diff.n_removed + diff.n_changed + diff.n_added;
    if all > diff.rows.len() as u64 {
        let n = units::grouped(diff.rows.len() as u64);
        widgets::hint(ui, cx.tf("datasets.diff_first", &[("n", &n)]));
    }
}

fn row_ui(ui: &mut Ui, cx: &PaneCx, row: &RowDiff) {
    let t = cx.theme.tokens;
    let n = units::grouped(u64::from(row.row.0) + 1);
    ui.label(Type::Hint.text(cx.tf("datasets.row_title", &[("row", &n)]), t.text_3));
    widgets::well(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 4.0;
        for (column, before, after) in columns(row) {
            ui.label(Type::Hint.text(column, t.text_3));
            let job = diff::marked(&diff::words(&before, &after), &t, ui.available_width());
            ui.add(Label::new(job).selectable(true));
        }
    });
}

/// The columns in which both sides differ.
fn columns(row: &RowDiff) -> Vec<(String, String, String)> {
    let none = Row::new();
    let (before, after) = (row.before.as_ref().unwrap_or(&none), row.after.as_ref().unwrap_or(&none));
    let mut names: Vec<&String> = before.keys().collect();
    names.extend(after.keys().filter(|name| !before.contains_key(*name)));
    let text = |row: &Row, name: &str| match row.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => serde_json::to_string_pretty(other).unwrap_or_default(),
    };
    let sides = names.into_iter().map(|name| (name.clone(), text(before, name), text(after, name)));
    sides.filter(|(_, before, after)| before != after).collect()
}
