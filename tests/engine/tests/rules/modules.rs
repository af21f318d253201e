//! Which module may name which: the engine's rooms and the window's.

use crate::Problem;
use crate::source::Source;

/// A room of the engine, what it must not name, and why. Other crates stand behind `::`.
const ENGINE: &[(&str, &[&str], &str)] = &[
    (
        "store",
        &[
            "::candle_core",
            "nn",
            "models",
            "inspect",
            "shelf",
            "tokenizer",
            "chat_template",
            "generate",
            "jobs",
        ],
        "the store keeps records and knows no tensor",
    ),
    ("store", &["event_loop", "job_cx"], "the store does not know who asks"),
    ("nn", &["::sqlx", "models", "shelf", "store", "home", "generate", "jobs"], "blocks know only blocks"),
    ("nn", &["tokenizer", "chat_template", "event_loop", "job_cx"], "blocks know only blocks"),
    (
        "models",
        &["::sqlx", "shelf", "store", "home", "generate", "jobs"],
        "a model is made of blocks, no more",
    ),
    ("models", &["tokenizer", "chat_template", "event_loop", "job_cx"], "a model is made of blocks, no more"),
    (
        "infer",
        &[
            "::sqlx",
            "shelf",
            "store",
            "home",
            "generate",
            "jobs",
            "tokenizer",
            "chat_template",
            "event_loop",
            "job_cx",
        ],
        "a pass knows models and kernels; text and who asks are above it",
    ),
    (
        "tokenizer",
        &["::candle_core", "::sqlx", "models", "store", "generate", "jobs", "job_cx"],
        "text in, ids out",
    ),
    (
        "chat_template",
        &["::candle_core", "::sqlx", "models", "store", "generate", "jobs", "job_cx"],
        "turns in, text out",
    ),
    ("inspect", &["::sqlx", "store", "jobs", "event_loop", "job_cx"], "jobs come to it, not it to jobs"),
    ("shelf", &["::sqlx", "store", "jobs", "event_loop", "job_cx"], "jobs come to it, not it to jobs"),
    ("generate", &["::sqlx", "store", "jobs", "event_loop", "job_cx"], "jobs come to it, not it to jobs"),
    ("bench", &["::sqlx", "store", "jobs", "event_loop", "job_cx"], "jobs come to it, not it to jobs"),
    (
        "train",
        &["::sqlx", "shelf", "store", "home", "generate", "inspect", "jobs", "event_loop", "job_cx"],
        "training knows models, data and kernels; who asks and where it is kept is told to it",
    ),
    (
        "data",
        &[
            "::candle_core",
            "::sqlx",
            "models",
            "nn",
            "shelf",
            "store",
            "train",
            "jobs",
            "event_loop",
            "job_cx",
        ],
        "rows in, tokens and labels out",
    ),
    ("jobs", &["::sqlx", "event_loop"], "a job asks the store and answers through its context"),
];

/// The same for the window.
const WINDOW: &[(&str, &[&str], &str)] = &[
    ("theme", &["app", "panes", "widgets", "model", "layout", "palette"], "the theme is only looks"),
    ("widgets", &["app", "panes", "model", "layout", "palette"], "widgets take plain data"),
    ("model", &["app", "panes", "widgets", "theme", "layout", "palette"], "the model is a fold of events"),
    ("panes", &["app", "layout", "palette"], "panes push actions and know nothing above them"),
];

pub fn engine_arrows(source: &Source) -> Vec<Problem> {
    arrows(source, "engine/src/", ENGINE)
}

pub fn window_arrows(source: &Source) -> Vec<Problem> {
    let mut problems = arrows(source, "ui/src/", WINDOW);
    problems.extend(neighbours(source));
    problems
}

fn arrows(source: &Source, crate_folder: &str, table: &[(&str, &[&str], &str)]) -> Vec<Problem> {
    let Some(inside) = source.path.strip_prefix(crate_folder) else { return Vec::new() };
    let room = inside.split(['/', '.']).next().unwrap_or_default();
    let mut problems = Vec::new();
    for (line, path) in named(source, inside) {
        let first = path.split("::").next().filter(|first| !first.is_empty()).unwrap_or(&path);
        for (_, banned, why) in table.iter().filter(|(from, ..)| *from == room) {
            if banned.contains(&first) {
                problems.push(Problem::new(
                    &source.path,
                    line,
                    format!("`{room}` must not name `{first}`: {why}"),
                ));
            }
        }
    }
    problems
}

/// Panes don't import each other: what two of them need is a widget or belongs to the model.
fn neighbours(source: &Source) -> Vec<Problem> {
    let Some(inside) = source.path.strip_prefix("ui/src/") else { return Vec::new() };
    let Some(pane) = inside.strip_prefix("panes/").and_then(|rest| rest.split(['/', '.']).next()) else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    for (line, path) in named(source, inside) {
        let mut parts = path.split("::");
        let other = (parts.next() == Some("panes")).then(|| parts.next()).flatten().unwrap_or(pane);
        let is_module = other.starts_with(|first: char| first.is_ascii_lowercase());
        if pane != "mod" && is_module && other != pane {
            let what =
                format!("pane `{pane}` must not name pane `{other}`: share a widget, or push an action");
            problems.push(Problem::new(&source.path, line, what));
        }
    }
    problems
}

/// Every path that the program's part of the file names: modules as seen from the crate's root, and `::name` for
/// what begins with anything else, another crate perhaps. `a::{b, c}` counts as both.
fn named(source: &Source, inside: &str) -> Vec<(usize, String)> {
    let here = module_path(inside);
    let text: String = source.program_text();
    let mut found = Vec::new();
    for (at, _) in text.match_indices("::") {
        let head_start =
            text[..at].rfind(|one: char| !one.is_alphanumeric() && one != '_').map_or(0, |end| end + 1);
        let head = &text[head_start..at];
        // Only where a path begins: `super::super::x` is read from its first word.
        if head.is_empty() || text[..head_start].ends_with("::") {
            continue;
        }
        let line = text[..at].matches('\n').count() + 1;
        let (mut base, mut rest) = match head {
            "crate" => (Vec::new(), &text[at + 2..]),
            "self" => (here.clone(), &text[at + 2..]),
            "super" => (here[..here.len().saturating_sub(1)].to_vec(), &text[at + 2..]),
            _ => {
                found.push((line, format!("::{head}")));
                continue;
            }
        };
        while let Some(after) = rest.strip_prefix("super::") {
            (base, rest) = (base[..base.len().saturating_sub(1)].to_vec(), after);
        }
        for path in expanded(rest) {
            let path: Vec<&str> = base.iter().map(String::as_str).chain([path.as_str()]).collect();
            found.push((line, path.join("::")));
        }
    }
    found
}

/// `panes/chat/row.rs` is the module `panes::chat::row`.
fn module_path(inside: &str) -> Vec<String> {
    let mut parts: Vec<String> = inside.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib" || last == "main") {
        parts.pop();
    }
    parts
}

/// The paths that `text` begins with: one, or those between braces.
fn expanded(text: &str) -> Vec<String> {
    let text = text.trim_start();
    let end = text.find(|one: char| !one.is_alphanumeric() && one != '_' && one != ':').unwrap_or(text.len());
    let (head, rest) = (text[..end].trim_end_matches(':'), &text[end..]);
    let Some(list) = rest.strip_prefix('{') else { return vec![head.to_owned()] };
    let (mut depth, mut from, mut found) = (0, 0, Vec::new());
    for (at, one) in list.char_indices() {
        match one {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                found.extend(expanded(&list[from..at]).into_iter().filter(|path| !path.is_empty()));
                from = at + 1;
                if one == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    if head.is_empty() { found } else { found.iter().map(|path| format!("{head}::{path}")).collect() }
}

#[test]
fn a_store_that_knows_tensors_is_told() {
    let text = "use candle_core::Tensor;\nuse crate::{home, nn::Linear,\n    jobs};\nfn a() { super::super::shelf::b(); super::open(); }\n#[cfg(test)]\nmod tests { use crate::nn; }\n";
    let problems = engine_arrows(&Source::new("engine/src/store/chats.rs", text));
    let found: Vec<(usize, &str)> =
        problems.iter().map(|one| (one.line, one.what.split('`').nth(3).unwrap_or_default())).collect();
    assert_eq!(found, [(1, "::candle_core"), (2, "nn"), (2, "jobs"), (4, "shelf")]);
    assert!(engine_arrows(&Source::new("engine/src/jobs/generate.rs", text)).is_empty());
}

#[test]
fn panes_that_know_each_other_are_told() {
    let text = "use crate::panes::{Pane, jobs, settings::Row};\nuse super::{PaneCx, playground};\n";
    let problems = window_arrows(&Source::new("ui/src/panes/settings.rs", text));
    assert_eq!(problems.iter().map(|one| one.line).collect::<Vec<_>>(), [1, 2]);
    assert!(window_arrows(&Source::new("ui/src/panes/mod.rs", text)).is_empty());
    assert_eq!(window_arrows(&Source::new("ui/src/widgets/row.rs", text)).len(), 3);
}
