//! `docs/failures.md` has an entry for each of the 52 failures of the field, and every test it names is in the tree.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const ENTRIES: usize = 52;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Names of all tests below these folders.
fn tests_of(folders: &[&str]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                fs::read_dir(&path)
                    .expect("a folder")
                    .map(|entry| entry.expect("an entry").path()),
            );
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source");
            names.extend(tests_in(&text).map(str::to_owned));
        }
    }
    names
}

/// Functions that follow `#[test]` or `#[tokio::test]`, attributes between them or not.
fn tests_in(text: &str) -> impl Iterator<Item = &str> {
    let mut marked = false;
    text.lines().filter_map(move |line| {
        let line = line.trim();
        let name = line.trim_start_matches("async ").strip_prefix("fn ");
        match name {
            Some(name) => std::mem::take(&mut marked).then(|| name.split('(').next().unwrap_or_default()),
            None => {
                marked |= line == "#[test]" || line.starts_with("#[tokio::test");
                None
            }
        }
    })
}

/// Every second piece between backticks.
fn named(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

#[test]
fn every_entry_says_what_is_done_and_names_tests_that_exist() {
    let text = fs::read_to_string(root().join("docs/failures.md")).expect("the catalogue");
    let tests = tests_of(&["tests", "src"]);
    let entries: Vec<&str> = text.split("\n### ").skip(1).collect();
    assert_eq!(entries.len(), ENTRIES);
    for (place, entry) in entries.iter().enumerate() {
        let number = place + 1;
        assert!(
            entry.starts_with(&format!("{number}. ")),
            "entry {number} comes out of order"
        );
        let line = |start: &str| {
            let found = entry.lines().find_map(|line| line.strip_prefix(start));
            found.unwrap_or_else(|| panic!("entry {number} lacks a line `{start}`"))
        };
        assert!(
            line("Seen: ").len() > 10 && line("Wardwire: ").len() > 10,
            "entry {number} says nothing"
        );
        let shown: Vec<&str> = named(line("Shown by: ")).collect();
        assert!(!shown.is_empty(), "entry {number} is shown by nothing");
        for test in shown {
            assert!(tests.contains(test), "entry {number} names `{test}`, which is no test");
        }
    }
}

#[test]
fn every_test_of_the_catalogue_is_named_in_it() {
    let text = fs::read_to_string(root().join("docs/failures.md")).expect("the catalogue");
    let text = text.replace('\n', " ");
    let known: BTreeSet<&str> = named(&text).collect();
    for file in ["host", "protocol", "sending", "receiving"] {
        let source = fs::read_to_string(root().join(format!("tests/failures/{file}.rs"))).expect("a source");
        for test in tests_in(&source) {
            assert!(known.contains(test), "{file}: `{test}` stands in no entry");
        }
    }
}
