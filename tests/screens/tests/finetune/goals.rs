//! What is learned: a model made from nothing, labels, the goal changed by hand.

use super::*;

/// The goal that makes a model, chosen by clicks.
pub fn from_scratch(window: &mut Window) {
    let say = |key: &str| window.harness.state().model().language().get(key).to_owned();
    let (change, goal) = (say("finetune.change_goal"), say("finetune.goal_scratch"));
    window.click(&change);
    window.click(&goal);
    window.host.borrow_mut().later_ms += 1000;
    window.run();
    let (job, _) = check_of(&window.commands());
    found(window, job);
}

#[test]
fn a_model_is_made_from_nothing() {
    let mut window = ready(english());
    from_scratch(&mut window);
    assert!(window.shows("Small") && window.shows("New model, 1.5 M weights") && window.shows("Fits"));
    assert!(window.shows("Up to 3 epochs, stops when it no longer improves"), "no word of ranks");
    window.click("Choose a size");
    window.click("Medium");
    assert!(window.shows("New model, 3.4 M weights"));
    window.click("Method");
    assert!(window.shows("Learning rate") && !window.shows("Rank"), "it is trained as a whole");
    window.click("Data handling");
    fill(&mut window, "Vocabulary", "12");
    assert!(window.shows("Vocabulary: must be within 300 – 65536"), "told while typing");
    fill(&mut window, "Vocabulary", "2000");
    window.host.borrow_mut().later_ms += 1000;
    window.run();
    let (job, asked) = check_of(&window.commands());
    let made = asked.scratch().expect("a model from nothing");
    assert_eq!((made.vocab_size(), made.size.row().word), (2000, "medium"));
    found(&mut window, job);
    window.click("Show as recipe");
    assert!(window.shows_part("kind = \"scratch\"\nsize = \"medium\"\nvocab_size = 2000"));
    assert!(!window.shows_part("model = "));
    window.key(Modifiers::NONE, Key::Escape);
    window.click("Start training");
    let (_, spec) = started(&window.commands()).expect("a run is started");
    assert_eq!(spec.model, TrainSpec::default().model, "no other model has a part in it");
    assert!(window.shows_part("Llama 3.0M"), "by the name it will have");

    let mut window = ready(english());
    from_scratch(&mut window);
    window.click("Change the goal");
    window.click("Answer like the data");
    assert!(window.shows("SmolLM2-135M-Instruct"), "the model chosen before is still chosen");
}

#[test]
fn who_has_no_data_begins_with_reviews() {
    let mut window = english();
    window.click("Choose training data");
    window.click("Film reviews, good or bad");
    assert!(!window.shows("Film reviews, good or bad"), "only where nothing is chosen");
    window.key(Modifiers::NONE, Key::Escape);
    let (_, asked) = check_of(&window.commands());
    assert!(asked.data.files[0].ends_with("reviews/reviews.csv") && asked.task.classifies());
}

/// A table of texts with labels, chosen and read.
pub fn sorting(mut window: Window) -> Window {
    let (job, asked) = choose_data(&mut window, "/data/reviews.csv");
    assert!(asked.task.classifies(), "a table is sorted");
    let label =
        |name: &str, n_train, n_validation| LabelCount { name: name.to_owned(), n_train, n_validation };
    let labels = vec![label("bad", 1510, 80), label("good", 2302, 120)];
    let report = DataReport { labels, n_targets: 3812, n_truncated: 0, n_left_out: 0, ..report() };
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::DataChecked(Arc::new(report)))));
    window
}

#[test]
fn labels_are_told_before_the_start_and_weighed_as_asked() {
    let mut window = sorting(english());
    assert!(
        window.shows("Sort by label") && window.shows("2 labels") && window.shows("bad: 1,590, good: 2,422")
    );
    window.click("Method");
    window.click("Weight of labels: All the same");
    window.click("Rare ones count more");
    let (job, _) = {
        window.host.borrow_mut().later_ms = 1000;
        window.run();
        check_of(&window.commands())
    };
    found(&mut window, job);
    window.click("Pace");
    fill(&mut window, "Label smoothing", "0.1");
    assert!(window.shows("does not go together with balanced labels"));
    fill(&mut window, "Label smoothing", "0");
    assert!(!window.shows("does not go together with balanced labels"));
    assert!(!is_off(&window, "Start fine-tuning"));
    window.click("Start fine-tuning");
    let (_, spec) = started(&window.commands()).expect("a run is started");
    let balanced = ClassificationSpec { class_weights: ClassWeights::Balanced };
    assert_eq!(spec.task, TaskSpec::Classification(balanced));
    assert!(
        spec.recipe("starter").contains("[task]\nkind = \"classification\"\nclass_weights = \"balanced\"")
    );
}

#[test]
fn the_goal_is_changed_by_hand() {
    let mut window = ready(english());
    assert!(window.shows("Answer like the data"));
    window.click("Change the goal");
    window.click("Sort by label");
    window.host.borrow_mut().later_ms = 1000;
    window.run();
    let (_, asked) = check_of(&window.commands());
    assert!(asked.task.classifies());
}
