//! `glassworks data`: files in, a look at them, changes, files out.

use super::*;

const ROWS: &str = "Review,Sentiment\n good film ,good\nbad film,bad\nbad film,bad\n\"so, so\",plain\nunfinished \"quote,good\n";

fn reviews(place: &Place) -> String {
    let path = place.path("reviews.csv");
    let more: String = (0..20).map(|i| format!("film number {i} is fine,good\n")).collect();
    std::fs::write(&path, format!("{ROWS}{more}only one field\n")).expect("written");
    path.to_string_lossy().into_owned()
}

#[test]
fn a_file_becomes_a_dataset_that_is_changed_and_written() {
    let place = Place::new();
    let file = reviews(&place);
    let said = place.run(&["data", "import", &file, "--name", "Films"]);
    assert!(said.status.success(), "{}", stderr(&said));
    assert!(stdout(&said).contains("Films") && stderr(&said).contains("1 "), "the bad row is told");
    let list = place.text(&["data", "list"]);
    assert!(list.contains("Films") && list.contains("classification"), "{list}");
    let shown = place.text(&["data", "show", "films", "--contains", "SO, so"]);
    assert!(
        shown.contains("so, so") && shown.contains("Review (text)") && !shown.contains("bad film"),
        "{shown}"
    );
    let json =
        json_lines(&place.text(&["data", "show", "Films", "-n", "2", "--from", "2", "--json"])).remove(0);
    let texts: Vec<&str> = json["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["value"]["Review"].as_str())
        .collect();
    assert_eq!(texts, ["bad film", "bad film"]);

    let would = place.text(&["data", "clean", "Films", "--trim", "--drop-duplicates", "--dry-run"]);
    assert!(would.contains("would"), "{would}");
    let cleaned =
        json_lines(&place.text(&["data", "clean", "Films", "--trim", "--drop-duplicates", "--json"]))
            .remove(0);
    assert_eq!(
        (cleaned["n_changed"].as_u64(), cleaned["n_removed"].as_u64()),
        (Some(1), Some(1)),
        "{cleaned}"
    );
    let split = json_lines(&place.text(&[
        "data",
        "split",
        "Films",
        "--validation",
        "0.2",
        "--test",
        "0.2",
        "--json",
    ]))
    .remove(0);
    let sides: Vec<u64> =
        split["n_by_split"].as_array().expect("sides").iter().filter_map(Value::as_u64).collect();
    assert!(sides.iter().sum::<u64>() == 24 && sides[1] > 2 && sides[2] > 2 && sides[3] == 0, "{sides:?}");

    let out = place.path("out.jsonl");
    let out = out.to_string_lossy();
    place.text(&["data", "export", "Films", "--out", &out]);
    let lines = json_lines(&std::fs::read_to_string(&*out).expect("written"));
    assert!(lines.len() == 24 && lines[0]["Review"] == "good film", "{}", lines[0]);
    check_refused(&place.run(&["data", "export", "Films", "--out", &out]), 2, "out.jsonl");
    place.text(&["data", "export", "Films", "--out", &out, "--replace"]);

    let more = place.path("more.jsonl");
    std::fs::write(&more, "{\"Review\": \"another\", \"Sentiment\": \"bad\"}\n").expect("written");
    let more = json_lines(&place.text(&[
        "data",
        "import",
        &more.to_string_lossy(),
        "--into",
        "Films",
        "--split",
        "train",
        "--json",
    ]))
    .remove(0);
    assert_eq!((more["dataset"]["n_rows"].as_u64(), more["report"]["n_rows"].as_u64()), (Some(25), Some(1)));
}

#[test]
fn a_file_is_looked_over_without_being_kept() {
    let place = Place::new();
    let file = reviews(&place);
    let told = place.text(&["data", "check", &file]);
    for part in ["reviews.csv:", "same as an earlier row", "good", "classification"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert!(!place.home().join("glassworks.db").exists(), "nothing is kept");
    let json = json_lines(&place.text(&["data", "check", &file, "--json"])).remove(0);
    assert_eq!(json["n_bad"].as_u64(), Some(1));
    assert_eq!(json["bad"][0]["text"].as_str().map(str::trim), Some("only one field"));
    check_refused(&place.run(&["data", "check", &file, "--strict"]), 1, "reviews");
    // Columns are what they are said to be.
    let as_text = place.text(&["data", "show", &file, "--task", "text", "--map", "text=Sentiment"]);
    assert!(as_text.contains("Sentiment (text)"), "{as_text}");
    check_refused(&place.run(&["data", "show", &file, "--map", "text=nowhere"]), 2, "Review, Sentiment");
}

#[test]
fn personal_data_is_masked() {
    let place = Place::new();
    let file = place.path("mails.jsonl");
    std::fs::write(&file, "{\"text\": \"write to ada@example.org\"}\n{\"text\": \"nothing here\"}\n")
        .expect("written");
    place.text(&["data", "import", &file.to_string_lossy()]);
    let told = place.text(&["data", "privacy", "mails", "--action", "mask", "--kinds", "email,phone"]);
    assert!(told.contains("email"), "{told}");
    let shown = place.text(&["data", "show", "mails"]);
    assert!(shown.contains("[EMAIL]") && !shown.contains("ada@"), "{shown}");
}

#[test]
fn mistakes_are_exit_code_2_and_an_open_window_keeps_changes_out() {
    let place = Place::new();
    let file = reviews(&place);
    check_refused(&place.run(&["data", "show", "nothing"]), 2, "nothing");
    check_refused(&place.run(&["data", "import", "nowhere.csv"]), 2, "nowhere.csv");
    check_refused(&place.run(&["data", "import"]), 2, "PATH");
    place.text(&["data", "import", &file, "--name", "Films"]);
    check_refused(&place.run(&["data", "clean", "Films"]), 2, "--trim");
    check_refused(&place.run(&["data", "split", "Films", "--test", "0.9"]), 2, "0.9");
    check_refused(&place.run(&["data", "show", "Movies"]), 2, "Films");
    let window = place.hold();
    check_refused(&place.run(&["data", "import", &file]), 1, "window");
    check_refused(&place.run(&["data", "clean", "Films", "--trim"]), 1, "window");
    assert!(place.text(&["data", "show", "Films"]).contains("bad film"));
    assert!(place.text(&["data", "clean", "Films", "--trim", "--dry-run"]).contains("Films"));
    assert!(place.text(&["data", "check", &file]).contains("reviews.csv:"));
    window.stop();
    assert!(place.run(&["data", "clean", "Films", "--trim"]).status.success());
}

#[test]
fn a_run_learns_from_a_dataset_by_its_name() {
    let place = Place::new();
    let rows: String = (0..24)
        .map(|i| {
            format!("{{\"prompt\": \"Where is cat {i}?\", \"completion\": \"In the garden, said Alice.\"}}\n")
        })
        .collect();
    let file = place.path("cats.jsonl");
    std::fs::write(&file, rows).expect("written");
    place.text(&["data", "import", &file.to_string_lossy()]);
    place.text(&["data", "split", "cats", "--validation", "0.25"]);
    let recipe = place.path("recipe.toml");
    let text =
        "model = \"starter\"\ndata = { dataset = \"cats\" }\nmethod = { rank = 2 }\nrun = { steps = 2 }\n";
    std::fs::write(&recipe, text).expect("written");
    let lines = json_lines(&place.text(&["train", &recipe.to_string_lossy(), "--json"]));
    let record = lines.last().expect("lines");
    assert_eq!(record["status"], "Done");
    let (data, dataset) = (&record["progress"]["data"], &record["spec"]["data"]["dataset"]);
    assert_eq!((data["n_train"].as_u64(), data["n_validation"].as_u64()), (Some(18), Some(6)));
    assert!(dataset["version"].as_u64().is_some() && dataset["id"].is_string(), "pinned: {dataset}");
    let worst = place.text(&["runs", "show", record["id"].as_str().expect("an id"), "--worst", "3"]);
    assert!(worst.contains("cats"), "{worst}");
    std::fs::write(&recipe, "model = \"starter\"\ndata = { dataset = \"dogs\" }\n").expect("written");
    check_refused(&place.run(&["train", &recipe.to_string_lossy()]), 2, "dogs");
}
