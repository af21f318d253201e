//! Any text as a model's tokenizer cuts it: ids, bytes and places, without its weights.

use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::tokens::{TokenizeReport, TokenizeSpec};
use glassworks_protocol::{JobOutput, JobSpec};
use glassworks_tests_engine::{Lab, fixtures, root};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const TEXTS: [&str; 5] = [
    "Glass is clear.",
    "玻璃是透明的。🪟 é",
    "def f(x):\n\treturn x\n",
    "  two  spaces, 12345",
    "Стекло прозрачно",
];

fn spec(model: &Path, text: &str, add_special: bool) -> JobSpec {
    let model = ModelSource::Path(model.to_owned());
    JobSpec::Tokenize(Box::new(TokenizeSpec { model, text: text.to_owned(), add_special }))
}

fn cut(lab: &mut Lab, model: &Path, text: &str, add_special: bool) -> Arc<TokenizeReport> {
    match lab.done(spec(model, text, add_special)) {
        JobOutput::Tokenized(report) => report,
        other => panic!("{other:?}"),
    }
}

/// A copy of a model's small files, without weights.
fn without_weights(name: &str, from: &Path, to: &Path) -> PathBuf {
    let to = to.join(name);
    std::fs::create_dir(&to).expect("a folder");
    for file in std::fs::read_dir(from).expect("a folder") {
        let path = file.expect("a file").path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("copied");
        }
    }
    to
}

#[test]
fn bytes_and_places_of_tokens_are_those_of_the_text() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    for model in [root().join("assets/starter"), fixtures().join("gpt2-tiny"), fixtures().join("neox-serial")]
    {
        for text in TEXTS {
            let report = cut(&mut lab, &model, text, false);
            // Byte-level tokens spell the text to the byte.
            let bytes: Vec<u8> = report.tokens.iter().flat_map(|token| token.bytes.clone()).collect();
            assert_eq!(String::from_utf8_lossy(&bytes), text);
            assert_eq!((report.n_chars, report.n_bytes), (text.chars().count() as u32, text.len() as u32));
            let chars: Vec<char> = text.chars().collect();
            let mut end = 0;
            for token in &report.tokens {
                let (from, to) = token.place.expect("nothing was added");
                assert!(
                    from <= end && to >= end && from < to,
                    "{text}: no gaps, and at most one character shared"
                );
                end = to;
                // What is whole stands where it says.
                if let Ok(whole) = std::str::from_utf8(&token.bytes) {
                    let there: String = chars[from as usize..to as usize].iter().collect();
                    assert!(there.contains(whole.trim()), "{whole:?} in {there:?}");
                }
                assert!(!token.name.is_empty() && token.id < report.vocab_size);
            }
            assert_eq!(end as usize, chars.len());
        }
    }
    lab.close();
}

#[test]
fn special_tokens_are_marked_and_have_no_place_when_they_were_added() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = fixtures().join("llama-gqa");
    let plain = cut(&mut lab, &model, "Glass", false);
    let with = cut(&mut lab, &model, "Glass", true);
    assert_eq!(with.tokens.len(), plain.tokens.len() + 1);
    assert!(with.tokens[0].special && with.tokens[0].place.is_none());
    assert_eq!(with.tokens[1..], plain.tokens[..]);
    let typed = format!("{}Glass", with.tokens[0].name);
    let typed = cut(&mut lab, &model, &typed, false);
    assert!(typed.tokens[0].special && typed.tokens[0].place.is_some(), "typed, it stands in the text");
    assert!(cut(&mut lab, &model, "", false).tokens.is_empty());
    lab.close();
}

#[test]
fn a_tokenizer_is_read_alone_and_again_when_its_file_has_changed() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = without_weights("copy", &root().join("assets/starter"), home.path());
    let first = cut(&mut lab, &model, "glass", false);
    let path = model.join("tokenizer.json");
    let text = std::fs::read_to_string(&path).expect("readable");
    let mut json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    json["model"]["merges"] = serde_json::json!([]);
    std::fs::write(&path, json.to_string()).expect("written");
    let second = cut(&mut lab, &model, "glass", false);
    assert!(second.tokens.len() > first.tokens.len(), "no merges are left: a token a byte");
    std::fs::write(&path, "{").expect("written");
    let failure = lab.fails(spec(&model, "glass", false));
    assert!(failure.summary.args.iter().any(|(_, value)| value.contains("tokenizer.json")), "{failure}");
    let failure = lab.fails(spec(&home.path().join("nowhere"), "glass", false));
    assert_eq!(failure.summary.key, "failure.model_path_missing");
    lab.close();
}
