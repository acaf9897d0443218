//! One file per command; each reads like what the command does.

mod demo;
mod doctor;
mod keys;
mod migrate;
mod schema;
mod serve;
mod setup;
mod simulate;
mod token;

use crate::cli::{Command, KeysCommand};
use crate::config::Config;
use std::process::ExitCode;

pub async fn run(command: Command, config: Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve => serve::run(&config).await,
        Command::Demo(arguments) => demo::run(config, &arguments).await,
        Command::Setup(arguments) => setup::run(&config, arguments).await,
        Command::Migrate => migrate::run(&config).await,
        Command::Schema => Ok(schema::run()),
        Command::Keys {
            command: KeysCommand::Rotate,
        } => keys::rotate(&config).await,
        Command::Token { command } => token::run(&config, command).await,
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Doctor => doctor::run(&config).await,
    }
}
