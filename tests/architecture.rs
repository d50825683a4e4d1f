//! The walls of the house, as a test: which room may name which, what the core may depend on, how long a file may be.
//! The table is that of `src/ARCHITECTURE.md`; change both or neither.
#![expect(clippy::unwrap_used, reason = "a harness: a wrong assumption must stop the run")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms of the core and the rooms each may name.
const CORE: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("sms", &["base"]),
    ("at", &["base"]),
    ("modem", &["at", "sms", "base"]),
    ("queue", &["sms", "base"]),
    ("dispatch", &["queue", "sms", "base"]),
    ("gateway", &["dispatch", "modem", "queue", "sms", "base"]),
    ("simulator", &["sms", "base"]),
];

/// Rooms of the shell and the rooms of the shell each may name; all may name the core. `clock` is a leaf for all.
const SHELL: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("config", &[]),
    ("serial", &["clock"]),
    ("doctor", &["config", "serial"]),
    ("store", &["config", "clock"]),
    ("webhook", &["store", "config", "clock"]),
    ("api", &["store", "config", "clock"]),
    ("web", &["store", "config", "api", "clock"]),
    (
        "daemon",
        &["config", "serial", "store", "webhook", "api", "web", "clock"],
    ),
    (
        "cli",
        &["daemon", "config", "store", "serial", "doctor", "api", "clock"],
    ),
];

/// All the core may depend on: nothing that does input or output, nothing that reads a clock.
const CORE_DEPENDENCIES: &[&str] = &[
    "fastrand",
    "heapless",
    "jiff",
    "nom",
    "thiserror",
    "unicode-segmentation",
];

const LINES_PER_FILE: usize = 800;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The source without line comments, so that prose may name any room.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The rooms a source names through `crate::`.
fn named(code: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for (at, prefix) in code.match_indices("crate::") {
        let rest = &code[at + prefix.len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let list = list.split('}').next().unwrap_or_default();
            rooms.extend(list.split(',').map(|item| first_word(item.trim_start())));
        } else {
            rooms.insert(first_word(rest));
        }
    }
    rooms.remove("");
    rooms
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Every name under `base` that the table does not allow, as `file: room`.
fn upward(base: &Path, table: &[(&str, &[&str])]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (room, allowed) in table {
        let (folder, file) = (base.join(room), base.join(format!("{room}.rs")));
        let files = if folder.is_dir() {
            rust_files(&folder)
        } else {
            vec![file]
        };
        for file in files.iter().filter(|f| f.exists()) {
            for name in named(&code(file)) {
                let known = table.iter().any(|(other, _)| *other == name);
                if known && name != *room && !allowed.contains(&name.as_str()) {
                    wrong.push(format!("{}: {name}", file.strip_prefix(root()).unwrap().display()));
                }
            }
        }
    }
    wrong
}

#[test]
fn no_room_names_one_above_it() {
    let core = upward(&root().join("src/core"), CORE);
    let shell = upward(&root().join("src"), SHELL);
    assert_eq!((core, shell), (vec![], vec![]));
}

#[test]
fn every_room_stands_in_the_table() {
    for (base, table) in [("src/core", CORE), ("src", SHELL)] {
        for entry in fs::read_dir(root().join(base)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let is_room = path.is_dir() || path.extension().is_some_and(|e| e == "rs");
            let is_root = ["lib", "main", "core"].contains(&name.as_str());
            if is_room && !is_root {
                assert!(
                    table.iter().any(|(room, _)| *room == name),
                    "{} is not in the table",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn the_core_depends_on_nothing_new() {
    let manifest = fs::read_to_string(root().join("src/core/Cargo.toml")).unwrap();
    let section = manifest
        .split("\n[dependencies]")
        .nth(1)
        .unwrap()
        .split("\n[")
        .next()
        .unwrap();
    for line in section.lines().filter(|l| l.contains('=')) {
        let name = line.split(['=', '.']).next().unwrap().trim();
        assert!(CORE_DEPENDENCIES.contains(&name), "the core may not depend on {name}");
    }
}

#[test]
fn the_core_knows_no_wire_types_and_no_world() {
    let lib = fs::read_to_string(root().join("src/core/lib.rs")).unwrap();
    assert!(lib.contains("#![no_std]") && lib.contains("#![forbid(unsafe_code)]"));
    for file in rust_files(&root().join("src/core")) {
        let code = code(&file);
        for banned in [
            "serde",
            "HashMap",
            "HashSet",
            "SystemTime",
            "std::time",
            "std::fs",
            "std::net",
            "std::thread",
        ] {
            assert!(!code.contains(banned), "{} names {banned}", file.display());
        }
    }
}

#[test]
fn files_open_with_what_they_are_and_stay_short() {
    for folder in ["src", "tests", "benches"] {
        for file in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.starts_with("//!"), "{} does not say what it is", file.display());
            let lines = text.lines().count();
            assert!(lines <= LINES_PER_FILE, "{} has {lines} lines", file.display());
        }
    }
}

#[test]
fn names_are_found_in_every_form() {
    let code = "use crate::base::Now;\nuse crate::{modem::Modem, sms};\nlet x = crate::store::open();";
    let found: Vec<String> = named(code).into_iter().collect();
    assert_eq!(found, ["base", "modem", "sms", "store"]);
}
