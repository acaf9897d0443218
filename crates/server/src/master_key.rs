//! The key that seals every other secret: from the configuration, or from `master.key` in the
//! data folder, made on the first start. A backup without it cannot read its own secrets.

use crate::config::{Config, MasterKey, master_key};
use crate::data_dir::DataDir;
use anyhow::Context;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rand::TryRngCore;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

pub const FILE: &str = "master.key";

/// The configured key, else the one in the data folder, made when there is none.
pub fn find_or_make(config: &mut Config, folder: &DataDir) -> anyhow::Result<MasterKey> {
    if let Some(key) = config.master_key.take() {
        return Ok(key);
    }
    let path = folder.path().join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => read(&path, &text),
        Err(error) if error.kind() == ErrorKind::NotFound => make(&path),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn read(path: &Path, text: &str) -> anyhow::Result<MasterKey> {
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        anyhow::bail!("{} can be read by others: chmod 600 it", path.display());
    }
    master_key(text.trim()).map_err(|message| anyhow::anyhow!("{} {message}", path.display()))
}

fn make(path: &Path) -> anyhow::Result<MasterKey> {
    let mut bytes = [0u8; 32];
    rand::rngs::OsRng
        .try_fill_bytes(&mut bytes)
        .context("no randomness from the system")?;
    let text = BASE64_STANDARD.encode(bytes);
    // Written aside and renamed: a crash leaves no half key behind that a later start would trust.
    let aside = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file = File::options()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&aside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&aside, path)?;
        path.parent()
            .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().with_context(|| format!("cannot write {}", path.display()))?;
    tracing::info!(path = %path.display(), "made the master key; keep a copy of it with your backups");
    read(path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn the_key_is_made_once_private_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::hold(folder.path()).unwrap();
        let first = find_or_make(&mut Config::default(), &data).unwrap();
        let again = find_or_make(&mut Config::default(), &data).unwrap();
        assert_eq!(first.expose_secret(), again.expose_secret());
        let mode = std::fs::metadata(folder.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::hold(folder.path()).unwrap();
        find_or_make(&mut Config::default(), &data).unwrap();
        let path = folder.path().join(FILE);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let refused = find_or_make(&mut Config::default(), &data).unwrap_err();
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
    }
}
