//! The files of the repository, as git lists them: tracked, and new ones not yet added.

use std::path::{Path, PathBuf};
use std::process::Command;

/// One text file of the repository, by its path from the root.
pub struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn is(&self, extensions: &[&str]) -> bool {
        Path::new(&self.path)
            .extension()
            .and_then(|e| e.to_str())
            .is_some_and(|e| extensions.contains(&e))
    }
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("tests/structure lies two folders below the root")
        .to_owned()
}

/// Every text file. Pictures, fonts and other bytes are left out.
pub fn all() -> Vec<Source> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .expect("git is installed: it cloned this repository");
    assert!(listed.status.success(), "git ls-files failed: {listed:?}");
    let paths = String::from_utf8(listed.stdout).expect("paths are UTF-8");
    paths
        .split_terminator('\0')
        .filter_map(|path| {
            // A file deleted but still in the index has no text; bytes are not text.
            let text = std::fs::read_to_string(root().join(path)).ok()?;
            Some(Source {
                path: path.to_owned(),
                text,
            })
        })
        .collect()
}

pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Fails with every fault at once, each on a line of its own.
pub fn none(rule: &str, faults: Vec<String>) {
    assert!(faults.is_empty(), "{rule}\n  {}", faults.join("\n  "));
}
