//! Headless Chromium, driven by a playwright-core script of `tests/browser/`.

use crate::{root, wait::DEADLINE};
use anyhow::Context;
use std::path::PathBuf;
use tokio::process::Command;

/// A whole story in a browser on a loaded machine.
const STORY: std::time::Duration = DEADLINE.saturating_mul(4);

/// Runs `tests/browser/<script>.mjs` with `arguments`, and answers what it printed. The script
/// gets `MEARI_URL`; on failure its last screen lies beside its output.
pub async fn run(script: &str, url: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let folder = root().join("tests/browser");
    anyhow::ensure!(
        folder.join("node_modules/playwright-core").exists(),
        "the browser driver is not installed: scripts/browser.sh"
    );
    let mut command = Command::new("node");
    command
        .arg(format!("{script}.mjs"))
        .args(arguments)
        .env("MEARI_URL", url)
        .env("MEARI_SHOTS", shots())
        .current_dir(folder)
        .kill_on_drop(true);
    let output = tokio::time::timeout(STORY, command.output())
        .await
        .with_context(|| format!("{script} did not end"))??;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        anyhow::bail!(
            "{script} failed; screens are in {}\n{stdout}{stderr}",
            shots().display()
        );
    }
    Ok(stdout)
}

fn shots() -> PathBuf {
    root().join("target/browser")
}
