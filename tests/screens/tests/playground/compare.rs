//! Compare: columns asked the same, what each has of its own, rounds, blind votes and their score.

use super::fake::{Fake, pieces, stats};
use super::{chat_start, chinese, first_start, light, open};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;
use glassworks_protocol::chat::Role as Speaker;
use glassworks_protocol::generate::{FinishReason, ModelSource, Prompt, Reply, SamplingPreset};
use glassworks_protocol::ids::JobId;
use glassworks_protocol::machine::StartReport;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{
    Command, Edit, Event, Failure, FailureKind, JobOutput, Outcome, Partial, Progress, Unit,
};
use glassworks_tests_screens::{Queryable, Window, fixtures};
use std::sync::Arc;

const QUESTION: &str = "Why is glass transparent?";
const SAYS: [&str; 4] = [
    "Glass is one smooth piece, and light goes straight through it. Sand is thousands of grains, each of \
        which sends the light another way.",
    "Because its electrons cannot take up **visible** light: the gap between their levels is too wide for it.",
    "It is see-through. Windows are made of it.",
    "玻璃内部是连续的，光可以笔直穿过。",
];

/// A start with two chat models and the starter, Compare open.
fn compared(fake: &mut Fake) -> (Window, StartReport) {
    let mut start = chat_start(fake);
    let mut other = (*fixtures::model("Qwen2.5-0.5B-Instruct", false)).clone();
    other.card.content_hash = "ef".repeat(32);
    start.models.push(Arc::new(other));
    Arc::make_mut(&mut start.models[0]).card.content_hash = "cd".repeat(32);
    let mut window = open(fake, start.clone());
    show(&mut window, fake, start.settings.language.unwrap_or_default());
    (window, start)
}

/// Through the header's switch, from the welcome too.
fn show(window: &mut Window, fake: &mut Fake, language: Language) {
    window.key(Modifiers::COMMAND, Key::N);
    fake.answer(window);
    window.click(language.get("compare.compare"));
    fake.answer(window);
}

fn switch(window: &mut Window, name: &str) {
    window.harness.get_by_role_and_label(Role::Switch, name).click();
    window.run();
}

/// The preset of the popover, which stands left of the panel's.
fn steady(window: &mut Window) {
    let left =
        |a: &egui_kittest::Node<'_>, b: &egui_kittest::Node<'_>| a.rect().left().total_cmp(&b.rect().left());
    window.harness.get_all_by_label("Steady").min_by(left).expect("presets").click();
    window.run();
}

fn ask(window: &mut Window, fake: &mut Fake, text: &str) {
    window.type_text(text);
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(window);
}

fn say(window: &mut Window, job: JobId, text: &str) {
    let tokens = pieces(text);
    window.tell(Event::Partial(job, Partial::Tokens { first: 0, pieces: tokens.clone() }));
    let stats = stats(tokens.len() as u32, FinishReason::EndOfText);
    let reply = Reply { text: text.to_owned(), tokens, stats };
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::Replied(Arc::new(reply)))));
}

/// The newest `n` that were asked get these words and end.
fn answer(fake: &Fake, window: &mut Window, texts: &[&str]) {
    let jobs: Vec<JobId> =
        fake.asides[fake.asides.len() - texts.len()..].iter().map(|(job, _)| *job).collect();
    for (job, text) in jobs.into_iter().zip(texts) {
        say(window, job, text);
    }
}

fn failure() -> Failure {
    let text = Text::new("failure.memory").arg("what", "Qwen2.5-0.5B-Instruct").arg("needed", "12.4");
    Failure::new(FailureKind::Memory, text.arg("free", "9.6")).hint(Text::new("failure.memory_hint"))
}

#[test]
fn all_are_asked_the_same_and_an_answer_is_kept_in_a_conversation_of_its_own() {
    let mut fake = Fake::default();
    let (mut window, start) = compared(&mut fake);
    ask(&mut window, &mut fake, QUESTION);
    let [(a, one), (b, other)] = &fake.asides[..] else { panic!("both are asked: {:?}", fake.asides) };
    let (a, b) = (*a, *b);
    assert_eq!(one.model, ModelSource::Library(start.models[1].id), "the chosen model first");
    assert_ne!(one.model, other.model);
    assert_eq!((&one.prompt, &one.sampling), (&other.prompt, &other.sampling));
    assert!(one.sampling.seed.is_some() && one.keep.is_none(), "one seed for all");
    let first = Partial::Tokens { first: 0, pieces: pieces("Words as") };
    window.tell(Event::Partial(a, first.clone()));
    window.tell(Event::Partial(b, first));
    assert_eq!(window.harness.get_all_by_label_contains("Words as").count(), 2, "both show as they come");
    say(&mut window, a, SAYS[0]);
    say(&mut window, b, SAYS[2]);
    assert!(window.shows_part("39.8 tokens/s"));

    let name = start.models.iter().find(|model| ModelSource::Library(model.id) == fake.asides[1].1.model);
    let name = name.expect("known").name.clone();
    window.click(&format!("Keep the answer of {name}"));
    fake.answer(&mut window);
    let [question, kept] = &fake.messages[..] else { panic!("a question and an answer") };
    assert_eq!((question.role, question.text.as_str()), (Speaker::User, QUESTION));
    assert_eq!((kept.parent, kept.text.as_str()), (Some(question.id), SAYS[2]));
    assert!(window.shows_part("is kept in a new conversation"));
    window.click("Open");
    fake.answer(&mut window);
    assert!(window.shows(QUESTION) && !window.shows("Question to all columns"), "the conversation is open");
}

#[test]
fn a_column_has_what_is_its_own() {
    let mut fake = Fake::default();
    let (mut window, _) = compared(&mut fake);
    window.click("Settings of column 2");
    window.focus("System prompt of column 2");
    window.type_text("Answer like a pirate");
    switch(&mut window, "Its own sampling");
    steady(&mut window);
    window.key(Modifiers::NONE, Key::Escape);
    assert!(window.shows_part("Steady · own system prompt"), "told above the column");
    window.focus("Question to all columns");
    ask(&mut window, &mut fake, QUESTION);
    let [(_, one), (_, other)] = &fake.asides[..] else { panic!("both are asked") };
    assert_eq!(SamplingPreset::of(&other.sampling), Some(SamplingPreset::Steady));
    assert_eq!(SamplingPreset::of(&one.sampling), Some(SamplingPreset::Balanced));
    assert_eq!(one.sampling.seed, other.sampling.seed, "the seed is shared all the same");
    assert!(one.sampling.seed.is_some());
    let roles = |prompt: &Prompt| match prompt {
        Prompt::Chat { turns, .. } => turns.iter().map(|turn| turn.role.clone()).collect::<Vec<_>>(),
        Prompt::Text(_) => panic!("turns"),
    };
    assert_eq!(
        (roles(&one.prompt), roles(&other.prompt)),
        (vec!["user".into()], vec!["system".into(), "user".into()])
    );
}

#[test]
fn columns_are_added_duplicated_removed_and_remembered() {
    let mut fake = Fake::default();
    let (mut window, start) = compared(&mut fake);
    window.click("Add a column");
    assert!(window.shows_part("Model of column 3: Qwen2.5-0.5B-Instruct"), "one that is in none");
    window.click_part("Model of column 3");
    window.harness.get_by_role_and_label(Role::MenuItemRadio, "Starter").click();
    window.run();
    window.click_part("Model of column 3: Starter");
    window.harness.get_by_role_and_label(Role::MenuItemRadio, "Qwen2.5-0.5B-Instruct").click();
    window.run();
    window.click("Column 3");
    window.click("Duplicate the column");
    assert!(window.shows_part("Model of column 4: Qwen2.5-0.5B-Instruct"));
    window.click("Column 1");
    window.click("Remove the column");
    assert!(!window.shows_part("Model of column 4"));
    switch(&mut window, "Blind");
    window.focus("Question to all columns");
    window.type_text("Half a question");
    window.run();
    window.harness.state_mut().save();
    window.run();
    let layout = window.harness.state().model().settings.layout.clone();

    let mut again = start;
    again.settings.layout = layout;
    let mut fake = Fake::default();
    let mut window = open(&mut fake, again);
    assert!(
        window.shows_part("Model of column 3: Qwen2.5-0.5B-Instruct"),
        "{:?}",
        window.harness.state().model().settings.layout
    );
    assert!(window.shows("Question to all columns"), "Compare is open again");
    window.focus("Question to all columns");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    assert_eq!(fake.asides.len(), 3, "the draft was there");
    assert!(window.shows("Its name shows after the vote") || window.shows_part("Writing"), "and it is blind");
}

#[test]
fn one_that_does_not_fit_says_so_while_the_others_go_on() {
    let mut fake = Fake::default();
    let (mut window, _) = compared(&mut fake);
    ask(&mut window, &mut fake, QUESTION);
    let (a, b) = (fake.asides[0].0, fake.asides[1].0);
    window.tell(Event::Settled(b, Outcome::Failed(failure())));
    assert!(window.shows_part("12.4"), "why");
    assert!(window.shows(Language::English.get("failure.memory_hint")), "and what to do");
    say(&mut window, a, SAYS[0]);
    assert!(window.shows_part("one smooth piece"));
}

#[test]
fn all_are_stopped_at_once() {
    let mut fake = Fake::default();
    let (mut window, _) = compared(&mut fake);
    ask(&mut window, &mut fake, QUESTION);
    window.key(Modifiers::NONE, Key::Escape);
    let jobs: Vec<JobId> = fake.asides.iter().map(|(job, _)| *job).collect();
    let cancel = |command| if let Command::Cancel(job) = command { Some(job) } else { None };
    let cancelled: Vec<JobId> = window.commands().into_iter().filter_map(cancel).collect();
    assert_eq!(cancelled, jobs);
}

#[test]
fn earlier_rounds_are_a_step_away() {
    let mut fake = Fake::default();
    let (mut window, _) = compared(&mut fake);
    ask(&mut window, &mut fake, QUESTION);
    answer(&fake, &mut window, &SAYS[..2]);
    window.click("Ask again");
    fake.answer(&mut window);
    assert_eq!(fake.asides[2].1.prompt, fake.asides[0].1.prompt);
    assert_ne!(fake.asides[2].1.sampling.seed, fake.asides[0].1.sampling.seed, "another seed");
    answer(&fake, &mut window, &["Second thoughts.", "Still the same."]);
    assert!(window.shows("Round 2 of 2") && window.shows("Second thoughts."));
    window.click("Previous round");
    assert!(window.shows("Round 1 of 2") && window.shows_part("one smooth piece"));
    window.click("Next round");
    window.focus("Question to all columns");
    ask(&mut window, &mut fake, "And sand?");
    assert!(window.shows("Round 3 of 3") && window.shows("And sand?"));
}

/// A blind round whose answers are all there.
fn blind(fake: &mut Fake) -> Window {
    let (mut window, _) = compared(fake);
    window.click("Add a column");
    switch(&mut window, "Blind");
    window.focus("Question to all columns");
    ask(&mut window, fake, QUESTION);
    window
}

#[test]
fn a_blind_round_tells_nothing_before_the_vote() {
    let mut fake = Fake::default();
    let mut window = blind(&mut fake);
    let job = fake.asides[0].0;
    say(&mut window, job, SAYS[0]);
    assert!(!window.shows_part("one smooth piece"), "who is quick would be known");
    assert!(!window.shows_part("tokens/s") && !window.shows_part("Keep the answer of"));
    let stage = Text::new("job.loading").arg("name", "Qwen2.5-0.5B-Instruct");
    let (done, total, per_sec) = (1, Some(4), None);
    let progress = Progress { stage, done, total, unit: Unit::Bytes, per_sec };
    window.tell(Event::Progress(fake.asides[1].0, progress));
    answer(&fake, &mut window, &SAYS[1..3]);
    assert!(window.shows_part("one smooth piece") && window.shows("A") && window.shows("C"));
    for leak in ["tokens/s", "perplexity", "Keep the answer of", "Copy the answer of", "Model of column"] {
        assert!(!window.shows_part(leak), "{leak}");
    }
    // Two of one model and one of another: nobody's name shows in the columns.
    assert!(!window.shows("SmolLM2-135M-Instruct"));
}

#[test]
fn a_key_votes_and_the_score_runs() {
    let mut fake = Fake::default();
    let mut window = blind(&mut fake);
    answer(&fake, &mut window, &SAYS[..3]);
    window.key(Modifiers::NONE, Key::Num2);
    fake.answer(&mut window);
    let [vote] = &fake.votes[..] else { panic!("a vote") };
    assert_eq!((vote.winner, vote.contenders.len()), (Some(1), 3));
    assert!(vote.contenders.iter().all(|one| one.sampling.seed.is_none()));
    let winner = vote.contenders[1].model.name.clone();
    assert!(window.shows(&format!("Your vote is for {winner}")) && window.shows("Your choice"));
    assert!(window.shows_part("Keep the answer of"), "names show");
    window.click_part("Score");
    assert!(window.shows_part(&format!("{winner}: ")), "{winner}");
    assert!(window.shows_part("Too few to tell"), "one round tells nothing");

    window.click("Take back the last vote");
    fake.answer(&mut window);
    assert!(fake.votes.is_empty() && window.shows_part("None yet"));
}

#[test]
fn a_tie_and_a_round_without_a_vote() {
    let mut fake = Fake::default();
    let mut window = blind(&mut fake);
    answer(&fake, &mut window, &SAYS[..3]);
    window.key(Modifiers::NONE, Key::T);
    fake.answer(&mut window);
    assert_eq!(fake.votes.iter().map(|vote| vote.winner).collect::<Vec<_>>(), [None]);
    ask(&mut window, &mut fake, "And sand?");
    answer(&fake, &mut window, &SAYS[..3]);
    window.click("Show the names");
    fake.answer(&mut window);
    assert_eq!(fake.votes.len(), 1, "no vote");
    assert!(window.shows_part("Keep the answer of"));
}

#[test]
fn a_blind_round_that_cannot_be_voted_hides_nothing() {
    let mut fake = Fake::default();
    let (mut window, _) = compared(&mut fake);
    switch(&mut window, "Blind");
    window.focus("Question to all columns");
    ask(&mut window, &mut fake, QUESTION);
    window.tell(Event::Settled(fake.asides[0].0, Outcome::Failed(failure())));
    assert!(!window.shows_part("12.4"), "the failure names the model");
    let job = fake.asides[1].0;
    say(&mut window, job, SAYS[0]);
    assert!(window.shows_part("12.4") && window.shows_part("Keep the answer of"));
    assert!(!window.shows("Which is better?"));
}

#[test]
fn the_score_begins_anew_once_that_is_confirmed() {
    let mut fake = Fake::default();
    let mut window = blind(&mut fake);
    answer(&fake, &mut window, &SAYS[..3]);
    window.key(Modifiers::NONE, Key::Num1);
    fake.answer(&mut window);
    window.click_part("Score");
    window.click("Begin anew…");
    assert!(window.shows("1 votes will count no more") && fake.votes.len() == 1);
    window.click("Begin anew");
    let edits = window.commands();
    let Some(Command::Edit(_, reset @ Edit::ResetVotes { .. })) =
        edits.iter().find(|command| matches!(command, Command::Edit(_, Edit::ResetVotes { .. })))
    else {
        panic!("a reset: {edits:?}")
    };
    let Edit::ResetVotes { at_ms } = *reset else { panic!("a reset") };
    window.tell(Event::Stored(glassworks_protocol::Stored::VotesReset));
    assert!(window.shows_part("None yet"));
    window.key(Modifiers::NONE, Key::Escape);
    window.harness.get_all_by_label("Undo").last().expect("a toast").click();
    let back = Edit::UndoVotesReset { at_ms };
    assert!(
        window.commands().iter().any(|command| matches!(command, Command::Edit(_, edit) if *edit == back))
    );
}

#[test]
fn four_states_in_both_languages() {
    for language in Language::ALL {
        let mut fake = Fake::default();
        let mut start = chat_start(&fake);
        start.settings.language = Some(language);
        let mut window = open(&mut fake, start.clone());
        show(&mut window, &mut fake, language);
        let said = |window: &Window, key: &str| {
            assert!(window.shows(language.get(key)), "{key}: {}", language.get(key));
        };
        for key in ["compare.empty", "compare.empty_sentence", "compare.sentence"] {
            said(&window, key);
        }
        ask(&mut window, &mut fake, "Hi");
        said(&window, "playground.waiting");
        said(&window, "compare.stop_all");
        window.tell(Event::Settled(fake.asides[0].0, Outcome::Failed(failure())));
        said(&window, "failure.memory_hint");
        let job = fake.asides[1].0;
        say(&mut window, job, "Hello.");
        said(&window, "compare.ask");
        said(&window, "compare.again");
        assert!(window.shows("Hello."));

        start.models.clear();
        start.starter = None;
        let mut window = open(&mut fake, start);
        show(&mut window, &mut fake, language);
        said(&window, "playground.no_model_sentence");
    }
}

#[test]
fn the_starter_goes_on_with_a_text() {
    let mut fake = Fake::default();
    let mut window = open(&mut fake, first_start());
    show(&mut window, &mut fake, Language::English);
    window.harness.get_by_role_and_label(Role::RadioButton, "Text to continue").click();
    window.run();
    window.focus("Question to all columns");
    ask(&mut window, &mut fake, "“Oh dear!” said the");
    assert_eq!(fake.asides[0].1.prompt, Prompt::Text("“Oh dear!” said the".to_owned()));
}

#[test]
fn pictures_of_compare() {
    let mut all = SnapshotResults::new();
    let mut fake = Fake::default();
    let (mut window, start) = compared(&mut fake);
    window.picture(&mut all, "compare-empty");
    window.click("Settings of column 2");
    window.focus("System prompt of column 2");
    window.type_text("Answer like a pirate");
    switch(&mut window, "Its own sampling");
    steady(&mut window);
    window.picture(&mut all, "compare-settings");
    window.key(Modifiers::NONE, Key::Escape);
    window.focus("Question to all columns");
    ask(&mut window, &mut fake, QUESTION);
    answer(&fake, &mut window, &SAYS[..2]);
    window.picture(&mut all, "compare-two");

    let mut fake = Fake::default();
    let mut window = Window::sized(light(chinese(start)), 1024.0, 700.0, 1.0);
    fake.answer(&mut window);
    window.key(Modifiers::COMMAND, Key::N);
    fake.answer(&mut window);
    let t = |key: &str| Language::Chinese.get(key).to_owned();
    let kind = format!("{}: {}", t("playground.kind"), t("playground.chat"));
    window.click(&kind);
    window.click(&t("compare.compare"));
    fake.answer(&mut window);
    window.click(&t("compare.add"));
    window.click(&t("compare.add"));
    window.focus(&t("compare.question"));
    ask(&mut window, &mut fake, "玻璃为什么是透明的？");
    let asked: Vec<JobId> = fake.asides.iter().map(|(job, _)| *job).collect();
    for (job, text) in asked.iter().zip([SAYS[3], SAYS[0], SAYS[1]]) {
        say(&mut window, *job, text);
    }
    window.tell(Event::Settled(asked[3], Outcome::Failed(failure())));
    window.picture(&mut all, "compare-four-zh-light-narrow");
}

#[test]
fn pictures_of_blind_votes() {
    let mut all = SnapshotResults::new();
    let mut fake = Fake::default();
    let mut window = blind(&mut fake);
    answer(&fake, &mut window, &SAYS[..3]);
    window.picture(&mut all, "compare-blind");
    for round in 0..9 {
        if round > 0 {
            ask(&mut window, &mut fake, QUESTION);
            answer(&fake, &mut window, &SAYS[..3]);
        }
        window.key(Modifiers::NONE, [Key::Num1, Key::Num2, Key::T][round % 3]);
        fake.answer(&mut window);
    }
    window.click_part("Score");
    window.picture(&mut all, "compare-score");
}
