//! The npm programs of `tests/node/`: clients that others wrote, against the real server.

use crate::{root, wait::DEADLINE};
use anyhow::Context;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// A script holds many promises, each with its own deadline.
const SCRIPT: Duration = DEADLINE.saturating_mul(6);

/// A running script; killed when dropped.
#[derive(Debug)]
pub struct Script {
    name: String,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    printed: Vec<String>,
}

/// Starts `tests/node/<name>.mjs`. What it writes to stderr is shown by the test.
pub fn start(name: &str, environment: &[(&str, &str)]) -> anyhow::Result<Script> {
    let folder = root().join("tests/node");
    anyhow::ensure!(
        folder.join("node_modules/graphql-http").exists(),
        "the protocol clients are not installed: scripts/protocol.sh"
    );
    let mut child = Command::new("node")
        .arg(format!("{name}.mjs"))
        .envs(environment.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("node does not start")?;
    let stdout = child.stdout.take().context("its output is piped")?;
    Ok(Script {
        name: name.to_owned(),
        child,
        lines: BufReader::new(stdout).lines(),
        printed: Vec::new(),
    })
}

impl Script {
    /// Reads until the script prints this line.
    pub async fn says(&mut self, wanted: &str) -> anyhow::Result<()> {
        let reading = async {
            while let Some(line) = self.lines.next_line().await? {
                let found = line == wanted;
                self.printed.push(line);
                if found {
                    return Ok(());
                }
            }
            anyhow::bail!("it ended without saying {wanted}")
        };
        let read = tokio::time::timeout(SCRIPT, reading).await;
        let printed = || format!("{} printed\n{}", self.name, self.printed.join("\n"));
        read.context("it is silent")
            .and_then(|said| said)
            .with_context(printed)
    }

    /// Waits for its end and answers what it printed; fails unless it ended well.
    pub async fn done(mut self) -> anyhow::Result<String> {
        let reading = async {
            while let Some(line) = self.lines.next_line().await? {
                self.printed.push(line);
            }
            self.child.wait().await
        };
        let status = tokio::time::timeout(SCRIPT, reading)
            .await
            .with_context(|| format!("{} does not end", self.name))??;
        let printed = self.printed.join("\n");
        anyhow::ensure!(status.success(), "{} failed\n{printed}", self.name);
        Ok(printed)
    }
}
