//! `meari migrate`: brings the schema to this version. SQLite does it by itself at start.

use crate::cli;
use crate::config::Config;
use crate::house;
use std::process::ExitCode;

pub async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    crate::data_dir::DataDir::at(&config.data_dir).make()?;
    store::Store::migrate(&house::database(config)).await?;
    cli::answer(&format!(
        "the schema is at version {}\n",
        store::SCHEMA_VERSION
    ));
    Ok(ExitCode::SUCCESS)
}
