//! `meari setup`: the first tenant and its owner, without a browser.

use crate::cli::{self, SetupArguments};
use crate::config::Config;
use crate::house::{self, Purpose};
use app::auth::Client;
use app::setup::{self, Setup};
use secrecy::SecretString;
use std::process::ExitCode;

pub async fn run(config: &Config, arguments: SetupArguments) -> anyhow::Result<ExitCode> {
    let app = house::build(config, Purpose::command()).await?;
    let console = Client {
        ip: None,
        user_agent: "meari setup".to_owned(),
    };
    let name = arguments.owner_name.unwrap_or_else(|| {
        arguments
            .owner_email
            .split('@')
            .next()
            .unwrap_or_default()
            .to_owned()
    });
    let signed_in = setup::run(
        &app,
        &console,
        Setup {
            tenant: arguments.tenant.clone(),
            email: arguments.owner_email.clone(),
            name,
            password: SecretString::from(arguments.owner_password),
            locale: arguments.locale,
            time_zone: arguments.time_zone,
        },
    )
    .await?;
    cli::answer(&format!(
        "{} is ready. {} may sign in as its owner.\ntenant {}\n",
        arguments.tenant, arguments.owner_email, signed_in.actor.tenant_id
    ));
    Ok(ExitCode::SUCCESS)
}
