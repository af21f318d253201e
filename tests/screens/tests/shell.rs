//! The shell: rail, status bar, palette, toasts, themes, languages, what is kept, narrow windows.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;
use glassworks_protocol::Notice;
use glassworks_protocol::ids::ChatId;
use glassworks_protocol::machine::MemoryStatus;
use glassworks_protocol::settings::{Settings, ThemeChoice};
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Command, Edit, Event, Failure, FailureKind, JobSpec, Outcome};
use glassworks_tests_screens::{NodeT, Queryable, Window, fixtures};
use glassworks_ui::action::Toast;

/// The newest settings among commands.
fn saved(commands: &[Command]) -> Option<Settings> {
    commands.iter().rev().find_map(|c| match c {
        Command::Edit(_, Edit::SaveSettings(settings)) => Some((**settings).clone()),
        _ => None,
    })
}

fn palette(window: &mut Window, words: &str) {
    window.key(Modifiers::COMMAND, Key::P);
    window.type_text(words);
}

#[test]
fn rail_and_status_bar_are_named() {
    let window = Window::new(fixtures::start());
    for word in ["Play", "Fine-tune", "Jobs", "Settings"] {
        window.harness.get_by_role_and_label(Role::Tab, word);
    }
    window.harness.get_by_role_and_label(Role::Button, "Command palette");
    assert!(window.shows("CPU, 16 cores AVX-512, AMX"));
    assert!(window.shows("Memory 0.0 / 15.4 GiB"));
}

/// What computes is on screen, whatever it is.
#[test]
fn a_graphics_card_stands_in_the_status_bar() {
    let mut start = fixtures::start();
    start.machine.device = "CUDA".to_owned();
    let window = Window::new(start);
    window.harness.get_by_role_and_label(Role::Status, "CUDA");
    assert!(!window.shows_part("16 cores"));
}

#[test]
fn nothing_to_click_is_without_a_name() {
    for pane in ["Play", "Fine-tune", "Jobs", "Settings"] {
        let mut window = Window::new(fixtures::start());
        window.show_pane(pane);
        assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new(), "{pane}");
    }
}

#[test]
fn the_palette_works_by_keyboard_alone() {
    let mut window = Window::new(fixtures::start_on("settings"));
    palette(&mut window, "dark");
    assert!(window.shows("Theme: dark"));
    window.key(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Theme: dark"));

    palette(&mut window, "light");
    window.key(Modifiers::NONE, Key::Enter);
    let settings = saved(&window.commands()).expect("the theme is stored");
    assert_eq!(settings.theme, ThemeChoice::Light);

    // What was used last comes first, and the arrows move.
    window.key(Modifiers::COMMAND, Key::P);
    let first = window.harness.get_all_by_role(Role::ListBoxOption).next().expect("a row");
    assert_eq!(first.accesskit_node().label().as_deref(), Some("Theme: light"));
    window.key(Modifiers::NONE, Key::Escape);

    palette(&mut window, "go to");
    window.key(Modifiers::NONE, Key::ArrowDown);
    window.key(Modifiers::NONE, Key::Enter);
    assert!(window.shows("Reading datasets"), "the second pane is of datasets");
}

#[test]
fn the_palette_knows_the_other_language_and_says_when_nothing_fits() {
    let mut window = Window::new(fixtures::start());
    palette(&mut window, "深色");
    assert!(window.shows("Theme: dark"));
    window.type_text("zzzz");
    assert!(window.harness.query_by_role(Role::ListBoxOption).is_none());
}

#[test]
fn theme_language_and_zoom_change_at_once_and_are_stored() {
    let mut window = Window::new(fixtures::start());
    palette(&mut window, "简体");
    window.key(Modifiers::NONE, Key::Enter);
    window.harness.get_by_role_and_label(Role::Tab, "设置");
    assert_eq!(saved(&window.commands()).and_then(|s| s.language), Some(Language::Chinese));

    window.key(Modifiers::COMMAND, Key::Plus);
    assert_eq!(saved(&window.commands()).map(|s| s.zoom), Some(1.1));
    assert!((window.harness.ctx.zoom_factor() - 1.1).abs() < 1e-3);
    window.key(Modifiers::COMMAND, Key::Equals);
    assert_eq!(saved(&window.commands()).map(|s| s.zoom), Some(1.25));
    window.key(Modifiers::COMMAND, Key::Num0);
    assert_eq!(saved(&window.commands()).map(|s| s.zoom), Some(1.0));
}

#[test]
fn the_arrangement_is_kept() {
    let mut window = Window::new(fixtures::start_on("settings"));
    palette(&mut window, "open beside");
    window.key(Modifiers::NONE, Key::Enter);
    window.show_pane("Jobs");
    window.harness.state_mut().save();
    let kept = saved(&window.engine.commands.try_iter().collect::<Vec<_>>()).expect("it is stored");

    let mut start = fixtures::start();
    start.settings = kept;
    let mut again = Window::new(start);
    assert!(again.shows("No jobs yet") && again.shows("Search settings"), "both panes are back");
    // The first of two closes, the other one takes its place.
    again.harness.get_all_by_label("Close this pane").next().expect("a button").click();
    again.run();
    assert!(again.shows("No jobs yet") && !again.shows("Search settings"));
    assert!(!again.shows("Close this pane"));
}

#[test]
fn a_broken_arrangement_does_no_harm() {
    for broken in [
        serde_json::json!("nonsense"),
        serde_json::json!({"slots": []}),
        serde_json::json!({"slots": ["settings", "jobs", "jobs"], "focused": 9, "share": 1e300}),
        serde_json::json!({"slots": ["datasets"], "panes": {"0/settings": 3}}),
    ] {
        let mut start = fixtures::start();
        start.settings.layout = Some(broken);
        Window::new(start).harness.get_by_role_and_label(Role::Tab, "Play");
    }
}

#[test]
fn alerts_stay_until_dismissed_and_notices_go() {
    let mut window = Window::new(fixtures::start_on("jobs"));
    let failure = Failure::new(FailureKind::Io, Text::new("failure.disk_full")).detail("No space left (28)");
    window.tell(Event::Notice(Notice::Alert(failure)));
    assert!(window.shows("The disk is full"));
    window.click("Details");
    assert!(window.shows("No space left (28)"));
    window.click("Dismiss");
    assert!(!window.shows("The disk is full"));

    window.tell(Event::Notice(Notice::Info(Text::new("shell.copied"))));
    assert!(window.shows("Copied"));
    window.harness.run_steps(60 * 7);
    assert!(!window.shows("Copied"));
}

#[test]
fn an_engine_that_has_gone_is_said() {
    let mut window = Window::new(fixtures::start());
    window.tell(Event::Notice(Notice::Ended));
    assert!(window.shows("The engine has ended"));
    assert!(!window.shows("Dismiss"));
}

#[test]
fn the_status_bar_shows_what_runs_and_stops_it() {
    let mut window = Window::new(fixtures::start_on("settings"));
    let job = fixtures::run_job(&mut window, JobSpec::ImportChats { path: "/tmp/chats.json".into() });
    window.tell(Event::Notice(Notice::Memory(MemoryStatus {
        resident_bytes: 6_227_702_579,
        reserved_bytes: 0,
        limit_bytes: 16_535_624_090,
    })));
    window.tell(Event::Progress(job, fixtures::progress()));
    assert!(window.shows("412 / 717 files"));
    assert!(window.shows("Memory 5.8 / 15.4 GiB"));
    window.click("Stop: Importing chats.json");
    assert!(window.commands().contains(&Command::Cancel(job)));
    window.tell(Event::Settled(job, Outcome::Cancelled));
    assert!(!window.shows("412 / 717 files"));
}

#[test]
fn closing_asks_only_while_something_is_being_written() {
    let mut window = Window::new(fixtures::start_on("jobs"));
    assert!(window.harness.state_mut().on_close_requested());
    let job = fixtures::run_job(&mut window, JobSpec::Backup { to: "/tmp/b.tar".into(), replace: false });
    assert!(!window.harness.state_mut().on_close_requested());
    window.run();
    window.click("Keep working");
    assert!(!window.host.borrow().quit);
    assert!(!window.harness.state_mut().on_close_requested());
    window.run();
    window.click("Quit anyway");
    assert!(window.host.borrow().quit);
    assert!(window.harness.state_mut().on_close_requested());
    window.tell(Event::Settled(job, Outcome::Cancelled));
    window.harness.state_mut().save();
    assert_eq!(window.commands().last(), Some(&Command::Shutdown));
}

#[test]
fn undo_says_when_there_is_nothing() {
    let mut window = Window::new(fixtures::start_on("jobs"));
    window.key(Modifiers::COMMAND, Key::Z);
    assert!(window.shows("Nothing to undo"));
}

#[test]
fn pictures_of_the_shell() {
    let mut all = SnapshotResults::new();
    for (theme, name) in [(ThemeChoice::Dark, "dark"), (ThemeChoice::Light, "light")] {
        let mut start = fixtures::start_on("jobs");
        start.settings.theme = theme;
        let mut window = Window::new(start);
        let job =
            fixtures::run_job(&mut window, JobSpec::Backup { to: "/tmp/backup.tar".into(), replace: false });
        window.tell(Event::Progress(job, fixtures::progress()));
        palette(&mut window, "op");
        window.picture(&mut all, &format!("palette_{name}"));
    }
}

#[test]
fn a_toast_offers_to_take_it_back() {
    let mut window = Window::new(fixtures::start_on("jobs"));
    let chat = ChatId::mint();
    let toast = Toast::new(Text::new("shell.copied")).undo(Edit::RestoreChat(chat));
    let ctx = window.harness.ctx.clone();
    window.harness.state_mut().toast(toast, &ctx);
    window.run();
    window.click("Undo");
    assert!(matches!(window.commands()[..], [Command::Edit(_, Edit::RestoreChat(c))] if c == chat));
    assert!(!window.shows("Copied"));
}

#[test]
fn files_that_hover_are_awaited() {
    for pane in ["playground", "jobs"] {
        let mut window = Window::new(fixtures::start_on(pane));
        window.harness.input_mut().hovered_files.push(egui::HoveredFile::default());
        window.harness.step();
        let shapes = &window.harness.output().shapes;
        let said = shapes.iter().filter(|s| format!("{:?}", s.shape).contains("Drop a model"));
        assert_eq!(said.count(), 1, "{pane}: the window says that it takes files, once");
    }
}

#[test]
fn pictures_of_what_floats() {
    let mut all = SnapshotResults::new();
    let mut start = fixtures::start_on("settings");
    start.settings.offline = true;
    let mut window = Window::new(start);
    palette(&mut window, "open beside");
    window.key(Modifiers::NONE, Key::Enter);
    window.show_pane("Jobs");
    let job =
        fixtures::run_job(&mut window, JobSpec::Backup { to: "/tmp/backup.tar".into(), replace: false });
    window.tell(Event::Progress(job, fixtures::progress()));
    let ctx = window.harness.ctx.clone();
    let toast = Toast::new(Text::new("shell.copied")).undo(Edit::EmptyTrash);
    window.harness.state_mut().toast(toast, &ctx);
    let failure = Failure::new(FailureKind::Io, Text::new("failure.disk_full"))
        .hint(Text::new("failure.disk_full_hint"))
        .detail("os error 28");
    window.harness.state_mut().toast(Toast::failed(failure.clone()), &ctx);
    window.tell(Event::Notice(Notice::Alert(failure)));
    window.picture(&mut all, "beside_with_toasts");
}
