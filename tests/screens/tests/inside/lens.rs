//! The lens over a range of tokens, who wrote a logit, what it hangs on: what is asked, and that what is shown is what
//! came.

use super::ablate::view;
use super::fake::{ANIMAL, Fake, NARROW, WIDE};
use super::reports;
use super::{press, said};
use egui::{Key, Modifiers, vec2};
use egui_kittest::SnapshotResults;
use glassworks_protocol::inside::{
    AttributionSpec, GradientSpec, InsideJob, InsideOutput, LensReport, LensSpec, RolloutSpec,
};
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Event, Failure, FailureKind, JobOutput, Outcome};
use glassworks_tests_screens::{Queryable, Window};

const GRID: &str = "Lens: layers by tokens";

fn asked_lens(fake: &Fake) -> Vec<LensSpec> {
    let lens = |(_, job): &(_, InsideJob)| match job {
        InsideJob::Lens(spec) => Some(spec.clone()),
        _ => None,
    };
    fake.asked.iter().filter_map(lens).collect()
}

fn report(spec: &LensSpec) -> std::sync::Arc<LensReport> {
    match reports::answer(&InsideJob::Lens(spec.clone())) {
        InsideOutput::Lens(report) => report,
        other => panic!("{other:?}"),
    }
}

fn open(fake: &mut Fake, text: &str, language: Language, theme: ThemeChoice, size: (f32, f32)) -> Window {
    let mut window = fake.looked(text, language, theme, size);
    view(&mut window, language.get("inside.lens"));
    fake.answer(&mut window);
    window
}

#[test]
fn the_last_tokens_are_asked_for_and_others_by_choice() {
    let mut fake = Fake::default();
    let text = format!("{ANIMAL} {ANIMAL}");
    let mut window = open(&mut fake, &text, Language::English, ThemeChoice::Dark, WIDE);
    let n = fake.capture.as_ref().expect("captured").n_tokens() as u32;
    assert_eq!(asked_lens(&fake).iter().map(|one| (one.from, one.n)).collect::<Vec<_>>(), [(n - 24, 24)]);
    window.focus("First token of the lens");
    window.key(Modifiers::COMMAND, Key::A);
    window.type_text("3");
    fake.answer(&mut window);
    window.focus("Tokens in the lens");
    window.key(Modifiers::COMMAND, Key::A);
    window.type_text("8");
    fake.answer(&mut window);
    let last = asked_lens(&fake).last().map(|one| (one.from, one.n));
    assert_eq!(last, Some((3, 8)));
}

#[test]
fn a_cell_says_what_the_report_holds() {
    let mut fake = Fake::default();
    let mut window = open(&mut fake, ANIMAL, Language::English, ThemeChoice::Dark, WIDE);
    let spec = asked_lens(&fake).pop().expect("asked");
    assert_eq!((spec.from, spec.n), (0, 22), "all of a short text");
    let report = report(&spec);
    // Six layers, and the output above them: two rows down is before the layer 4. The grid ends at its right.
    window.focus(GRID);
    window.key(Modifiers::NONE, Key::ArrowLeft);
    for _ in 0..3 {
        window.key(Modifiers::NONE, Key::ArrowDown);
    }
    let words = said(&window, GRID);
    let cell = &report.layers[4][20];
    assert!(words.starts_with("After ·slept, before layer 4\n"), "{words}");
    let (p, rank) = cell.next.expect("something follows");
    let rank = glassworks_ui::units::grouped(u64::from(rank) + 1);
    for said in [
        format!("{}  ", cell.top[0].2),
        format!("token that follows: {p}, rank {rank}"),
        format!("entropy {} nats", cell.entropy),
        format!("KL to the output {} nats", cell.kl),
        format!("norm {}", cell.norm),
    ] {
        assert!(words.contains(&said), "{said} in {words}");
    }
    // The pointer tells the same; a click picks the token for all views.
    let rect = window.harness.get_by_label(GRID).rect();
    let cell = rect.width() / 22.0;
    super::hover(&mut window, rect.min + vec2(20.5 * cell, 24.0 + 2.5 * 22.0));
    assert!(window.shows(&words));
    press(&mut window, rect.min + vec2(19.5 * cell, 24.0 + 11.0), Modifiers::NONE);
    assert!(said(&window, GRID).starts_with("After ·it, the model's own output"));
    let mut now = "Probability";
    for (by, legend) in [
        ("Entropy", "0 – ln 49,152"),
        ("Rank of the token that follows", "49,152 – 1"),
        ("KL to the output", "0 – 9.0"),
    ] {
        window.click(&format!("Colour by: {now}"));
        window.click(by);
        assert!(window.shows(legend), "{legend}");
        now = by;
    }
}

#[test]
fn shares_of_a_logit_add_up_in_sight() {
    let mut fake = Fake::default();
    let mut window = open(&mut fake, ANIMAL, Language::English, ThemeChoice::Dark, WIDE);
    window.click("Attribute");
    fake.answer(&mut window);
    let Some((_, InsideJob::Attribute(AttributionSpec { position, target, against, .. }))) =
        fake.asked.last()
    else {
        panic!("asked");
    };
    assert_eq!((*position, *target, *against), (21, None, None));
    let (_, asked) = fake.asked.last().cloned().expect("asked");
    let InsideOutput::Attributed(report) = reports::answer(&asked) else { panic!("shares") };
    let signed = |x: f32| format!("{}{:.3}", if x < 0.0 { "−" } else { "+" }, x.abs());
    assert!(window.shows_part(&format!("= {}", signed(report.total()))));
    assert!(window.shows(&format!("the model's own logit {}", signed(report.logit))));
    window.click("1.2 +2.600");
    assert!(window.shows("1.2"), "the head that wrote most is the one that is looked at");
    // Against another token it is another question, which is not answered yet.
    window.click("Set against: against none");
    window.click("against ·It");
    assert!(!window.shows_part("the model's own"));
    window.click("Attribute");
    fake.answer(&mut window);
    assert!(window.shows_part("the model's own difference"));
    let Some((_, InsideJob::Attribute(spec))) = fake.asked.last() else { panic!("asked") };
    assert_eq!(spec.against, Some(501));
}

#[test]
fn what_a_token_hangs_on_comes_with_its_gap() {
    let mut fake = Fake::default();
    let mut window = open(&mut fake, ANIMAL, Language::English, ThemeChoice::Dark, WIDE);
    window.click("Compute");
    fake.answer(&mut window);
    assert!(matches!(fake.asked.last(), Some((_, InsideJob::Rollout(RolloutSpec { query: 21, .. })))));
    assert!(!window.shows_part("completeness gap"), "a flow leaves nothing out");
    view(&mut window, "Integrated gradients");
    window.focus("Points of the path");
    window.key(Modifiers::COMMAND, Key::A);
    window.type_text("80");
    window.click("Compute");
    fake.answer(&mut window);
    let Some((_, InsideJob::Gradients(GradientSpec { position, n_steps, .. }))) = fake.asked.last() else {
        panic!("asked");
    };
    assert_eq!((*position, *n_steps), (21, 80));
    let (_, asked) = fake.asked.last().cloned().expect("asked");
    let InsideOutput::Gradients(report) = reports::answer(&asked) else { panic!("gradients") };
    let gap = format!("begins at <|endoftext|> everywhere · completeness gap {:.2} %", 100.0 * report.gap());
    assert!(window.shows_part("logit of ·The "));
    assert!(window.shows_part(&gap));
    let last = report.integrated[21];
    assert!(window.shows(&format!(".  {last}")), "all digits of the picked token");
    let most = report.integrated.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    assert!(window.shows(&format!("−{most:.3} – +{most:.3}")));
    view(&mut window, "Gradient × input");
    assert!(window.shows_part(&gap), "the same report, read otherwise");
}

#[test]
fn states_of_the_lens() {
    for language in Language::ALL {
        let say = |key: &str| language.get(key).to_owned();
        let mut fake = Fake { silent: true, ..Fake::default() };
        let mut window = open(&mut fake, ANIMAL, language, ThemeChoice::Dark, WIDE);
        assert!(window.shows(&say("inside.lens_reading")));
        window.click(&language.format("shell.stop_job", &[("name", &say("inside.lens_reading"))]));
        fake.answer(&mut window);
        assert!(window.shows(&say("inside.not_there")));
        assert_eq!(asked_lens(&fake).len(), 1, "what was stopped stays so");
        window.click(&say("inside.again"));
        fake.answer(&mut window);
        let (job, _) = fake.asked.last().cloned().expect("again");
        let failure = Failure::new(FailureKind::Input, Text::new("failure.inside_part"));
        window.tell(Event::Settled(job, Outcome::Failed(failure)));
        assert!(window.shows(&say("failure.inside_part")));
        window.click(&say("inside.again"));
        fake.answer(&mut window);
        let (job, asked) = fake.asked.last().cloned().expect("and again");
        window.tell(Event::Settled(job, Outcome::Done(JobOutput::Inside(reports::answer(&asked)))));
        assert!(window.shows(&say("inside.lens_name")));
        assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
    }
}

#[test]
fn how_the_lens_looks() {
    let mut all = SnapshotResults::new();
    let mut fake = Fake { recipe: super::images::starter(), ..Fake::default() };
    let mut window = open(&mut fake, ANIMAL, Language::English, ThemeChoice::Dark, WIDE);
    window.picture(&mut all, "inside-lens");
    let press = |window: &mut Window, label: &str| {
        window.harness.get_by_label(label).scroll_to_me();
        window.run();
        window.click(label);
    };
    press(&mut window, "Attribute");
    fake.answer(&mut window);
    press(&mut window, "Integrated gradients");
    press(&mut window, "Compute");
    fake.answer(&mut window);
    let text =
        window.harness.get_by_role_and_label(egui::accesskit::Role::RadioGroup, "What the token hangs on");
    text.scroll_to_me();
    window.run();
    window.picture(&mut all, "inside-wrote");
    let mut window = open(&mut fake, ANIMAL, Language::English, ThemeChoice::Light, WIDE);
    window.picture(&mut all, "inside-lens-light");
    let mut window = open(&mut fake, ANIMAL, Language::Chinese, ThemeChoice::Dark, NARROW);
    window.picture(&mut all, "inside-lens-narrow-zh");
}
