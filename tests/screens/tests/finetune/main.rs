//! The fine-tune pane: its four states in both languages, the form and its problems, what a start sends, by label,
//! by keyboard and by image.

mod datasets;
mod goals;
mod run_only;

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;
use glassworks_protocol::dataset::{DataReport, LabelCount, RowProblem};
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::JobId;
use glassworks_protocol::machine::{DiskStatus, MemoryStatus};
use glassworks_protocol::settings::{Settings, ThemeChoice};
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::train::{
    ClassWeights, ClassificationSpec, PRESETS, StepReport, TaskSpec, TrainJob, TrainSpec,
};
use glassworks_protocol::{
    Command, Edit, Event, Failure, FailureKind, JobOutput, JobSpec, Notice, Outcome, Page, Progress, Query,
    Unit,
};
use glassworks_tests_screens::{NodeT, Queryable, Window, fixtures};
use goals::{from_scratch, sorting};
use std::sync::Arc;

const FILE: &str = "/data/tutoring.jsonl";

fn start(language: Language, theme: ThemeChoice) -> glassworks_protocol::machine::StartReport {
    let mut start = fixtures::start_on("finetune");
    start.settings.language = Some(language);
    start.settings.theme = theme;
    start.settings.last_model = Some(start.models[1].id);
    start
}

fn open(language: Language, theme: ThemeChoice) -> Window {
    settled(Window::new(start(language, theme)))
}

fn settled(mut window: Window) -> Window {
    let status = MemoryStatus { reserved_bytes: 0, resident_bytes: 1 << 30, limit_bytes: 16_535_624_090 };
    window.tell(Event::Notice(Notice::Memory(status)));
    window
}

fn english() -> Window {
    open(Language::English, ThemeChoice::Dark)
}

/// Chooses the data by typing its path: the job that looks at it, and what it was asked.
fn choose_data(window: &mut Window, path: &str) -> (JobId, TrainSpec) {
    let say = |key: &str| window.harness.state().model().language().get(key).to_owned();
    let (change, done) = (say("finetune.change_data"), say("finetune.done"));
    window.click(&change);
    window.type_text(path);
    window.key(Modifiers::NONE, Key::Enter);
    window.click(&done);
    check_of(&window.commands())
}

fn check_of(commands: &[Command]) -> (JobId, TrainSpec) {
    let check = |command: &Command| match command {
        Command::Start(id, JobSpec::CheckData(spec)) => Some((*id, (**spec).clone())),
        _ => None,
    };
    commands.iter().rev().find_map(check).expect("the data is looked at")
}

fn report() -> DataReport {
    let problem =
        |row, reason: &'static str| RowProblem { file: FILE.into(), row, reason: Text::new(reason) };
    DataReport {
        n_train: 3812,
        n_validation: 200,
        n_tokens: 502_000,
        n_targets: 206_000,
        longest: 1400,
        percentile_95: 861,
        max_length: 861,
        n_truncated: 37,
        n_left_out: 2,
        problems: vec![problem(17, "train.row.no_answer"), problem(90, "train.row.not_json")],
        labels: Vec::new(),
        hash: "cd".repeat(32),
    }
}

fn found(window: &mut Window, job: JobId) {
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::DataChecked(Arc::new(report())))));
}

/// Data chosen and read.
fn ready(mut window: Window) -> Window {
    let (job, _) = choose_data(&mut window, FILE);
    found(&mut window, job);
    window
}

fn timed(window: &mut Window, word: &str) {
    window.click(word);
    let measure = |command: &Command| match command {
        Command::Start(id, JobSpec::MeasureTraining(_)) => Some(*id),
        _ => None,
    };
    let job = window.commands().iter().find_map(measure).expect("batches are timed");
    let report =
        StepReport { n_batches: 5, n_tokens: 2600, secs: 3.5, evaluation_secs: 9.0, sample_token_secs: 0.0 };
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::TrainingMeasured(Arc::new(report)))));
}

fn started(commands: &[Command]) -> Option<(JobId, TrainSpec)> {
    commands.iter().rev().find_map(|command| match command {
        Command::Start(id, JobSpec::Train(TrainJob::New { spec, .. })) => Some((*id, (**spec).clone())),
        _ => None,
    })
}

fn is_off(window: &Window, label: &str) -> bool {
    window.harness.get_by_role_and_label(Role::Button, label).accesskit_node().is_disabled()
}

/// Types into the field of this name, in place of what stands there.
fn fill(window: &mut Window, name: &str, text: &str) {
    window.harness.get_by_role_and_label(Role::TextInput, name).focus();
    window.run();
    window.key(Modifiers::COMMAND, Key::A);
    window.key(Modifiers::NONE, Key::Backspace);
    if !text.is_empty() {
        window.type_text(text);
    }
}

#[test]
fn four_states_in_both_languages() {
    for language in Language::ALL {
        let say = |key: &str| language.get(key).to_owned();
        let mut window = open(language, ThemeChoice::Dark);
        let begin = say("finetune.start");
        for preset in &PRESETS {
            assert!(window.shows(&say(preset.label)));
        }
        assert!(window.shows(&say("finetune.no_data")) && window.shows("SmolLM2-135M-Instruct"));
        assert!(is_off(&window, &begin) && window.shows(&say("finetune.off_no_data")));

        let (job, asked) = choose_data(&mut window, FILE);
        assert_eq!(asked.data.files, [FILE].map(std::path::PathBuf::from));
        let stage = Text::new("train.stage.reading").arg("name", "tutoring.jsonl");
        let progress = Progress { stage, done: 3, total: Some(10), unit: Unit::Bytes, per_sec: None };
        window.tell(Event::Progress(job, progress));
        let title = say("finetune.title_check");
        window.harness.get_by_role_and_label(Role::ProgressIndicator, &title);
        assert!(is_off(&window, &begin) && window.shows(&say("finetune.off_reading")));

        let failure = Failure::new(FailureKind::Input, Text::new("failure.data_empty").arg("n", 9))
            .hint(Text::new("failure.data_empty_hint").arg("problems", "a.jsonl:1"));
        window.tell(Event::Settled(job, Outcome::Failed(failure)));
        assert!(window.shows(&language.format("failure.data_empty", &[("n", &9)])));
        assert!(is_off(&window, &begin) && window.shows(&say("finetune.off_bad_data")));

        window.click(&say("finetune.read_again"));
        let (job, _) = check_of(&window.commands());
        found(&mut window, job);
        assert!(!is_off(&window, &begin) && window.shows(&say("finetune.start_hint")));
        assert!(window.shows(&language.format("finetune.held_out", &[("n", &200)])));
        for key in ["fits", "steps", "disk", "tokens", "memory_activations", "time_unknown"] {
            assert!(window.shows(&say(&format!("finetune.{key}"))), "{key}");
        }
        assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
    }
}

#[test]
fn rows_that_are_left_out_are_told_by_number_and_reason() {
    let mut window = ready(english());
    assert!(window.shows("2 left out") && window.shows("37 cut"));
    window.click("Rows that cannot be used: 2");
    assert!(window.shows("tutoring.jsonl:17") && window.shows("it has no answer to learn from"));
    assert!(window.shows("tutoring.jsonl:90") && window.shows("the line is no JSON object"));
}

#[test]
fn reading_can_be_stopped_and_asked_again() {
    let mut window = english();
    let (job, _) = choose_data(&mut window, FILE);
    window.click("Stop: Reading the training data");
    assert_eq!(window.commands(), [Command::Cancel(job)]);
    window.tell(Event::Settled(job, Outcome::Cancelled));
    assert!(window.shows("The data has not been read"));
    window.click("Read the data");
    check_of(&window.commands());
}

#[test]
fn the_start_sends_exactly_the_spec_that_is_shown() {
    let mut window = ready(english());
    let model = window.harness.state().model().library.models()[1].id;
    window.click("Quick look");
    window.click("Method");
    fill(&mut window, "Rank", "24");
    fill(&mut window, "Targets", "q_proj, v_proj");
    window.click("Keep");
    fill(&mut window, "Name", "My tutor");
    assert!(window.shows("Changed from Quick look: 2"));
    window.commands();
    window.click("Start fine-tuning");
    let (job, spec) = started(&window.commands()).expect("a run is started");
    let mut shown = PRESETS[0].applied_to(&TrainSpec::default());
    shown.model = ModelSource::Library(model);
    shown.precision = window.harness.state().model().settings.precision;
    shown.data.files = vec![FILE.into()];
    shown.name = "My tutor".to_owned();
    let glassworks_protocol::train::MethodSpec::Lora(lora) = &mut shown.method else { panic!("adapters") };
    lora.rank = 24;
    lora.targets = vec!["q_proj".to_owned(), "v_proj".to_owned()];
    assert_eq!(spec, shown);

    // One at a time: the way to the run stands where the button was.
    assert!(!window.shows("Start fine-tuning"));
    window.click("Show the run");
    window.harness.get_by_role_and_label(Role::ListItem, "My tutor");
    window.show_pane("Fine-tune");
    window.tell(Event::Settled(job, Outcome::Cancelled));
    window.click("Start another");
    assert!(!is_off(&window, "Start fine-tuning"));
}

#[test]
fn problems_stand_beside_their_field_while_it_is_typed_and_are_mended() {
    let mut window = ready(english());
    window.click("Method");
    fill(&mut window, "Rank", "0");
    assert!(window.shows("must be within 1 – 1024") && window.shows("Rank: must be within 1 – 1024"));
    assert!(is_off(&window, "Start fine-tuning"));
    window.click("Use 1");
    assert!(!window.shows("must be within 1 – 1024") && !is_off(&window, "Start fine-tuning"));

    fill(&mut window, "Rank", "many");
    assert!(window.shows("This is no value for this field") && is_off(&window, "Start fine-tuning"));
    fill(&mut window, "Rank", "16");
    assert!(!is_off(&window, "Start fine-tuning"));

    fill(&mut window, "Learning rate", "2e-3");
    let words = "10 times the usual rate: likely to diverge";
    assert_eq!(window.harness.query_all_by_label(words).count(), 2, "in the form and in the list");
    assert!(!is_off(&window, "Start fine-tuning"), "it is only a warning");
    window.click("Use 2e-4");
    assert!(!window.shows(words));

    window.click("Method: LoRA adapter");
    window.click("All weights");
    assert!(window.shows("Freeze embeddings") && !window.shows("Rank"));
    fill(&mut window, "Last layers", "31");
    assert!(window.shows("the model has 30 layers"));
    window.click("Use 30");
    assert!(!is_off(&window, "Start fine-tuning"));
}

#[test]
fn what_does_not_fit_says_so_before_it_starts() {
    let mut window = ready(english());
    assert!(window.shows("Fits"));
    let status =
        MemoryStatus { reserved_bytes: 16_000_000_000, resident_bytes: 0, limit_bytes: 16_535_624_090 };
    window.tell(Event::Notice(Notice::Memory(status)));
    assert!(window.shows("Too large") && window.shows_part("Too large: needs"));
    assert!(is_off(&window, "Start fine-tuning"));
}

#[test]
fn a_quick_look_at_little_data_is_no_longer_than_the_rest() {
    let mut window = english();
    let (job, _) = choose_data(&mut window, FILE);
    let little = DataReport { n_train: 60, n_tokens: 9_000, ..report() };
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::DataChecked(Arc::new(little)))));
    window.click("Quick look");
    window.commands();
    assert!(!window.shows_part("Changed from"), "its steps are its own");
    window.click("Start fine-tuning");
    let (_, spec) = started(&window.commands()).expect("a run is started");
    assert_eq!(spec.run.steps, Some(12), "as many as Balanced takes, not 120");
}

#[test]
fn a_disk_with_too_little_room_says_so_before_it_starts() {
    let mut window = ready(english());
    let asked = |window: &mut Window| {
        window.commands().into_iter().find_map(|command| match command {
            Command::Fetch(id, Query::Disk) => Some(id),
            _ => None,
        })
    };
    // What it asked at once is lost in `ready`; it asks again after a while.
    window.host.borrow_mut().later_ms += 11_000;
    window.run();
    let id = asked(&mut window).expect("it asks");
    window.tell(Event::Fetched(id, Page::Disk(Some(DiskStatus { free_bytes: 90_000_000_000 }))));
    assert!(window.shows("90.0 GB") && !is_off(&window, "Start fine-tuning"));
    window.click("Keep");
    fill(&mut window, "Steps between kept ones", "10");
    assert!(window.shows("Checkpoints kept") && window.shows("71 of 71"));
    fill(&mut window, "Disk budget, GB", "0.2");
    assert!(!window.shows("71 of 71"), "fewer have room");
    window.host.borrow_mut().later_ms += 11_000;
    window.run();
    let id = asked(&mut window).expect("it asks now and then");
    window.tell(Event::Fetched(id, Page::Disk(Some(DiskStatus { free_bytes: 1_000_000 }))));
    assert!(window.shows_part("Not enough disk space") && is_off(&window, "Start fine-tuning"));
}

#[test]
fn own_prompts_are_written_a_line_each() {
    let mut window = ready(english());
    window.click("Checks along the way");
    window.harness.get_by_role_and_label(Role::MultilineTextInput, "Own prompts").focus();
    window.run();
    window.type_text("Who, then, is Alice?");
    window.key(Modifiers::NONE, Key::Enter);
    window.type_text("Why?");
    window.click("Start fine-tuning");
    let (_, spec) = started(&window.commands()).expect("a run is started");
    assert_eq!(spec.evaluation.prompts, ["Who, then, is Alice?", "Why?"]);
}

#[test]
fn a_picture_of_what_is_kept_and_looked_at() {
    let mut all = SnapshotResults::new();
    let mut window =
        ready(settled(Window::sized(start(Language::English, ThemeChoice::Dark), 1440.0, 1300.0, 1.0)));
    window.click("Checks along the way");
    window.click("Keep");
    window.picture(&mut all, "finetune_kept");
}

#[test]
fn time_is_told_once_it_was_measured_and_no_longer_than_it_holds() {
    let mut window = ready(english());
    assert!(window.shows("Not known until a few batches have been timed on this machine"));
    timed(&mut window, "Measure");
    assert!(window.shows("from 5 measured batches") && window.shows_part("Done at about"));
    window.click("Quick look");
    assert!(!window.shows("from 5 measured batches"), "another rank takes another time");
    window.click("Balanced");
    assert!(window.shows("from 5 measured batches"));
    window.click("Pace");
    fill(&mut window, "Epochs", "1");
    assert!(window.shows("from 5 measured batches"), "fewer steps are steps of the same kind");
}

/// A file that is let go over the window.
#[derive(Debug)]
struct Dropped(std::path::PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &std::path::Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("it is read where it lies".to_owned())
    }
}

#[test]
fn data_is_dropped_picked_or_typed_and_taken_out() {
    let mut window = english();
    window.harness.input_mut().dropped_files.push(Arc::new(Dropped("/data/story.txt".into())));
    window.run();
    let (_, asked) = check_of(&window.commands());
    assert_eq!(asked.task, TaskSpec::Text, "plain text is continued");
    assert!(window.shows("Continue the text") && window.shows("story.txt is in the training data"));

    window.click("Choose training data");
    window.click("Choose a file…: Or type the path of a file to learn from");
    let (id, request) = window.host.borrow_mut().picks.pop().expect("a dialog");
    assert!(request.filter.is_some_and(|(_, endings)| endings.contains(&"jsonl".to_owned())));
    window.host.borrow_mut().answers.push((id, Some("/data/more.txt".into())));
    window.run();
    window.click("Take out /data/story.txt");
    window.key(Modifiers::NONE, Key::Escape);
    window.host.borrow_mut().later_ms = 1000;
    let (_, asked) = check_of(&window.commands());
    assert_eq!(asked.data.files, ["/data/more.txt"].map(std::path::PathBuf::from));
}

#[test]
fn the_same_run_as_a_recipe() {
    let mut window = ready(english());
    window.click("Show as recipe");
    assert!(window.shows_part("model = \"/models/SmolLM2-135M-Instruct\""));
    assert!(window.shows_part("files = [\"/data/tutoring.jsonl\"]") && window.shows_part("rank = 16"));
    assert!(window.shows("glassworks train recipe.toml"));
    window.click("Copy the command");
    window.key(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("glassworks train recipe.toml"));
}

#[test]
fn keys_alone_choose_data_a_preset_and_start() {
    let mut window = english();
    let press = |window: &mut Window, label: &str| {
        window.harness.get_by_label(label).focus();
        window.run();
        window.key(Modifiers::NONE, Key::Enter);
    };
    press(&mut window, "Choose training data");
    window.type_text(FILE);
    window.key(Modifiers::NONE, Key::Enter);
    window.key(Modifiers::NONE, Key::Escape);
    let (job, _) = check_of(&window.commands());
    found(&mut window, job);
    press(&mut window, "Thorough");
    press(&mut window, "Start fine-tuning");
    let (_, spec) = started(&window.commands()).expect("a run is started");
    assert_eq!(spec.run.epochs, 6.0);
}

#[test]
fn the_draft_comes_back() {
    let mut window = ready(english());
    window.click("Thorough");
    window.click("Pace");
    fill(&mut window, "Epochs", "2.5");
    window.harness.state_mut().save();
    let saved = |command: Command| match command {
        Command::Edit(_, Edit::SaveSettings(settings)) => Some(*settings),
        _ => None,
    };
    let kept: Settings = window.engine.commands.try_iter().filter_map(saved).last().expect("it is stored");
    let mut again = fixtures::start();
    again.models[1] = Arc::clone(&window.harness.state().model().library.models()[1]);
    again.settings = kept;
    let mut window = Window::new(again);
    let (_, asked) = check_of(&window.commands());
    assert_eq!((asked.run.epochs, asked.data.files.len()), (2.5, 1));
    assert!(window.shows("Changed from Thorough: 1") && window.shows("tutoring.jsonl"));
}

#[test]
fn a_narrow_window_keeps_the_button_and_folds_the_rest_away() {
    let mut window =
        ready(settled(Window::sized(start(Language::English, ThemeChoice::Dark), 1024.0, 700.0, 1.0)));
    assert!(!window.shows("Steps, at most") && window.shows("Start fine-tuning"));
    window.key(Modifiers::COMMAND, Key::I);
    assert!(window.shows("Steps, at most"));
    window.key(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Steps, at most"));
}

#[test]
fn pictures() {
    let mut all = SnapshotResults::new();
    let mut window = english();
    window.picture(&mut all, "finetune-empty");
    let mut window = ready(window);
    timed(&mut window, "Measure");
    window.click("Method");
    fill(&mut window, "Learning rate", "2e-3");
    window.picture(&mut all, "finetune-ready");
    let mut window = ready(open(Language::Chinese, ThemeChoice::Light));
    window.picture(&mut all, "finetune-ready-zh-light");
    let mut window = ready(english());
    from_scratch(&mut window);
    window.click("Data handling");
    fill(&mut window, "Vocabulary", "12");
    window.picture(&mut all, "finetune-scratch");
    let mut window = ready(open(Language::Chinese, ThemeChoice::Light));
    from_scratch(&mut window);
    window.picture(&mut all, "finetune-scratch-zh-light");
    let narrow = Window::sized(start(Language::English, ThemeChoice::Dark), 1024.0, 700.0, 1.0);
    let mut window = ready(settled(narrow));
    window.picture(&mut all, "finetune-narrow");
    let mut window = sorting(english());
    window.click("Method");
    window.picture(&mut all, "finetune-labels");
}
