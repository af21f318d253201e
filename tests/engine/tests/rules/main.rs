//! The rules of the house, read from the sources: which crate and module may know which, what must not be
//! called, what every file and table must have. Each checker takes text and is tried here on small snippets too.
//!
//! A failure names the file and line and says what to do. To bend a rule, change its table and say why there.

mod assets;
mod calls;
mod crates;
mod modules;
mod source;
mod words;

use source::Tree;

/// One breach: where it is, and what to do about it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub path: String,
    pub line: usize,
    pub what: String,
}

impl Problem {
    pub fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

#[track_caller]
fn none(mut problems: Vec<Problem>) {
    problems.sort();
    let lines: Vec<String> =
        problems.iter().map(|one| format!("  {}:{}: {}", one.path, one.line, one.what)).collect();
    assert!(lines.is_empty(), "{} against the rules of the house:\n{}", lines.len(), lines.join("\n"));
}

/// Runs one checker over every Rust file of ours.
#[track_caller]
fn in_every_file(check: impl Fn(&source::Source) -> Vec<Problem>) {
    none(Tree::get().sources.iter().flat_map(check).collect());
}

#[test]
fn crates_know_only_what_is_theirs_to_know() {
    none(Tree::get().manifests().flat_map(|(path, text)| crates::arrows(path, text)).collect());
}

#[test]
fn crates_have_what_they_use_and_no_more() {
    let tree = Tree::get();
    none(tree.manifests().flat_map(|(path, text)| crates::unused(path, text, tree)).collect());
}

#[test]
fn modules_of_the_engine_point_one_way() {
    in_every_file(modules::engine_arrows);
}

#[test]
fn modules_of_the_window_point_one_way() {
    in_every_file(modules::window_arrows);
}

#[test]
fn every_file_says_what_lives_in_it() {
    in_every_file(calls::opening);
}

#[test]
fn files_stay_readable() {
    in_every_file(calls::length);
}

#[test]
fn nothing_banned_is_called() {
    in_every_file(calls::banned);
}

#[test]
fn unsafe_code_has_its_rooms() {
    in_every_file(calls::unsafe_code);
}

#[test]
fn only_the_program_reads_its_environment() {
    in_every_file(calls::environment);
}

#[test]
fn colours_come_from_the_theme() {
    in_every_file(calls::colours);
}

#[test]
fn every_key_in_the_code_has_a_sentence_and_every_sentence_a_use() {
    let tree = Tree::get();
    none(words::keys(&tree.sources, &tree.english()));
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    none(Tree::get().texts.iter().flat_map(|(path, text)| words::places(path, text)).collect());
}

#[test]
fn documents_lead_somewhere() {
    let tree = Tree::get();
    none(tree.texts.iter().flat_map(|(path, text)| words::links(path, text, &tree.paths)).collect());
}

/// What the program tells a person to install is what the README tells, and what `./check-slow` installs.
#[test]
fn system_packages_are_the_same_everywhere() {
    let tree = Tree::get();
    let named = tree.sources.iter().filter(|source| source.path.starts_with("app/"));
    let named: Vec<&str> = named
        .flat_map(|one| &one.strings)
        .map(|(_, text)| text.as_str())
        .filter(|text| text.starts_with("libgl1 "))
        .collect();
    assert_eq!(named.len(), 1, "the program names the packages of the window once: {named:?}");
    for path in ["README.md", "check-slow"] {
        assert!(tree.text(path).contains(named[0]), "{path} must name the window's packages: {}", named[0]);
    }
}

#[test]
fn every_asset_has_a_licence() {
    none(assets::licences(&Tree::get().paths));
}

#[test]
fn the_lock_file_is_kept() {
    let tree = Tree::get();
    none(crates::lock(tree.text("Cargo.lock"), tree.text(".gitignore")));
}

#[test]
fn third_parties_are_named() {
    none(crates::third_parties(&crates::program_tree(), Tree::get().text("assets/licences/THIRD-PARTY.txt")));
}
