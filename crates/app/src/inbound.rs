//! Line (a): from a provider's request to rows, jobs and events.
//!
//! Invariants: a 2xx is given only after the delivery is durable; signatures are checked over raw
//! bytes before anything is parsed; a repeat is recognised by the unique key of the delivery, a
//! repeat under another key by the unique external id of the message. What is authentic but
//! malformed is kept raw, becomes a dead letter and can be replayed.

mod changes;
mod echo;
mod effects;
mod entrance;
mod facts;
mod people;
pub(crate) mod refused;
pub(crate) mod threads;

pub(crate) use changes::catch_up;
pub(crate) use echo::forget_twin;
pub(crate) use effects::follow_message;
pub(crate) use entrance::delivery;
pub use entrance::{Accepted, Entrances, Raw, accept, receive, store_parts};

use crate::{App, Error, Result, inboxes};
use channels::{Inbound, Part};
use domain::inbox::Inbox;
use domain::{DeliveryId, InboxId, TenantId};
use facts::Applied;
use serde_json::Value;
use std::collections::BTreeMap;
use store::Tx;
use store::queries::deliveries::{self, Delivery};
use store::queries::inboxes as inbox_rows;

/// Why a delivery cannot be processed now. `Malformed` never heals by waiting.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("{0}")]
    Malformed(String),
    /// Not a failure: what it means will be known in a moment.
    #[error("it has to wait for what it is about")]
    Later,
    #[error(transparent)]
    App(#[from] Error),
}

impl From<store::StoreError> for ProcessError {
    fn from(error: store::StoreError) -> Self {
        Self::App(error.into())
    }
}

/// Worker step of `ProcessInbound`: applies the facts of deliveries in order and marks them
/// processed. The first one that cannot be processed fails them all.
pub async fn process(
    app: &App,
    tx: &mut Tx,
    tenant: TenantId,
    ids: &[DeliveryId],
) -> Result<(), ProcessError> {
    let found = deliveries::by_ids(tx, tenant, ids).await?;
    let mut found: BTreeMap<DeliveryId, Delivery> = found.into_iter().map(|d| (d.id, d)).collect();
    let mut inboxes: BTreeMap<InboxId, (Inbox, bool)> = BTreeMap::new();
    for delivery in ids {
        let delivery = found.remove(delivery).ok_or(Error::not_found("delivery"))?;
        let id = delivery
            .inbox_id
            .ok_or_else(|| ProcessError::Malformed("it belongs to no connected inbox".into()))?;
        let (inbox, heard) = match inboxes.remove(&id) {
            Some(known) => known,
            None => (inbox_rows::get(tx, tenant, id).await?, false),
        };
        let after = process_one(app, tx, inbox, delivery).await?;
        inboxes.insert(id, (after.inbox, heard || after.heard));
    }
    for (id, (_, heard)) in inboxes {
        if heard {
            // A health figure for the channel page, not worth an event per message.
            inbox_rows::touch(tx, tenant, id, Some(tx.now()), None).await?;
        }
    }
    deliveries::set_processed(tx, tenant, ids).await?;
    Ok(())
}

async fn process_one<'a>(
    app: &'a App,
    tx: &mut Tx,
    inbox: Inbox,
    delivery: Delivery,
) -> Result<facts::Context<'a>, ProcessError> {
    let channel = channels::by_kind(&inbox.channel)
        .ok_or_else(|| ProcessError::Malformed(format!("there is no channel {}", inbox.channel)))?;
    let view = inboxes::view_without_secrets(app, &inbox);
    let part = Part {
        account: delivery.account,
        lane: String::new(),
        dedupe: delivery.dedupe,
        bytes: delivery.body,
    };
    let facts = channel
        .parse(&view, &part)
        .map_err(|malformed| ProcessError::Malformed(malformed.reason))?;
    let facts = storable(facts, &part.bytes)?;
    let mut context = facts::Context {
        app,
        inbox,
        channel,
        received_at: delivery.received_at,
        heard: false,
    };
    for fact in facts {
        if context.apply(tx, fact).await? == Applied::Later {
            return Err(ProcessError::Later);
        }
    }
    Ok(context)
}

/// No text column takes a zero character, and nobody reads it: a customer who sends one is heard
/// without it.
fn storable(facts: Vec<Inbound>, raw: &[u8]) -> Result<Vec<Inbound>> {
    let zeros: [&[u8]; 2] = [b"\\u0000", b"\0"];
    if !zeros.iter().any(|zero| contains(raw, zero)) {
        return Ok(facts);
    }
    let mut value = serde_json::to_value(facts).map_err(Error::internal)?;
    without_zeros(&mut value);
    serde_json::from_value(value).map_err(Error::internal)
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

fn without_zeros(value: &mut Value) {
    match value {
        Value::String(text) => text.retain(|c| c != '\0'),
        Value::Array(items) => items.iter_mut().for_each(without_zeros),
        Value::Object(fields) => {
            let old = std::mem::take(fields);
            fields.extend(old.into_iter().map(|(name, mut value)| {
                without_zeros(&mut value);
                (name.replace('\0', ""), value)
            }));
        }
        _ => {}
    }
}
