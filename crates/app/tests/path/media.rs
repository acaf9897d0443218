//! Files that customers send: fetched after their message is shown, and never at its cost.

use crate::peer::{Answer, Peer};
use crate::world::{World, about, message};
use app::media;
use domain::message::{Attachment, AttachmentState, Direction};
use serde_json::{Value, json};
use store::for_each_backend;

/// Bytes that are a picture.
pub const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";
const FILE: &str = "GET /a.png";

fn picture() -> Answer {
    Answer::Bytes("image/png", PNG.to_vec())
}

/// A message with one file, whose address the network or the customer chose.
fn with_file(url: &str) -> Value {
    let mut event = message("m1", "sofia", "look");
    event["attachments"] = json!([{ "url": url, "name": "a.png" }]);
    event
}

async fn file(world: &World<'_>) -> Attachment {
    let heard = world.only(Direction::Inbound).await;
    assert_eq!(
        heard.text, "look",
        "the words are there whatever the file does"
    );
    heard.attachments.into_iter().next().unwrap()
}

async fn open(world: &World<'_>, link: &str) -> app::Result<app::uploads::Media> {
    media::open_link(&world.app, link.trim_start_matches("/m/")).await
}

for_each_backend! {
    async fn a_download_that_fails_is_tried_again_while_the_message_is_shown(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "unknown").await;
        peer.script(FILE, [Answer::Json(500, Value::Null), Answer::HangUp, Answer::Later(429, 30), picture()]);
        world.hear(with_file(&format!("{}/a.png", peer.url()))).await;
        for asked in 1..=3 {
            assert_eq!(file(&world).await.state, AttachmentState::Pending);
            assert_eq!(peer.asked(FILE).len(), asked, "once, not in a loop");
            world.pass(60);
            world.work().await;
        }
        assert_eq!(file(&world).await.state, AttachmentState::Ready);
    }

    async fn a_download_that_never_works_says_so_and_keeps_the_message(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "unknown").await;
        let mut answers = vec![Answer::Json(500, Value::Null); 4];
        answers.push(Answer::HangUp);
        peer.script(FILE, answers);
        world.hear(with_file(&format!("{}/a.png", peer.url()))).await;
        for _ in 0..5 {
            world.pass(600);
            world.work().await;
        }
        let failed = file(&world).await;
        assert_eq!(failed.state, AttachmentState::Failed);
        assert!(failed.problem.is_some());
        assert_eq!(peer.asked(FILE).len(), 5);
        assert!(world.dead().await.is_empty());
    }

    async fn a_file_that_is_gone_is_said_to_be_gone_at_once(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "unknown").await;
        peer.script(FILE, [Answer::Json(410, Value::Null)]);
        world.hear(with_file(&format!("{}/a.png", peer.url()))).await;
        assert_eq!(file(&world).await.state, AttachmentState::Gone);
        assert_eq!(peer.asked(FILE).len(), 1);
    }

    async fn an_address_inside_our_network_is_never_asked(db) {
        let (provider, inside) = (Peer::start().await, Peer::start().await);
        let world = World::at(db, &provider, "unknown").await;
        world.hear(with_file(&format!("{}/a.png", inside.url()))).await;
        assert_ne!(file(&world).await.state, AttachmentState::Ready);
        assert!(inside.asked(FILE).is_empty());
    }

    async fn a_link_shows_its_file_until_it_ends_or_the_message_is_taken_back(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "unknown").await;
        peer.script(FILE, [picture()]);
        world.hear(with_file(&format!("{}/a.png", peer.url()))).await;
        let id = file(&world).await.id;
        let link = media::link(&world.app, world.inbox.tenant_id, id).unwrap();
        assert_eq!(open(&world, &link).await.unwrap().attachment.media_type, "image/png");
        let mut forged = link.clone().into_bytes();
        forged[20] ^= 1;
        assert!(open(&world, &String::from_utf8_lossy(&forged)).await.is_err());
        world.pass(15 * 60 + 1);
        assert!(open(&world, &link).await.is_err(), "it has ended");
        let link = media::link(&world.app, world.inbox.tenant_id, id).unwrap();
        assert!(open(&world, &link).await.is_ok());
        world.hear(about("delete", "m1", "sofia", json!({}))).await;
        assert!(open(&world, &link).await.is_err(), "what was taken back is shown to nobody");
    }
}
