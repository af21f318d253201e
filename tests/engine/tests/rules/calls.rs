//! What a file must have and what it must not call, by reading it: clippy sees the types, this sees the rest.

use crate::Problem;
use crate::source::Source;

const MOST_LINES: usize = 500;

/// What must not stand in the program, and what to do instead. Tests may, where clippy lets them.
const BANNED: &[(&str, &str)] = &[
    ("todo!", "finish it, or leave it out"),
    ("unimplemented!", "finish it, or leave it out"),
    ("dbg!", "use tracing"),
    (".unwrap()", "return an error with context, or `expect` with the reason why it cannot fail"),
    ("println!", "write to a stream that was handed in, or use tracing"),
    ("process::exit", "return an exit code from main, so that destructors run"),
    ("thread::spawn", "threads have names: std::thread::Builder, or a job"),
    ("mem::forget", "let it drop"),
];

/// What must stand nowhere, tests included.
const BANNED_EVERYWHERE: &[(&str, &str)] = &[
    ("#[allow", "mend it, or say `#[expect(lint, reason = …)]`"),
    ("#![allow", "mend it, or say `#![expect(lint, reason = …)]`"),
    ("#[ignore", "a test runs in ./test, or lives in ./check-slow, or is gone"),
];

/// Where `unsafe` may stand, each with its reasons and tests.
const UNSAFE_ROOMS: &[&str] = &["engine/kernels/src/", "engine/kernels/benches/"];

/// Who else may ask the process about itself, what, and why.
const ENVIRONMENT: &[(&str, &str, &str)] = &[
    ("app/src/paths.rs", "env::", "this is the room for it"),
    ("engine/src/device.rs", "env::consts::", "constants of the build, not of the environment"),
    ("engine/datasets/benches/", "env::", "a bench is told by its arguments"),
    ("engine/datasets/examples/", "env::", "what ./check-slow runs is told by its arguments"),
    ("engine/benches/", "env::", "a bench is told by its arguments"),
    ("engine/kernels/benches/", "env::", "a bench is told by its arguments"),
];

pub fn opening(source: &Source) -> Vec<Problem> {
    let said = source
        .text
        .strip_prefix("//!")
        .is_some_and(|rest| !rest.lines().next().unwrap_or_default().trim().is_empty());
    let what = "open with `//!`: what lives here, and what does not";
    if said { Vec::new() } else { vec![Problem::new(&source.path, 1, what)] }
}

pub fn length(source: &Source) -> Vec<Problem> {
    let lines = source.text.lines().count();
    if source.is_test_file() || lines <= MOST_LINES {
        return Vec::new();
    }
    let what = format!("{lines} lines, more than {MOST_LINES}: give its parts rooms of their own");
    vec![Problem::new(&source.path, MOST_LINES + 1, what)]
}

pub fn banned(source: &Source) -> Vec<Problem> {
    // Clippy knows most of these too; where it was told why not, with `#[expect]`, it holds the reason to be true.
    let expected = |line: usize| {
        let above = source.code[..line - 1].iter().rev().map(|one| one.trim());
        let attribute = above.take(5).skip_while(|one| one.is_empty()).collect::<Vec<_>>();
        attribute.first().is_some_and(|last| last.ends_with(")]"))
            && attribute.iter().any(|one| one.starts_with("#[expect("))
    };
    let in_program = source
        .program()
        .filter(|(line, _)| !expected(*line))
        .flat_map(|(line, code)| told(source, line, code, BANNED));
    let anywhere = source.numbered().flat_map(|(line, code)| told(source, line, code, BANNED_EVERYWHERE));
    in_program.chain(anywhere).collect()
}

fn told(source: &Source, line: usize, code: &str, table: &[(&str, &str)]) -> Vec<Problem> {
    table
        .iter()
        .filter(|(call, _)| begins_word(code, call))
        .map(|(call, instead)| Problem::new(&source.path, line, format!("`{call}` is banned: {instead}")))
        .collect()
}

/// Whether `call` stands in `code` other than as the end of a longer word: `eprintln!` is not `println!`.
fn begins_word(code: &str, call: &str) -> bool {
    code.match_indices(call).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !call.starts_with(char::is_alphanumeric)
            || !before.is_some_and(|one| one.is_alphanumeric() || one == '_')
    })
}

pub fn unsafe_code(source: &Source) -> Vec<Problem> {
    unsafe_outside(UNSAFE_ROOMS, source)
}

fn unsafe_outside(rooms: &[&str], source: &Source) -> Vec<Problem> {
    if rooms.iter().any(|room| source.path.starts_with(room)) {
        return Vec::new();
    }
    let is_unsafe = |code: &str| {
        code.split(|one: char| !one.is_alphanumeric() && one != '_').any(|word| word == "unsafe")
    };
    let what = "no `unsafe` here: find a safe way, or give it a room of its own in the rules, with reasons and tests";
    source
        .numbered()
        .filter(|(_, code)| is_unsafe(code))
        .map(|(line, _)| Problem::new(&source.path, line, what))
        .collect()
}

pub fn environment(source: &Source) -> Vec<Problem> {
    let allowed = |code: &str| {
        ENVIRONMENT.iter().any(|(path, what, _)| source.path.starts_with(path) && code.contains(what))
    };
    source
        .program()
        .filter(|(_, code)| begins_word(code, "env::") && !allowed(code))
        .map(|(line, _)| {
            let what =
                "only app/src/paths.rs asks the environment: hand the answer in through the configuration";
            Problem::new(&source.path, line, what)
        })
        .collect()
}

/// Colours have names, and the names live in the theme. The two that say "none" are no colours.
pub fn colours(source: &Source) -> Vec<Problem> {
    let ours = source.path.starts_with("ui/src/") || source.path.starts_with("app/src/");
    if !ours || source.path.starts_with("ui/src/theme") {
        return Vec::new();
    }
    let literal = |code: &str| {
        let constant = code.split("Color32::").skip(1).any(|rest| {
            let name: String = rest.chars().take_while(|one| one.is_alphanumeric() || *one == '_').collect();
            !matches!(name.as_str(), "TRANSPARENT" | "PLACEHOLDER")
        });
        constant || code.contains("Rgba::from") || code.contains("hex_color!")
    };
    let what = "name this colour in ui/src/theme and take it from there";
    source
        .program()
        .filter(|(_, code)| literal(code))
        .map(|(line, _)| Problem::new(&source.path, line, what))
        .collect()
}

#[cfg(test)]
fn lines(check: fn(&Source) -> Vec<Problem>, path: &str, text: &str) -> Vec<usize> {
    check(&Source::new(path, text)).iter().map(|one| one.line).collect()
}

#[test]
fn files_without_an_opening_or_an_end_are_told() {
    assert_eq!(lines(opening, "a.rs", "//!\nfn a() {}"), [1]);
    assert_eq!(lines(opening, "a.rs", "use b;"), [1]);
    assert!(lines(opening, "a.rs", "//! What lives here.").is_empty());
    assert_eq!(lines(length, "a.rs", &"a\n".repeat(501)), [501]);
    assert!(lines(length, "tests/a.rs", &"a\n".repeat(501)).is_empty());
}

#[test]
fn banned_calls_are_told() {
    let text = "a.unwrap();\n// todo!()\n\"dbg!\";\neprintln!();\nprintln!();\n#[allow(x)]\nstd::thread::spawn(f);\n#[cfg(test)]\nmod tests {\n    a.unwrap();\n    #[ignore]\n    fn a() {}\n}\n#[expect(\n    clippy::disallowed_methods,\n    reason = \"why\"\n)]\nprocess::exit(1);";
    assert_eq!(lines(banned, "engine/src/a.rs", text), [1, 5, 7, 6, 11]);
}

#[test]
fn unsafe_code_outside_its_rooms_is_told() {
    let text = "#[deny(unsafe_code)]\nunsafe { a() }";
    assert_eq!(lines(unsafe_code, "engine/src/nn/a.rs", text), [2]);
    assert!(
        unsafe_outside(&["engine/src/shelf/map.rs"], &Source::new("engine/src/shelf/map.rs", text))
            .is_empty()
    );
}

#[test]
fn questions_to_the_environment_are_told() {
    let text = "std::env::var(x);\nstd::env::consts::ARCH;\nenv!(x);";
    assert_eq!(lines(environment, "engine/src/device.rs", text), [1]);
    assert_eq!(lines(environment, "ui/src/app.rs", text), [1, 2]);
    assert!(lines(environment, "app/src/paths.rs", text).is_empty());
}

#[test]
fn loose_colours_are_told() {
    let text = "Color32::RED;\nColor32::TRANSPARENT;\nColor32::from_rgb(1, 2, 3);\nhex_color!(x);\nfn a(b: Color32) {}";
    assert_eq!(lines(colours, "ui/src/panes/a.rs", text), [1, 3, 4]);
    assert!(lines(colours, "ui/src/theme/tokens.rs", text).is_empty());
}
