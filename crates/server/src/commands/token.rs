//! `meari token create`: an API token for scripts. Prints only the token.

use crate::cli::{self, TokenCommand};
use crate::config::Config;
use crate::house::{self, Purpose};
use app::api_tokens::{self, NewApiToken};
use domain::people::TokenScope;
use secrecy::ExposeSecret;
use std::process::ExitCode;

pub async fn run(config: &Config, command: TokenCommand) -> anyhow::Result<ExitCode> {
    let TokenCommand::Create { user, name, scopes } = command;
    let app = house::build(config, Purpose::command()).await?;
    let scopes = scopes
        .iter()
        .map(|scope| scope.parse::<TokenScope>())
        .collect::<Result<Vec<_>, _>>()?;
    let wanted = NewApiToken {
        name,
        scopes,
        expires_at: None,
    };
    let (_, secret) = api_tokens::create_at_console(&app, &user, wanted).await?;
    cli::answer(&format!("{}\n", secret.expose_secret()));
    Ok(ExitCode::SUCCESS)
}
