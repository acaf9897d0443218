//! What the database refuses as it came, although it is there: most likely a key no index takes.
//!
//! Invariant: it holds up neither its session nor its provider. It is stored once more under keys
//! of our own and processed like everything else; what cannot be read then is a dead letter. What
//! is refused even so is counted and told to the log: there is nowhere to keep it.

use crate::{App, Error, Result};
use sha2::{Digest, Sha256};
use store::{Accepted, NewDelivery, StoreError};

/// Whether the database may take it at another time.
pub(crate) fn is_passing(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Unavailable { .. } | StoreError::Conflict { .. }
    )
}

/// Stores a refused delivery under other keys.
pub(super) async fn keep(app: &App, delivery: NewDelivery) -> Result<()> {
    let renamed = renamed(delivery);
    for accepted in app.store.accept(vec![renamed.clone()]).await {
        match accepted {
            Accepted::Refused(error) if is_passing(&error) => return Err(error.into()),
            Accepted::Refused(error) => given_up(&renamed, &error.into()),
            _ => {}
        }
    }
    Ok(())
}

pub(crate) fn given_up(delivery: &NewDelivery, error: &Error) {
    metrics::counter!("meari_deliveries_refused_total", "channel" => delivery.channel.clone())
        .increment(1);
    tracing::error!(
        channel = %delivery.channel, account = %delivery.account, error = %error,
        bytes = delivery.body.len(), "an event was lost: the database refuses it in every form"
    );
}

pub(crate) fn renamed(delivery: NewDelivery) -> NewDelivery {
    let account = delivery.inbox.map(|(_, inbox)| inbox.to_string());
    let account = account.unwrap_or_default();
    let digest = crate::secrets::hex(&Sha256::digest(&delivery.body));
    NewDelivery {
        lane: format!("in:{account}:refused"),
        dedupe: format!("refused:{digest}"),
        account,
        ..delivery
    }
}
