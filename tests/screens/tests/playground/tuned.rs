//! Talking to what runs made: chosen, weighed, compared with the base, remembered.

use super::fake::{Fake, pieces, stats};
use super::{chat_start, chinese, light, open};
use egui::accesskit::Role;
use egui_kittest::SnapshotResults;
use glassworks_protocol::generate::{FinishReason, GenerateSpec, ModelSource, Reply};
use glassworks_protocol::ids::{JobId, RunId};
use glassworks_protocol::machine::StartReport;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{
    CheckpointKind, FullSpec, MethodSpec, RunPart, RunProgress, RunRecord, RunStatus, TrainJob, TunedSource,
};
use glassworks_protocol::{
    Command, Edit, Event, JobOutput, JobSpec, Outcome, Partial, Progress, Stored, Unit,
};
use glassworks_tests_screens::{NodeT, Queryable, Window, fixtures};
use std::sync::Arc;

const QUESTION: &str = "Can you help me with fractions?";

/// A done run of the chat model in `start`, its best checkpoint at step 350 of 717.
fn add(fake: &mut Fake, start: &StartReport, name: &str) -> RunId {
    let (record, kept) = fixtures::run(&start.models[1], name);
    let id = record.id;
    fake.checkpoints.extend(kept);
    fake.runs.insert(0, Arc::new(record));
    id
}

fn tutor() -> (Fake, StartReport, RunId) {
    let mut fake = Fake::default();
    fake.chat("Fractions", &[QUESTION, "Of course. Which ones?"]);
    let start = chat_start(&fake);
    let id = add(&mut fake, &start, "Patient tutor");
    (fake, start, id)
}

fn choose(window: &mut Window, fake: &mut Fake, label: &str) {
    window.harness.get_by_label_contains("Model: ").click();
    window.run();
    window.click(label);
    fake.answer(window);
}

fn asked(fake: &Fake) -> &GenerateSpec {
    let spec = |command: &Command| match command {
        Command::Start(_, JobSpec::Generate(spec)) => Some(std::ptr::from_ref(&**spec)),
        _ => None,
    };
    let last = fake.asked.iter().rev().find_map(spec).expect("a reply was asked for");
    fake.asked
        .iter()
        .find_map(|command| match command {
            Command::Start(_, JobSpec::Generate(spec)) if std::ptr::eq(&**spec, last) => Some(&**spec),
            _ => None,
        })
        .expect("the same")
}

#[test]
fn what_a_run_made_stands_under_its_base_and_answers() {
    let (mut fake, start, id) = tutor();
    let mut window = open(&mut fake, start.clone());
    window.harness.get_by_label_contains("Model: ").click();
    window.run();
    let rows = window.harness.get_all_by_role(Role::MenuItemRadio);
    let rows: Vec<String> = rows.filter_map(|row| row.accesskit_node().label()).collect();
    let base = rows.iter().position(|row| *row == start.models[1].name).expect("the base");
    assert_eq!(
        rows[base + 1..base + 3],
        ["Patient tutor, result, step 350", "Patient tutor, newest, step 717"]
    );
    window.click("Patient tutor, newest, step 717");
    fake.answer(&mut window);
    assert!(window.shows_part("Model: Patient tutor"));
    fake.replies.push_back("Let us begin with halves.");
    window.type_text("Halves, please");
    window.key(egui::Modifiers::NONE, egui::Key::Enter);
    fake.answer(&mut window);
    let part = RunPart::Checkpoint(CheckpointKind::Last);
    let spec = asked(&fake);
    assert_eq!(spec.model, ModelSource::Library(start.models[1].id));
    assert_eq!(spec.tuned, Some(TunedSource { run: id, part, strength: 1.0 }));
    assert!(window.shows("Patient tutor"), "it speaks under the run's name");
    assert!(window.shows_part("strength 1.00"));
}

#[test]
fn strength_goes_with_the_next_reply() {
    let (mut fake, start, id) = tutor();
    let mut window = open(&mut fake, start);
    choose(&mut window, &mut fake, "Patient tutor, result, step 350");
    window.harness.get_by_role_and_label(Role::Slider, "Adapter strength").focus();
    window.run();
    for _ in 0..60 {
        window.key(egui::Modifiers::NONE, egui::Key::ArrowLeft);
    }
    fake.answer(&mut window);
    fake.replies.push_back("Halves.");
    window.harness.get_by_label("Message").focus();
    window.run();
    window.type_text("Well?");
    window.key(egui::Modifiers::NONE, egui::Key::Enter);
    fake.answer(&mut window);
    let expected = TunedSource { run: id, part: RunPart::Result, strength: 0.4 };
    assert_eq!(asked(&fake).tuned, Some(expected));
}

/// Both columns get these words and end.
fn answer_both(fake: &Fake, window: &mut Window, texts: [&str; 2]) {
    for ((job, _), text) in fake.asides.iter().zip(texts) {
        let tokens = pieces(text);
        window.tell(Event::Partial(*job, Partial::Tokens { first: 0, pieces: tokens.clone() }));
        let stats = stats(tokens.len() as u32, FinishReason::EndOfText);
        let reply = Reply { text: text.to_owned(), tokens, stats };
        window.tell(Event::Settled(*job, Outcome::Done(JobOutput::Replied(Arc::new(reply)))));
    }
}

const BASE_SAYS: &str = "Sure! A fraction is a number that is written as one integer over another, a numerator over \
    a denominator. To add fractions, find a common denominator, then add the numerators.";
const TUTOR_SAYS: &str = "Gladly. Take a pizza and cut it into **two equal parts**. How much of it is one part? \
    Tell me what you think, and then we cut again.";

#[test]
fn base_and_tuned_are_asked_the_same() {
    let (mut fake, start, id) = tutor();
    let mut window = open(&mut fake, start.clone());
    assert!(!window.shows("Ask both"), "there is nothing to compare with");
    choose(&mut window, &mut fake, "Patient tutor, result, step 350");
    window.click("Ask both");
    fake.answer(&mut window);
    let [(_, base), (_, tuned)] = &fake.asides[..] else { panic!("both are asked") };
    assert_eq!((base.tuned, tuned.tuned.map(|tuned| tuned.run)), (None, Some(id)));
    assert_eq!((&base.prompt, &base.model, &base.sampling), (&tuned.prompt, &tuned.model, &tuned.sampling));
    assert!(base.sampling.seed.is_some() && base.keep.is_none() && tuned.keep.is_none());
    assert!(window.shows_part(QUESTION), "what was asked last is asked again");
    answer_both(&fake, &mut window, [BASE_SAYS, TUTOR_SAYS]);
    let before = fake.messages.len();
    window.click("Keep the answer of Patient tutor");
    fake.answer(&mut window);
    assert_eq!(fake.messages.len(), before + 1, "the question is there already");
    let kept = fake.messages.last().expect("kept");
    let record = kept.reply.as_ref().expect("with its tokens");
    assert_eq!((kept.parent, kept.text.as_str()), (Some(fake.messages[0].id), TUTOR_SAYS));
    assert_eq!(record.model.tuned.as_ref().map(|tuned| tuned.run), Some(id));
    window.click("Back to the conversation");
    assert!(!window.shows("Back to the conversation"));
}

#[test]
fn a_new_question_is_kept_once_with_both_answers() {
    let (mut fake, start, _) = tutor();
    let mut window = open(&mut fake, start);
    choose(&mut window, &mut fake, "Patient tutor, result, step 350");
    window.type_text("And thirds?");
    window.click("Ask both");
    fake.answer(&mut window);
    answer_both(&fake, &mut window, ["Thirds are 1/3.", "Cut it in three."]);
    let before = fake.messages.len();
    window.click("Keep the answer of Patient tutor");
    fake.answer(&mut window);
    window.click("Keep the answer of SmolLM2-135M-Instruct");
    fake.answer(&mut window);
    let new = &fake.messages[before..];
    assert_eq!(new.len(), 3, "a question and two answers");
    assert_eq!((new[1].parent, new[2].parent), (Some(new[0].id), Some(new[0].id)));
    assert_eq!(new[0].text, "And thirds?");
}

#[test]
fn an_answer_that_is_left_is_stopped() {
    let (mut fake, start, _) = tutor();
    let mut window = open(&mut fake, start);
    choose(&mut window, &mut fake, "Patient tutor, result, step 350");
    window.click("Ask both");
    fake.answer(&mut window);
    let jobs: Vec<JobId> = fake.asides.iter().map(|(job, _)| *job).collect();
    window.click("Back to the conversation");
    let cancelled: Vec<JobId> = window
        .commands()
        .into_iter()
        .filter_map(|command| if let Command::Cancel(job) = command { Some(job) } else { None })
        .collect();
    assert_eq!(cancelled, jobs);
}

#[test]
fn a_run_that_goes_on_is_live_and_afterwards_its_result() {
    let (mut fake, start, id) = tutor();
    let run = fake.runs[0].clone();
    let mut window = open(&mut fake, start);
    let paused = RunRecord { status: RunStatus::Running, ..(*run).clone() };
    let paused =
        RunRecord { progress: RunProgress { result: None, step: 87, ..paused.progress.clone() }, ..paused };
    let job = fixtures::run_job(&mut window, JobSpec::Train(TrainJob::Resume { run: id }));
    window.tell(Event::Stored(Stored::Run(Arc::new(paused))));
    let stage = Text::new("train.stage.training");
    let progress = Progress { stage, done: 87, total: Some(717), unit: Unit::Steps, per_sec: Some(0.4) };
    window.tell(Event::Progress(job, progress));
    choose(&mut window, &mut fake, "Patient tutor, live, step 87");
    assert!(window.shows_part("Still training: each reply uses the adapter after the newest step"));
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::Trained(run))));
    window.run();
    fake.replies.push_back("Halves.");
    window.harness.get_by_label("Message").focus();
    window.run();
    window.type_text("Well?");
    window.key(egui::Modifiers::NONE, egui::Key::Enter);
    fake.answer(&mut window);
    assert_eq!(asked(&fake).tuned, Some(TunedSource { run: id, part: RunPart::Result, strength: 1.0 }));
}

#[test]
fn whole_weights_have_no_strength() {
    let (mut fake, start, _) = tutor();
    Arc::make_mut(&mut fake.runs[0]).spec.method = MethodSpec::Full(FullSpec::default());
    let mut window = open(&mut fake, start);
    choose(&mut window, &mut fake, "Patient tutor, newest, step 717");
    assert!(window.shows("Its own weights, so there is no strength to choose"));
    assert!(!window.shows("Adapter strength"));
}

#[test]
fn what_is_gone_is_said() {
    let (mut fake, start, id) = tutor();
    let mut window = open(&mut fake, start.clone());
    choose(&mut window, &mut fake, "Patient tutor, newest, step 717");
    fake.replies.push_back("Halves.");
    window.type_text("Well?");
    window.key(egui::Modifiers::NONE, egui::Key::Enter);
    fake.answer(&mut window);
    assert!(!window.shows("The run is gone"));
    window.tell(Event::Stored(Stored::RunDeleted(id)));
    window.run();
    assert!(window.shows("The run is gone"));
    assert!(window.shows_part("Patient tutor"), "its name is remembered");
    assert!(window.shows_part("Model: SmolLM2"), "the base answers from now on");
}

#[test]
fn an_adapter_of_other_weights_warns() {
    let (mut fake, mut start, _) = tutor();
    Arc::make_mut(&mut start.models[1]).card.content_hash = "cd".repeat(32);
    Arc::make_mut(&mut fake.runs[0]).progress.base_hash = "ef".repeat(32);
    let mut window = open(&mut fake, start);
    choose(&mut window, &mut fake, "Patient tutor, result, step 350");
    assert!(window.shows_part("was trained on other weights than this model has now"));
}

#[test]
fn hundreds_of_runs_are_searched() {
    let (mut fake, start, _) = tutor();
    for i in 0..300 {
        add(&mut fake, &start, &format!("Run {i:03}"));
    }
    let mut window = open(&mut fake, start);
    window.harness.get_by_label_contains("Model: ").click();
    window.run();
    let rows = window.harness.get_all_by_role(Role::MenuItemRadio).count();
    assert!(rows < 24, "only the rows in sight are drawn: {rows}");
    window.harness.get_by_role_and_label(Role::TextInput, "Model or run").focus();
    window.run();
    window.type_text("run 123");
    assert!(window.shows("Run 123, result, step 350") && !window.shows("Run 124, result, step 350"));
}

#[test]
fn pictures_of_tuned_models() {
    let mut all = SnapshotResults::new();
    for (name, change, width) in [
        ("playground-compare", (|start| start) as fn(StartReport) -> StartReport, 1440.0),
        ("playground-compare-zh-light-narrow", |start| light(chinese(start)), 1024.0),
    ] {
        let (mut fake, start, _) = tutor();
        let start = change(start);
        let language = start.settings.language.unwrap_or(glassworks_protocol::text::Language::English);
        let mut window = Window::sized(start, width, 900.0, 1.0);
        fake.answer(&mut window);
        let part = language.format(
            "playground.part_step",
            &[("part", &language.get("playground.part_result")), ("step", &"350")],
        );
        let row = language.format("playground.part_row", &[("name", &"Patient tutor"), ("part", &part)]);
        let button = language.format("playground.model_button", &[("name", &"SmolLM2"), ("state", &"")]);
        let begin = button.split("SmolLM2").next().unwrap_or_default().to_owned();
        window.harness.get_by_label_contains(&begin).click();
        window.run();
        if width > 1400.0 {
            window.picture(&mut all, "playground-pick-tuned");
        }
        window.click(&row);
        fake.answer(&mut window);
        window.click(language.get("playground.compare"));
        fake.answer(&mut window);
        answer_both(&fake, &mut window, [BASE_SAYS, TUTOR_SAYS]);
        window.picture(&mut all, name);
    }
}

#[test]
fn edits_of_a_kept_answer_can_be_taken_back() {
    let (mut fake, start, _) = tutor();
    let mut window = open(&mut fake, start);
    choose(&mut window, &mut fake, "Patient tutor, result, step 350");
    window.click("Ask both");
    fake.answer(&mut window);
    answer_both(&fake, &mut window, ["One.", "Two."]);
    window.click("Keep the answer of Patient tutor");
    fake.answer(&mut window);
    window.click("Undo");
    let undone =
        window.commands().into_iter().any(|command| matches!(command, Command::Edit(_, Edit::Undo(_))));
    assert!(undone);
}
