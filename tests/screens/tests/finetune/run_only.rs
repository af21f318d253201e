//! Models that only run: greyed in the picker under the reason, never taken by themselves, and no run begins with one.

use super::*;

/// The library with two more models, the last of which was talked to last.
fn with_run_only(language: Language, theme: ThemeChoice) -> glassworks_protocol::machine::StartReport {
    let mut start = start(language, theme);
    start.models.push(fixtures::run_only("Phi-3-mini-4k-instruct", "phi3"));
    start.models.push(fixtures::run_only("granite-3.1-2b-instruct", "granite"));
    start.settings.last_model = Some(start.models[2].id);
    start
}

#[test]
fn the_picker_greys_what_only_runs_and_says_why() {
    for language in Language::ALL {
        let say = |key: &str| language.get(key).to_owned();
        let mut window = settled(Window::new(with_run_only(language, ThemeChoice::Dark)));
        assert!(!window.shows("Phi-3-mini-4k-instruct"), "it is not taken by itself");
        assert!(window.shows("Starter"));
        window.click(&say("finetune.change_model"));
        assert!(window.shows(&say("finetune.only_run")));
        let row = window.harness.get_by_role_and_label(Role::MenuItem, "Phi-3-mini-4k-instruct");
        assert!(row.accesskit_node().is_disabled());
        let row = window.harness.get_by_role_and_label(Role::MenuItemRadio, "SmolLM2-135M-Instruct");
        assert!(!row.accesskit_node().is_disabled());
        window.harness.get_by_role_and_label(Role::MenuItem, "Phi-3-mini-4k-instruct").click();
        window.run();
        assert!(!window.shows(&say("model.runs_only")), "nothing was chosen");
    }
}

#[test]
fn a_draft_with_such_a_model_says_why_it_cannot_start() {
    let mut start = with_run_only(Language::English, ThemeChoice::Dark);
    let (phi, card) = (start.models[2].id, &start.models[2].card);
    let mut spec = TrainSpec { model: ModelSource::Library(phi), ..TrainSpec::default() };
    spec.data.files = vec![FILE.into()];
    assert!(spec.problems(Some(card)).iter().any(|problem| problem.field == "model"));
    // Kept from another time, or taken from a run.
    let kept = serde_json::json!({ "draft": { "spec": spec } });
    start.settings.layout =
        Some(serde_json::json!({ "slots": ["finetune"], "panes": { "0/finetune": kept } }));
    let window = settled(Window::new(start));
    assert!(window.shows("Phi-3-mini-4k-instruct") && window.shows("runs only"));
    assert!(is_off(&window, "Start fine-tuning"));
    let why = Language::English.format("model.runs_only_tip", &[("architecture", &"phi3")]);
    assert!(window.shows(&why), "the reason stands where the button says why it is off");
}

#[test]
fn pictures_of_the_picker() {
    let mut all = SnapshotResults::new();
    let mut window = settled(Window::new(with_run_only(Language::English, ThemeChoice::Dark)));
    window.click("Change the model");
    window.picture(&mut all, "finetune-runs-only");
    let start = with_run_only(Language::Chinese, ThemeChoice::Light);
    let mut window = settled(Window::sized(start, 1024.0, 700.0, 1.0));
    window.click(Language::Chinese.get("finetune.change_model"));
    window.picture(&mut all, "finetune-runs-only-zh-light-narrow");
}
