//! The Mastodon peer runs, answers, and forgets nothing over a restart.

use support::mastodon::{BUSINESS, CUSTOMER, Mastodon};

#[tokio::test]
async fn a_toot_outlives_the_peer_and_its_answers_are_read_back() -> anyhow::Result<()> {
    let mut peer = Mastodon::start().await?;
    let toot = peer.toot(CUSTOMER, "@moa 환불 되나요?", "direct").await?;
    peer.kill().await?;
    peer.restart().await?;
    let answer = [
        ("status", "@seoyeon 네, 가능합니다"),
        ("visibility", "direct"),
        ("in_reply_to_id", &toot),
    ];
    peer.post(BUSINESS, "/api/v1/statuses", &answer).await?;
    let replies = peer.replies(CUSTOMER, &toot).await?;
    assert_eq!(replies.len(), 1, "{replies:?}");
    assert!(
        replies[0]["content"].to_string().contains("가능합니다"),
        "{replies:?}"
    );
    Ok(())
}
