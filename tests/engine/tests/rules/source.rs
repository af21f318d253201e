//! Reads the tree: every text file, and every Rust file with its comments and strings set apart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::{fs, iter};

/// Everything of ours, by path from the repository's root, with `/` between folders.
pub struct Tree {
    /// Every file.
    pub paths: Vec<String>,
    /// Every file that is text.
    pub texts: BTreeMap<String, String>,
    /// Every Rust file.
    pub sources: Vec<Source>,
}

impl Tree {
    /// The tree as it is now, read once.
    pub fn get() -> &'static Self {
        static TREE: LazyLock<Tree> = LazyLock::new(Tree::read);
        &TREE
    }

    fn read() -> Self {
        let root = root();
        let mut paths = Vec::new();
        walk(&root, &root, &mut paths);
        paths.sort();
        let texts: BTreeMap<String, String> = paths
            .iter()
            .filter_map(|path| Some((path.clone(), fs::read_to_string(root.join(path)).ok()?)))
            .collect();
        let sources = texts
            .iter()
            .filter(|(path, _)| path.ends_with(".rs"))
            .map(|(path, text)| Source::new(path, text))
            .collect();
        Self { paths, texts, sources }
    }

    /// The text of a file that must be there.
    pub fn text(&self, path: &str) -> &str {
        self.texts.get(path).unwrap_or_else(|| panic!("{path} is missing: it belongs to the repository"))
    }

    pub fn manifests(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts
            .iter()
            .filter(|(path, _)| path.ends_with("/Cargo.toml"))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The English tables: path, then the keys with their lines.
    pub fn english(&self) -> BTreeMap<String, Vec<(usize, String)>> {
        self.texts
            .iter()
            .filter(|(path, _)| path.starts_with("assets/i18n/en/"))
            .map(|(path, text)| {
                let table: serde_json::Map<String, serde_json::Value> =
                    serde_json::from_str(text).unwrap_or_else(|error| panic!("{path}: {error}"));
                let line = |key: &str| {
                    text.lines().position(|line| line.contains(&format!("\"{key}\""))).map_or(1, |at| at + 1)
                };
                (path.clone(), table.keys().map(|key| (line(key), key.clone())).collect())
            })
            .collect()
    }
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the repository is where it was built")
}

/// Folders that hold what was made, not what was written. A dot hides a folder, but not the continuous integration.
fn ours(name: &str) -> bool {
    !matches!(name, "target" | "__pycache__" | "node_modules") && (!name.starts_with('.') || name == ".ci")
}

fn walk(root: &Path, folder: &Path, paths: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository is readable") {
        let path = entry.expect("a folder's entry is readable").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            // A shared folder may stand in the checkout; like everything linked it is not part of the repository.
            if ours(&name) && !path.is_symlink() {
                walk(root, &path, paths);
            }
        } else if ours(&name) || name == ".gitignore" {
            let inside = path.strip_prefix(root).expect("walked from the root");
            paths.push(inside.to_string_lossy().replace('\\', "/"));
        }
    }
}

/// A Rust file with its strings and comments taken out of its code.
pub struct Source {
    pub path: String,
    /// The file as it is.
    pub text: String,
    /// The code line by line: comments gone, strings and characters empty.
    pub code: Vec<String>,
    /// Every string literal with the line it begins on.
    pub strings: Vec<(usize, String)>,
    /// For each line, whether it is code of tests.
    pub test: Vec<bool>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let (code, strings) = split(text);
        let code: Vec<String> = code.split('\n').map(str::to_owned).collect();
        let test = if is_test_file(path) { vec![true; code.len()] } else { test_lines(&code) };
        Self { path: path.to_owned(), text: text.to_owned(), code, strings, test }
    }

    pub fn is_test_file(&self) -> bool {
        is_test_file(&self.path)
    }

    /// The lines of code that end up in the program, numbered from one.
    pub fn program(&self) -> impl Iterator<Item = (usize, &str)> {
        self.numbered().filter(|(number, _)| !self.test[number - 1])
    }

    /// The program's code as one text, with the same lines.
    pub fn program_text(&self) -> String {
        let lines =
            self.code.iter().zip(&self.test).map(|(line, test)| if *test { "" } else { line.as_str() });
        lines.collect::<Vec<_>>().join("\n")
    }

    pub fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.iter().enumerate().map(|(at, line)| (at + 1, line.as_str()))
    }
}

fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.ends_with("/proofs.rs")
        || path.contains("/benches/")
}

/// Splits Rust into code (with the same lines) and string literals.
fn split(text: &str) -> (String, Vec<(usize, String)>) {
    let chars: Vec<char> = text.chars().collect();
    let (mut code, mut strings) = (String::with_capacity(text.len()), Vec::new());
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let (length, kind) = token(&chars, at);
        let piece = &chars[at..at + length];
        match kind {
            Kind::Code => code.extend(piece),
            Kind::Literal(from, to) => {
                strings.push((line, chars[at + from..at + length - to].iter().collect()));
                code.push_str("\"\"");
            }
            Kind::Comment => {}
        }
        let lines = piece.iter().filter(|one| **one == '\n').count();
        if !matches!(kind, Kind::Code) {
            code.extend(iter::repeat_n('\n', lines));
        }
        line += lines;
        at += length;
    }
    (code, strings)
}

enum Kind {
    Code,
    Comment,
    /// A literal whose content begins and ends this many characters inside.
    Literal(usize, usize),
}

/// The length and kind of what begins at `at`.
fn token(chars: &[char], at: usize) -> (usize, Kind) {
    let rest = &chars[at..];
    let next = |offset: usize| rest.get(offset).copied();
    let word_before = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match rest[0] {
        '/' if next(1) == Some('/') => (rest.iter().take_while(|one| **one != '\n').count(), Kind::Comment),
        '/' if next(1) == Some('*') => (block_comment(rest), Kind::Comment),
        '"' => (string(rest), Kind::Literal(1, 1)),
        'r' if !word_before || chars[at - 1] == 'b' => raw_string(rest).unwrap_or((1, Kind::Code)),
        '\'' => match (next(1), next(2)) {
            // A character, not a lifetime: 'x' or an escape.
            (Some('\\'), Some(_)) => {
                let end = rest.iter().skip(3).position(|one| *one == '\'').map_or(rest.len(), |end| end + 4);
                (end, Kind::Comment)
            }
            (Some(_), Some('\'')) => (3, Kind::Comment),
            _ => (1, Kind::Code),
        },
        _ => (1, Kind::Code),
    }
}

fn block_comment(rest: &[char]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < rest.len() {
        match (rest[at], rest.get(at + 1)) {
            ('/', Some('*')) => (at, depth) = (at + 2, depth + 1),
            ('*', Some('/')) => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at.min(rest.len())
}

fn string(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn raw_string(rest: &[char]) -> Option<(usize, Kind)> {
    let hashes = rest.iter().skip(1).take_while(|one| **one == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return None;
    }
    let begin = hashes + 2;
    let ends = |at: usize| {
        rest[at] == '"' && rest[at + 1..].iter().take(hashes).filter(|one| **one == '#').count() == hashes
    };
    let end = (begin..rest.len()).find(|at| ends(*at))?;
    Some((end + 1 + hashes, Kind::Literal(begin, 1 + hashes)))
}

/// Marks the lines of every item under `#[cfg(test)]`.
fn test_lines(code: &[String]) -> Vec<bool> {
    let mut test = vec![false; code.len()];
    let mut at = 0;
    while at < code.len() {
        if !code[at].contains("#[cfg(test)]") {
            at += 1;
            continue;
        }
        let (mut depth, mut end, mut opened) = (0, at, false);
        for (number, line) in code.iter().enumerate().skip(at) {
            let line = if number == at { line.replacen("#[cfg(test)]", "", 1) } else { line.clone() };
            end = number;
            depth += line.matches('{').count() as isize - line.matches('}').count() as isize;
            opened |= line.contains('{');
            if depth <= 0 && (opened || line.contains(';')) {
                break;
            }
        }
        test[at..=end].fill(true);
        at = end + 1;
    }
    test
}

#[test]
fn code_strings_and_comments_come_apart() {
    let text = "//! a \"no\"\nlet a = \"x // y\"; // tail\nlet b = r#\"q\"q\"#; let c = '\"'; let d: &'a str = \"z\\\"\";\n/* {\n */ e\n";
    let source = Source::new("engine/src/a.rs", text);
    assert_eq!(source.strings, [(2, "x // y".to_owned()), (3, "q\"q".to_owned()), (3, "z\\\"".to_owned())]);
    assert_eq!(
        source.code,
        ["", "let a = \"\"; ", "let b = \"\"; let c = ; let d: &'a str = \"\";", "", " e", ""]
    );
}

#[test]
fn code_of_tests_is_known() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {}\n#[cfg(test)]\nmod more;\nfn d() {}";
    let source = Source::new("engine/src/a.rs", text);
    let lines: Vec<usize> = source.program().map(|(line, _)| line).collect();
    assert_eq!(lines, [1, 7, 10]);
    assert!(Source::new("engine/src/nn/quant/tests.rs", "fn a() {}").program().next().is_none());
}
