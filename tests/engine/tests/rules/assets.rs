//! Whatever comes with the program and was not written for it has its licence beside it.

use crate::Problem;
use std::collections::BTreeSet;

/// Folders of `assets/` that hold only our own words and pictures.
const OURS: [&str; 4] = ["i18n", "package", "prompts", "readme"];

const NOTICES: [&str; 5] = ["LICENSE", "LICENCE", "NOTICE", "OFL", "THIRD-PARTY"];

pub fn licences(paths: &[String]) -> Vec<Problem> {
    let split = |path: &String| -> Option<(String, String)> {
        let (folder, file) = path.strip_prefix("assets/")?.split_once('/')?;
        Some((folder.to_owned(), file.to_owned()))
    };
    let files: Vec<(String, String)> = paths.iter().filter_map(split).collect();
    let licensed: BTreeSet<&str> = files
        .iter()
        .filter(|(_, file)| NOTICES.iter().any(|notice| file.to_uppercase().contains(notice)))
        .map(|(folder, _)| folder.as_str())
        .collect();
    let folders: BTreeSet<&str> = files.iter().map(|(folder, _)| folder.as_str()).collect();
    folders
        .difference(&licensed)
        .filter(|folder| !OURS.contains(folder))
        .map(|folder| {
            Problem::new(
                &format!("assets/{folder}"),
                1,
                "put the licence or notice of what it holds beside it",
            )
        })
        .collect()
}

#[test]
fn an_asset_without_a_licence_is_told() {
    let paths = [
        "assets/README.md",
        "assets/a/x.ttf",
        "assets/b/x.ttf",
        "assets/b/x-OFL.txt",
        "assets/i18n/en/a.json",
    ];
    let problems = licences(&paths.map(str::to_owned));
    assert_eq!(problems.iter().map(|one| one.path.as_str()).collect::<Vec<_>>(), ["assets/a"]);
}
