//! The API speaks its protocols as others wrote them down: their clients, our server.

use support::node;
use support::server::{OWNER_EMAIL, OWNER_PASSWORD, Server};

#[tokio::test]
async fn graphql_over_http_passes_every_check_of_the_audit() -> anyhow::Result<()> {
    let server = Server::start().await?;
    let url = server.url("/graphql");
    let printed = node::start("audit-http", &[("MEARI_HTTP", &url)])?
        .done()
        .await?;
    assert!(printed.contains("61/61 ok"), "{printed}");
    Ok(())
}

#[tokio::test]
async fn graphql_over_websocket_keeps_its_protocol_until_the_drain() -> anyhow::Result<()> {
    let (mut server, owner) = Server::with_owner().await?;
    let other = server.client().sign_in(OWNER_EMAIL, OWNER_PASSWORD).await?;
    let url = server.url("/graphql").replacen("http", "ws", 1);
    let environment = [
        ("MEARI_WS", url.as_str()),
        ("MEARI_TOKEN", owner.token().unwrap_or_default()),
        ("MEARI_TOKEN_REVOKE", other.token().unwrap_or_default()),
        ("MEARI_DRAIN", "1"),
    ];
    let mut script = node::start("socket", &environment)?;
    script.says("DRAIN").await?;
    server.stop().await?;
    script.done().await?;
    Ok(())
}
