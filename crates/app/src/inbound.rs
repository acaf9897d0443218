//! Line (a): from a provider's request to rows, jobs and events.
//!
//! Invariants: a 2xx is given only after the delivery is durable; signatures are checked over raw
//! bytes before anything is parsed; a repeat is recognised by the unique key of the delivery, a
//! repeat under another key by the unique external id of the message. What is authentic but
//! malformed is kept raw, becomes a dead letter and can be replayed.

mod effects;
mod entrance;
mod facts;
mod people;
pub(crate) mod threads;

pub(crate) use effects::follow_message;
pub(crate) use entrance::delivery;
pub use entrance::{Accepted, Entrances, Raw, accept, receive, store_parts};

use crate::{App, Error, Result, inboxes};
use channels::{Inbound, Part};
use domain::{DeliveryId, TenantId};
use store::Tx;
use store::queries::deliveries;

/// Why a delivery cannot be processed now. `Malformed` never heals by waiting.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("{0}")]
    Malformed(String),
    #[error(transparent)]
    App(#[from] Error),
}

impl From<store::StoreError> for ProcessError {
    fn from(error: store::StoreError) -> Self {
        Self::App(error.into())
    }
}

/// Worker step of `ProcessInbound`: parse outside the transaction, apply the facts inside it.
pub async fn process(
    app: &App,
    tx: &mut Tx,
    tenant: TenantId,
    id: DeliveryId,
) -> Result<(), ProcessError> {
    let delivery = deliveries::get(tx, tenant, id).await?;
    let Some(inbox_id) = delivery.inbox_id else {
        return Err(ProcessError::Malformed(
            "it belongs to no connected inbox".into(),
        ));
    };
    let inbox = store::queries::inboxes::get(tx, tenant, inbox_id).await?;
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
    let mut context = facts::Context {
        app,
        inbox,
        channel,
        received_at: delivery.received_at,
    };
    for fact in facts {
        context.apply(tx, fact).await?;
    }
    Ok(())
}

/// Applies facts that waited for their message; called when the message arrives.
async fn early_facts_of(
    tx: &mut Tx,
    inbox: &domain::inbox::Inbox,
    external_id: &str,
) -> Result<Vec<Inbound>> {
    let waiting =
        store::queries::early_facts::take(tx, inbox.tenant_id, inbox.id, external_id).await?;
    Ok(waiting
        .into_iter()
        .filter_map(|fact| serde_json::from_value(fact).ok())
        .collect())
}
