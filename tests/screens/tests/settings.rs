//! The settings pane: every row in both languages, what each control stores, searching, backups.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;
use glassworks_protocol::model::Precision;
use glassworks_protocol::settings::{DeviceChoice, Settings, ThemeChoice};
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{
    Command, Edit, Event, Failure, FailureKind, JobOutput, JobSpec, Outcome, Page, Query,
};
use glassworks_tests_screens::{Queryable, Window, fixtures};
use glassworks_ui::host::FileKind;

fn open(language: Language, theme: ThemeChoice) -> Window {
    let mut start = fixtures::start_on("settings");
    start.settings.language = Some(language);
    start.settings.theme = theme;
    Window::sized(start, 1440.0, 2000.0, 1.0)
}

fn english() -> Window {
    open(Language::English, ThemeChoice::Dark)
}

fn saved(window: &mut Window) -> Settings {
    let commands = window.commands();
    let newest = commands.into_iter().rev().find_map(|c| match c {
        Command::Edit(_, Edit::SaveSettings(settings)) => Some(*settings),
        _ => None,
    });
    newest.expect("settings are stored")
}

#[test]
fn what_the_machine_has_and_what_is_in_use_are_shown() {
    let window = english();
    assert!(window.shows("AVX-512") && window.shows("AMX") && window.shows("In use: AMX"));
    let mut start = fixtures::start_on("settings");
    (start.machine.isa, start.machine.isa_capped) = ("AVX2".to_owned(), true);
    let window = Window::sized(start, 1440.0, 2000.0, 1.0);
    assert!(window.shows("AMX"), "what the machine has stays");
    assert!(window.shows("In use: AVX2, because GLASSWORKS_ISA allows no more"));
}

/// A build for graphics cards lets one choose; what computes and why is shown in any.
#[test]
fn the_device_can_be_chosen_where_there_is_a_choice() {
    let mut start = fixtures::start_on("settings");
    start.machine.device = "CUDA".to_owned();
    start.machine.device_reason = Text::new("settings.device_found").arg("name", "CUDA");
    start.machine.accelerators = vec!["CUDA".to_owned()];
    let mut window = Window::sized(start, 1440.0, 2000.0, 1.0);
    assert!(window.shows("CUDA") && window.shows("A CUDA device was found"));
    assert!(!window.shows("Takes effect at the next start"));
    window.harness.get_by_role_and_label(Role::RadioButton, "Processor").click();
    assert_eq!(saved(&mut window).device, DeviceChoice::Cpu);
    assert!(window.shows("Takes effect at the next start"));
    window.click("Automatic");
    assert_eq!(saved(&mut window).device, DeviceChoice::Auto);
    assert!(!window.shows("Takes effect at the next start"));
    assert!(!english().shows("Automatic"), "nothing to choose from");
}

#[test]
fn every_group_and_row_is_there_in_both_languages() {
    for language in Language::ALL {
        let window = open(language, ThemeChoice::Dark);
        for key in [
            "appearance",
            "theme",
            "language",
            "zoom",
            "high_contrast",
            "reduced_motion",
            "typing",
            "enter_sends",
            "engine",
            "device",
            "processor",
            "threads",
            "precision",
            "memory",
            "privacy",
            "offline",
            "folders",
            "home",
            "log",
            "backup",
            "back_up",
            "restore",
            "diagnostics",
            "report",
            "about",
            "version",
            "licence",
            "third_party",
        ] {
            let words = language.get(&format!("settings.{key}")).to_owned();
            assert!(window.shows(&words), "{words}");
        }
        assert!(window.shows(language.get("settings.device_not_built")));
        assert!(window.shows("AVX-512") && window.shows("Example Processor 9000"));
    }
}

#[test]
fn four_states_in_both_languages() {
    for language in Language::ALL {
        let say = |key: &str| language.get(key).to_owned();
        let mut window = open(language, ThemeChoice::Dark);
        let job = fixtures::run_job(&mut window, JobSpec::Backup { to: "/tmp/b.tar".into(), replace: false });
        window.tell(Event::Progress(job, fixtures::progress()));
        let title = language.format("job.title_backup", &[("name", &"b.tar")]);
        let bars = window.harness.get_all_by_role_and_label(Role::ProgressIndicator, &title);
        assert_eq!(bars.count(), 2, "in the pane and in the status bar");
        let failure = Failure::new(FailureKind::Io, Text::new("failure.disk_full"))
            .hint(Text::new("failure.disk_full_hint"));
        window.tell(Event::Settled(job, Outcome::Failed(failure)));
        assert!(window.shows(&say("failure.disk_full")) && window.shows(&say("failure.disk_full_hint")));
        let job = fixtures::run_job(&mut window, JobSpec::Backup { to: "/tmp/b.tar".into(), replace: true });
        let output = JobOutput::BackedUp { to: "/tmp/b.tar".into(), size_bytes: 2_000_000 };
        window.tell(Event::Settled(job, Outcome::Done(output)));
        let done = language.format("settings.backed_up", &[("path", &"/tmp/b.tar"), ("size", &"2 MB")]);
        assert!(window.shows(&done) && !window.shows(&say("failure.disk_full")));
        window.harness.get_by_role_and_label(Role::TextInput, &say("settings.search")).focus();
        window.run();
        window.type_text("zzzz");
        let nothing = language.format("settings.nothing_found", &[("words", &"zzzz")]);
        assert!(window.shows(&nothing) && !window.shows(&done));
    }
}

#[test]
fn each_control_stores_what_it_says() {
    let mut window = english();
    window.click("Light");
    assert_eq!(saved(&mut window).theme, ThemeChoice::Light);
    window.click("简体中文");
    assert_eq!(saved(&mut window).language, Some(Language::Chinese));
    window.click("English");
    for (name, value) in [
        ("High contrast", (|s| s.high_contrast) as fn(&Settings) -> bool),
        ("Reduced motion", |s| s.reduced_motion),
        ("Enter sends", |s| !s.enter_sends),
        ("Offline", |s| s.offline),
    ] {
        window.harness.get_by_role_and_label(Role::Switch, name).click();
        assert!(value(&saved(&mut window)), "{name}");
    }
    window.click("Exact");
    assert_eq!(saved(&mut window).precision, Precision::Exact);
    assert!(window.shows_part("Computes with 32-bit numbers"));
    window.click("Zoom: 100 %");
    window.click("125 %");
    assert_eq!(saved(&mut window).zoom, 1.25);
}

#[test]
fn threads_are_typed_and_need_a_restart() {
    let mut window = english();
    let field = window.harness.get_by_role_and_label(Role::TextInput, "Threads");
    field.focus();
    window.run();
    window.type_text("8");
    assert_eq!(saved(&mut window).n_threads, Some(8));
    assert!(window.shows("Takes effect at the next start"));
    window.type_text("x");
    assert!(window.commands().is_empty(), "what is no number is not taken");
    window.key(Modifiers::NONE, Key::Backspace);
    window.key(Modifiers::NONE, Key::Backspace);
    assert_eq!(saved(&mut window).n_threads, None);
}

#[test]
fn searching_leaves_what_fits() {
    let mut window = english();
    window.harness.get_by_role_and_label(Role::TextInput, "Search settings").focus();
    window.run();
    window.type_text("motion");
    assert!(window.shows("Reduced motion") && !window.shows("High contrast"));
    window.type_text(" sickness pills");
    assert!(window.shows("No setting is about “motion sickness pills”"));
}

#[test]
fn a_backup_is_typed_or_chosen_and_its_end_is_shown() {
    let mut window = english();
    let go = window.harness.get_by_role_and_label(Role::Button, "Back up now");
    go.click();
    window.run();
    assert!(window.commands().iter().all(|c| !matches!(c, Command::Start(..))), "nowhere to write to");

    window.harness.get_by_role_and_label(Role::TextInput, "Back up: path of the file").focus();
    window.run();
    window.type_text("~/typed.tar");
    window.click("Back up now");
    let commands = window.commands();
    let Some(Command::Start(job, JobSpec::Backup { to, replace })) = commands.last() else {
        panic!("{commands:?}")
    };
    assert_eq!((to.as_path(), *replace), (std::path::Path::new("/home/ada/typed.tar"), false));
    window.tell(Event::Progress(*job, fixtures::progress()));
    assert!(window.shows_part("412 / 717 files"));
    let output = JobOutput::BackedUp { to: to.clone(), size_bytes: 2_000_000 };
    window.tell(Event::Settled(*job, Outcome::Done(output)));
    assert!(window.shows("Written to /home/ada/typed.tar, 2 MB"));

    window.click("Back up: Choose…");
    let (id, request) = window.host.borrow().picks[0].clone();
    assert_eq!(request.kind, FileKind::Save);
    window.host.borrow_mut().answers.push((id, Some("/tmp/chosen.tar".into())));
    window.run();
    window.harness.step();
    window.click("Back up now");
    let commands = window.commands();
    assert!(
        matches!(commands.last(), Some(Command::Start(_, JobSpec::Backup { to, replace: true }))
        if to == std::path::Path::new("/tmp/chosen.tar")),
        "{commands:?}"
    );
}

#[test]
fn restoring_says_what_comes_next_or_what_went_wrong() {
    let mut window = english();
    let job = fixtures::run_job(&mut window, JobSpec::Restore { from: "/tmp/b.tar".into() });
    let failure =
        Failure::new(FailureKind::Input, Text::new("failure.io")).hint(Text::new("failure.io_hint"));
    window.tell(Event::Settled(job, Outcome::Failed(failure)));
    assert!(window.shows("Reading or writing a file failed"));
    let job = fixtures::run_job(&mut window, JobSpec::Restore { from: "/tmp/b.tar".into() });
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::RestoreReady)));
    assert!(window.shows_part("in place at the next start"));
    window.click("Quit");
    assert!(window.host.borrow().quit);
}

#[test]
fn diagnostics_wait_for_the_log_and_hold_what_a_report_needs() {
    let mut window = english();
    window.click("Copy diagnostics");
    let commands = window.commands();
    let Some(Command::Fetch(id, Query::LogTail)) = commands.last() else { panic!("{commands:?}") };
    window.engine.outbox.send(Event::Fetched(*id, Page::LogTail("opened the home folder".to_owned())));
    let mut copied = String::new();
    for _ in 0..4 {
        window.harness.step();
        for command in &window.harness.output().platform_output.commands {
            if let egui::OutputCommand::CopyText(text) = command {
                copied.clone_from(text);
            }
        }
    }
    for part in [
        "Glassworks 0.1.0",
        "Linux 6.1",
        "Example Processor 9000",
        "AVX-512",
        "\"zoom\":1.0",
        "opened the home",
    ] {
        assert!(copied.contains(part), "{part} in {copied}");
    }
}

#[test]
fn paths_are_copied_and_shown() {
    let mut window = english();
    window.click("Show /home/ada/.local/share/glassworks in the file manager");
    assert_eq!(window.host.borrow().revealed.len(), 1);
}

#[test]
fn licences_unfold() {
    let mut window = english();
    window.click("Third-party licences");
    assert!(window.shows_part("Glassworks is built from these crates"));
}

#[test]
fn pictures_of_settings() {
    let mut all = SnapshotResults::new();
    for (theme, language, name) in [
        (ThemeChoice::Dark, Language::English, "settings_dark"),
        (ThemeChoice::Light, Language::Chinese, "settings_light_chinese"),
    ] {
        let mut start = fixtures::start_on("settings");
        start.settings.language = Some(language);
        start.settings.theme = theme;
        let mut window = Window::new(start);
        window.picture(&mut all, name);
    }
    let mut start = fixtures::start_on("settings");
    start.settings.high_contrast = true;
    let mut window = Window::sized(start, 1024.0, 700.0, 2.0);
    window.picture(&mut all, "settings_narrow_2x");
}
