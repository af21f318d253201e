//! What is private is found, and what only looks so is left: 200 and more of each, made up (`fixtures/privacy.py`).

use glassworks_datasets::transform::find_private;
use glassworks_protocol::datasets::transform::PrivacyKind;
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    positives: Vec<Case>,
    lookalikes: Vec<Case>,
}

/// Texts are in pieces, so that no file of this repository holds what scanners for leaked keys look for.
#[derive(Deserialize)]
struct Case {
    kind: PrivacyKind,
    text: Vec<String>,
    #[serde(default)]
    value: Vec<String>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixtures/privacy.json")).expect("the fixture is JSON")
}

#[test]
fn what_is_private_is_found() {
    let positives = fixture().positives;
    assert!(positives.len() >= 200, "{}", positives.len());
    let mut missed = Vec::new();
    for kind in PrivacyKind::ALL {
        let of: Vec<&Case> = positives.iter().filter(|case| case.kind == kind).collect();
        assert!(of.len() >= 20, "{kind:?}: {}", of.len());
        for case in of {
            let (text, value) = (case.text.concat(), case.value.concat());
            let found = find_private(&text);
            if !found.iter().any(|one| one.kind == kind && text[one.at.clone()] == value) {
                missed.push((kind, text, found));
            }
        }
    }
    let recall = 1.0 - missed.len() as f64 / positives.len() as f64;
    assert!(recall >= 0.95, "recall {recall:.3}: {missed:#?}");
}

#[test]
fn what_only_looks_private_is_left() {
    let lookalikes = fixture().lookalikes;
    assert!(lookalikes.len() >= 200, "{}", lookalikes.len());
    for kind in PrivacyKind::ALL {
        assert!(lookalikes.iter().filter(|case| case.kind == kind).count() >= 20, "{kind:?}");
    }
    let wrong: Vec<(String, Vec<String>)> = lookalikes
        .iter()
        .map(|case| case.text.concat())
        .map(|text| (find_private(&text).into_iter().map(|one| text[one.at].to_owned()).collect(), text))
        .map(|(found, text): (Vec<String>, String)| (text, found))
        .filter(|(_, found)| !found.is_empty())
        .collect();
    let share = wrong.len() as f64 / lookalikes.len() as f64;
    assert!(share <= 0.02, "false positives {share:.3}: {wrong:#?}");
}
