//! One file per command; each reads like what the command does.

mod doctor;

use crate::cli::Command;
use crate::config::Config;
use std::process::ExitCode;

pub async fn run(command: Command, config: Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Doctor => doctor::run(&config).await,
    }
}
