//! What a prompt was: its versions, what differs between any two of them, and the way back to one.

use super::{PromptsPane, Tab};
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::units;
use crate::widgets::{self, Button, Field, Select, diff, tiles};
use egui::Ui;
use glassworks_protocol::prompts::{
    PromptBody, PromptEdit, PromptQuery, PromptRecord, PromptVersion, Variable, VariableKind,
};
use glassworks_protocol::{Edit, Query};
use std::sync::Arc;

const WIDTH: f32 = 760.0;

/// One of what can be compared: a version, or what is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Version(u32),
    Now,
}

#[derive(Default)]
pub struct VersionsState {
    sides: Option<(Side, Side)>,
    /// A label while it is typed, and of which version.
    label: Option<(u32, String)>,
}

impl PromptsPane {
    pub(super) fn versions_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<PromptRecord>) {
        if !cx.model.prompts.asked_versions(record.id) {
            cx.fetch(Query::Prompt(PromptQuery::Versions(record.id)));
        }
        let Some(versions) = cx.model.prompts.versions(record.id).map(<[_]>::to_vec) else {
            widgets::working(ui, &cx.t("prompts.reading_versions"), None);
            return;
        };
        tiles::scroll(ui, "versions", 0.0, |ui| {
            ui.set_max_width(WIDTH.min(ui.available_width()));
            ui.spacing_mut().item_spacing.y = 6.0;
            self.compare(ui, cx, record, &versions);
            ui.add_space(10.0);
            widgets::semibold(ui, cx.t("prompts.all_versions"));
            for version in &versions {
                ui.push_id(version.n, |ui| self.version_row(ui, cx, record, version));
            }
        });
    }

    fn compare(&mut self, ui: &mut Ui, cx: &PaneCx, record: &PromptRecord, versions: &[Arc<PromptVersion>]) {
        let changed = self.is_changed(record);
        let mut options: Vec<(Side, String)> =
            versions.iter().map(|one| (Side::Version(one.n), title(cx, one))).collect();
        if changed {
            options.insert(0, (Side::Now, cx.t("prompts.as_written")));
        }
        let there = |side: &Side| options.iter().any(|(one, _)| one == side);
        let usual = || {
            let to = options.first().map(|(side, _)| *side)?;
            let to = if changed { to } else { Side::Version(record.version) };
            let before = if changed { record.version } else { record.version.saturating_sub(1).max(1) };
            Some((Side::Version(before), to))
        };
        let kept = self.versions.sides.filter(|(from, to)| there(from) && there(to));
        let Some((mut from, mut to)) = kept.or_else(usual) else { return };
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            let one = Select::new(&cx.t("prompts.compare_from")).width(200.0).show(ui, &mut from, &options);
            widgets::hint(ui, "→");
            let other = Select::new(&cx.t("prompts.compare_to")).width(200.0).show(ui, &mut to, &options);
            if one.changed() || other.changed() {
                self.versions.sides = Some((from, to));
            }
        });
        let body = |side: Side| match side {
            Side::Now => self.editing.as_ref().map(|editing| editing.body.tidied()),
            Side::Version(n) => versions.iter().find(|one| one.n == n).map(|one| one.body.clone()),
        };
        if let (Some(from), Some(to)) = (body(from), body(to)) {
            differences(ui, cx, &from, &to);
        }
    }

    fn version_row(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &PromptRecord, version: &PromptVersion) {
        widgets::divider(ui);
        let in_force = version.n == record.version;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            ui.set_min_height(32.0);
            widgets::mono(ui, format!("v{}", version.n));
            let name = cx.tf("prompts.label_of_version", &[("n", &version.n)]);
            let typed = self.versions.label.clone().filter(|(n, _)| *n == version.n);
            let mut text = typed.map_or_else(|| version.label.clone(), |(_, text)| text);
            let field = Field::new(&name).width(240.0).placeholder(cx.t("prompts.version_label"));
            let response = field.show(ui, &mut text);
            if response.changed() {
                self.versions.label = Some((version.n, text.clone()));
            }
            if response.lost_focus() {
                self.versions.label = None;
                if text.trim() != version.label {
                    let (prompt, version, label) = (record.id, version.n, text);
                    cx.edit(Edit::Prompt(PromptEdit::Label { prompt, version, label }));
                }
            }
            widgets::hint(ui, when(cx, version.at_ms));
            if in_force {
                widgets::tag(ui, widgets::Tone::Accent, cx.t("prompts.in_force"));
                return;
            }
            let button = Button::quiet(cx.t("prompts.take_up")).icon(icons::CLOCK_COUNTER_CLOCKWISE).small();
            let name = cx.tf("prompts.take_up_n", &[("n", &version.n)]);
            if button.name(name).show(ui).clicked() {
                self.take_up(cx, record, version);
            }
        });
    }

    /// An old version becomes the newest; what is being written is kept as one before it.
    fn take_up(&mut self, cx: &mut PaneCx, record: &PromptRecord, version: &PromptVersion) {
        self.save_version(cx, String::new());
        let label = cx.tf("prompts.taken_up", &[("n", &version.n)]);
        let body = Box::new(version.body.clone());
        cx.edit(Edit::Prompt(PromptEdit::Save { prompt: record.id, body, label }));
        if let Some(editing) = &mut self.editing {
            editing.body = version.body.clone();
        }
        self.versions.sides = None;
        self.tab = Tab::Versions;
    }
}

fn when(cx: &PaneCx, ms: i64) -> String {
    format!("{} {}", units::date(ms, cx.utc_offset_secs), units::clock(ms, cx.utc_offset_secs))
}

fn title(cx: &PaneCx, version: &PromptVersion) -> String {
    match version.label.trim() {
        "" => format!("v{}  {}", version.n, when(cx, version.at_ms)),
        label => format!("v{}  {label}", version.n),
    }
}

/// Part by part; parts that are the same are not told.
fn differences(ui: &mut Ui, cx: &PaneCx, from: &PromptBody, to: &PromptBody) {
    if from == to {
        widgets::hint(ui, cx.t("prompts.no_difference"));
        return;
    }
    for (key, before, after) in [
        ("prompts.system", from.system.clone(), to.system.clone()),
        ("prompts.text", from.text.clone(), to.text.clone()),
        ("prompts.variables", variables_text(cx, from), variables_text(cx, to)),
        ("prompts.examples", examples_text(from), examples_text(to)),
    ] {
        if before == after {
            continue;
        }
        widgets::label(ui, cx.t(key));
        widgets::well(ui, |ui| {
            ui.set_width(ui.available_width());
            let job = diff::marked(&diff::words(&before, &after), &cx.theme.tokens, ui.available_width());
            ui.add(egui::Label::new(job).selectable(true));
        });
    }
}

fn variables_text(cx: &PaneCx, body: &PromptBody) -> String {
    let line = |one: &Variable| {
        let kind = match &one.kind {
            VariableKind::Text => cx.t("prompts.kind_text"),
            VariableKind::LongText => cx.t("prompts.kind_long_text"),
            VariableKind::Number { least, most } => {
                let bound =
                    |value: &Option<f64>| value.map_or_else(|| "…".to_owned(), |value| value.to_string());
                format!("{} {} – {}", cx.t("prompts.kind_number"), bound(least), bound(most))
            }
            VariableKind::Choice(choices) => choices.join(" | "),
            VariableKind::YesNo { yes, no } => format!("{yes} | {no}"),
        };
        let label = if one.label.trim().is_empty() { String::new() } else { format!(" {}", one.label) };
        let default = if one.default.is_empty() { String::new() } else { format!(" = {}", one.default) };
        format!("{{{}}}{label}: {kind}{default}", one.name)
    };
    body.named().iter().map(line).collect::<Vec<_>>().join("\n")
}

fn examples_text(body: &PromptBody) -> String {
    let example = |(question, answer): (String, &str)| format!("{question}\n→ {answer}");
    body.shots().map(example).collect::<Vec<_>>().join("\n\n")
}
