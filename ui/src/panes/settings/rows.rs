//! Appearance, typing, engine, privacy, folders.

use super::{PaneCx, Row, SettingsPane};
use crate::action::Action;
use crate::theme::{Type, icons, size};
use crate::units;
use crate::widgets::{self, NumberField, Select, Tone};
use egui::Ui;
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::settings::{DeviceChoice, Settings, ThemeChoice};
use glassworks_protocol::text::Language;
use std::path::Path;

const fn row(
    label: &'static str,
    hint: &'static str,
    draw: fn(&mut SettingsPane, &mut Ui, &mut PaneCx),
) -> Row {
    Row { label, hint, draw, wide: false }
}

pub(super) const APPEARANCE: &[Row] = &[
    row("settings.theme", "settings.theme_hint", theme),
    row("settings.language", "", language),
    row("settings.zoom", "settings.zoom_hint", zoom),
    row("settings.high_contrast", "settings.high_contrast_hint", |_, ui, cx| {
        switch(ui, cx, "settings.high_contrast", |s| &mut s.high_contrast);
    }),
    row("settings.reduced_motion", "settings.reduced_motion_hint", |_, ui, cx| {
        switch(ui, cx, "settings.reduced_motion", |s| &mut s.reduced_motion);
    }),
    row("settings.notify", "settings.notify_hint", |_, ui, cx| {
        switch(ui, cx, "settings.notify", |s| &mut s.notify);
    }),
];

pub(super) const TYPING: &[Row] = &[row("settings.enter_sends", "settings.enter_sends_hint", |_, ui, cx| {
    switch(ui, cx, "settings.enter_sends", |s| &mut s.enter_sends);
})];

pub(super) const ENGINE: &[Row] = &[
    row("settings.device", "", device),
    row("settings.processor", "", processor),
    row("settings.threads", "settings.threads_hint", threads),
    row("settings.precision", "", precision),
    row("settings.cache", "", cache),
    row("settings.memory", "settings.memory_hint", memory),
];

pub(super) const PRIVACY: &[Row] = &[row("settings.offline", "settings.offline_hint", |_, ui, cx| {
    switch(ui, cx, "settings.offline", |s| &mut s.offline);
})];

pub(super) const FOLDERS: &[Row] = &[
    row("settings.home", "settings.home_hint", |_, ui, cx| {
        let path = cx.model.home.clone();
        path_row(ui, cx, &path);
    }),
    row("settings.log", "settings.log_hint", |_, ui, cx| {
        let path = cx.model.log_file.clone();
        path_row(ui, cx, &path);
    }),
];

fn switch(ui: &mut Ui, cx: &mut PaneCx, key: &str, field: fn(&mut Settings) -> &mut bool) {
    let mut settings = cx.settings().clone();
    let mut on = *field(&mut settings);
    if widgets::toggle(ui, &cx.t(key), &mut on).changed() {
        cx.set(move |s| *field(s) = on);
    }
}

fn theme(_: &mut SettingsPane, ui: &mut Ui, cx: &mut PaneCx) {
    let mut choice = cx.settings().theme;
    let options = [
        (ThemeChoice::System, cx.t("settings.theme_system")),
        (ThemeChoice::Dark, cx.t("settings.theme_dark")),
        (ThemeChoice::Light, cx.t("settings.theme_light")),
    ];
    if widgets::segments(ui, &cx.t("settings.theme"), &mut choice, &options, None).changed() {
        cx.set(move |s| s.theme = choice);
    }
}

fn language(_: &mut SettingsPane, ui: &mut Ui, cx: &mut PaneCx) {
    let mut choice = cx.settings().language;
    let system = cx.model.system_language.own_name();
    let mut options = vec![(None, cx.tf("settings.language_system", &[("name", &system)]))];
    options.extend(Language::ALL.map(|l| (Some(l), l.own_name().to_owned())));
    if widgets::segments(ui, &cx.t("settings.language"), &mut choice, &options, None).changed() {
        cx.set(move |s| s.language = choice);
    }
}

fn zoom(_: &mut SettingsPane, ui: &mut Ui, cx: &mut PaneCx) {
    let mut percent = (cx.settings().zoom * 100.0).round() as u32;
    let options: Vec<(u32, String)> =
        [70, 80, 90, 100, 110, 125, 150, 175, 200].map(|p| (p, format!("{p} %"))).to_vec();
    let name = cx.t("settings.zoom");
    if Select::new(&name).width(148.0).show(ui, &mut percent, &options).changed() {
        cx.set(move |s| s.zoom = percent as f32 / 100.0);
    }
}

fn device(_: &mut SettingsPane, ui: &mut Ui, cx: &mut PaneCx) {
    let machine = &cx.model.machine;
    widgets::medium(ui, &machine.device);
    widgets::hint(ui, cx.render(&machine.device_reason));
    if machine.accelerators.is_empty() {
        return;
    }
    let at_start = machine.device_choice;
    let mut choice = cx.settings().device;
    let options = [
        (DeviceChoice::Auto, cx.t("settings.device_auto")),
        (DeviceChoice::Cpu, cx.t("settings.device_cpu")),
    ];
    if widgets::segments(ui, &cx.t("settings.device_choice"), &mut choice, &options, None).changed() {
        cx.set(move |s| s.device = choice);
    }
    if choice != at_start {
        restart_needed(ui, cx);
    }
}

fn restart_needed(ui: &mut Ui, cx: &PaneCx) {
    ui.label(Type::Hint.text(cx.t("settings.at_next_start"), cx.theme.tokens.warn));
}

fn processor(_: &mut SettingsPane, ui: &mut Ui, cx: &mut PaneCx) {
    let machine = &cx.model.machine;
    ui.vertical(|ui| {
        ui.horizontal_wrapped(|ui| {
            ui.set_min_height(size::CONTROL);
            widgets::body(ui, &machine.processor);
            for set in &machine.instruction_sets {
                widgets::tag(ui, Tone::Plain, set);
            }
        });
        if machine.instruction_sets.is_empty() {
            widgets::hint(ui, cx.t("settings.no_instruction_sets"));
        } else {
            let key = if machine.isa_capped { "settings.isa_capped" } else { "settings.isa" };
            widgets::hint(ui, cx.tf(key, &[("isa", &machine.isa)]));
        }
    });
}

fn threads(_: &mut SettingsPane, ui: &mut Ui, cx: &mut PaneCx) {
    let cores = cx.model.machine.n_physical_cores;
    let most = f64::from(cores.max(cx.model.machine.n_threads).max(1) * 2);
    let mut value = cx.settings().n_threads.map(f64::from);
    let automatic = cx.tf("settings.threads_auto", &[("n", &cores)]);
    let name = cx.t("settings.threads");
    let field = NumberField::new(&name, 1.0..=most).width(148.0).or_off(automatic);
    if field.show_opt(ui, &mut value).changed() {
        cx.set(move |s| s.n_threads = value.map(|v| v as u32));
    }
    let chosen = cx.settings().n_threads.unwrap_or(cores);
    if chosen != cx.model.machine.n_threads {
        restart_needed(ui, cx);
    }
}

fn precision(_: &mut SettingsPane, ui: &mut Ui, cx: &mut PaneCx) {
    let mut choice = cx.settings().precision;
    let options = [
        (Precision::Exact, cx.t("settings.precision_exact")),
        (Precision::Fast, cx.t("settings.precision_fast")),
    ];
    ui.vertical(|ui| {
        if widgets::segments(ui, &cx.t("settings.precision"), &mut choice, &options, None).changed() {
            cx.set(move |s| s.precision = choice);
        }
        let why = match choice {
            Precision::Exact => "settings.precision_exact_hint",
            Precision::Fast => "settings.precision_fast_hint",
        };
        ui.add_space(4.0);
        widgets::hint(ui, cx.t(why));
    });
}

fn cache(_: &mut SettingsPane, ui: &mut Ui, cx: &mut PaneCx) {
    let mut choice = cx.settings().cache;
    let options =
        [(CacheWidth::Full, cx.t("settings.cache_full")), (CacheWidth::Eight, cx.t("settings.cache_eight"))];
    ui.vertical(|ui| {
        if widgets::segments(ui, &cx.t("settings.cache"), &mut choice, &options, None).changed() {
            cx.set(move |s| s.cache = choice);
        }
        let why = match choice {
            CacheWidth::Full => "settings.cache_full_hint",
            CacheWidth::Eight => "settings.cache_eight_hint",
        };
        ui.add_space(4.0);
        widgets::hint(ui, cx.t(why));
    });
}

fn memory(_: &mut SettingsPane, ui: &mut Ui, cx: &mut PaneCx) {
    let memory = &cx.model.memory;
    let t = cx.theme.tokens;
    let fraction = memory.resident_bytes as f32 / memory.limit_bytes.max(1) as f32;
    widgets::progress_bar(ui, &cx.t("settings.memory"), 148.0, Some(fraction), t.series[1]);
    let numbers = format!("{} / {} GiB", units::gib(memory.resident_bytes), units::gib(memory.limit_bytes));
    ui.label(Type::Hint.number(numbers, t.text_1));
}

/// A path that can be marked, copied and shown in the file manager.
fn path_row(ui: &mut Ui, cx: &mut PaneCx, path: &Path) {
    let t = cx.theme.tokens;
    let text = path.display().to_string();
    ui.scope(|ui| {
        ui.set_max_width((ui.available_width() - 80.0).min(420.0));
        ui.add(egui::Label::new(Type::Hint.number(&text, t.text_1)).selectable(true).truncate());
    });
    if widgets::icon_button(ui, icons::COPY, cx.tf("settings.copy_path", &[("path", &text)])).clicked() {
        cx.copy(text.clone());
    }
    let show = cx.tf("settings.show_path", &[("path", &text)]);
    if widgets::icon_button(ui, icons::FOLDER_OPEN, show).clicked() {
        cx.push(Action::Reveal(path.to_path_buf()));
    }
}
