//! From a recipe to a run, its exports and a merged model.

use super::*;

/// Rows and a recipe for a run of some steps on the starter.
fn recipe(place: &Place, more: &str) -> String {
    let rows: String = (0..20)
        .map(|i| {
            format!("{{\"prompt\": \"Where is cat {i}?\", \"completion\": \"In the garden, said Alice.\"}}\n")
        })
        .collect();
    std::fs::write(place.path("rows.jsonl"), rows).expect("written");
    let path = place.path("recipe.toml");
    let text = format!("model = \"starter\"\nname = \"cats\"\ndata = {{ files = [\"rows.jsonl\"] }}\n{more}");
    std::fs::write(&path, text).expect("written");
    path.to_string_lossy().into_owned()
}

#[test]
fn a_recipe_with_mistakes_names_each_field_and_nothing_is_begun() {
    let place = Place::new();
    let recipe = recipe(&place, "sed = 1\nmethod = { rank = \"high\" }\nbatch = { sequences = 0 }\n");
    let output = place.run(&["train", &recipe]);
    for field in ["sed", "method.rank", "batch.sequences"] {
        check_refused(&output, 2, field);
    }
    assert!(!place.home().join("glassworks.db").exists(), "nothing but the log");
    check_refused(&place.run(&["train", "none.toml"]), 2, "none.toml");
    check_refused(&place.run(&["train"]), 2, "RECIPE");
    std::fs::write(place.path("broken.toml"), "model =").expect("written");
    check_refused(&place.run(&["train", &place.path("broken.toml").to_string_lossy()]), 2, "broken.toml");
    check_refused(&place.run(&["runs", "show", "nobody"]), 2, "nobody");
}

#[test]
fn a_run_from_a_recipe_to_a_merged_model() {
    let place = Place::new();
    let steps = "method = { rank = 2 }\nrun = { steps = 3 }\noptimizer = { learning_rate = 1e-2 }\n";
    let recipe = recipe(&place, steps);
    let lines = json_lines(&place.text(&["train", &recipe, "--json"]));
    let (record, steps) = lines.split_last().expect("lines");
    let numbers: Vec<u64> = steps.iter().filter_map(|line| line["step"].as_u64()).collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
    assert!(steps[1]["train_loss"].is_f64() && steps[3]["validation_loss"].is_f64());
    assert_eq!(record["status"], "Done");
    let result = record["progress"]["result"].as_str().expect("a result").to_owned();

    assert!(place.text(&["runs", "list"]).contains("cats"));
    assert!(place.text(&["runs", "show", "cats"]).contains("3 / 3"));
    let csv = place.path("losses.csv");
    place.text(&["runs", "export", "cats", "--out", &csv.to_string_lossy()]);
    assert_eq!(std::fs::read_to_string(csv).expect("a table").lines().count(), 5);
    for (name, begins) in [("losses.svg", &b"<svg"[..]), ("losses.png", &b"\x89PNG"[..])] {
        let path = place.path(name);
        place.text(&["runs", "export", "cats", "--out", &path.to_string_lossy()]);
        assert!(std::fs::read(path).expect("a picture").starts_with(begins), "{name}");
    }
    let page = place.path("report.html");
    place.text(&["runs", "export", "cats", "--html", &page.to_string_lossy()]);
    let html = std::fs::read_to_string(page).expect("a page");
    assert!(html.starts_with("<!doctype html>") && html.contains("<svg") && html.contains("cats"));
    check_refused(&place.run(&["runs", "export", "cats", "--html", "report.txt"]), 2, ".html");
    check_refused(&place.run(&["runs", "export", "cats", "--out", "losses.gif"]), 2, "losses.gif");

    let merged = place.path("merged").to_string_lossy().into_owned();
    place.text(&["merge", "--model", "starter", "--adapter", &result, "--out", &merged]);
    check_refused(&place.run(&["merge", "-m", "starter", "-a", &result, "-o", &merged]), 2, "merged");
    let say = |more: &[&str]| {
        let prompt = ["generate", "--prompt", "User: Where is cat 3?\nAssistant:", "-n", "8"];
        place.text(&[&prompt[..], more].concat())
    };
    let tuned = say(&["--model", "starter", "--adapter", &result]);
    assert_eq!(tuned, say(&["--model", &merged]), "merged is unmerged");
    assert_ne!(tuned, say(&["--model", "starter", "--adapter", &result, "--strength", "0"]));
    check_refused(
        &place.run(&["generate", "-m", "starter", "-p", "x", "--adapter", "nowhere"]),
        2,
        "nowhere",
    );
}
