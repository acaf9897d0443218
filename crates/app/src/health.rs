//! Whether this installation can do its work now, in sentences for whoever operates it.

use crate::App;
use chrono::TimeDelta;

/// A failover takes about ten seconds; a shard that stays vacant longer has no router.
const VACANT_MAX: TimeDelta = TimeDelta::seconds(15);

/// One sentence per reason not to send traffic here; empty when all is well.
pub async fn problems(app: &App) -> Vec<String> {
    let vacant_since = match store::leases::vacant_since(&app.read()).await {
        Ok(since) => since,
        Err(error) => {
            tracing::warn!(error = %error, "the readiness check could not read the database");
            return vec!["the database does not answer".to_owned()];
        }
    };
    let unrouted = vacant_since.is_some_and(|since| app.now() - since > VACANT_MAX);
    unrouted
        .then(|| "no node routes the tickets of some tenants".to_owned())
        .into_iter()
        .collect()
}
