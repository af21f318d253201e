//! Ways to choose words: what the options do, and what is refused beside what.

use super::{PROMPT, Place, check_refused, joined, json_lines};

fn with(place: &Place, more: &[&str]) -> String {
    let arguments = ["generate", "--model", "starter", "--prompt", PROMPT, "-n", "16"];
    place.text(&[&arguments[..], more].concat())
}

#[test]
fn beams_find_a_likelier_text_than_one_does() {
    let place = Place::new();
    let end = ["--json", "--ignore-eos", "--length-penalty", "0", "--num-beams"];
    let log_prob = |n: &str| {
        let lines = json_lines(&with(&place, &[&end[..], &[n]].concat()));
        let (end, tokens) = lines.split_last().expect("lines");
        assert_eq!((tokens.len(), &end["finish"]), (16, &"length".into()), "{n} beams");
        tokens.iter().filter_map(|line| line["logprob"].as_f64()).sum::<f64>()
    };
    // One beam is none.
    assert_eq!(with(&place, &["--num-beams", "1"]), with(&place, &[]));
    let (one, six) = (log_prob("1"), log_prob("6"));
    assert!(six > one, "six beams come to {six}, one to {one}");
    assert_eq!(log_prob("6"), six, "nothing is drawn");
    let text = |early: &str| with(&place, &["--num-beams", "3", "--early-stopping", early]);
    for early in ["true", "false", "never"] {
        assert!(!text(early).is_empty());
    }
    let lines = json_lines(&with(&place, &["--num-beams", "3", "--json", "--ignore-eos"]));
    assert_eq!(joined(&lines) + "\n", with(&place, &["--num-beams", "3", "--ignore-eos"]));
}

#[test]
fn typical_sampling_and_mirostat_change_what_is_drawn() {
    let place = Place::new();
    let warm = ["--temperature", "1.5", "--seed", "3", "--ignore-eos"];
    let drawn = |more: &[&str]| with(&place, &[&warm[..], more].concat());
    let plain = drawn(&[]);
    assert_ne!(drawn(&["--typical-p", "0.2"]), plain);
    assert_eq!(drawn(&["--typical-p", "1"]), plain);
    assert_ne!(drawn(&["--mirostat", "0.5"]), plain);
    let slow = ["--mirostat", "2", "--mirostat-eta", "0.01"];
    assert_eq!(drawn(&slow), drawn(&slow));
}

#[test]
fn nonsense_is_exit_code_2() {
    let place = Place::new();
    let refused = |more: &[&str], expected: &str| {
        let arguments = ["generate", "--model", "starter", "--prompt", "x"];
        check_refused(&place.run(&[&arguments[..], more].concat()), 2, expected);
    };
    refused(&["--num-beams", "0"], "0 is no value");
    refused(&["--num-beams", "17"], "17 is no value");
    refused(&["--num-beams", "many"], "many");
    refused(&["--num-beams", "4", "--early-stopping", "soon"], "true, false, never");
    refused(&["--num-beams", "4", "--length-penalty", "1000"], "length-penalty");
    refused(&["--num-beams", "4", "--length-penalty", "NaN"], "length-penalty");
    // Without beams these say nothing; beside beams nothing is drawn.
    refused(&["--length-penalty", "2"], "--num-beams");
    refused(&["--early-stopping", "true"], "--num-beams");
    refused(&["--num-beams", "4", "--temperature", "0.7"], "--num-beams");
    refused(&["--num-beams", "4", "--top-k", "9"], "--num-beams");
    refused(&["--typical-p", "0"], "typical-p");
    refused(&["--typical-p", "1.5"], "typical-p");
    refused(&["--mirostat", "5"], "--temperature");
    refused(&["--mirostat", "-5", "--temperature", "1"], "mirostat");
    refused(&["--mirostat", "5", "--temperature", "1", "--mirostat-eta", "0"], "mirostat-eta");
    refused(&["--mirostat", "5", "--temperature", "1", "--top-p", "0.9"], "--mirostat");
    refused(&["--mirostat-eta", "0.1"], "--mirostat");
}
