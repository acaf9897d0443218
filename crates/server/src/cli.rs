//! The command line. Settings are taken as raw text: `config` judges them together with the file
//! and the environment, so that one start prints every fault.

use crate::config::{SETTINGS, Setting};
use clap::{Arg, ArgMatches, Args, FromArgMatches, Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;

/// Meari: a social CRM contact centre in one binary.
#[derive(Debug, Parser)]
#[command(name = "meari", version, arg_required_else_help = true)]
pub struct Cli {
    /// Configuration file (TOML)
    #[arg(long, global = true, env = "MEARI_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub settings: SettingFlags,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve people, providers and work until told to stop
    Serve,
    /// Try Meari: a shop with a past, colleagues and customers who keep writing, in ./demo-data
    Demo(DemoArguments),
    /// Make the first tenant and its owner, without a browser
    Setup(SetupArguments),
    /// Bring the database schema to this version
    Migrate,
    /// Print the GraphQL schema
    Schema,
    /// The keys that seal secrets and sign tokens
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// API tokens for scripts
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Run a routing scenario on a virtual clock and say what would happen
    Simulate(SimulateArguments),
    /// Look at this machine, the data folder and the configuration, and say what is wrong
    Doctor,
}

#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Use the PostgreSQL of database_url, which must be empty
    #[arg(long)]
    pub on_postgres: bool,
}

#[derive(Debug, Args)]
pub struct SetupArguments {
    /// Name of the business
    #[arg(long)]
    pub tenant: String,
    #[arg(long)]
    pub owner_email: String,
    /// Default: the part of the address before the @
    #[arg(long)]
    pub owner_name: Option<String>,
    #[arg(long, env = "MEARI_OWNER_PASSWORD", hide_env_values = true)]
    pub owner_password: String,
    /// Language, en or ko
    #[arg(long)]
    pub locale: Option<String>,
    /// IANA time zone, e.g. Asia/Seoul
    #[arg(long)]
    pub time_zone: Option<String>,
}

#[derive(Debug, Args)]
pub struct SimulateArguments {
    /// The scenario, a JSON file
    pub file: PathBuf,
    /// Another seed than the file's
    #[arg(long)]
    pub seed: Option<u64>,
    /// Another number of contacts than the file's
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub contacts: Option<u64>,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
    /// Write every decision to this file, one line of JSON each
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Seal everything with a new master key and sign with a new key
    Rotate,
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it
    Create {
        /// E-mail of the user it acts for
        #[arg(long)]
        user: String,
        /// What it is for
        #[arg(long)]
        name: String,
        /// read, write, admin
        #[arg(long, value_delimiter = ',', default_value = "admin")]
        scopes: Vec<String>,
    },
}

/// Every setting that may be a flag, by name. Built from the table, so that a setting is added once.
#[derive(Debug, Default)]
pub struct SettingFlags(pub Vec<(&'static str, String)>);

fn flags() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(|setting| setting.flag)
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = flags().filter_map(|setting| {
            let text = matches.get_one::<String>(setting.name)?;
            Some((setting.name, text.clone()))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for SettingFlags {
    fn augment_args(command: clap::Command) -> clap::Command {
        flags().fold(command, |command, setting| {
            command.arg(
                Arg::new(setting.name)
                    .long(setting.name.replace('_', "-"))
                    .help(format!("{} [default: {}]", setting.help, setting.default))
                    .help_heading("Settings (each also in the file and as MEARI_…)")
                    .global(true),
            )
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

/// Writes what a command answers. A closed pipe (`meari … | head`) is not an error.
pub fn answer(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

pub fn complain(error: &anyhow::Error) {
    let _ = writeln!(std::io::stderr().lock(), "meari: {error:#}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn secrets_are_no_flags_and_flags_keep_their_text() {
        let cli = Cli::parse_from(["meari", "doctor", "--listen", "nowhere"]);
        assert_eq!(cli.settings.0, [("listen", "nowhere".to_owned())]);
        assert!(Cli::try_parse_from(["meari", "doctor", "--master-key", "x"]).is_err());
    }

    #[test]
    fn the_readme_lists_every_setting() {
        let readme = include_str!("../../../README.md");
        for Setting {
            name,
            default,
            help,
            ..
        } in SETTINGS
        {
            let row = format!("| `{name}` | {default} | {help} |");
            assert!(readme.contains(&row), "README.md lacks the row\n{row}");
        }
    }
}
