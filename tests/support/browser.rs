//! Headless Chromium, driven by a playwright-core script of `tests/browser/`.
//!
//! A story runs in its own process. Where the test must do something in the middle (kill a server),
//! the script reaches a named point and waits there until the test lets it go on.

use crate::{root, wait::DEADLINE};
use anyhow::Context;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A whole story in a browser on a loaded machine.
const STORY: std::time::Duration = DEADLINE.saturating_mul(6);

/// A running script; killed when dropped.
#[derive(Debug)]
pub struct Story {
    script: String,
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    complaints: JoinHandle<String>,
    printed: String,
}

impl Story {
    /// Starts `tests/browser/<script>.mjs` with `arguments`. The script gets `MEARI_URL`; on failure
    /// its last screen lies in `target/browser`.
    pub fn start(script: &str, url: &str, arguments: &[&str]) -> anyhow::Result<Self> {
        let folder = root().join("tests/browser");
        anyhow::ensure!(
            folder.join("node_modules/playwright-core").exists(),
            "the browser driver is not installed: scripts/browser.sh"
        );
        let mut child = Command::new("node")
            .arg(format!("{script}.mjs"))
            .args(arguments)
            .env("MEARI_URL", url)
            .env("MEARI_SHOTS", shots())
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node cannot be started")?;
        let input = child.stdin.take().context("stdin is a pipe")?;
        let output = child.stdout.take().context("stdout is a pipe")?;
        let mut errors = child.stderr.take().context("stderr is a pipe")?;
        let complaints = tokio::spawn(async move {
            let mut text = String::new();
            let _ = errors.read_to_string(&mut text).await;
            text
        });
        Ok(Self {
            script: script.to_owned(),
            child,
            input,
            lines: BufReader::new(output).lines(),
            complaints,
            printed: String::new(),
        })
    }

    /// Returns when the script waits at `point`.
    pub async fn reaches(&mut self, point: &str) -> anyhow::Result<()> {
        let wanted = format!("reached {point}");
        loop {
            let line = timeout(STORY, self.lines.next_line())
                .await
                .with_context(|| format!("{} does not reach {point}", self.script))??;
            match line {
                Some(line) if line == wanted => return Ok(()),
                Some(line) => self.keep(&line),
                None => return Err(self.failure().await.context(wanted)),
            }
        }
    }

    /// Lets it go on.
    pub async fn go_on(&mut self) -> anyhow::Result<()> {
        Ok(self.input.write_all(b"go\n").await?)
    }

    /// Waits for the end and answers what it printed.
    pub async fn ends(mut self) -> anyhow::Result<String> {
        loop {
            let line = timeout(STORY, self.lines.next_line())
                .await
                .with_context(|| format!("{} did not end", self.script))??;
            match line {
                Some(line) => self.keep(&line),
                None => break,
            }
        }
        let status = timeout(STORY, self.child.wait()).await??;
        if status.success() {
            return Ok(self.printed);
        }
        Err(self.failure().await)
    }

    fn keep(&mut self, line: &str) {
        self.printed.push_str(line);
        self.printed.push('\n');
    }

    async fn failure(&mut self) -> anyhow::Error {
        let complaints = (&mut self.complaints).await.unwrap_or_default();
        anyhow::anyhow!(
            "{} failed; screens are in {}\n{}{complaints}",
            self.script,
            shots().display(),
            self.printed
        )
    }
}

/// Runs a script that needs nobody, and answers what it printed.
pub async fn run(script: &str, url: &str, arguments: &[&str]) -> anyhow::Result<String> {
    Story::start(script, url, arguments)?.ends().await
}

fn shots() -> PathBuf {
    root().join("target/browser")
}
