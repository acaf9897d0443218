//! `mastodon_mock`, a Mastodon server that nobody here wrote (`scripts/peers.sh` installs it).

use crate::process::Process;
use crate::{ports, root, wait};
use anyhow::Context;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use tempfile::TempDir;
use tokio::process::Command;

/// Accounts that exist from the start, each with the token `<name>_token`.
pub const BUSINESS: &str = "moa";
pub const CUSTOMER: &str = "seoyeon";
pub const STRANGER: &str = "sofia";

#[derive(Debug)]
pub struct Mastodon {
    process: Process,
    folder: TempDir,
    address: SocketAddr,
    http: reqwest::Client,
}

impl Mastodon {
    pub async fn start() -> anyhow::Result<Self> {
        let (folder, address) = (tempfile::tempdir()?, ports::free()?);
        std::fs::write(
            folder.path().join("mock.toml"),
            configuration(&folder, address),
        )?;
        let process = spawn(&folder)?;
        let http = reqwest::Client::new();
        let mut peer = Self {
            process,
            folder,
            address,
            http,
        };
        peer.ready().await?;
        Ok(peer)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn token(account: &str) -> String {
        format!("{account}_token")
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let url = format!("{}/api/v2/instance", self.url());
        let seen = wait::until("mastodon_mock to answer", || async {
            Ok(reqwest::get(&url)
                .await?
                .status()
                .is_success()
                .then_some(()))
        })
        .await;
        self.process.check_alive()?;
        seen.with_context(|| self.process.tail())
    }

    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill().await
    }

    /// Starts again with the same accounts, toots and address.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.process = spawn(&self.folder)?;
        self.ready().await
    }

    pub async fn get(&self, account: &str, path: &str) -> anyhow::Result<Value> {
        let request = self.http.get(format!("{}{path}", self.url()));
        let response = request.bearer_auth(Self::token(account)).send().await?;
        Ok(response.error_for_status()?.json().await?)
    }

    pub async fn post(
        &self,
        account: &str,
        path: &str,
        form: &[(&str, &str)],
    ) -> anyhow::Result<Value> {
        let request = self.http.post(format!("{}{path}", self.url()));
        let response = request
            .bearer_auth(Self::token(account))
            .form(form)
            .send()
            .await?;
        Ok(response.error_for_status()?.json().await?)
    }

    /// Posts a toot and answers its id.
    pub async fn toot(
        &self,
        account: &str,
        text: &str,
        visibility: &str,
    ) -> anyhow::Result<String> {
        let form = [("status", text), ("visibility", visibility)];
        let status = self.post(account, "/api/v1/statuses", &form).await?;
        Ok(status["id"]
            .as_str()
            .context("a toot has an id")?
            .to_owned())
    }

    /// What was answered under a toot, as `account` sees it.
    pub async fn replies(&self, account: &str, id: &str) -> anyhow::Result<Vec<Value>> {
        let context = self
            .get(account, &format!("/api/v1/statuses/{id}/context"))
            .await?;
        Ok(context["descendants"]
            .as_array()
            .cloned()
            .unwrap_or_default())
    }
}

fn spawn(folder: &TempDir) -> anyhow::Result<Process> {
    let program = root().join(".cache/peers/bin/mastodon_mock");
    anyhow::ensure!(
        program.exists(),
        "mastodon_mock is not installed: scripts/peers.sh"
    );
    let mut command = Command::new(program);
    command
        .args(["serve", "--config", "mock.toml", "--log-level", "warning"])
        .current_dir(folder.path());
    Process::start(command, &folder.path().join("log"))
}

/// A database file, so that a restart forgets nothing.
fn configuration(folder: &TempDir, address: SocketAddr) -> String {
    let database: PathBuf = folder.path().join("mock.db");
    let accounts = [
        (BUSINESS, "모아상점"),
        (CUSTOMER, "김서연"),
        (STRANGER, "Sofia Almeida"),
    ];
    let accounts = accounts.map(|(name, display)| {
        format!("[[seed.accounts]]\nusername = \"{name}\"\ndisplay_name = \"{display}\"\naccess_token = \"{name}_token\"\n")
    });
    format!(
        "domain = \"{address}\"\nurl_scheme = \"http\"\n[server]\nhost = \"127.0.0.1\"\nport = {}\n\
         [database]\npath = \"{}\"\n{}",
        address.port(),
        database.display(),
        accounts.concat()
    )
}
