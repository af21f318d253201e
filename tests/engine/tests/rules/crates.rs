//! Which crate may depend on which, and that every one is locked and its licence named.

use crate::Problem;
use crate::source::{self, Source, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// A dependency, the packages that may have it, and why no other. Families go by their first word.
const ROOMS: &[(&str, &[&str], &str)] = &[
    ("candle", &["glassworks-engine", "glassworks-tests-engine"], "only the engine knows tensors"),
    ("gemm", &["glassworks-engine", "glassworks-kernels"], "only the engine computes"),
    (
        "glassworks-datasets",
        &["glassworks-engine", "glassworks-tests-engine"],
        "the window asks the engine for rows",
    ),
    ("glassworks-kernels", &["glassworks-engine", "glassworks-tests-engine"], "only the engine computes"),
    ("tokenizers", &["glassworks-engine", "glassworks-tests-engine"], "only the engine knows tokenizers"),
    (
        "safetensors",
        &["glassworks-engine", "glassworks", "glassworks-tests-engine"],
        "the engine reads weights, and `glassworks inspect` writes what was captured",
    ),
    ("hf", &["glassworks-engine", "glassworks-tests-engine"], "only the engine knows the hub"),
    ("sqlx", &["glassworks-engine"], "only the engine's store speaks SQL"),
    ("tokio", &["glassworks-engine", "glassworks-tests-engine"], "the runtime is the engine's"),
    ("egui", &["glassworks-ui", "glassworks-tests-screens"], "only the window draws"),
    ("eframe", &["glassworks"], "only the program opens a window"),
    ("winit", &["glassworks"], "only the program opens a window"),
    ("rfd", &["glassworks"], "only the program talks to the desktop"),
    ("zbus", &["glassworks"], "only the program talks to the desktop"),
    ("clap", &["glassworks"], "only the program has a command line"),
    (
        "glassworks-engine",
        &["glassworks", "glassworks-tests-engine"],
        "the window speaks to the engine through the protocol",
    ),
    ("glassworks-ui", &["glassworks", "glassworks-tests-screens"], "the engine knows no window"),
    ("glassworks", &[], "nothing depends on the program"),
];

/// The protocol is plain data: this is all it may have.
const OF_PROTOCOL: [&str; 3] = ["serde", "serde_json", "uuid"];

/// Checks one package's Cargo.toml.
pub fn arrows(path: &str, manifest: &str) -> Vec<Problem> {
    let package = package_name(manifest);
    let mut problems = Vec::new();
    for (line, dependency) in dependencies(manifest) {
        for (family, may, why) in ROOMS {
            let ours = family.starts_with("glassworks");
            let named = dependency == *family || !ours && dependency.split(['-', '_']).next() == Some(family);
            if named && !may.contains(&package.as_str()) {
                problems.push(Problem::new(
                    path,
                    line,
                    format!("remove `{dependency}` from {package}: {why}"),
                ));
            }
        }
        if package == "glassworks-protocol" && !OF_PROTOCOL.contains(&dependency.as_str()) {
            let what =
                format!("remove `{dependency}`: the protocol is plain data on {}", OF_PROTOCOL.join(", "));
            problems.push(Problem::new(path, line, what));
        }
    }
    problems
}

/// Named by nobody, there to switch on a feature of what others use, and which.
const FOR_FEATURES: &[(&str, &str)] = &[("gemm", "AVX-512 for candle's products, chosen at run time")];

/// What a package depends on, it names: in its own folder, packages inside it apart.
pub fn unused(path: &str, manifest: &str, tree: &Tree) -> Vec<Problem> {
    let folder = path.trim_end_matches("Cargo.toml");
    let inner: Vec<&str> = tree
        .manifests()
        .map(|(path, _)| path.trim_end_matches("Cargo.toml"))
        .filter(|one| one.len() > folder.len())
        .collect();
    let sources: Vec<&Source> = tree
        .sources
        .iter()
        .filter(|one| one.path.starts_with(folder) && !inner.iter().any(|inner| one.path.starts_with(inner)))
        .collect();
    dependencies(manifest)
        .into_iter()
        .filter(|(_, name)| !FOR_FEATURES.iter().any(|(one, _)| one == name))
        .filter(|(_, name)| {
            let word = name.replace('-', "_");
            !sources
                .iter()
                .any(|source| source.numbered().any(|(_, code)| words(code).any(|one| one == word)))
        })
        .map(|(line, name)| {
            Problem::new(path, line, format!("remove `{name}`: nothing in {folder} names it"))
        })
        .collect()
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|one: char| !one.is_alphanumeric() && one != '_')
}

fn package_name(manifest: &str) -> String {
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = "));
    name.unwrap_or_default().trim_matches('"').to_owned()
}

/// The names of everything depended on, whatever for; renamed ones by their real name.
fn dependencies(manifest: &str) -> Vec<(usize, String)> {
    let (mut found, mut inside) = (Vec::new(), false);
    for (at, line) in manifest.lines().enumerate() {
        if let Some(section) = line.trim().strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = section.ends_with("dependencies");
            if let Some((_, name)) = section.split_once("dependencies.") {
                found.push((at + 1, name.to_owned()));
            }
        } else if inside && let Some((name, value)) = line.split_once('=') {
            let name = name.split('.').next().unwrap_or_default().trim();
            let real = value.split_once("package = \"").and_then(|(_, rest)| rest.split('"').next());
            if !name.is_empty() && !name.starts_with('#') {
                found.push((at + 1, real.unwrap_or(name).to_owned()));
            }
        }
    }
    found
}

/// Cargo.lock holds our packages and is not ignored.
pub fn lock(lock: &str, ignored: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    if [
        "glassworks",
        "glassworks-datasets",
        "glassworks-engine",
        "glassworks-kernels",
        "glassworks-protocol",
        "glassworks-ui",
    ]
    .iter()
    .any(|name| !lock.contains(&format!("name = \"{name}\"\n")))
    {
        problems.push(Problem::new(
            "Cargo.lock",
            1,
            "run `cargo check` and commit it: it is not this workspace's",
        ));
    }
    for (at, line) in ignored.lines().enumerate() {
        if line.contains("Cargo.lock") {
            problems.push(Problem::new(
                ".gitignore",
                at + 1,
                "keep Cargo.lock: builds must be the same everywhere",
            ));
        }
    }
    problems
}

/// What the program is built from on this machine: `name version` of every crate that is not ours.
pub fn program_tree() -> BTreeSet<String> {
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let output = Command::new(cargo)
        .args(["tree", "-p", "glassworks", "-e", "normal", "--prefix=none", "--format={p}", "--locked"])
        .current_dir(source::root())
        .output()
        .expect("cargo, which builds this test, is there");
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|line| !line.starts_with("glassworks"))
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some(format!("{} {}", words.next()?, words.next()?.strip_prefix('v')?))
        })
        .collect()
}

/// Every crate of the program stands in the list that the window shows.
pub fn third_parties(crates: &BTreeSet<String>, list: &str) -> Vec<Problem> {
    let named: BTreeSet<&str> =
        list.lines().filter_map(|line| line.split_once(" | ").map(|(name, _)| name)).collect();
    crates
        .iter()
        .filter(|one| !named.contains(one.as_str()))
        .map(|one| {
            let what =
                format!("{one} is missing: run assets/licences/third_party.py and commit what it writes");
            Problem::new("assets/licences/THIRD-PARTY.txt", 1, what)
        })
        .collect()
}

#[test]
fn a_window_that_knows_tensors_is_told() {
    let manifest = "[package]\nname = \"glassworks-ui\"\n\n[dependencies]\negui.workspace = true\ncandle-core = \"1\"\n\n[dev-dependencies]\nmaths = { package = \"candle-nn\" }\n\n[dependencies.glassworks-engine]\npath = \"x\"\n";
    let lines: Vec<usize> = arrows("ui/Cargo.toml", manifest).iter().map(|one| one.line).collect();
    assert_eq!(lines, [6, 9, 11]);
}

#[test]
fn a_protocol_with_more_than_data_is_told() {
    let manifest =
        "[package]\nname = \"glassworks-protocol\"\n[dependencies]\nserde = \"1\"\nanyhow = \"1\"\n";
    assert_eq!(
        arrows("p", manifest)[0].what,
        "remove `anyhow`: the protocol is plain data on serde, serde_json, uuid"
    );
    assert_eq!(arrows("p", manifest).len(), 1);
}

#[test]
fn a_dependency_that_nothing_names_is_told() {
    let manifest = "[package]\nname = \"a\"\n[dependencies]\nserde-json = \"1\"\nlog = \"1\"\n";
    let source = Source::new("a/src/lib.rs", "use serde_json::Value;\n// log::info\nfn catalog() {}");
    let tree = Tree { paths: Vec::new(), texts: BTreeMap::new(), sources: vec![source] };
    assert_eq!(unused("a/Cargo.toml", manifest, &tree).iter().map(|one| one.line).collect::<Vec<_>>(), [5]);
}

#[test]
fn a_lost_lock_is_told() {
    assert_eq!(lock("", "/target\nCargo.lock\n").len(), 2);
}

#[test]
fn a_crate_that_is_not_listed_is_told() {
    let crates = BTreeSet::from(["a 1.0.0".to_owned(), "b 2.0.0".to_owned()]);
    assert_eq!(third_parties(&crates, "a 1.0.0 | MIT | x\nb 1.9.0 | MIT | x\n").len(), 1);
    assert!(program_tree().iter().any(|one| one.starts_with("serde ")));
}
