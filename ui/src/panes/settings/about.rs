//! Diagnostics to copy into a report, the version, the licences.

use super::{PaneCx, Row, SettingsPane};
use crate::action::Action;
use crate::theme::{Type, icons};
use crate::widgets::{self, Button};
use egui::{Ui, vec2};
use glassworks_protocol::Query;
use std::fmt::Write as _;

pub(super) const DIAGNOSTICS: &[Row] = &[Row {
    label: "settings.report",
    hint: "settings.report_hint",
    draw: |pane, ui, cx| {
        if Button::control(cx.t("settings.copy_diagnostics")).icon(icons::COPY).show(ui).clicked() {
            pane.wants_diagnostics = true;
            cx.fetch(Query::LogTail);
        }
    },
    wide: false,
}];

pub(super) const ABOUT: &[Row] = &[
    Row { label: "settings.version", hint: "", draw: version, wide: false },
    Row { label: "settings.licence", hint: "settings.licence_hint", draw: licence, wide: false },
    Row { label: "settings.third_party", hint: "settings.third_party_hint", draw: third_party, wide: true },
];

/// What the program is built from, and under which licences.
const THIRD_PARTY: &str = include_str!("../../../../assets/licences/THIRD-PARTY.txt");
/// Licences of what is not code.
const ASSET_LICENCES: [(&str, &str); 5] = [
    ("Inter", include_str!("../../../../assets/fonts/Inter-OFL.txt")),
    ("JetBrains Mono", include_str!("../../../../assets/fonts/JetBrainsMono-OFL.txt")),
    ("Noto Sans SC", include_str!("../../../../assets/fonts/NotoSansSC-OFL.txt")),
    ("Phosphor", include_str!("../../../../assets/icons/Phosphor-LICENSE.txt")),
    ("Starter", include_str!("../../../../assets/starter/NOTICE")),
];

/// Copies the diagnostics once the log has come.
pub(super) fn copy_when_there(pane: &mut SettingsPane, cx: &mut PaneCx) {
    if pane.wants_diagnostics
        && let Some(log) = &cx.model.log_tail
    {
        pane.wants_diagnostics = false;
        let text = diagnostics(cx, log);
        cx.copy(text);
    }
}

/// Version, system, machine, settings and the end of the log; nothing a person wrote to a model.
fn diagnostics(cx: &PaneCx, log: &str) -> String {
    let machine = &cx.model.machine;
    let settings = glassworks_protocol::settings::Settings { layout: None, ..cx.settings().clone() };
    let mut out = String::new();
    // Writing into a String cannot fail.
    let _written = write!(
        out,
        "Glassworks {}\nSystem: {}\nProcessor: {}, {} cores, {} threads, {}\nDevice: {}\nMemory: {} of {} bytes, \
         {} reserved\nLanguage: {:?}\nSettings: {}\n\nLog:\n{log}\n",
        cx.model.version,
        cx.system,
        machine.processor,
        machine.n_physical_cores,
        machine.n_threads,
        machine.instruction_sets.join(" "),
        machine.device,
        cx.model.memory.resident_bytes,
        cx.model.memory.limit_bytes,
        cx.model.memory.reserved_bytes,
        cx.language,
        serde_json::to_string(&settings).unwrap_or_default(),
    );
    out
}

fn version(_: &mut SettingsPane, ui: &mut Ui, cx: &mut PaneCx) {
    let t = cx.theme.tokens;
    widgets::logo(ui, 20.0);
    widgets::medium(ui, "Glassworks");
    ui.label(Type::Hint.number(&cx.model.version, t.text_1));
    widgets::hint(ui, cx.system);
}

fn licence(_: &mut SettingsPane, ui: &mut Ui, _: &mut PaneCx) {
    widgets::body(ui, "MIT OR Apache-2.0");
}

fn third_party(pane: &mut SettingsPane, ui: &mut Ui, cx: &mut PaneCx) {
    let t = cx.theme.tokens;
    let summary = cx.t("settings.third_party_hint");
    let name = cx.t("settings.third_party");
    widgets::fold(ui, &name, &summary, &mut pane.licences_open, |ui| {
        ui.add_space(4.0);
        let lines: Vec<&str> = lines();
        widgets::well(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing = vec2(8.0, 0.0);
            let area = egui::ScrollArea::both().id_salt("licences").max_height(360.0).auto_shrink(false);
            area.show_rows(ui, 16.0, lines.len(), |ui, range| {
                for line in &lines[range] {
                    let text = Type::Caption.number(*line, t.text_2);
                    ui.add(egui::Label::new(text).selectable(true).extend());
                }
            });
        });
        ui.add_space(4.0);
        if Button::quiet(cx.t("shell.copy")).icon(icons::COPY).show(ui).clicked() {
            cx.push(Action::Copy(lines.join("\n")));
        }
    });
}

fn lines() -> Vec<&'static str> {
    let mut lines: Vec<&str> = THIRD_PARTY.lines().collect();
    for (name, text) in ASSET_LICENCES {
        lines.extend(["", name, ""]);
        lines.extend(text.lines());
    }
    lines
}
