//! The master key can be changed, and never under a server that would lose its secrets.

use support::server::{OWNER_EMAIL, OWNER_PASSWORD, Server};

#[tokio::test]
async fn people_sign_in_as_before_after_the_master_key_was_rotated() -> anyhow::Result<()> {
    let (mut server, _) = Server::with_owner().await?;
    let file = server.data_dir().join("master.key");
    let before = std::fs::read(&file)?;
    server.stop().await?;

    server.options().run(&["keys", "rotate"]).await?;

    server.restart().await?;
    server.client().sign_in(OWNER_EMAIL, OWNER_PASSWORD).await?;
    let after = std::fs::read(&file)?;
    anyhow::ensure!(before != after, "the key file still holds the old key");
    anyhow::ensure!(
        !after.windows(before.len()).any(|part| part == before),
        "the old key is forgotten"
    );
    Ok(())
}

#[tokio::test]
async fn keys_are_not_rotated_under_a_running_server() -> anyhow::Result<()> {
    let (server, _) = Server::with_owner().await?;
    let file = server.data_dir().join("master.key");
    let refused = server.options().run(&["keys", "rotate"]).await;
    anyhow::ensure!(refused.is_err(), "the folder is in use");
    let keys = std::fs::read_to_string(file)?;
    anyhow::ensure!(keys.lines().count() == 1, "no second key was left behind");
    Ok(())
}
