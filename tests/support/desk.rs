//! What an agent does at her desk, and what she finds there.

use crate::graphql::Client;
use crate::wait;
use anyhow::Context;
use serde_json::{Value, json};

const AVAILABLE: &str =
    "mutation { setAgentState(status: AVAILABLE) { problem { code message } agent { userId } } }";

const CAPACITY: &str = "mutation($id: ID!, $capacity: JSON!) {
    setCapacity(userId: $id, capacity: $capacity) { problem { code message } }
}";

const ACCEPT: &str =
    "mutation($id: ID!) { acceptOffer(id: $id) { problem { code message } ticket { id } } }";

const DECLINE: &str = "mutation($id: ID!) { declineOffer(id: $id) { problem { code message } } }";

const CLOSE: &str =
    "mutation($id: ID!) { setTicketStatus(id: $id, status: CLOSED) { problem { code message } } }";

const OFFERS: &str = "{ offers { id } }";

const SEND: &str = "mutation($input: SendMessageInput!) {
    sendMessage(input: $input) { problem { code message } message { id state } }
}";

const TICKET: &str = "query($id: ID!) { ticket(id: $id) {
    id number status messageHead assignee { id } workItem { state agentId } conversations { id }
} }";

const TICKETS: &str = "query($after: String) { tickets(first: 50, after: $after) {
    edges { node { id number contact { name } assignee { id } workItem { state agentId } } }
    pageInfo { hasNextPage endCursor }
} }";

const MESSAGES: &str = "query($id: ID!, $before: Int) { ticket(id: $id) {
    messages(first: 100, before: $before) { id text direction state position clientId problem }
} }";

const JOBS: &str = "query($state: JobState!) { jobs(state: $state, first: 100) {
    edges { node { id kind attempts lastError } }
} }";

/// Ready for work; `slots` tickets of each channel at a time.
pub async fn available(agent: &Client, slots: u32) -> anyhow::Result<()> {
    let ready = agent.done(AVAILABLE, json!({})).await?;
    let variables = json!({ "id": ready["agent"]["userId"], "capacity": { "*": slots } });
    agent.done(CAPACITY, variables).await.map(drop)
}

/// Accepts an offer and answers the id of its ticket.
pub async fn accept(agent: &Client, offer: &Value) -> anyhow::Result<String> {
    let accepted = agent.done(ACCEPT, json!({ "id": offer["id"] })).await?;
    let ticket = accepted["ticket"]["id"].as_str();
    Ok(ticket.context("an offer is about a ticket")?.to_owned())
}

pub async fn decline(agent: &Client, offer: &Value) -> anyhow::Result<()> {
    let variables = json!({ "id": offer["id"] });
    agent.done(DECLINE, variables).await.map(drop)
}

pub async fn close(agent: &Client, ticket: &str) -> anyhow::Result<()> {
    agent.done(CLOSE, json!({ "id": ticket })).await.map(drop)
}

/// What the agent is asked now.
pub async fn offers(agent: &Client) -> anyhow::Result<Vec<Value>> {
    let mut data = agent.data(OFFERS, json!({})).await?;
    let offers = data["offers"].as_array_mut().context("a list of offers")?;
    Ok(std::mem::take(offers))
}

/// Answers in the ticket's only conversation, having read everything; answers the message's id.
pub async fn reply(
    agent: &Client,
    ticket: &str,
    client_id: &str,
    text: &str,
) -> anyhow::Result<String> {
    let ticket = self::ticket(agent, ticket).await?;
    let input = json!({
        "conversationId": ticket["conversations"][0]["id"],
        "text": text,
        "clientId": client_id,
        "seen": ticket["messageHead"],
    });
    let sent = agent.done(SEND, json!({ "input": input })).await?;
    let id = sent["message"]["id"].as_str();
    Ok(id.context("a message has an id")?.to_owned())
}

pub async fn ticket(client: &Client, id: &str) -> anyhow::Result<Value> {
    let data = client.data(TICKET, json!({ "id": id })).await?;
    Ok(data["ticket"].clone())
}

/// Every agent with the load she carries.
pub async fn agents(client: &Client) -> anyhow::Result<Vec<Value>> {
    let mut data = client.data("{ agents { userId load } }", json!({})).await?;
    let agents = data["agents"].as_array_mut().context("a list of agents")?;
    Ok(std::mem::take(agents))
}

/// Every ticket the client sees.
pub async fn tickets(client: &Client) -> anyhow::Result<Vec<Value>> {
    let (mut all, mut after) = (Vec::new(), Value::Null);
    loop {
        let data = client.data(TICKETS, json!({ "after": after })).await?;
        let page = &data["tickets"];
        let edges = page["edges"].as_array().context("a page has edges")?;
        all.extend(edges.iter().map(|edge| edge["node"].clone()));
        if page["pageInfo"]["hasNextPage"] != true {
            return Ok(all);
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

/// Every message of a ticket, newest first.
pub async fn messages(client: &Client, ticket: &str) -> anyhow::Result<Vec<Value>> {
    let (mut all, mut before) = (Vec::<Value>::new(), Value::Null);
    loop {
        let variables = json!({ "id": ticket, "before": before });
        let data = client.data(MESSAGES, variables).await?;
        let page = data["ticket"]["messages"].as_array();
        let page = page.context("a ticket has messages")?;
        let Some(last) = page.last() else {
            return Ok(all);
        };
        before = last["position"].clone();
        all.extend(page.iter().cloned());
    }
}

/// The message of a ticket that `is_it` describes, as soon as there is one.
pub async fn message_when(
    client: &Client,
    ticket: &str,
    what: &str,
    is_it: impl Fn(&Value) -> bool,
) -> anyhow::Result<Value> {
    let is_it = &is_it;
    wait::until(what, || async move {
        let messages = messages(client, ticket).await?;
        match messages.iter().find(|message| is_it(message)) {
            Some(found) => Ok(Some(found.clone())),
            None => anyhow::bail!("the ticket holds {messages:#?}"),
        }
    })
    .await
}

/// Up to 100 jobs in one state.
pub async fn jobs(admin: &Client, state: &str) -> anyhow::Result<Vec<Value>> {
    let data = admin.data(JOBS, json!({ "state": state })).await?;
    let edges = data["jobs"]["edges"]
        .as_array()
        .context("a page has edges")?;
    Ok(edges.iter().map(|edge| edge["node"].clone()).collect())
}

/// Waits until everything that was accepted is worked off. Jobs go from one state to the other and
/// back while they are looked for, so each state is looked at twice.
pub async fn worked_off(admin: &Client, deadline: std::time::Duration) -> anyhow::Result<()> {
    wait::within(deadline, "all work to be done", || async {
        for state in ["WAITING", "RUNNING", "WAITING", "RUNNING"] {
            let jobs = jobs(admin, state).await?;
            anyhow::ensure!(jobs.is_empty(), "{state}: {jobs:#?}");
        }
        Ok(Some(()))
    })
    .await
}
