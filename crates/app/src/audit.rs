//! What people and tokens did, written in the same transaction as the deed.
//!
//! Invariant: `detail` holds names, words and ids, never secrets and never message text.

use crate::{App, Result};
use domain::people::AuditEntry;
use domain::permission::{Actor, Credential, Permission};
use domain::{AuditId, TenantId, UserId};
use serde_json::Value;
use std::fmt::Display;
use store::Tx;
use store::queries::{audit, sessions};

/// Notes that `actor` did `action` (`noun.verb`) to `node`. The address is that of her session.
pub async fn record(
    tx: &Tx,
    actor: &Actor,
    action: &'static str,
    node: impl Display,
    detail: Value,
) -> Result<()> {
    let (token, ip) = match &actor.credential {
        Credential::Token { id, .. } => (Some(*id), String::new()),
        Credential::Session(id) => {
            let session = sessions::find(tx, *id).await?;
            (None, session.map(|(s, _)| s.ip).unwrap_or_default())
        }
    };
    let entry = AuditEntry {
        actor_token_id: token,
        ip,
        ..entry(
            tx,
            actor.tenant_id,
            Some(actor.user_id),
            action,
            node,
            detail,
        )
    };
    Ok(audit::insert(tx, entry).await?)
}

/// For deeds of people who have no session yet (or no longer): sign-in, set-up, resets.
pub(crate) async fn record_person(
    tx: &Tx,
    tenant: TenantId,
    user: UserId,
    ip: &str,
    action: &'static str,
    node: impl Display,
) -> Result<()> {
    let entry = AuditEntry {
        ip: ip.to_owned(),
        ..entry(tx, tenant, Some(user), action, node, Value::Null)
    };
    Ok(audit::insert(tx, entry).await?)
}

fn entry(
    tx: &Tx,
    tenant_id: TenantId,
    actor_user_id: Option<UserId>,
    action: &'static str,
    node: impl Display,
    detail: Value,
) -> AuditEntry {
    AuditEntry {
        id: AuditId::new(tx.now()),
        tenant_id,
        actor_user_id,
        actor_token_id: None,
        action: action.to_owned(),
        node_id: Some(node.to_string()),
        detail,
        ip: String::new(),
        created_at: tx.now(),
    }
}

/// Newest first, `before` exclusive.
pub async fn list(
    app: &App,
    actor: &Actor,
    before: Option<AuditId>,
    limit: usize,
) -> Result<Vec<AuditEntry>> {
    actor.may(Permission::Administer)?;
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    Ok(audit::list(&app.read(), actor.tenant_id, before, limit).await?)
}
