//! A subscriber of `changes` that never gives up: it resumes by its cursor whenever it is cut off,
//! and remembers everything it was shown, in order.

use crate::graphql::Client;
use crate::socket::Socket;
use crate::wait;
use anyhow::Context;
use serde_json::{Value, json};
use tokio::time::timeout;

/// Every image a test looks at. Fields whose types differ between images have names of their own.
pub const FIELDS: &str = "cursor resync changes {
    __typename
    ... on TicketImage { id number ticketStatus: status queueId assigneeId messageHead version }
    ... on MessageImage { id ticketId text direction messageState: state position version }
    ... on ConversationImage { id ticketId inboxId version }
    ... on ContactImage { id name version }
    ... on IdentityImage { id handle }
    ... on OfferImage { id ticketId userId offerState: state version }
    ... on AgentImage { userId agentStatus: status load version }
    ... on InboxImage { id inboxState: state version }
    ... on PresenceImage { userId connected }
    ... on SkillImage { id name }
    ... on MemberImage { userId role }
    ... on DeadLetterImage { jobId jobKind error resolved }
}";

#[derive(Debug)]
pub struct Follower {
    client: Client,
    /// Where to go on.
    pub cursor: Option<String>,
    /// How often it was told to fetch everything anew.
    pub resyncs: u32,
    /// How often it had to connect.
    pub connects: u32,
    pub seen: Vec<Value>,
    live: Option<(Socket, String)>,
}

impl Follower {
    /// Follows from now on, or from `cursor`; returns when the server follows, too.
    pub async fn start(client: &Client, cursor: Option<String>) -> anyhow::Result<Self> {
        let mut follower = Self {
            client: client.clone(),
            cursor,
            resyncs: 0,
            connects: 0,
            seen: Vec::new(),
            live: None,
        };
        follower.step().await?;
        Ok(follower)
    }

    /// Takes the next batch, or connects anew. Being cut off is no error, being refused is.
    pub async fn step(&mut self) -> anyhow::Result<()> {
        let (mut socket, id) = match self.live.take() {
            Some(live) => live,
            None => self.connect().await?,
        };
        let Ok(message) = socket.message_of(&id).await else {
            return Ok(());
        };
        let batch = &message["payload"]["data"]["changes"];
        let cursor = batch["cursor"].as_str();
        self.cursor = Some(cursor.with_context(|| message.to_string())?.to_owned());
        self.resyncs += u32::from(batch["resync"] == true);
        self.seen
            .extend(batch["changes"].as_array().cloned().unwrap_or_default());
        self.live = Some((socket, id));
        Ok(())
    }

    async fn connect(&mut self) -> anyhow::Result<(Socket, String)> {
        self.connects += 1;
        let (client, cursor) = (&self.client, &self.cursor);
        wait::until("the live connection", || async move {
            let document =
                format!("subscription($after: String) {{ changes(after: $after) {{ {FIELDS} }} }}");
            let mut socket = client.socket().await?;
            let id = socket
                .subscribe(&document, json!({ "after": cursor }))
                .await?;
            Ok(Some((socket, id)))
        })
        .await
    }

    /// The first change, seen already or still to come, of which `is_it` says so.
    pub async fn until(
        &mut self,
        what: &str,
        is_it: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        match timeout(wait::DEADLINE, self.find(is_it)).await {
            Ok(found) => found,
            Err(_) => anyhow::bail!("waited in vain for {what}; seen {:#?}", self.seen),
        }
    }

    /// Like [`Follower::until`], but as long as it takes.
    pub async fn find(&mut self, is_it: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let mut at = 0;
        loop {
            if let Some(found) = self.seen[at..].iter().find(|change| is_it(change)) {
                return Ok(found.clone());
            }
            at = self.seen.len();
            self.step().await?;
        }
    }
}

/// The log after a cursor as `client` may read it (what a follower must have been shown), and
/// the cursor of its end.
pub async fn log(
    client: &Client,
    after: Option<String>,
) -> anyhow::Result<(Vec<Value>, Option<String>)> {
    let document =
        format!("query($after: String) {{ events(after: $after, first: 100) {{ {FIELDS} }} }}");
    let (mut cursor, mut all) = (after, Vec::new());
    loop {
        let data = client.data(&document, json!({ "after": cursor })).await?;
        let page = &data["events"];
        let next = page["cursor"].as_str().map(str::to_owned);
        // Pages whose events are all hidden move the cursor, too: only its rest is the end.
        if next == cursor {
            return Ok((all, cursor));
        }
        all.extend(page["changes"].as_array().cloned().unwrap_or_default());
        cursor = next;
    }
}
