//! The tokens pane: what is asked as text is typed, two tokenizers side by side, the table, and how it looks.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::JobId;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::tokens::{TokenSeen, TokenizeReport, TokenizeSpec};
use glassworks_protocol::{Command, Event, Failure, FailureKind, JobOutput, JobSpec, Outcome};
use glassworks_tests_screens::{NodeT, Queryable, Window, fixtures};
use std::sync::Arc;

const TEXT: &str = "Glass is clear.\n玻璃是透明的。";

/// A tokenizer that cuts words after `longest` characters, and characters that are not ASCII into two tokens.
fn cut(spec: &TokenizeSpec, longest: usize) -> TokenizeReport {
    let mut tokens: Vec<TokenSeen> = Vec::new();
    let mut add = |bytes: &[u8], place: Option<(u32, u32)>, special: bool| {
        let name = String::from_utf8_lossy(bytes).replace(' ', "Ġ");
        let id = tokens.len() as u32 * 37 % 1024;
        tokens.push(TokenSeen { id, name, bytes: bytes.to_vec(), place, special });
    };
    if spec.add_special {
        add(b"<s>", None, true);
    }
    let mut word = String::new();
    for (at, c) in spec.text.chars().enumerate() {
        let at = at as u32;
        let begins = !c.is_ascii() || c == ' ' || c == '\n' || word.chars().count() >= longest;
        if begins && !word.is_empty() {
            add(word.as_bytes(), Some((at - word.chars().count() as u32, at)), false);
            word.clear();
        }
        if c.is_ascii() {
            word.push(c);
        } else {
            let mut buffer = [0; 4];
            let bytes = c.encode_utf8(&mut buffer).as_bytes();
            let half = bytes.len().div_ceil(2);
            add(&bytes[..half], Some((at, at + 1)), false);
            add(&bytes[half..], Some((at, at + 1)), false);
        }
    }
    let end = spec.text.chars().count() as u32;
    if !word.is_empty() {
        add(word.as_bytes(), Some((end - word.chars().count() as u32, end)), false);
    }
    TokenizeReport { tokens, vocab_size: 49_152, n_chars: end, n_bytes: spec.text.len() as u32 }
}

fn asked(window: &mut Window) -> Vec<(JobId, TokenizeSpec)> {
    let pick = |command| match command {
        Command::Start(job, JobSpec::Tokenize(spec)) => Some((job, *spec)),
        _ => None,
    };
    window.commands().into_iter().filter_map(pick).collect()
}

/// Answers until nothing more is asked; the models differ in how they cut.
fn answer(window: &mut Window) -> Vec<TokenizeSpec> {
    let mut all = Vec::new();
    let first = window.harness.state().model().library.models()[0].id;
    loop {
        let jobs = asked(window);
        if jobs.is_empty() {
            return all;
        }
        for (job, spec) in jobs {
            let longest = if spec.model == ModelSource::Library(first) { 3 } else { 8 };
            let report = Arc::new(cut(&spec, longest));
            window.tell(Event::Settled(job, Outcome::Done(JobOutput::Tokenized(report))));
            all.push(spec);
        }
    }
}

fn opened(language: Language, theme: ThemeChoice, (width, height): (f32, f32)) -> Window {
    let mut start = fixtures::start_on("tokens");
    (start.settings.language, start.settings.theme) = (Some(language), theme);
    let mut window = Window::sized(start, width, height, 1.0);
    answer(&mut window);
    window
}

fn english() -> Window {
    opened(Language::English, ThemeChoice::Dark, (1440.0, 900.0))
}

fn type_text(window: &mut Window, text: &str) -> Vec<TokenizeSpec> {
    window.focus("Text to cut into tokens");
    window.type_text(text);
    answer(window)
}

fn switch(window: &mut Window, name: &str) {
    window.harness.get_by_role_and_label(Role::Switch, name).click();
    window.run();
}

#[test]
fn text_is_cut_as_it_is_typed() {
    let mut window = english();
    let asked = type_text(&mut window, "Glass is");
    assert_eq!(asked.last().map(|spec| spec.text.as_str()), Some("Glass is"));
    assert!(window.shows_part("3 tokens · 2.67 characters each · 49,152 in the vocabulary"));
    // While one text is being cut nothing more is asked; then the newest one is.
    window.focus("Text to cut into tokens");
    window.type_text(" c");
    let first = self::asked(&mut window);
    assert_eq!(first.len(), 1);
    window.type_text("l");
    window.type_text("ear");
    assert!(self::asked(&mut window).is_empty());
    let (job, spec) = first.into_iter().next().expect("asked");
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::Tokenized(Arc::new(cut(&spec, 3))))));
    let rest = answer(&mut window);
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].text, "Glass is clear");
    switch(&mut window, "Special tokens");
    assert!(answer(&mut window)[0].add_special);
    assert!(window.shows_part("6 tokens"));
}

#[test]
fn two_tokenizers_stand_side_by_side() {
    let mut window = english();
    type_text(&mut window, TEXT);
    window.click("Another tokenizer beside it");
    answer(&mut window);
    assert!(window.shows_part("% fewer"), "the second is measured by the first");
    window.click("Table");
    // A token of one, and what stands in its place in the other.
    window.click("1 Gla 0");
    assert!(window.shows_part("Gla in the vocabulary · bytes 47 6C 61 · characters 1 to 3"));
    assert!(window.shows_part("Glass in the vocabulary · bytes 47 6C 61 73 73 · characters 1 to 5"));
    for _ in 0..7 {
        window.key(Modifiers::NONE, Key::ArrowDown);
    }
    assert!(window.shows_part("bytes E7 8E · character 17"), "half a character");
    assert!(window.shows("2 tokens for the same characters"));
    window.click("Close column 2");
    assert!(!window.shows_part("% fewer") && window.shows("Another tokenizer beside it"));
}

#[test]
fn four_states_in_both_languages() {
    for language in Language::ALL {
        let say = |key: &str| language.get(key).to_owned();
        // Empty: examples to begin with.
        let mut window = opened(language, ThemeChoice::Dark, (1440.0, 900.0));
        window.click(&say("tokens.try_words"));
        // Working.
        let (job, spec) = asked(&mut window).pop().expect("asked");
        assert_eq!(spec.text, say("tokens.try_words_text"));
        // Ready.
        window.tell(Event::Settled(job, Outcome::Done(JobOutput::Tokenized(Arc::new(cut(&spec, 3))))));
        assert!(window.harness.query_by_label(&say("tokens.flow")).is_some());
        // Failed: says what happened.
        switch(&mut window, &say("tokens.special"));
        let (job, _) = asked(&mut window).pop().expect("asked");
        let failure = Failure::new(FailureKind::Missing, Text::new("failure.model_gone"));
        window.tell(Event::Settled(job, Outcome::Failed(failure)));
        assert!(window.shows(&say("failure.model_gone")));
        // No model at all.
        let mut start = fixtures::start_on("tokens");
        start.models.clear();
        start.settings.language = Some(language);
        let window = Window::new(start);
        assert!(window.shows(&say("tokens.no_model")));
    }
}

#[test]
fn text_and_tokenizers_are_there_again() {
    let mut start = fixtures::start_on("tokens");
    let mut window = Window::new(start.clone());
    answer(&mut window);
    type_text(&mut window, "Kept");
    window.click("Another tokenizer beside it");
    answer(&mut window);
    window.harness.state_mut().save();
    start.settings = (*window.harness.state().model().settings).clone();
    let mut window = Window::new(start);
    let asked = answer(&mut window);
    assert_eq!(asked.iter().filter(|spec| spec.text == "Kept").count(), 2, "{asked:?}");
    let field = window.harness.get_by_label("Text to cut into tokens");
    assert_eq!(field.accesskit_node().value().as_deref(), Some("Kept"));
}

#[test]
fn pictures() {
    let mut all = SnapshotResults::new();
    let mut window = english();
    window.picture(&mut all, "tokens-empty");
    window.click("Scripts");
    answer(&mut window);
    switch(&mut window, "Special tokens");
    answer(&mut window);
    window.click("Another tokenizer beside it");
    answer(&mut window);
    window.click("Table");
    window.click("2 Gla 37");
    window.click("In the text");
    window.picture(&mut all, "tokens");
    let mut window = opened(Language::Chinese, ThemeChoice::Light, (1024.0, 700.0));
    window.click("多种文字");
    answer(&mut window);
    window.click("并排另一个分词器");
    answer(&mut window);
    window.click("表格");
    window.picture(&mut all, "tokens-table-zh-light-narrow");
}
