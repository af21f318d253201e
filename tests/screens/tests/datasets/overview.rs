//! The overview: its four states, each finding's way to its rows and to what mends it, lengths, labels, splits, and how
//! it looks.

use crate::fake::{Fake, NARROW, WIDE};
use crate::reports;
use egui::accesskit::{Role, Toggled};
use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;
use glassworks_protocol::datasets::edit::RowChange;
use glassworks_protocol::datasets::overview::FindingKind;
use glassworks_protocol::datasets::transform::{CleanSpec, Transform};
use glassworks_protocol::datasets::view::LengthUnit;
use glassworks_protocol::datasets::{DatasetEdit, DatasetOutput, Filter, RowId, Split};
use glassworks_protocol::ids::{DatasetId, EditId, JobId};
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Command, Edit, Event, Failure, FailureKind, Outcome, Progress, Unit};
use glassworks_tests_screens::{NodeT, Queryable, Window};
use std::sync::Arc;

/// A dataset looked over, with the overview open.
fn open(
    fake: &mut Fake,
    name: &str,
    language: Language,
    theme: ThemeChoice,
    size: (f32, f32),
) -> (Window, DatasetId) {
    let mut window = fake.open_on(name, language, theme, size);
    let id = fake.sets.iter().find(|set| set.record.name == name).expect("the dataset").record.id;
    window.click(language.get("datasets.tab_overview"));
    fake.answer(&mut window);
    (window, id)
}

fn english(fake: &mut Fake, name: &str) -> (Window, DatasetId) {
    open(fake, name, Language::English, ThemeChoice::Dark, WIDE)
}

/// The lowest of those that are called so.
fn click_last(window: &mut Window, label: &str) {
    window.harness.get_all_by_label(label).last().expect("something to click").click();
    window.run();
}

#[test]
fn four_states_in_both_languages() {
    for language in Language::ALL {
        let say = |key: &str| language.get(key).to_owned();
        let mut fake = Fake { looks: false, ..Fake::stocked() };
        fake.add("Nothing yet", Vec::new(), Vec::new());
        let (window, _) = open(&mut fake, "Nothing yet", language, ThemeChoice::Dark, WIDE);
        assert!(window.shows(&say("datasets.overview_empty")));
        assert!(fake.overviews.is_empty(), "there is nothing to look at");

        let (mut window, _) = open(&mut fake, "Tutoring talks", language, ThemeChoice::Dark, WIDE);
        let (job, spec) = fake.overviews.pop().expect("it looks by itself");
        assert!((spec.near - 0.8).abs() < 1e-9 && fake.overviews.is_empty(), "once");
        let stage = Text::new("datasets.overview_looking");
        let progress = Progress { stage, done: 12, total: Some(40), unit: Unit::Rows, per_sec: None };
        window.tell(Event::Progress(job, progress));
        assert!(window.shows_part("12 / 40"));
        window.click(&say("shell.stop"));
        fake.answer(&mut window);
        assert!(fake.orders.contains(&Command::Cancel(job)));
        window.tell(Event::Settled(job, Outcome::Cancelled));
        assert!(window.shows(&say("datasets.overview_sentence")), "it does not begin again by itself");
        click_last(&mut window, &say("datasets.overview_look"));
        fake.answer(&mut window);
        let (job, _) = fake.overviews.pop().expect("told to look");
        let failure = Failure::new(FailureKind::Io, Text::new("failure.store_busy"));
        window.tell(Event::Settled(job, Outcome::Failed(failure)));
        assert!(window.shows(&say("failure.store_busy")));
        click_last(&mut window, &say("datasets.overview_again"));
        fake.looks = true;
        fake.answer(&mut window);
        assert!(window.shows(&say("datasets.overview_findings")));
        assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
    }
}

#[test]
fn each_finding_leads_to_its_rows_and_to_what_mends_it() {
    let mut fake = Fake::stocked();
    let (mut window, id) = english(&mut fake, "Tutoring talks");
    window.click("No answer to learn from: 4, severe");
    fake.answer(&mut window);
    assert_eq!(fake.filters, [Filter::Finding(FindingKind::NoTarget)]);
    assert!(window.harness.query_by_role(Role::Grid).is_some(), "the rows are shown");
    // In the bar of filters it has a chip; the line at the side is on.
    let is_on = |one: &egui_kittest::Node<'_>| one.accesskit_node().toggled() == Some(Toggled::True);
    window.harness.get_all_by_label("No answer to learn from").find(is_on).expect("the line").click();
    window.run();
    fake.answer(&mut window);
    assert_eq!(fake.filters, [], "pressed again, it lets all rows through");

    window.click("Overview");
    window.click("Drop duplicates…: The same row again");
    fake.answer(&mut window);
    let (_, spec) = fake.transforms.last().expect("what it would do is asked at once");
    let clean = CleanSpec { drop_duplicates: true, ..CleanSpec::default() };
    assert_eq!((spec.dataset, &spec.transform, spec.apply), (id, &Transform::Clean(clean), false));
    window.click("Overview");
    window.click("Split anew…: In train and test");
    fake.answer(&mut window);
    let Transform::Split(split) = &fake.transforms.last().expect("asked").1.transform else {
        panic!("a split");
    };
    assert_eq!((split.near, split.keep), (Some(0.8), false));
}

#[test]
fn lengths_labels_and_splits_lead_to_their_rows() {
    let mut fake = Fake::stocked();
    let (mut window, id) = english(&mut fake, "Film reviews");
    let record = fake.set(id).record.clone();
    window.click("Label bad: 11 rows");
    fake.answer(&mut window);
    assert_eq!(fake.filters, [Filter::Labels(vec![Some("bad".to_owned())])]);
    window.click("Overview");
    window.click("Label No label: 3 rows");
    fake.answer(&mut window);
    assert_eq!(fake.filters, [Filter::Labels(vec![None])]);
    window.click("Overview");
    window.click("None 24");
    fake.answer(&mut window);
    assert_eq!(fake.filters, [Filter::Splits(vec![None])]);

    // A bar by keyboard: the third of characters, then of tokens once they are known.
    window.click("Overview");
    let plot = |window: &mut Window| {
        window.harness.get_all_by_role_and_label(Role::Slider, "Lengths").last().expect("a plot").focus();
        window.run();
        window.key(Modifiers::NONE, Key::ArrowRight);
        window.key(Modifiers::NONE, Key::ArrowRight);
        window.key(Modifiers::NONE, Key::Enter);
    };
    plot(&mut window);
    fake.answer(&mut window);
    let characters = LengthUnit::Characters;
    let bar = Filter::Length { unit: characters, at_least: Some(128), at_most: Some(191) };
    assert_eq!(fake.filters, [bar]);
    let measure = reports::measure(&record);
    window.tell(reports::done(JobId::mint(), DatasetOutput::Measured(Arc::new(measure))));
    window.click("Overview");
    assert!(window.shows("37 rows are longer than 1,024 tokens and are cut"));
    assert!(window.shows("Cut by the limit: 37, doubtful"));
    plot(&mut window);
    fake.answer(&mut window);
    let bar = Filter::Length { unit: LengthUnit::Tokens, at_least: Some(72), at_most: Some(107) };
    assert_eq!(fake.filters, [bar]);
    window.click("Overview");
    window.click("Characters");
    assert!(!window.shows_part("are longer than"));
}

#[test]
fn what_has_changed_since_is_told_and_looked_at_again() {
    let mut fake = Fake::stocked();
    let (mut window, dataset) = english(&mut fake, "Tutoring talks");
    let edit = |fake: &mut Fake, window: &mut Window| {
        let changes = vec![RowChange::SetSplit { rows: vec![RowId(1)], split: Some(Split::Test) }];
        let edit = Edit::Dataset(DatasetEdit::Rows { dataset, changes });
        window.harness.state_mut().send(Command::Edit(EditId::mint(), edit));
        fake.answer(window);
    };
    fake.looks = false;
    edit(&mut fake, &mut window);
    assert!(window.shows("1 change since"));
    edit(&mut fake, &mut window);
    edit(&mut fake, &mut window);
    assert!(window.shows("3 changes since") && fake.overviews.is_empty());
    click_last(&mut window, "Look again");
    fake.answer(&mut window);
    assert_eq!(fake.overviews.len(), 1);
    assert!(window.shows("What is odd"), "what was found before stays meanwhile");
    fake.look(&mut window);
    assert!(!window.shows_part("changes since"));

    // Opened anew, a small one is looked over by itself.
    fake.looks = true;
    window.click("Rows");
    edit(&mut fake, &mut window);
    assert!(window.shows("1 change since"));
    window.click("Overview");
    fake.answer(&mut window);
    assert!(!window.shows_part("change since"));
}

#[test]
fn how_it_looks() {
    let mut all = SnapshotResults::new();
    let mut fake = Fake::stocked();
    let (mut window, id) = english(&mut fake, "Tutoring talks");
    let measure = reports::measure(&fake.set(id).record);
    window.tell(reports::done(JobId::mint(), DatasetOutput::Measured(Arc::new(measure))));
    window.picture(&mut all, "datasets-overview");
    window.click("Rows");
    fake.answer(&mut window);
    window.picture(&mut all, "datasets-overview-side");

    let mut fake = Fake::stocked();
    fake.labels = (0..50)
        .map(|i| {
            let name = match i {
                1 => "a label that somebody has written as a whole sentence, and then some more".to_owned(),
                i => format!("topic {i}"),
            };
            let n = 1000 / (i + 1);
            reports::label((i != 3).then_some(name.as_str()), [n, n / 10, n / 20, 0])
        })
        .collect();
    let (mut window, _) = open(&mut fake, "Film reviews", Language::English, ThemeChoice::Light, WIDE);
    window.click("Show all 50 labels");
    window.picture(&mut all, "datasets-overview-labels-light");
    let (mut window, _) = open(&mut fake, "Film reviews", Language::Chinese, ThemeChoice::Light, NARROW);
    window.picture(&mut all, "datasets-overview-narrow-zh");
}
