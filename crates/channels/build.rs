//! The folder is the registry: every folder of `src/` is a channel whose kind is the folder's name.
//!
//! Writes `channels.rs` with one `mod` per folder and the list `ALL`, so that a new channel
//! needs no edit outside its own folder. Modules that are not channels are plain files.

use std::fmt::Write as _;
use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let source = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("src");
    println!("cargo::rerun-if-changed={}", source.display());
    let mut kinds = Vec::new();
    for entry in fs::read_dir(&source)? {
        let entry = entry?;
        if entry.path().join("mod.rs").is_file() {
            kinds.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    kinds.sort();
    let mut code = String::new();
    for kind in &kinds {
        let path = source.join(kind).join("mod.rs");
        writeln!(code, "#[path = {path:?}]\npub mod {kind};")?;
    }
    writeln!(code, "/// Every channel, by kind.")?;
    writeln!(code, "pub static ALL: &[&dyn Channel] = &[")?;
    for kind in &kinds {
        writeln!(code, "    &{kind}::CHANNEL,")?;
    }
    writeln!(code, "];")?;
    fs::write(
        PathBuf::from(env::var("OUT_DIR")?).join("channels.rs"),
        code,
    )?;
    Ok(())
}
