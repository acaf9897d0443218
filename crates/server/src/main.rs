//! The only binary: command line, configuration and wiring. It holds no rules.
//!
//! Order matters here: configuration first (every fault at once, before anything is touched), then
//! logs, then the one TLS backend, then the command.

use clap::Parser;
use std::process::ExitCode;

mod cli;
mod commands;
mod config;
mod data_dir;
mod house;
mod logs;
mod metrics;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            // Logs may not exist yet, and a person at a terminal wants words, not a record.
            cli::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: cli::Cli) -> anyhow::Result<ExitCode> {
    let config = config::load(cli.config.as_deref(), std::env::vars(), cli.settings.0)?;
    logs::start(&config)?;
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a TLS provider was installed before ours"))?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(commands::run(cli.command, config))
}
