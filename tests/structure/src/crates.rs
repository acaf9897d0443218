//! Rules about crates: who imports whom, which dependency belongs to which floor, inherited lints.
//!
//! Lists of outside crates are read from `deny.toml`, so each rule is written once.

use crate::sources::{none, read, root};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::{BTreeMap, BTreeSet};

/// Every package of ours and the packages of ours it may import. Lower floors only, never a sibling.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("routing", &["domain"]),
    ("migrations", &[]),
    ("store", &["domain", "routing", "migrations"]),
    ("channels", &["domain"]),
    ("app", &["domain", "routing", "store", "channels"]),
    ("api", &["app", "domain"]),
    (
        "meari",
        &[
            "api",
            "app",
            "store",
            "domain",
            "channels",
            "routing",
            "migrations",
        ],
    ),
    (
        "e2e",
        &[
            "meari",
            "api",
            "app",
            "store",
            "domain",
            "channels",
            "routing",
            "migrations",
        ],
    ),
    // Benchmarks see the server from outside, as the end-to-end tests do, and borrow their harness.
    ("bench", &["e2e", "goals"]),
    // The engine alone, in memory: no server has to be built to measure it.
    ("bench-router", &["routing", "domain", "goals"]),
    ("goals", &[]),
    // The official validators and ours on the same requests; nothing else of ours is needed.
    ("oracles", &["channels", "domain"]),
    ("structure", &[]),
    ("fuzz", &["channels", "domain"]),
];

/// Crates that do IO or run tasks; the pure floors may not import them, not even by accident.
const IMPURE: &[&str] = &[
    "tokio",
    "reqwest",
    "sqlx",
    "rusqlite",
    "sea-orm",
    "axum",
    "rand",
    "tokio-tungstenite",
    "hyper",
];
const PURE: &[&str] = &["domain", "routing", "channels"];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .current_dir(root())
        .other_options(vec!["--locked".to_owned()])
        .exec()
        .expect("cargo metadata runs with the committed lock file")
}

fn members(metadata: &Metadata) -> Vec<&Package> {
    metadata.workspace_packages()
}

/// Names of what a member imports, tests included unless `shipped` is asked for.
fn imports(package: &Package, shipped: bool) -> BTreeSet<&str> {
    let kinds = package.dependencies.iter();
    kinds
        .filter(|d| !shipped || d.kind != DependencyKind::Development)
        .map(|d| d.name.as_str())
        .collect()
}

#[test]
fn crates_import_only_from_lower_floors() {
    let metadata = metadata();
    let ours: BTreeSet<_> = members(&metadata).iter().map(|p| p.name.as_str()).collect();
    let mut faults = Vec::new();
    for package in members(&metadata) {
        let Some((_, allowed)) = MAY_IMPORT
            .iter()
            .find(|(name, _)| *name == package.name.as_str())
        else {
            faults.push(format!(
                "{} has no floor: add it to MAY_IMPORT with its reason in ARCHITECTURE.md",
                package.name
            ));
            continue;
        };
        for name in imports(package, false) {
            // A crate may use itself with another feature in its own tests.
            let other = name != package.name.as_str();
            if other && ours.contains(name) && !allowed.contains(&name) {
                faults.push(format!("{} imports {name}", package.name));
            }
        }
    }
    none(
        "a crate imports from lower floors and never from a sibling",
        faults,
    );
}

#[test]
fn pure_crates_have_no_way_to_do_io() {
    let metadata = metadata();
    let mut faults = Vec::new();
    for package in members(&metadata)
        .into_iter()
        .filter(|p| PURE.contains(&p.name.as_str()))
    {
        let impure = imports(package, true)
            .into_iter()
            .filter(|name| IMPURE.contains(name));
        faults.extend(impure.map(|name| format!("{} imports {name}", package.name)));
    }
    none("domain, routing and channels are pure", faults);
}

/// `crate -> wrappers` as `deny.toml` says; an empty list means nobody.
fn wrappers() -> BTreeMap<String, Vec<String>> {
    let deny: toml::Table = read("deny.toml").parse().expect("deny.toml is TOML");
    let entries = deny["bans"]["deny"]
        .as_array()
        .expect("bans.deny is a list");
    entries
        .iter()
        .map(|entry| {
            let name = entry["crate"].as_str().expect("a crate name").to_owned();
            let list = entry.get("wrappers").and_then(|w| w.as_array());
            let words = list.into_iter().flatten().filter_map(|w| w.as_str());
            (name, words.map(str::to_owned).collect())
        })
        .collect()
}

/// Edges between crates of others are left to `cargo deny`: the resolver's graph here also holds
/// optional edges that no build takes.
#[test]
fn each_heavy_dependency_has_one_home() {
    let metadata = metadata();
    let wrappers = wrappers();
    let mut faults = Vec::new();
    for package in members(&metadata) {
        let user = package.name.as_str();
        let strangers = imports(package, false).into_iter().filter(|used| {
            wrappers
                .get(*used)
                .is_some_and(|list| !list.iter().any(|w| w == user))
        });
        faults.extend(strangers.map(|used| format!("{user} imports {used}")));
    }
    none("deny.toml names who may import this", faults);
}

#[test]
fn every_crate_inherits_the_lints_of_the_house() {
    let metadata = metadata();
    let mut faults = Vec::new();
    for package in members(&metadata) {
        let manifest = std::fs::read_to_string(&package.manifest_path).expect("a manifest");
        let table: toml::Table = manifest.parse().expect("a manifest is TOML");
        let inherits = table
            .get("lints")
            .and_then(|l| l.get("workspace"))
            .and_then(toml::Value::as_bool);
        if inherits != Some(true) {
            faults.push(package.name.to_string());
        }
    }
    none("[lints] workspace = true is missing", faults);
}

fn banned_methods(path: &str) -> BTreeSet<String> {
    let table: toml::Table = read(path).parse().expect("clippy.toml is TOML");
    let list = table["disallowed-methods"]
        .as_array()
        .expect("a list of methods");
    list.iter()
        .filter_map(|m| m["path"].as_str())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_crate_with_its_own_bans_repeats_the_ones_of_the_house() {
    let house = banned_methods("clippy.toml");
    let mut faults = Vec::new();
    for package in members(&metadata()) {
        let folder = package
            .manifest_path
            .parent()
            .expect("a manifest lies in a folder");
        let own = folder
            .strip_prefix(root())
            .expect("inside the repository")
            .join("clippy.toml");
        if root().join(&own).exists() {
            let bans = banned_methods(own.as_str());
            faults.extend(
                house
                    .difference(&bans)
                    .map(|m| format!("{own} does not ban {m}")),
            );
        }
    }
    none("a crate-level clippy.toml replaces the root one", faults);
}
