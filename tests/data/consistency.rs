//! What must be true of tickets, work and offers whenever nothing is under way.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use support::graphql::Client;
use support::{desk, follower, wait};

/// Every ticket's work is waiting, offered by exactly one open offer, held by an agent, or over;
/// and every agent's load is the work she holds or is asked to take.
pub async fn offers_agree(owner: &Client) -> anyhow::Result<()> {
    let (tickets, agents, log) = wait::until("a quiet moment", || async {
        let (log, cursor) = follower::log(owner, None).await?;
        let tickets = desk::tickets(owner).await?;
        let agents = desk::agents(owner).await?;
        let (later, end) = follower::log(owner, cursor.clone()).await?;
        anyhow::ensure!(end == cursor, "meanwhile: {later:#?}");
        Ok(Some((tickets, agents, log)))
    })
    .await?;
    let open = open_offers(&log);
    for ticket in &tickets {
        let offered: Vec<_> = open
            .get(&ticket["id"].to_string())
            .into_iter()
            .flatten()
            .collect();
        anyhow::ensure!(
            agrees(&ticket["workItem"], &offered),
            "{ticket} with open offers {offered:?}"
        );
    }
    let known: BTreeSet<_> = tickets
        .iter()
        .map(|ticket| ticket["id"].to_string())
        .collect();
    let stray: Vec<_> = open.keys().filter(|id| !known.contains(*id)).collect();
    anyhow::ensure!(stray.is_empty(), "offers of no ticket: {stray:?}");
    for agent in &agents {
        let held = slots_of(&agent["userId"], &tickets, &open);
        anyhow::ensure!(agent["load"] == held, "{agent} with {held} slots in use");
    }
    Ok(())
}

/// Slots an agent's offers and tickets take; a ticket of these tests takes one.
fn slots_of(agent: &Value, tickets: &[Value], open: &BTreeMap<String, Vec<Value>>) -> usize {
    let asked = open.values().flatten().filter(|asked| *asked == agent);
    let holds = |ticket: &&Value| {
        let item = &ticket["workItem"];
        item["agentId"] == *agent && item["state"] != "offered" && !is_over(item)
    };
    asked.count() + tickets.iter().filter(holds).count()
}

fn is_over(item: &Value) -> bool {
    matches!(
        item["state"].as_str(),
        None | Some("completed" | "abandoned")
    )
}

/// Agents who are asked, by ticket.
fn open_offers(log: &[Value]) -> BTreeMap<String, Vec<Value>> {
    let mut last = BTreeMap::new();
    for image in log
        .iter()
        .filter(|change| change["__typename"] == "OfferImage")
    {
        last.insert(image["id"].to_string(), image);
    }
    let mut open: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for offer in last
        .into_values()
        .filter(|offer| offer["offerState"] == "OFFERED")
    {
        let asked = open.entry(offer["ticketId"].to_string()).or_default();
        asked.push(offer["userId"].clone());
    }
    open
}

fn agrees(item: &Value, offered: &[&Value]) -> bool {
    match item["state"].as_str() {
        _ if is_over(item) => offered.is_empty(),
        Some("queued") => offered.is_empty() && item["agentId"].is_null(),
        Some("offered") => offered.len() == 1,
        _ => offered.is_empty() && item["agentId"].is_string(),
    }
}
