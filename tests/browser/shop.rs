//! A business with one Mastodon account: our server, a peer that nobody here wrote, and an owner.

use serde_json::json;
use support::graphql::Client;
use support::mastodon::{BUSINESS, CUSTOMER, Mastodon};
use support::server::Server;
use support::wait;

const CONNECT: &str = "mutation($input: ConnectInboxInput!) {
    connectInbox(input: $input) { problem { code message field } inbox { id } }
}";

#[derive(Debug)]
pub struct Shop {
    pub server: Server,
    pub owner: Client,
    pub peer: Mastodon,
}

impl Shop {
    /// Ready to hear customers.
    pub async fn open() -> anyhow::Result<Self> {
        let (server, owner) = Server::with_owner().await?;
        let peer = Mastodon::start().await?;
        let shop = Self {
            server,
            owner,
            peer,
        };
        shop.connect().await?;
        Ok(shop)
    }

    async fn connect(&self) -> anyhow::Result<()> {
        let data = self.owner.data("{ queues { id } }", json!({})).await?;
        let input = json!({
            "channel": "mastodon",
            "name": "Moa",
            "queueId": data["queues"][0]["id"],
            "settings": { "base_url": self.peer.url() },
            "secrets": { "access_token": Mastodon::token(BUSINESS) },
        });
        self.owner.done(CONNECT, json!({ "input": input })).await?;
        wait::until("the inbox to be connected", || async {
            let data = self.owner.data("{ inboxes { state problem } }", json!({}));
            let inbox = &data.await?["inboxes"][0];
            anyhow::ensure!(inbox["state"] == "CONNECTED", "{inbox}");
            Ok(Some(()))
        })
        .await
    }

    /// A customer writes to the business alone; answers the id of the toot.
    pub async fn hear(&self, customer: &str, text: &str) -> anyhow::Result<String> {
        let text = format!("@{BUSINESS} {text}");
        self.peer.toot(customer, &text, "direct").await
    }

    /// Waits until the newest message of some ticket is `text`.
    pub async fn has_heard(&self, text: &str) -> anyhow::Result<()> {
        let tickets = "{ tickets(first: 50) { edges { node { lastMessagePreview } } } }";
        wait::until("the message to be in a ticket", || async {
            let data = self.owner.data(tickets, json!({})).await?;
            let edges = data["tickets"]["edges"].as_array().cloned();
            let here = edges.unwrap_or_default().iter().any(|edge| {
                let preview = edge["node"]["lastMessagePreview"].as_str();
                preview.is_some_and(|preview| preview.contains(text))
            });
            anyhow::ensure!(here, "{data}");
            Ok(Some(()))
        })
        .await
    }

    /// The answer stands under the toot once, for the customer's eyes only.
    pub async fn has_answered(&self, toot: &str, answer: &str) -> anyhow::Result<()> {
        let replies = self.peer.replies(CUSTOMER, toot).await?;
        assert_eq!(replies.len(), 1, "{replies:#?}");
        let reply = &replies[0];
        assert_eq!(reply["account"]["username"], BUSINESS, "{reply:#}");
        assert_eq!(reply["visibility"], "direct", "{reply:#}");
        assert_eq!(reply["in_reply_to_id"], toot, "{reply:#}");
        assert_eq!(reply["mentions"][0]["username"], CUSTOMER, "{reply:#}");
        let content = reply["content"].as_str().unwrap_or_default();
        assert!(content.contains(answer), "{content}");
        Ok(())
    }
}

/// What follows `link` in a mail that was sent.
pub async fn token_in_mail(server: &Server, link: &str) -> anyhow::Result<String> {
    let folder = server.data_dir().join("mail");
    wait::until("a mail with the link", || async {
        for file in std::fs::read_dir(&folder)? {
            // Undoes the soft line breaks and the escaped `=` of quoted-printable.
            let mail = std::fs::read_to_string(file?.path())?;
            let mail = mail.replace("=\r\n", "").replace("=3D", "=");
            if let Some((_, rest)) = mail.split_once(link) {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c));
                return Ok(Some(rest[..end.unwrap_or(rest.len())].to_owned()));
            }
        }
        Ok(None)
    })
    .await
}
