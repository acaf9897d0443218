//! What must be true of customers' messages, whatever happened while they were posted.

use serde_json::Value;
use std::collections::BTreeMap;
use support::desk;
use support::graphql::Client;

/// Every message of `posted` is in exactly one place, and nothing else is.
pub async fn once(owner: &Client, posted: &[Value]) -> anyhow::Result<()> {
    let dead = desk::jobs(owner, "DEAD").await?;
    anyhow::ensure!(dead.is_empty(), "dead letters: {dead:#?}");
    let texts = posted.iter().filter_map(|event| event["text"].as_str());
    let expected: BTreeMap<String, u32> = texts.map(|text| (text.to_owned(), 1)).collect();
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    for ticket in desk::tickets(owner).await? {
        let id = ticket["id"].as_str().unwrap_or_default();
        for message in desk::messages(owner, id).await? {
            if message["direction"] == "INBOUND" {
                let text = message["text"].as_str().unwrap_or_default();
                *found.entry(text.to_owned()).or_default() += 1;
            }
        }
    }
    let count = |of: &BTreeMap<String, u32>, text: &String| of.get(text).copied().unwrap_or(0);
    let wrong: Vec<_> = expected
        .keys()
        .chain(found.keys())
        .filter(|text| count(&expected, text) != count(&found, text))
        .map(|text| format!("{text}: {} times", count(&found, text)))
        .collect();
    anyhow::ensure!(wrong.is_empty(), "not stored once: {wrong:?}");
    Ok(())
}
