//! Configuration: defaults compiled in, then the file, then the environment, then flags.
//!
//! Invariants: unknown names are refused, every fault is told at once, and secrets are typed so
//! that neither `Debug` nor a fault shows them.

mod faults;
mod layers;
mod settings;

pub use settings::{SETTINGS, Setting};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use faults::{Fault, Faults};
use layers::{Given, Layers};
use secrecy::{ExposeSecret, SecretString};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use url::Url;

const MASTER_KEY_BYTES: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Api,
    Worker,
    Router,
}

impl Role {
    pub const ALL: &'static [Role] = &[Self::Api, Self::Worker, Self::Router];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Auto,
    Human,
    Json,
}

#[derive(Debug)]
pub struct Config {
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    /// `None`: the address that the listener got, known only after binding.
    pub public_url: Option<Url>,
    /// PostgreSQL; `None` is SQLite in the data folder.
    pub database_url: Option<SecretString>,
    pub nats_url: Option<SecretString>,
    pub roles: Vec<Role>,
    pub web_dir: Option<PathBuf>,
    pub trusted_proxies: usize,
    pub introspection: bool,
    pub allow_private_hosts: Vec<String>,
    pub log_format: LogFormat,
    pub log_filter: String,
    /// Keys by commas, newest first; read by `app::secrets`.
    pub master_key: Option<SecretString>,
    pub mail_url: Option<SecretString>,
    pub mail_from: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
            database_url: None,
            nats_url: None,
            roles: Role::ALL.to_vec(),
            web_dir: None,
            trusted_proxies: 0,
            introspection: true,
            allow_private_hosts: Vec::new(),
            log_format: LogFormat::Auto,
            log_filter: "info".to_owned(),
            master_key: None,
            mail_url: None,
            mail_from: "Meari <meari@localhost>".to_owned(),
        }
    }
}

pub fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    flags: Vec<(&'static str, String)>,
) -> Result<Config, Faults> {
    let mut faults = Vec::new();
    let layers = layers::collect(file, environment, flags, &mut faults);
    let config = parse(&layers, &mut faults);
    if faults.is_empty() {
        Ok(config)
    } else {
        Err(Faults(faults))
    }
}

/// Reads one setting; a fault keeps the default so that the rest can be judged too.
fn take<T>(
    layers: &Layers,
    faults: &mut Vec<Fault>,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let Given { text, origin } = layers.get(name)?;
    parse(text.trim())
        .map_err(|message| faults.push(Fault::new(origin, message)))
        .ok()
}

fn parse(layers: &Layers, faults: &mut Vec<Fault>) -> Config {
    let usual = Config::default();
    let config = Config {
        data_dir: take(layers, faults, "data_dir", folder).unwrap_or(usual.data_dir),
        listen: take(layers, faults, "listen", address).unwrap_or(usual.listen),
        public_url: take(layers, faults, "public_url", public_url),
        database_url: take(layers, faults, "database_url", |t| {
            secret_url(t, &["postgres", "postgresql"])
        }),
        nats_url: take(layers, faults, "nats_url", |t| {
            secret_url(t, &["nats", "tls"])
        }),
        roles: take(layers, faults, "roles", roles).unwrap_or(usual.roles),
        web_dir: take(layers, faults, "web_dir", web_dir),
        trusted_proxies: take(layers, faults, "trusted_proxies", small_number)
            .unwrap_or(usual.trusted_proxies),
        introspection: take(layers, faults, "introspection", switch).unwrap_or(usual.introspection),
        allow_private_hosts: take(layers, faults, "allow_private_hosts", hosts).unwrap_or_default(),
        log_format: take(layers, faults, "log_format", log_format).unwrap_or(usual.log_format),
        log_filter: take(layers, faults, "log_filter", log_filter).unwrap_or(usual.log_filter),
        master_key: take(layers, faults, "master_key", master_key),
        mail_url: take(layers, faults, "mail_url", |t| {
            secret_url(t, &["smtp", "smtps"])
        }),
        mail_from: take(layers, faults, "mail_from", sender).unwrap_or(usual.mail_from),
    };
    judge_together(layers, &config, faults);
    config
}

/// Faults that no setting shows alone.
fn judge_together(layers: &Layers, config: &Config, faults: &mut Vec<Fault>) {
    if layers.contains_key("database_url") && !layers.contains_key("master_key") {
        let message = "is needed with PostgreSQL: nodes must share one key. Make it with `openssl rand -base64 32`";
        faults.push(Fault::new("MEARI_MASTER_KEY", message));
    }
    let many = layers.contains_key("database_url");
    if let (Some(given), false) = (layers.get("nats_url"), many) {
        faults.push(Fault::new(
            &given.origin,
            "needs database_url: SQLite serves one node",
        ));
    }
    if let (Some(given), false) = (layers.get("roles"), many)
        && config.roles.len() < Role::ALL.len()
    {
        faults.push(Fault::new(
            &given.origin,
            "must name every role: SQLite serves one node",
        ));
    }
}

fn small_number(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|n| *n <= 10)
        .ok_or_else(|| format!("`{text}` is not a number from 0 to 10"))
}

fn switch(text: &str) -> Result<bool, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is neither true nor false"))
}

/// The guard reads the rules themselves; here they are only told apart.
fn hosts(text: &str) -> Result<Vec<String>, String> {
    let hosts = text
        .split(',')
        .map(str::trim)
        .filter(|host| !host.is_empty());
    Ok(hosts.map(str::to_owned).collect())
}

fn folder(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("must name a folder".to_owned());
    }
    Ok(PathBuf::from(text))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not ADDRESS:PORT, e.g. 127.0.0.1:8080 or 0.0.0.0:80"))
}

fn public_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("must start with https:// or http:// and name a host".to_owned());
    }
    if url.path() != "/"
        || url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
    {
        return Err("must be scheme and host only: Meari is served at the root".to_owned());
    }
    Ok(url)
}

/// The text may hold a password, so no message repeats it.
fn secret_url(text: &str, schemes: &[&str]) -> Result<SecretString, String> {
    let wanted = || {
        format!(
            "must be a URL that starts with {}://",
            schemes.join(":// or ")
        )
    };
    let url = Url::parse(text).map_err(|_| wanted())?;
    if !schemes.contains(&url.scheme()) || url.host_str().is_none_or(str::is_empty) {
        return Err(wanted());
    }
    Ok(SecretString::from(text))
}

fn roles(text: &str) -> Result<Vec<Role>, String> {
    let mut roles = Vec::new();
    for word in text.split(',').map(str::trim) {
        roles.push(match word {
            "all" => return Ok(Role::ALL.to_vec()),
            "api" => Role::Api,
            "worker" => Role::Worker,
            "router" => Role::Router,
            _ => {
                return Err(format!(
                    "`{word}` is not a role: api, worker, router or all"
                ));
            }
        });
    }
    roles.sort();
    roles.dedup();
    Ok(roles)
}

fn web_dir(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.join("index.html").is_file() {
        Ok(path)
    } else {
        Err(format!("{text} holds no index.html"))
    }
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "auto" => Ok(LogFormat::Auto),
        "human" => Ok(LogFormat::Human),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("`{text}` is not auto, human or json")),
    }
}

fn log_filter(text: &str) -> Result<String, String> {
    text.parse::<tracing_subscriber::EnvFilter>()
        .map(|_| text.to_owned())
        .map_err(|error| format!("is not a filter: {error}"))
}

fn master_key(text: &str) -> Result<SecretString, String> {
    let is_key = |part: &str| {
        let bytes = BASE64_STANDARD.decode(part.trim());
        bytes.is_ok_and(|bytes| bytes.len() == MASTER_KEY_BYTES)
    };
    if text.split(',').all(is_key) {
        Ok(SecretString::from(text))
    } else {
        Err("must be 32 bytes in base64, e.g. from `openssl rand -base64 32`".to_owned())
    }
}

fn sender(text: &str) -> Result<String, String> {
    let address = text
        .rsplit_once('<')
        .map_or(text, |(_, rest)| rest.trim_end_matches('>'));
    match address.split_once('@') {
        Some((user, host))
            if !user.is_empty() && !host.is_empty() && !text.contains(['\r', '\n']) =>
        {
            Ok(text.to_owned())
        }
        _ => Err(format!("`{text}` is not a mail address")),
    }
}

impl Config {
    /// The whole text of the database URL; for the one call that opens it.
    pub fn postgres(&self) -> Option<&str> {
        self.database_url.as_ref().map(ExposeSecret::expose_secret)
    }
}

#[cfg(test)]
mod tests;
