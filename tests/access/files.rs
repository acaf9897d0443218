//! Files: an agent's reach the customer, and nobody reads one whose case she does not see. What is
//! no picture never runs in a browser.

use anyhow::Context;
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use support::desk;
use support::graphql::Client;
use support::people;
use support::sandbox::{self, Inbox};
use support::sandbox_peer::SandboxPeer;
use support::server::Server;
use support::wait::DEADLINE;

const CREATE: &str = "mutation($name: String!, $type: String!, $size: Int!) {
    createUpload(name: $name, mediaType: $type, sizeBytes: $size) { problem { code message } id url }
}";

const SEND: &str = "mutation($input: SendMessageInput!) {
    sendMessage(input: $input) { problem { code message } message { id } }
}";

const FILES: &str = "query($id: ID!) { ticket(id: $id) {
    messages(first: 10) { direction attachments { id name mediaType url } }
} }";

const DELETE: &str = "mutation($id: ID!) { deleteMessage(id: $id) { problem { code message } } }";

const QUEUE: &str = "mutation($input: QueueInput!) {
    saveQueue(input: $input) { problem { code message } queue { id } }
}";

const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

struct Shop {
    server: Server,
    owner: Client,
    peer: SandboxPeer,
    ticket: String,
}

impl Shop {
    async fn open() -> anyhow::Result<Self> {
        let (server, owner) = Server::with_owner().await?;
        let peer = SandboxPeer::start().await?;
        let inbox = Inbox::connect(&owner, &peer, "idempotent").await?;
        inbox
            .deliver(&sandbox::message("m1", "sofia", "What does it look like?"))
            .await?;
        desk::worked_off(&owner, DEADLINE).await?;
        let tickets = desk::tickets(&owner).await?;
        let ticket = tickets[0]["id"].as_str().context("a ticket")?.to_owned();
        Ok(Self {
            server,
            owner,
            peer,
            ticket,
        })
    }

    /// Announces a file and sends its bytes; answers its id and how that went.
    async fn upload(&self, name: &str, kind: &str, bytes: &[u8]) -> anyhow::Result<(String, u16)> {
        let variables = json!({ "name": name, "type": kind, "size": bytes.len() });
        let made = self.owner.done(CREATE, variables).await?;
        let id = made["id"].as_str().context("an upload has an id")?;
        let status = self.fill(id, bytes, self.owner.token()).await?;
        Ok((id.to_owned(), status))
    }

    async fn fill(&self, id: &str, bytes: &[u8], token: Option<&str>) -> anyhow::Result<u16> {
        let url = self.server.url(&format!("/media/uploads/{id}"));
        let mut request = reqwest::Client::new().put(url).body(bytes.to_vec());
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        Ok(request.send().await?.status().as_u16())
    }

    async fn send(&self, uploads: &[&str]) -> anyhow::Result<String> {
        let ticket = desk::ticket(&self.owner, &self.ticket).await?;
        let input = json!({
            "conversationId": ticket["conversations"][0]["id"], "text": "Like this.",
            "clientId": uploads.join(" "), "seen": ticket["messageHead"], "uploads": uploads,
        });
        let sent = self.owner.done(SEND, json!({ "input": input })).await?;
        let id = sent["message"]["id"].as_str();
        Ok(id.context("a message")?.to_owned())
    }

    async fn get(&self, path: &str, token: Option<&str>) -> anyhow::Result<Response> {
        let mut request = reqwest::Client::new().get(self.server.url(path));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        Ok(request.send().await?)
    }

    /// The files of our answer, as a screen is told of them.
    async fn shown(&self, viewer: &Client) -> anyhow::Result<Vec<Value>> {
        let data = viewer.data(FILES, json!({ "id": self.ticket })).await?;
        let messages = data["ticket"]["messages"].as_array().context("messages")?;
        let ours = messages.iter().find(|m| m["direction"] == "OUTBOUND");
        let files = ours.context("our answer")?["attachments"].as_array();
        Ok(files.context("its files")?.clone())
    }
}

fn header(response: &Response, name: &reqwest::header::HeaderName) -> String {
    let value = response.headers().get(name).and_then(|v| v.to_str().ok());
    value.unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_agents_picture_reaches_the_customer_byte_for_byte() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let (picture, status) = shop.upload("jar.png", "image/png", PNG).await?;
    assert_eq!(status, 204);
    shop.send(&[&picture]).await?;
    let stored = shop.peer.until_stored(1).await?;
    let seen = shop.peer.seen();
    let upload = seen.iter().find(|request| request.what == "upload");
    assert_eq!(upload.context("the peer was given the file")?.body, PNG);
    assert!(
        stored[0].body["attachments"][0]["id"].is_string(),
        "{stored:?}"
    );
    // Used once: another message cannot take it, and nobody fills it again.
    assert!(
        shop.send(&[&picture]).await.is_ok(),
        "a repeat is the same message"
    );
    assert_eq!(shop.fill(&picture, PNG, shop.owner.token()).await?, 422);
    assert_eq!(shop.peer.stored().len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_upload_is_what_was_announced_or_nothing() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let variables = json!({ "name": "a.png", "type": "image/png", "size": 5 });
    let made = shop.owner.done(CREATE, variables).await?;
    let id = made["id"].as_str().context("an upload has an id")?;
    assert_eq!(shop.fill(id, PNG, None).await?, 401);
    assert_eq!(shop.fill(id, PNG, shop.owner.token()).await?, 422);
    assert_eq!(shop.fill(id, b"abc", shop.owner.token()).await?, 422);
    let agent = people::join(&shop.server, &shop.owner, "agent@example.com", "AGENT").await?;
    assert_eq!(
        shop.fill(id, b"abcde", agent.token()).await?,
        404,
        "not hers"
    );
    assert!(shop.send(&[id]).await.is_err(), "it has no bytes");
    assert_eq!(shop.fill(id, b"abcde", shop.owner.token()).await?, 204);
    Ok(())
}

#[tokio::test]
async fn only_pictures_are_shown_in_place_and_nothing_may_run() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let page = b"<!doctype html><script>alert(1)</script>";
    let drawing = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
    let mut ids = Vec::new();
    for (name, claimed, bytes) in [
        ("jar.png", "image/png", PNG),
        ("page.png", "image/png", page.as_slice()),
        ("page.html", "text/html", page.as_slice()),
        ("drawing.svg", "image/svg+xml", drawing.as_slice()),
    ] {
        ids.push(shop.upload(name, claimed, bytes).await?.0);
    }
    for (index, id) in ids.iter().enumerate() {
        let file = shop
            .get(&format!("/media/{id}"), shop.owner.token())
            .await?;
        assert_eq!(file.status(), StatusCode::OK);
        let kind = header(&file, &CONTENT_TYPE);
        let shown = header(&file, &CONTENT_DISPOSITION).starts_with("inline");
        assert_eq!(shown, index == 0, "{kind}");
        assert!(index == 0 || kind == "application/octet-stream", "{kind}");
        assert!(header(&file, &CONTENT_SECURITY_POLICY).contains("sandbox"));
        assert_eq!(file.headers()["x-content-type-options"], "nosniff");
    }
    Ok(())
}

#[tokio::test]
async fn a_file_is_read_by_who_sees_its_case_or_holds_its_link() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let (picture, _) = shop.upload("jar.png", "image/png", PNG).await?;
    let message = shop.send(&[&picture]).await?;
    let stranger = people::join(&shop.server, &shop.owner, "agent@example.com", "AGENT").await?;
    // Her queue is another one, so this case does not exist for her.
    let input =
        json!({ "name": "Elsewhere", "members": [{ "userId": people::id(&stranger).await? }] });
    shop.owner.done(QUEUE, json!({ "input": input })).await?;

    let path = format!("/media/{picture}");
    let status = async |token| anyhow::Ok(shop.get(&path, token).await?.status().as_u16());
    assert_eq!(status(None).await?, 401);
    assert_eq!(status(stranger.token()).await?, 404);
    assert_eq!(status(shop.owner.token()).await?, 200);

    let files = shop.shown(&shop.owner).await?;
    let link = files[0]["url"].as_str().context("a link")?.to_owned();
    let opened = shop.get(&link, None).await?;
    assert_eq!(opened.status(), StatusCode::OK, "an <img> sends no token");
    assert_eq!(opened.bytes().await?.as_ref(), PNG);
    let mut forged = link.clone().into_bytes();
    let last = forged.len() - 5;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged)?;
    assert_eq!(
        shop.get(&forged, None).await?.status(),
        StatusCode::NOT_FOUND
    );

    shop.peer.until_stored(1).await?;
    desk::worked_off(&shop.owner, DEADLINE).await?;
    shop.owner.done(DELETE, json!({ "id": message })).await?;
    assert_eq!(shop.get(&link, None).await?.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        status(shop.owner.token()).await?,
        404,
        "taken back is taken back"
    );
    Ok(())
}
