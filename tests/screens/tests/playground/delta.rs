//! Replies that are read again: by another model, coloured by the difference, and by their own in Exact.

use super::fake::{Fake, pieces};
use super::{chat_start, chinese, light, open};
use egui::{Key, Modifiers, vec2};
use egui_kittest::SnapshotResults;
use glassworks_protocol::generate::{ModelSource, Prompt, TokenPiece};
use glassworks_protocol::ids::JobId;
use glassworks_protocol::inside::{InsideJob, Subject};
use glassworks_protocol::machine::StartReport;
use glassworks_protocol::model::Precision;
use glassworks_protocol::score::ScoreReport;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Command, Event, Failure, FailureKind, JobOutput, JobSpec, Outcome};
use glassworks_tests_screens::{Queryable, Window};
use std::sync::Arc;

const REPLY: &str = "Good question! Sand is thousands of grains.";

fn written(precision: Precision) -> (Fake, StartReport) {
    let mut fake = Fake::default();
    fake.chat("Glass", &["Why?", REPLY]);
    let message = fake.messages.last_mut().map(Arc::make_mut).expect("a reply");
    message.reply.as_mut().expect("with tokens").model.precision = precision;
    let mut start = chat_start(&fake);
    Arc::make_mut(&mut start.models[0]).card.content_hash = "cd".repeat(32);
    (fake, start)
}

/// The same words, each likelier or less likely by so many nats in turn.
fn report(tokens: &[TokenPiece], by: &[f32], same_tokens: bool) -> ScoreReport {
    let changed = tokens.iter().enumerate().map(|(i, token)| TokenPiece {
        logprob: (token.logprob + by[i % by.len()]).min(-0.001),
        ..token.clone()
    });
    ScoreReport {
        tokens: changed.collect(),
        same_tokens,
        n_prompt: 20,
        n_dropped: 0,
        precision: Precision::Exact,
        tuned_step: None,
    }
}

fn done(window: &mut Window, job: JobId, report: ScoreReport) {
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::Scored(Arc::new(report)))));
}

fn menu(window: &mut Window, language: Language) {
    window.click(language.get("compare.more"));
}

fn n_fast(window: &Window) -> usize {
    window.harness.get_all_by_label("Fast").count()
}

#[test]
fn another_model_reads_the_same_words() {
    let (mut fake, start) = written(Precision::Exact);
    let mut window = open(&mut fake, start.clone());
    assert_eq!(n_fast(&window), 1, "only in the panel of settings");
    menu(&mut window, Language::English);
    assert!(!window.shows("Recheck exactly"), "Exact's numbers are exact");
    window.click("Starter");
    fake.answer(&mut window);
    let [(job, spec)] = &fake.scores[..] else { panic!("one reading: {:?}", fake.scores) };
    let (job, spec) = (*job, spec.clone());
    assert_eq!((spec.model, spec.precision), (ModelSource::Library(start.models[0].id), Precision::Exact));
    let said: String = spec.reply.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(said, REPLY);
    let Prompt::Chat { turns, .. } = &spec.prompt else { panic!("turns") };
    assert_eq!(turns.iter().map(|turn| turn.content.as_str()).collect::<Vec<_>>(), ["Why?"]);
    assert!(window.shows("Under Starter"));
    done(&mut window, job, report(&pieces(REPLY), &[-0.5, 0.25], true));
    let chips = "Tokens of the reply, coloured by the difference to Starter";
    assert!(window.shows(chips));
    // Seven tokens: four lose half a nat each, three win a quarter where there is room.
    assert!(window.shows_part("Δ −"), "the sum of all");
    window.focus(chips);
    for key in [Key::ArrowRight, Key::ArrowRight, Key::Enter] {
        window.key(Modifiers::NONE, key);
    }
    assert!(window.shows_part("Difference: +") && window.shows_part("SmolLM2-135M-Instruct: 0."), "the card");
    window.key(Modifiers::NONE, Key::Escape);
    assert!(!window.shows_part("Difference: "));
    window.click("Back to the text");
    assert!(!window.shows(chips));
}

#[test]
fn what_was_written_fast_is_measured_again_first() {
    let (mut fake, start) = written(Precision::Fast);
    let mut window = open(&mut fake, start.clone());
    assert_eq!(n_fast(&window), 2, "a badge");
    menu(&mut window, Language::English);
    window.click("Starter");
    fake.answer(&mut window);
    let [(own, by_own), (other, by_other)] = &fake.scores[..] else { panic!("two readings") };
    let (own, other) = (*own, *other);
    assert_eq!(by_own.model, ModelSource::Library(start.models[1].id), "the one that wrote it");
    assert_eq!(by_other.model, ModelSource::Library(start.models[0].id));
    done(&mut window, other, report(&pieces(REPLY), &[-0.5], true));
    assert!(!window.shows_part("coloured by the difference"), "only with both");
    done(&mut window, own, report(&pieces(REPLY), &[0.0], true));
    assert!(window.shows_part("coloured by the difference"));
}

#[test]
fn a_recheck_shows_exact_numbers_and_how_far_they_were() {
    let (mut fake, start) = written(Precision::Fast);
    let mut window = open(&mut fake, start);
    menu(&mut window, Language::English);
    window.click("Recheck exactly");
    fake.answer(&mut window);
    let job = fake.scores[0].0;
    done(&mut window, job, report(&pieces(REPLY), &[-0.01, 0.0], true));
    assert!(window.shows("Rechecked in Exact"));
    assert!(window.shows_part("nats a token apart"));
    assert!(window.shows("Tokens of the reply, rechecked in Exact"));
}

#[test]
fn other_tokens_are_laid_beside_by_their_words() {
    let (mut fake, start) = written(Precision::Exact);
    let mut window = open(&mut fake, start);
    menu(&mut window, Language::English);
    window.click("Starter");
    fake.answer(&mut window);
    let mut tokens = pieces("Good quest");
    tokens.extend(pieces("ion! Sand is thousands of grains."));
    let job = fake.scores[0].0;
    done(&mut window, job, report(&tokens, &[-0.5], false));
    assert!(window.shows_part("splits the text in other tokens"));
    let chips = "Tokens of the reply, coloured by the difference to Starter";
    window.click_inside(chips, vec2(70.0, 12.0));
    assert!(window.shows_part("Starter: ·quest │ ion!"), "how it is split");
}

#[test]
fn a_reading_that_fails_says_why_and_one_that_is_left_is_stopped() {
    let (mut fake, start) = written(Precision::Exact);
    let mut window = open(&mut fake, start);
    menu(&mut window, Language::English);
    window.click("Starter");
    fake.answer(&mut window);
    let text = Text::new("failure.memory").arg("what", "Starter").arg("needed", "12.4").arg("free", "9.6");
    let failure = Failure::new(FailureKind::Memory, text).hint(Text::new("failure.memory_hint"));
    let job = fake.scores[0].0;
    window.tell(Event::Settled(job, Outcome::Failed(failure)));
    assert!(window.shows(Language::English.get("failure.memory_hint")));
    menu(&mut window, Language::English);
    window.click("Starter");
    fake.answer(&mut window);
    window.click("Back to the text");
    let second = fake.scores[1].0;
    assert!(window.commands().contains(&Command::Cancel(second)));
}

/// What the attention pane was asked to look into.
fn looked_into(window: &mut Window) -> glassworks_protocol::inside::CaptureSpec {
    let capture = |command: &Command| match command {
        Command::Start(_, JobSpec::Inside(InsideJob::Capture(spec))) => Some((**spec).clone()),
        _ => None,
    };
    window.commands().iter().find_map(capture).expect("a capture was started")
}

#[test]
fn a_reply_and_a_question_are_looked_into() {
    let (mut fake, start) = written(Precision::Exact);
    let mut window = open(&mut fake, start.clone());
    menu(&mut window, Language::English);
    super::actions::click_nth(&mut window, "Look inside", 1);
    let spec = looked_into(&mut window);
    assert_eq!(spec.model, ModelSource::Library(start.models[1].id), "the one that wrote it");
    let Subject::Text { prompt: Prompt::Chat { turns, .. }, reply, .. } = spec.subject else {
        panic!("a reply")
    };
    assert_eq!(turns.iter().map(|turn| turn.content.as_str()).collect::<Vec<_>>(), ["Why?"]);
    let expected: Vec<(u32, String)> =
        pieces(REPLY).into_iter().map(|piece| (piece.id, piece.text)).collect();
    assert_eq!(reply, expected, "its own tokens");
    assert!(window.shows("Attention") && window.shows_part("Reading “Reply: Good question!"));
    let mut window = open(&mut fake, start);
    super::actions::click_nth(&mut window, "Look inside", 0);
    let Subject::Text { prompt: Prompt::Chat { turns, .. }, reply, .. } = looked_into(&mut window).subject
    else {
        panic!("a question")
    };
    assert_eq!((turns.len(), reply.len()), (1, 0));
}

#[test]
fn pictures_of_differences() {
    let mut all = SnapshotResults::new();
    for (name, change) in [
        ("", (|start| start) as fn(StartReport) -> StartReport),
        ("-zh-light", |start| light(chinese(start))),
    ] {
        let mut fake = super::images::glass();
        let reply = fake.messages.iter().position(|message| message.text == super::images::REPLY);
        let reply = reply.expect("the reply");
        let message = Arc::make_mut(&mut fake.messages[reply]);
        message.reply.as_mut().expect("tokens").model.precision = Precision::Fast;
        let mut start = change(chat_start(&fake));
        Arc::make_mut(&mut start.models[0]).card.content_hash = "cd".repeat(32);
        let language = start.settings.language.unwrap_or_default();
        let mut window = open(&mut fake, start);
        let n = window.harness.get_all_by_label(language.get("compare.more")).count();
        super::actions::click_nth(&mut window, language.get("compare.more"), n - 1);
        if name.is_empty() {
            window.picture(&mut all, "delta-menu");
        }
        window.click("Starter");
        fake.answer(&mut window);
        let tokens = pieces(super::images::REPLY);
        let by = [-0.3, 0.1, -2.4, 0.0, 1.4, -0.1, 2.9, -4.0, 0.2, 0.7];
        let jobs: Vec<JobId> = fake.scores.iter().map(|(job, _)| *job).collect();
        done(&mut window, jobs[0], report(&tokens, &[0.0], true));
        done(&mut window, jobs[1], report(&tokens, &by, true));
        let chips = language.format("compare.delta_chips", &[("name", &"Starter")]);
        window.click_inside(&chips, vec2(70.0, 60.0));
        window.picture(&mut all, &format!("delta{name}"));
    }
}
