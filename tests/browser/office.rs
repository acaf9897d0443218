//! What fills an agent's day besides one reply: many tickets at once, second thoughts, writing first,
//! one person behind two names, files, and a forgotten password.

use super::shop::token_in_mail;
use anyhow::Context;
use serde_json::json;
use support::browser::{self, Story};
use support::desk;
use support::graphql::Client;
use support::sandbox::{Inbox, message};
use support::sandbox_peer::SandboxPeer;
use support::server::Server;
use support::wait;

struct Office {
    server: Server,
    owner: Client,
    peer: SandboxPeer,
    inbox: Inbox,
}

impl Office {
    /// A business whose customers wrote one message each, in this order.
    async fn open(customers: &[&str]) -> anyhow::Result<Self> {
        let (server, owner) = Server::with_owner().await?;
        let peer = SandboxPeer::start().await?;
        let inbox = Inbox::connect(&owner, &peer, "idempotent").await?;
        let office = Self {
            server,
            owner,
            peer,
            inbox,
        };
        for (n, customer) in customers.iter().enumerate() {
            let text = format!("Question of {customer}");
            let event = message(&format!("evt-{n}"), customer, &text);
            office.inbox.deliver(&event).await?;
        }
        wait::until("every message to be in a ticket", || async {
            let here = desk::tickets(&office.owner).await?.len();
            anyhow::ensure!(here == customers.len(), "{here} tickets");
            Ok(Some(()))
        })
        .await?;
        Ok(office)
    }

    async fn open_tickets(&self) -> anyhow::Result<u64> {
        let data = self.owner.data("{ ticketCounts { open } }", json!({}));
        data.await?["ticketCounts"]["open"]
            .as_u64()
            .context("tickets are counted")
    }

    async fn contacts(&self) -> anyhow::Result<usize> {
        let data = self.owner.data(
            "{ contacts(first: 50) { edges { node { id } } } }",
            json!({}),
        );
        let edges = data.await?["contacts"]["edges"].as_array().map(Vec::len);
        edges.context("contacts are listed")
    }
}

#[tokio::test]
async fn many_tickets_are_closed_at_once_and_opened_again_by_undo() -> anyhow::Result<()> {
    let office = Office::open(&["minji", "sofia", "noah", "ava"]).await?;
    let mut story = Story::start("bulk", &office.server.url(""), &[])?;
    story.reaches("closed").await?;
    assert_eq!(office.open_tickets().await?, 1);
    story.go_on().await?;
    story.reaches("undone").await?;
    assert_eq!(office.open_tickets().await?, 4);
    story.go_on().await?;
    story.ends().await.map(drop)
}

#[tokio::test]
async fn a_reply_that_is_taken_back_never_leaves_and_becomes_a_draft_again() -> anyhow::Result<()> {
    let office = Office::open(&["minji", "sofia"]).await?;
    let words = ["I will never say this.", "This one counts."];
    let mut story = Story::start("undo", &office.server.url(""), &words)?;
    story.reaches("sent").await?;
    let stored = office.peer.until_stored(1).await?;
    story.go_on().await?;
    story.ends().await?;
    assert_eq!(stored.len(), 1, "{stored:#?}");
    assert_eq!(stored[0].body["text"], words[1]);
    Ok(())
}

#[tokio::test]
async fn who_finishes_first_is_offered_nothing_new_and_then_has_her_break() -> anyhow::Result<()> {
    let office = Office::open(&["minji"]).await?;
    let mut story = Story::start("finish", &office.server.url(""), &["sofia"])?;
    story.reaches("finishing").await?;
    let next = message("evt-next", "sofia", "Is anybody there?");
    office.inbox.deliver(&next).await?;
    story.go_on().await?;
    story.ends().await?;
    let document =
        "{ tickets(first: 9) { edges { node { contact { name } workItem { state } } } } }";
    let data = office.owner.data(document, json!({})).await?;
    let tickets = data["tickets"]["edges"].as_array();
    let mut nodes = tickets.into_iter().flatten().map(|edge| &edge["node"]);
    let waiting = nodes.find(|node| node["contact"]["name"] == "sofia");
    let state = waiting.map(|node| &node["workItem"]["state"]);
    assert_eq!(state, Some(&json!("queued")));
    Ok(())
}

#[tokio::test]
async fn a_conversation_is_started_with_a_contact_and_its_first_words_arrive() -> anyhow::Result<()>
{
    let office = Office::open(&["minji"]).await?;
    let words = ["minji", "Your parcel is here."];
    browser::run("write_first", &office.server.url(""), &words).await?;
    let stored = office.peer.until_stored(1).await?;
    assert_eq!(stored[0].body["text"], words[1]);
    Ok(())
}

#[tokio::test]
async fn two_contacts_become_one_and_two_again() -> anyhow::Result<()> {
    let office = Office::open(&["minji", "minji.kim"]).await?;
    let mut story = Story::start("merge", &office.server.url(""), &["minji", "minji.kim"])?;
    story.reaches("merged").await?;
    assert_eq!(office.contacts().await?, 1);
    story.go_on().await?;
    story.reaches("unmerged").await?;
    assert_eq!(office.contacts().await?, 2);
    story.go_on().await?;
    story.ends().await.map(drop)
}

#[tokio::test]
async fn files_come_by_paste_and_drop_and_go_out_with_the_reply() -> anyhow::Result<()> {
    let office = Office::open(&["minji"]).await?;
    browser::run("files", &office.server.url(""), &["See the pictures."]).await?;
    let stored = office.peer.until_stored(1).await?;
    assert_eq!(stored[0].body["text"], "See the pictures.");
    let ticket = &desk::tickets(&office.owner).await?[0]["id"];
    let ticket = ticket.as_str().context("a ticket has an id")?;
    let document =
        "query($id: ID!) { ticket(id: $id) { messages { attachments { name state } } } }";
    let data = office.owner.data(document, json!({ "id": ticket })).await?;
    let newest = &data["ticket"]["messages"][0]["attachments"];
    assert_eq!(newest[0]["name"], "pasted.png", "{newest}");
    assert_eq!(newest[1]["name"], "dropped.png", "{newest}");
    Ok(())
}

#[tokio::test]
async fn a_developer_app_is_kept_and_its_secret_is_never_shown_again() -> anyhow::Result<()> {
    let (server, owner) = Server::with_owner().await?;
    browser::run("apps", &server.url(""), &["Our app", "hush-hush-secret"]).await?;
    let document = "{ providerApps { name channel settings } }";
    let data = owner.data(document, json!({})).await?;
    assert_eq!(data["providerApps"][0]["name"], "Our app");
    assert!(!data.to_string().contains("hush-hush"), "{data}");
    Ok(())
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_the_link_in_the_mail() -> anyhow::Result<()> {
    let (server, _) = Server::with_owner().await?;
    browser::run("forgot", &server.url(""), &[]).await?;
    let token = token_in_mail(&server, "/reset-password#").await?;
    let words = [token.as_str(), "a brand new password"];
    browser::run("reset", &server.url(""), &words)
        .await
        .map(drop)
}

#[tokio::test]
async fn markup_of_customers_is_shown_and_runs_nothing() -> anyhow::Result<()> {
    let office = Office::open(&[]).await?;
    let mut event = message("evt-html", "minji", "I have two things to say.");
    event["html"] = json!(
        "<p>I have <strong>two things</strong> to say about \
         <a href=\"https://shop.example/orders/1\">our order</a>.</p>\
         <img src=\"https://spy.example/pixel.png\" onerror=\"stolen = 1\">\
         <script>stolen = 1</script>"
    );
    office.inbox.deliver(&event).await?;
    browser::run("html", &office.server.url(""), &[])
        .await
        .map(drop)
}

#[tokio::test]
async fn the_socket_outlives_its_token() -> anyhow::Result<()> {
    let office = Office::open(&["minji"]).await?;
    let late = "And one more question";
    let mut story = Story::start("renew", &office.server.url(""), &[late])?;
    story.reaches("renewed").await?;
    office
        .inbox
        .deliver(&message("evt-late", "minji", late))
        .await?;
    story.go_on().await?;
    story.ends().await.map(drop)
}
