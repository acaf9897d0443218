//! `meari keys rotate`: a new master key, everything under it, the old one forgotten.

use crate::cli;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::house::{self, Purpose};
use app::key_rotation;
use app::secrets::{add_key_to_file, forget_old_keys_in_file};
use std::process::ExitCode;

pub async fn rotate(config: &Config) -> anyhow::Result<ExitCode> {
    // With MEARI_MASTER_KEY the operator has put the new key before the old ones; with a file the
    // new key is made here.
    let file = config
        .master_key
        .is_none()
        .then(|| DataDir::at(&config.data_dir).master_key());
    if let Some(file) = file.as_deref().filter(|file| file.exists()) {
        // Opened and let go: while another process serves the folder, nothing here is touched.
        drop(house::build(config, Purpose::exclusive()).await?);
        add_key_to_file(file)?;
    }
    // A server that runs on this folder holds the old key in memory and would lose its secrets, so
    // the folder's lock is taken as a server would take it.
    let purpose = match &file {
        Some(_) => Purpose::exclusive(),
        None => Purpose::command(),
    };
    let app = house::build(config, purpose).await?;
    let rotated = key_rotation::rotate(&app).await?;
    if let Some(file) = &file {
        forget_old_keys_in_file(file)?;
    }
    let next = match &file {
        Some(_) => {
            "Back the key file up: older backups of it open nothing that is sealed from now on."
        }
        None => {
            "Every node must have the new key first in MEARI_MASTER_KEY; then drop the old ones."
        }
    };
    cli::answer(&format!(
        "{} tenants and {} signing keys are sealed with the new master key.\n{next}\n",
        rotated.tenants, rotated.signing_keys
    ));
    Ok(ExitCode::SUCCESS)
}
