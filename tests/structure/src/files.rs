//! Rules about files: length, headers, forbidden words, folders that must be complete.

use crate::sources::{Source, all, none, read, root};

const FILE_LINES_MAX: usize = 500;
const ARCHITECTURE_LINES_MAX: usize = 200;

/// Longer than a file may be, and why it is still one file.
const LONG: &[(&str, &str)] = &[(
    "migrations/src/m0001_first.rs",
    "one literal list of tables without logic",
)];

fn rust() -> impl Iterator<Item = Source> {
    all().into_iter().filter(|s| s.is(&["rs"]))
}

/// Words are put together here so that this file does not break its own rules.
fn joined(parts: &[&str]) -> String {
    parts.concat()
}

/// `path:line: text` for every line that contains one of `words`.
fn lines_with(source: &Source, words: &[String]) -> Vec<String> {
    let hits = source.text.lines().enumerate();
    hits.filter(|(_, line)| words.iter().any(|w| line.contains(w.as_str())))
        .map(|(at, line)| format!("{}:{}: {}", source.path, at + 1, line.trim()))
        .collect()
}

#[test]
fn no_source_file_is_longer_than_a_person_reads() {
    let faults = all()
        .iter()
        .filter(|s| s.is(&["rs", "ts", "tsx", "css", "sh", "mjs"]))
        .filter(|s| !LONG.iter().any(|(path, _)| *path == s.path))
        .filter(|s| s.text.lines().count() > FILE_LINES_MAX)
        .map(|s| format!("{}: {} lines", s.path, s.text.lines().count()))
        .collect();
    none("a file has at most 500 lines; split it by noun", faults);
}

#[test]
fn every_module_says_what_it_is() {
    let faults = rust()
        .filter(|s| !s.text.trim().is_empty() && !s.text.trim_start().starts_with("//!"))
        .map(|s| s.path)
        .collect();
    none("a Rust file starts with a `//!` header", faults);
}

#[test]
fn lints_are_expected_with_a_reason_and_never_allowed() {
    let words = [joined(&["#[", "allow("]), joined(&["#![", "allow("])];
    let faults = rust().flat_map(|s| lines_with(&s, &words)).collect();
    none("use #[expect(lint, reason = \"…\")]", faults);
}

#[test]
fn no_work_is_left_behind_in_comments() {
    let words = [
        joined(&["TO", "DO"]),
        joined(&["FIX", "ME"]),
        joined(&["XX", "X:"]),
    ];
    let faults = all()
        .iter()
        .filter(|s| {
            s.is(&[
                "rs", "ts", "tsx", "sh", "toml", "graphql", "md", "css", "mjs",
            ])
        })
        .flat_map(|s| lines_with(s, &words))
        .collect();
    none("finish it, or open an issue", faults);
}

#[test]
fn no_drawer_for_odds_and_ends() {
    let drawers = [
        "utils", "util", "common", "helpers", "helper", "misc", "shared",
    ];
    let faults = all()
        .into_iter()
        .filter(|s| s.is(&["rs", "ts", "tsx"]))
        .filter(|s| s.path.split(['/', '.']).any(|part| drawers.contains(&part)))
        .map(|s| s.path)
        .collect();
    none("name a module by its noun", faults);
}

#[test]
fn tests_wait_for_facts_and_not_for_time() {
    let words = [joined(&["sle", "ep("]), joined(&["waitFor", "Timeout("])];
    let faults = all()
        .iter()
        .filter(|s| s.path.starts_with("tests/") || s.path.contains("/tests"))
        .filter(|s| s.is(&["rs", "mjs", "ts", "tsx"]))
        .flat_map(|s| lines_with(s, &words))
        .collect();
    none("poll with a deadline, or use ManualClock", faults);
}

#[test]
fn no_machine_path_is_committed() {
    let words = [
        joined(&["/wo", "rk/"]),
        joined(&["/ho", "me/"]),
        joined(&["/ro", "ot/"]),
    ];
    let faults = all().iter().flat_map(|s| lines_with(s, &words)).collect();
    none("paths of one machine do not belong here", faults);
}

#[test]
fn the_architecture_page_stays_short() {
    let lines = read("ARCHITECTURE.md").lines().count();
    assert!(
        lines <= ARCHITECTURE_LINES_MAX,
        "ARCHITECTURE.md has {lines} lines"
    );
}

#[test]
fn every_channel_folder_is_complete() {
    let folder = root().join("crates/channels/src");
    let mut faults = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("the folder of channels") {
        let path = entry.expect("a readable entry").path();
        // A channel is a folder that declares a CHANNEL; other folders are parts of the crate.
        let declares = std::fs::read_to_string(path.join("mod.rs"))
            .is_ok_and(|text| text.contains("static CHANNEL"));
        if !declares {
            continue;
        }
        for part in ["README.md", "icon.svg", "fixtures"] {
            if !path.join(part).exists() {
                faults.push(format!("{} has no {part}", path.display()));
            }
        }
    }
    none("a channel brings its README, icon and fixtures", faults);
}
