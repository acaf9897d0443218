//! The log as its readers see it: live screens, the `events` query. The router reads it by itself.
//!
//! Invariant: nothing here is scoped; whoever shows events cuts them to the viewer's keys first.

use crate::{App, Error, Result};
use domain::TenantId;
use domain::event::{Cursor, Event, ScopeKey};
use domain::people::Role;
use domain::permission::Actor;
use std::collections::BTreeSet;
use tokio::sync::watch;

/// Where a log stands, and how far back it reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub at: Cursor,
    /// The first sequence that is still kept; one past the head when none is.
    pub oldest: i64,
}

pub async fn head(app: &App, tenant: TenantId) -> Result<Head> {
    let db = app.read();
    let at = store::events::head(&db, tenant).await?;
    let oldest = store::events::oldest(&db, tenant).await?;
    Ok(Head {
        at,
        oldest: oldest.unwrap_or(at.seq + 1),
    })
}

/// At most `limit` events with `seq > after`, in order.
pub async fn after(app: &App, tenant: TenantId, after: i64, limit: usize) -> Result<Vec<Event>> {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    Ok(store::events::after(&app.read(), tenant, after, limit).await?)
}

/// Rings when the log may have grown.
pub fn wakes(app: &App, tenant: TenantId) -> watch::Receiver<u64> {
    app.bus.watch(tenant)
}

/// The keys whose events the actor may see now.
pub async fn keys_of(app: &App, actor: &Actor) -> Result<BTreeSet<ScopeKey>> {
    let mut keys = BTreeSet::from([ScopeKey::Tenant, ScopeKey::User(actor.user_id)]);
    let up_to_own = Role::ALL.iter().filter(|role| **role <= actor.role);
    keys.extend(up_to_own.map(|role| ScopeKey::Role(*role)));
    let queues = crate::visibility::queues_of(&app.read(), actor).await?;
    keys.extend(queues.into_iter().map(ScopeKey::Queue));
    Ok(keys)
}

/// A piece of the log, cut to what the reader may see.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Where to go on; it also advances over events that were cut away.
    pub cursor: Cursor,
    pub events: Vec<Event>,
    /// The log no longer holds what follows the given cursor: fetch anew, then go on from `cursor`.
    pub resync: bool,
}

/// The raw log for integrations of supervisors and above, from `cursor` on or from its old end.
pub async fn page(app: &App, actor: &Actor, cursor: Option<Cursor>, limit: usize) -> Result<Page> {
    actor.may(domain::permission::Permission::Read)?;
    if !actor.sees_whole_tenant() {
        return Err(Error::Forbidden);
    }
    let head = head(app, actor.tenant_id).await?;
    let from = cursor.map_or(head.oldest - 1, |cursor| cursor.seq);
    let kept = (head.oldest - 1..=head.at.seq).contains(&from);
    if cursor.is_some_and(|cursor| cursor.epoch != head.at.epoch) || !kept {
        return Ok(Page {
            cursor: head.at,
            events: Vec::new(),
            resync: true,
        });
    }
    let keys = keys_of(app, actor).await?;
    let read = after(app, actor.tenant_id, from, limit).await?;
    let seq = read.last().map_or(from, |event| event.seq);
    let seen = |event: &Event| event.scope.iter().any(|key| keys.contains(key));
    Ok(Page {
        cursor: Cursor {
            epoch: head.at.epoch,
            seq,
        },
        events: read.into_iter().filter(seen).collect(),
        resync: false,
    })
}
