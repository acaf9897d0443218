//! The real `meari` binary on a port and a data folder of its own.

use crate::graphql::Client;
use crate::postgres::Database;
use crate::process::Process;
use crate::{ports, wait};
use anyhow::Context;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

/// The owner that [`Server::start`] sets up.
pub const OWNER_EMAIL: &str = "owner@example.com";
pub const OWNER_PASSWORD: &str = "correct horse battery staple";

/// How a server is started; kept, so that a restart is the same server.
#[derive(Debug)]
pub struct Options {
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
    launcher: Vec<String>,
    address: SocketAddr,
    folder: TempDir,
}

impl Options {
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            environment: Vec::new(),
            arguments: Vec::new(),
            launcher: Vec::new(),
            address: ports::free()?,
            folder: tempfile::Builder::new().prefix("meari-e2e.").tempdir()?,
        })
    }

    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A flag of `meari serve`.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Starts the binary as the last arguments of this command, which becomes the binary.
    #[must_use]
    pub fn launcher(mut self, command: &[&str]) -> Self {
        self.launcher = command.iter().copied().map(str::to_owned).collect();
        self
    }

    /// PostgreSQL instead of SQLite. The key is fixed: a test has no secrets. Peers are near.
    #[must_use]
    pub fn database(self, url: &str) -> Self {
        self.environment("MEARI_DATABASE_URL", url)
            .environment("MEARI_ALLOW_PRIVATE_HOSTS", "127.0.0.1")
            .environment(
                "MEARI_MASTER_KEY",
                "bWVhcmktdGVzdC1rZXktbWVhcmktdGVzdC1rZXktMTI=",
            )
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = match self.launcher.split_first() {
            None => Command::new(binary()?),
            Some((program, rest)) => {
                let mut command = Command::new(program);
                command.args(rest).arg(binary()?);
                command
            }
        };
        // What the machine sets for other purposes must not reach the server under test.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MEARI_")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .env("MEARI_DATA_DIR", self.data_dir())
            .env("MEARI_LOG_FORMAT", "human")
            .envs(self.environment.iter().map(|(k, v)| (k, v)))
            .current_dir(self.folder.path());
        Ok(command)
    }

    /// Runs another command of the binary on the same data, e.g. `setup` or `token create`.
    pub async fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command(arguments)?.output().await?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            anyhow::bail!("meari {arguments:?} ended with {}\n{stderr}", output.status);
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Makes the first tenant and its owner.
    pub async fn set_up(&self) -> anyhow::Result<()> {
        let owner = [
            "--owner-email",
            OWNER_EMAIL,
            "--owner-password",
            OWNER_PASSWORD,
        ];
        let arguments = [&["setup", "--tenant", "Moa"], &owner[..]].concat();
        self.run(&arguments).await.map(drop)
    }

    pub async fn start(self) -> anyhow::Result<Server> {
        let process = self.spawn()?;
        let mut server = Server {
            process,
            options: self,
        };
        server.ready().await?;
        Ok(server)
    }

    fn spawn(&self) -> anyhow::Result<Process> {
        let listen = self.address.to_string();
        let mut arguments = vec!["serve", "--listen", &listen];
        arguments.extend(self.arguments.iter().map(String::as_str));
        Process::start(self.command(&arguments)?, &self.folder.path().join("log"))
    }
}

/// A running server; killed and its folder removed when dropped.
#[derive(Debug)]
pub struct Server {
    // Dropped before the folder it writes to.
    process: Process,
    options: Options,
}

impl Server {
    /// Set up with the owner, on SQLite, ready.
    pub async fn start() -> anyhow::Result<Self> {
        let options = Options::new()?;
        options.set_up().await?;
        options.start().await
    }

    /// A signed-in owner beside a fresh server: what most tests begin with.
    pub async fn with_owner() -> anyhow::Result<(Self, Client)> {
        let server = Self::start().await?;
        let owner = server.client().sign_in(OWNER_EMAIL, OWNER_PASSWORD).await?;
        Ok((server, owner))
    }

    /// The same on PostgreSQL.
    pub async fn with_owner_on(database: &Database) -> anyhow::Result<(Self, Client)> {
        let options = Options::new()?.database(&database.url);
        options.run(&["migrate"]).await?;
        options.set_up().await?;
        let server = options.start().await?;
        let owner = server.client().sign_in(OWNER_EMAIL, OWNER_PASSWORD).await?;
        Ok((server, owner))
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.options.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.options.address
    }

    pub fn client(&self) -> Client {
        Client::new(self.url(""))
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    pub fn data_dir(&self) -> PathBuf {
        self.options.data_dir()
    }

    pub fn log(&self) -> String {
        self.process.tail()
    }

    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let url = self.url("/readyz");
        let seen = wait::until("/readyz to be green", || async {
            let answer = reqwest::get(&url).await?;
            if answer.status().is_success() {
                return Ok(Some(()));
            }
            anyhow::bail!("{}: {}", answer.status(), answer.text().await?)
        });
        // A server that ended will never be ready: say so at once instead of at the deadline.
        let ended = self.process.exit();
        tokio::select! {
            seen = seen => seen,
            status = ended => Err(anyhow::anyhow!("the server ended: {status:?}")),
        }
        .with_context(|| format!("its log ends with\n{}", self.log()))
    }

    /// `kill -9`.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill().await
    }

    /// Lets it live for this long; that it ends by itself is a failure.
    pub async fn live_for(&mut self, life: Duration) -> anyhow::Result<()> {
        match timeout(life, self.process.exit()).await {
            Err(_) => Ok(()),
            Ok(status) => anyhow::bail!("it ended by itself: {status:?}\n{}", self.log()),
        }
    }

    /// Starts again on the same folder and address, without waiting for anything.
    pub fn relaunch(&mut self) -> anyhow::Result<()> {
        self.process = self.options.spawn()?;
        Ok(())
    }

    /// SIGTERM; returns when it has ended, and fails unless it ended well.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        self.ask_to_stop()?;
        self.ended().await
    }

    pub fn ask_to_stop(&self) -> anyhow::Result<()> {
        self.process.ask_to_stop()
    }

    /// Waits for the end that was asked for, and fails unless it is a good one.
    pub async fn ended(&mut self) -> anyhow::Result<()> {
        let status = self.process.ended().await?;
        anyhow::ensure!(status.success(), "ended with {status}\n{}", self.log());
        Ok(())
    }

    /// Starts again on the same folder and address, and waits until it is ready.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.relaunch()?;
        self.ready().await
    }
}

/// The binary under test: `MEARI_TEST_BIN`, or what `cargo build` put beside this test.
pub fn binary() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("MEARI_TEST_BIN") {
        return Ok(PathBuf::from(path));
    }
    // target/debug/deps/e2e-… → target/debug/meari
    let test = std::env::current_exe()?;
    let path = test.ancestors().nth(2).map(|folder| folder.join("meari"));
    path.filter(|path| Path::exists(path))
        .context("the binary is not built: cargo build -p meari")
}
