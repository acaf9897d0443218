//! Processes, ports and waiting.

use std::time::Duration;
use support::process::Process;
use support::{ports, wait};
use tokio::process::Command;

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[tokio::test]
async fn a_process_that_ended_is_noticed_and_shows_its_last_words() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut process = Process::start(
        shell("echo no such disk; exit 3"),
        &folder.path().join("log"),
    )?;
    process.ended().await?;
    let told = format!("{:#}", process.check_alive().unwrap_err());
    assert!(
        told.contains("no such disk") && told.contains('3'),
        "{told}"
    );
    Ok(())
}

#[tokio::test]
async fn asking_to_stop_lets_the_process_end_by_itself() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("log");
    let mut process = Process::start(
        shell("trap 'exit 0' TERM; echo ready; while :; do :; done"),
        &log,
    )?;
    wait::until("the trap", || async {
        Ok(std::fs::read_to_string(&log)?
            .contains("ready")
            .then_some(()))
    })
    .await?;
    process.ask_to_stop()?;
    assert!(process.ended().await?.success());
    Ok(())
}

#[tokio::test]
async fn waiting_in_vain_says_for_what_and_what_was_seen_last() {
    let vain: anyhow::Result<()> = wait::within(Duration::from_millis(50), "a sunrise", || async {
        anyhow::bail!("still dark")
    })
    .await;
    let told = format!("{:#}", vain.unwrap_err());
    assert!(
        told.contains("a sunrise") && told.contains("still dark"),
        "{told}"
    );
}

#[test]
fn two_tests_never_get_the_same_port() -> anyhow::Result<()> {
    assert_ne!(ports::free()?, ports::free()?);
    Ok(())
}
