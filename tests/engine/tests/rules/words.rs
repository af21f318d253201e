//! The words of the project: keys of sentences in code and tables, and names that must not be written down.

use crate::Problem;
use crate::source::Source;
use std::collections::{BTreeMap, BTreeSet};

const AREAS: [&str; 17] = [
    "cli",
    "compare",
    "data",
    "datasets",
    "failure",
    "finetune",
    "inside",
    "job",
    "model",
    "playground",
    "predict",
    "prompts",
    "runs",
    "settings",
    "shell",
    "tokens",
    "train",
];

/// Names of files, weights and fields of a recipe that look like keys of an area.
const NOT_KEYS: [&str; 13] = [
    "inside.safetensors",
    "data.jsonl",
    "model.safetensors",
    "model.bin",
    "model.gguf",
    "model.layers",
    "model.embed_tokens",
    "model.norm",
    "data.pkl",
    "data.dataset",
    "data.files",
    "data.validation_files",
    "data.validation_share",
];

/// Every key in the code has a sentence; every sentence has a use: its key in the code, or the head of it in a
/// string that the code completes, such as `settings.theme.{name}`, or a used key with a tail, such as `{key}_hint`.
pub fn keys(sources: &[Source], tables: &BTreeMap<String, Vec<(usize, String)>>) -> Vec<Problem> {
    let known: BTreeSet<&str> = tables.values().flatten().map(|(_, key)| key.as_str()).collect();
    let (mut used, mut heads, mut tails, mut problems) =
        (BTreeSet::new(), Vec::new(), BTreeSet::new(), Vec::new());
    for source in sources {
        for (line, literal) in source.strings.iter().filter(|(line, _)| !source.test[line - 1]) {
            if let Some((head, _)) = literal.split_once('{').filter(|(head, _)| is_head(head)) {
                heads.push((source, *line, head));
            } else if let Some(tail) = tail(literal) {
                tails.insert(tail);
            } else if is_head(literal) {
                heads.push((source, *line, literal));
            } else if is_key(literal) {
                used.insert(literal.as_str());
                if !known.contains(literal.as_str()) {
                    let what = format!(
                        "`{literal}` has no sentence: add it to assets/i18n/*/{}.json",
                        area(literal)
                    );
                    problems.push(Problem::new(&source.path, *line, what));
                }
            }
        }
    }
    for (source, line, head) in &heads {
        if !known.iter().any(|key| key.starts_with(head)) {
            let what =
                format!("no sentence begins with `{head}`: add them to assets/i18n/*/{}.json", area(head));
            problems.push(Problem::new(&source.path, *line, what));
        }
    }
    let tailed =
        |key: &str| tails.iter().any(|tail| key.strip_suffix(tail).is_some_and(|base| used.contains(base)));
    for (path, keys) in tables {
        for (line, key) in keys {
            if !tailed(key)
                && !used.contains(key.as_str())
                && !heads.iter().any(|(.., head)| key.starts_with(head))
            {
                let what = format!("nothing says `{key}`: use it, or remove it in every language");
                problems.push(Problem::new(path, *line, what));
            }
        }
    }
    problems
}

fn area(key: &str) -> &str {
    key.split('.').next().unwrap_or_default()
}

fn is_key(text: &str) -> bool {
    let mut parts = text.split('.');
    let tail_is_word = |part: &str| {
        !part.is_empty()
            && part.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_')
    };
    parts.next().is_some_and(|area| AREAS.contains(&area))
        && text.contains('.')
        && parts.all(tail_is_word)
        && !NOT_KEYS.iter().any(|name| text.starts_with(name))
}

/// `settings.theme.` or `settings.theme_`: a key that the code completes.
fn is_head(text: &str) -> bool {
    text.strip_suffix(['.', '_'])
        .is_some_and(|head| is_key(head) || AREAS.contains(&head) && text.ends_with('.'))
}

/// `_hint` of `{key}_hint`.
fn tail(text: &str) -> Option<&str> {
    let (name, tail) = text.strip_prefix('{')?.split_once('}')?;
    let is_word =
        |text: &str| text.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_');
    let rest = tail.strip_prefix(['_', '.'])?;
    (is_word(name) && !rest.is_empty() && is_word(rest)).then_some(tail)
}

/// Homes and workplaces on a disk, and where packages come from: none of it is true on another machine. Split,
/// so that this file does not name them.
const PLACES: &[(&str, &str)] = &[
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/fa", "rm/"), "a path of one machine"),
    (concat!("/Us", "ers/"), "a path of one machine"),
    (concat!("C:\\Us", "ers"), "a path of one machine"),
    (concat!("/ho", "me/"), "a path of one machine"),
    (concat!("/tmp/tar", "get"), "a path of one machine"),
    (concat!("index.cra", "tes.io"), "the host of a registry"),
    (concat!("static.cra", "tes.io"), "the host of a registry"),
    (concat!("py", "pi.org"), "the host of a registry"),
    (concat!("python", "hosted.org"), "the host of a registry"),
    (concat!("registry.np", "mjs"), "the host of a registry"),
    (concat!("deb.deb", "ian.org"), "the host of a registry"),
];

/// Paths that only look like somebody's: made up, for examples and tests.
const MADE_UP: [&str; 2] = [concat!("/ho", "me/ada"), concat!("/ho", "me/you")];

pub fn places(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = MADE_UP.iter().fold(line.to_owned(), |line, made_up| line.replace(made_up, ""));
        for (place, what) in PLACES.iter().filter(|(place, _)| line.contains(place)) {
            problems.push(Problem::new(
                path,
                at + 1,
                format!("`{place}` is {what}: say it in general, or leave it out"),
            ));
        }
    }
    problems
}

/// Links of a document lead to files and folders that are there.
pub fn links(path: &str, text: &str, paths: &[String]) -> Vec<Problem> {
    if !path.ends_with(".md") {
        return Vec::new();
    }
    let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let mut problems = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let inside = format!("{folder}{}", target.split('#').next().unwrap_or_default());
            let is_there = |one: &String| {
                *one == inside || one.starts_with(&format!("{}/", inside.trim_end_matches('/')))
            };
            if !target.contains("://") && !target.starts_with('#') && !paths.iter().any(is_there) {
                let what = format!("`{target}` is not there: mend the link, or add the file");
                problems.push(Problem::new(path, at + 1, what));
            }
        }
    }
    problems
}

#[test]
fn links_that_lead_nowhere_are_told() {
    let text = "[a](b.md) ![c](x/y.png)\n[d](x) [e](https://f) [g](#h)\n[i](j.md#k)";
    let paths = ["docs/x/y.png", "docs/j.md"].map(str::to_owned);
    let problems = links("docs/a.md", text, &paths);
    assert_eq!(problems.iter().map(|one| one.line).collect::<Vec<_>>(), [1]);
}

#[test]
fn keys_without_sentences_and_sentences_without_keys_are_told() {
    let text = "fn a() {\n    t(\"shell.open\");\n    t(\"shell.lost\");\n    t(&format!(\"shell.theme.{x}\"));\n    t(\"model.safetensors\");\n    t(\"shell.gone_\");\n    t(&format!(\"{key}_hint\"));\n}\n#[cfg(test)]\nmod tests {\n    const A: &str = \"shell.test\";\n}";
    let table = ["shell.open", "shell.theme.dark", "shell.unused", "shell.open_hint"].iter().enumerate();
    let table = table.map(|(at, key)| (at + 2, (*key).to_owned())).collect();
    let problems =
        keys(&[Source::new("ui/src/a.rs", text)], &BTreeMap::from([("en/shell.json".to_owned(), table)]));
    let mut found: Vec<(&str, usize)> = problems.iter().map(|one| (one.path.as_str(), one.line)).collect();
    found.sort_unstable();
    assert_eq!(found, [("en/shell.json", 4), ("ui/src/a.rs", 3), ("ui/src/a.rs", 6)]);
}

#[test]
fn places_of_one_machine_are_told() {
    let text = format!("a\n{}x\n{}/models\nhttps://{}/p", PLACES[0].0, MADE_UP[0], PLACES[9].0);
    let lines: Vec<usize> = places("a.md", &text).iter().map(|one| one.line).collect();
    assert_eq!(lines, [2, 4]);
}
