//! The scripted peer keeps its promises; the tests of sending rest on them.

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::json;
use support::sandbox_peer::{Next, SandboxPeer};

fn message(peer: &SandboxPeer, client_id: &str) -> RequestBuilder {
    let body = json!({ "client_id": client_id, "to": "sofia", "text": "hello" });
    Client::new()
        .post(format!("{}/messages", peer.url()))
        .header("idempotency-key", client_id)
        .json(&body)
}

#[tokio::test]
async fn the_same_key_is_stored_once() -> anyhow::Result<()> {
    let peer = SandboxPeer::start().await?;
    let first: serde_json::Value = message(&peer, "a").send().await?.json().await?;
    let again: serde_json::Value = message(&peer, "a").send().await?.json().await?;
    assert_eq!(first, again);
    assert_eq!(peer.until_stored(1).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_scripted_refusal_stores_nothing_and_happens_once() -> anyhow::Result<()> {
    let peer = SandboxPeer::start().await?;
    peer.script([Next::Refuse {
        status: 429,
        retry_after: Some(2),
    }]);
    let refused = message(&peer, "a").send().await?;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "2");
    assert!(peer.stored().is_empty());
    assert!(message(&peer, "a").send().await?.status().is_success());
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_leaves_the_message_stored_and_found_after_revival() -> anyhow::Result<()> {
    let mut peer = SandboxPeer::start().await?;
    peer.script([Next::StoreAndHold]);
    let asking = tokio::spawn(message(&peer, "a").send());
    peer.until_held(1).await?;
    peer.die();
    assert!(asking.await?.is_err(), "the connection was cut");
    assert!(message(&peer, "b").send().await.is_err(), "nobody listens");
    peer.revive().await?;
    let found = reqwest::get(format!("{}/messages?client_id=a", peer.url())).await?;
    assert_eq!(found.status(), StatusCode::OK);
    Ok(())
}
