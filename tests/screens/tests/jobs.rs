//! The jobs pane: empty, running, ended well, failed; in both languages.

use egui::accesskit::Role;
use egui_kittest::SnapshotResults;
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Command, Event, Failure, FailureKind, JobOutput, JobSpec, Outcome};
use glassworks_tests_screens::{Queryable, Window, fixtures};

fn open(language: Language, theme: ThemeChoice) -> Window {
    let mut start = fixtures::start_on("jobs");
    start.settings.language = Some(language);
    start.settings.theme = theme;
    Window::new(start)
}

fn backup() -> JobSpec {
    JobSpec::Backup { to: "/tmp/b.tar".into(), replace: false }
}

fn failure() -> Failure {
    Failure::new(FailureKind::Io, Text::new("failure.disk_full"))
        .hint(Text::new("failure.disk_full_hint"))
        .detail("writing /tmp/b.tar: No space left on device (os error 28)")
}

#[test]
fn four_states_in_both_languages() {
    for language in Language::ALL {
        let say = |key: &str| language.get(key).to_owned();
        let mut window = open(language, ThemeChoice::Dark);
        assert!(window.shows(&say("job.none")));

        let job = fixtures::run_job(&mut window, backup());
        assert!(window.shows(&say("job.waiting")));
        window.tell(Event::Progress(job, fixtures::progress()));
        assert!(window.shows(&say("job.running")));
        let title = language.format("job.title_backup", &[("name", &"b.tar")]);
        let bars = window.harness.get_all_by_role_and_label(Role::ProgressIndicator, &title);
        assert_eq!(bars.count(), 2, "in the pane and in the status bar");

        let output = JobOutput::BackedUp { to: "/tmp/b.tar".into(), size_bytes: 12_000_000 };
        window.tell(Event::Settled(job, Outcome::Done(output)));
        assert!(window.shows(&say("job.ended")) && window.shows("12 MB"));
        window.click(&say("job.show_file"));
        assert_eq!(window.host.borrow().revealed, ["/tmp/b.tar"].map(std::path::PathBuf::from));

        let job = fixtures::run_job(&mut window, backup());
        window.tell(Event::Settled(job, Outcome::Failed(failure())));
        assert!(window.shows(&say("failure.disk_full")) && window.shows(&say("failure.disk_full_hint")));
        assert!(!window.shows_part("os error 28"), "details are folded");
        window.click(&say("shell.details"));
        assert!(window.shows_part("os error 28"));
    }
}

#[test]
fn stop_is_asked_once_and_then_waited_for() {
    let mut window = open(Language::English, ThemeChoice::Dark);
    let job = fixtures::run_job(&mut window, backup());
    window.tell(Event::Progress(job, fixtures::progress()));
    window.commands();
    let stop = "Stop: Backing up to b.tar";
    // The status bar has one of its own.
    window.harness.get_all_by_label(stop).next().expect("a button").click();
    window.run();
    assert_eq!(window.commands(), [Command::Cancel(job)]);
    assert!(window.shows("Stopping…"));
    window.tell(Event::Settled(job, Outcome::Cancelled));
    assert!(window.shows("Stopped"));
}

#[test]
fn stop_all_stops_everything() {
    let mut window = open(Language::English, ThemeChoice::Dark);
    let first = fixtures::run_job(&mut window, backup());
    let second = fixtures::run_job(&mut window, JobSpec::ImportChats { path: "/tmp/chats.json".into() });
    window.commands();
    window.click("Stop all");
    assert_eq!(window.commands(), [Command::Cancel(first), Command::Cancel(second)]);
}

#[test]
fn questions_asked_while_typing_are_not_listed() {
    let mut window = open(Language::English, ThemeChoice::Dark);
    fixtures::run_job(&mut window, JobSpec::DescribeModel { path: "/tmp/m".into() });
    assert!(window.shows("No jobs yet"));
}

#[test]
fn pictures_of_jobs() {
    let mut all = SnapshotResults::new();
    for (theme, language, name) in [
        (ThemeChoice::Dark, Language::English, "jobs_dark"),
        (ThemeChoice::Light, Language::Chinese, "jobs_light_chinese"),
    ] {
        let mut window = open(language, theme);
        if theme == ThemeChoice::Dark {
            window.picture(&mut all, "jobs_empty");
        }
        let model = window.harness.state().model().library.models()[1].id;
        let done = fixtures::run_job(&mut window, JobSpec::LoadModel(ModelSource::Library(model)));
        let card = window.harness.state().model().library.models()[1].card.clone();
        window.tell(Event::Settled(done, Outcome::Done(JobOutput::Loaded(card.into()))));
        let job = fixtures::run_job(&mut window, backup());
        window.tell(Event::Settled(job, Outcome::Failed(failure())));
        window.click(language.get("shell.details"));
        let job = fixtures::run_job(&mut window, backup());
        window.tell(Event::Settled(job, Outcome::Cancelled));
        let job = fixtures::run_job(&mut window, backup());
        window.tell(Event::Progress(job, fixtures::progress()));
        fixtures::run_job(&mut window, JobSpec::ImportChats { path: "/tmp/chats.json".into() });
        window.picture(&mut all, name);
    }
}
