//! What the rows are for, and what is missing for that.

use super::quiet;
use crate::panes::PaneCx;
use crate::theme::{Type, icons, size};
use crate::widgets::{self, Select};
use egui::Ui;
use glassworks_protocol::datasets::import::ImportPreview;
use glassworks_protocol::datasets::roles::TASKS;
use glassworks_protocol::datasets::{DataTask, Mapping, Role};

/// What a role is called.
pub fn role_word(cx: &PaneCx, role: Role) -> String {
    cx.t(match role {
        Role::Messages => "datasets.role_messages",
        Role::System => "datasets.role_system",
        Role::Prompt => "datasets.role_prompt",
        Role::Input => "datasets.role_input",
        Role::Completion => "datasets.role_completion",
        Role::Chosen => "datasets.role_chosen",
        Role::Rejected => "datasets.role_rejected",
        Role::Text => "datasets.role_text",
        Role::Label => "datasets.role_label",
        Role::Spans => "datasets.role_spans",
        Role::Tokens => "datasets.role_tokens",
        Role::Tags => "datasets.role_tags",
        Role::Context => "datasets.role_context",
        Role::Question => "datasets.role_question",
        Role::Answers => "datasets.role_answers",
        Role::Source => "datasets.role_source",
        Role::Target => "datasets.role_target",
        Role::Group => "datasets.role_group",
    })
}

/// The task, and whether its roles are given; another mapping when another task was chosen.
pub fn task_ui(ui: &mut Ui, cx: &PaneCx, preview: &ImportPreview, mapping: &Mapping) -> Option<Mapping> {
    let mut chosen = None;
    ui.horizontal(|ui| {
        ui.set_min_height(size::CONTROL);
        widgets::label(ui, cx.t("datasets.import_task"));
        let tasks: Vec<(DataTask, String)> =
            TASKS.iter().map(|row| (row.task, super::super::list::task_word(cx, row.task))).collect();
        let mut task = mapping.task;
        if Select::new(&cx.t("datasets.task")).width(220.0).show(ui, &mut task, &tasks).changed() {
            chosen = Some(Mapping::guess_for(task, &preview.columns));
        }
        missing_ui(ui, cx, mapping);
    });
    chosen
}

/// What columns are missing for the task, in words.
pub fn missing_ui(ui: &mut Ui, cx: &PaneCx, mapping: &Mapping) {
    let t = cx.theme.tokens;
    let missing = mapping.missing();
    if missing.is_empty() {
        widgets::shape_icon(
            ui,
            ui.cursor().left_center() + egui::vec2(8.0, 0.0),
            icons::CHECK,
            size::ICON_SMALL,
            false,
            t.ok,
        );
        ui.add_space(20.0);
        quiet(ui, cx, cx.t("datasets.roles_complete"));
        return;
    }
    let roles: Vec<String> = missing.iter().map(|role| role_word(cx, *role)).collect();
    let words = cx.tf("datasets.roles_missing", &[("roles", &roles.join(", "))]);
    widgets::truncated(ui, Type::Hint.text(words, t.warn));
}
