//! Who is here: nodes, the shards of tenants they route, the inbox sessions they run, and the
//! people connected to them.
//!
//! Invariants:
//! - Only `nodes` and `inbox_leases` are renewed; a connection is written when it comes and goes.
//! - Every change of owner raises an epoch, and work done under a lease checks it in the same
//!   transaction: a node that slept through its expiry cannot write.
//! - On SQLite the lock on the data directory replaces the expiry: the one node that could join
//!   is the only one, so joining takes everything over at once.

use crate::StoreError;
use crate::db::{Conn, Db, Sealed, one_row};
use crate::queries::row;
use crate::run::{Fetch as _, Run as _};
use crate::tables::{connections, inbox_leases, nodes, router_shards};
use crate::tx::Tx;
use domain::event::{NewEvent, ScopeKey};
use domain::image::{Image, Presence};
use domain::{ConnectionId, InboxId, NodeId, SessionId, TenantId, Time, UserId};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ColumnTrait, Condition, DbBackend, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Tenants hash to this many shards.
pub const SHARDS: i64 = 64;

/// The shard whose owner routes this tenant.
pub fn shard_of(tenant: TenantId) -> i64 {
    // The low bits of a UUIDv7 are random.
    (tenant.uuid().as_u128() % 64) as i64
}

/// A shard this node owns, as long as its epoch is the stored one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    pub shard: i64,
    pub epoch: i64,
}

fn alone(conn: &Conn) -> bool {
    conn.backend() == DbBackend::Sqlite
}

// -- nodes -----------------------------------------------------------------------------------

/// Registers a node until `expires_at`. On SQLite everybody else is gone for certain.
pub async fn join(
    tx: &mut Tx,
    node: NodeId,
    roles: &str,
    expires_at: Time,
) -> Result<(), StoreError> {
    if alone(tx.conn()) {
        nodes::Entity::delete_many().run(tx.conn()).await?;
    }
    let row = nodes::Model {
        id: node.uuid(),
        roles: roles.to_owned(),
        epoch: 1,
        expires_at,
    };
    row::insert(tx, row).await?;
    let shards = (0..SHARDS).map(|shard| {
        router_shards::Model {
            shard,
            node_id: None,
            epoch: 0,
            vacant_since: Some(tx.now()),
        }
        .into_active_model()
    });
    router_shards::Entity::insert_many(shards)
        .on_conflict(
            OnConflict::column(router_shards::Column::Shard)
                .do_nothing()
                .to_owned(),
        )
        .run(tx.conn())
        .await?;
    bury_dead(tx).await
}

/// Every 3 s. `Conflict`: the node was too late and is dead to the others; it must stop and join anew.
pub async fn renew(tx: &Tx, node: NodeId, expires_at: Time) -> Result<(), StoreError> {
    let result = nodes::Entity::update_many()
        .filter(nodes::Column::Id.eq(node.uuid()))
        .col_expr(nodes::Column::ExpiresAt, Expr::val(expires_at))
        .run(tx.conn())
        .await?;
    one_row(result, "node")?;
    inbox_leases::Entity::update_many()
        .filter(inbox_leases::Column::NodeId.eq(node.uuid()))
        .col_expr(inbox_leases::Column::ExpiresAt, Expr::val(expires_at))
        .run(tx.conn())
        .await?;
    Ok(())
}

/// A node that shuts down in order: its leases are free at once.
pub async fn leave(tx: &mut Tx, node: NodeId) -> Result<(), StoreError> {
    nodes::Entity::delete_by_id(node.uuid())
        .run(tx.conn())
        .await?;
    bury_dead(tx).await
}

/// Nodes that may be spoken to, with their roles.
pub async fn live_nodes(db: &impl Db, now: Time) -> Result<Vec<(NodeId, String)>, StoreError> {
    let mut query = nodes::Entity::find();
    if !alone(db.conn()) {
        query = query.filter(nodes::Column::ExpiresAt.gt(now));
    }
    let rows = query
        .order_by_asc(nodes::Column::Id)
        .fetch_all(db.conn())
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id.into(), row.roles))
        .collect())
}

/// Frees what nodes left behind that did not renew in time. Any node may do it.
pub async fn bury_dead(tx: &mut Tx) -> Result<(), StoreError> {
    if !alone(tx.conn()) {
        nodes::Entity::delete_many()
            .filter(nodes::Column::ExpiresAt.lte(tx.now()))
            .run(tx.conn())
            .await?;
    }
    let live: Vec<Uuid> = nodes::Entity::find()
        .fetch_all(tx.conn())
        .await?
        .into_iter()
        .map(|node| node.id)
        .collect();
    router_shards::Entity::update_many()
        .filter(router_shards::Column::NodeId.is_not_null())
        .filter(router_shards::Column::NodeId.is_not_in(live.clone()))
        .col_expr(router_shards::Column::NodeId, Expr::val(None::<Uuid>))
        .col_expr(router_shards::Column::VacantSince, Expr::val(tx.now()))
        .run(tx.conn())
        .await?;
    inbox_leases::Entity::delete_many()
        .filter(inbox_leases::Column::NodeId.is_not_in(live.clone()))
        .run(tx.conn())
        .await?;
    let orphans = connections::Entity::find()
        .filter(connections::Column::GoneAt.is_null())
        .filter(connections::Column::NodeId.is_not_in(live))
        .fetch_all(tx.conn())
        .await?;
    for orphan in orphans {
        disconnect(tx, orphan.tenant_id.into(), orphan.id.into()).await?;
    }
    Ok(())
}

// -- router shards ---------------------------------------------------------------------------

/// Takes up to `limit` shards nobody routes.
pub async fn take_shards(tx: &Tx, node: NodeId, limit: u64) -> Result<Vec<Shard>, StoreError> {
    let vacant = router_shards::Entity::find()
        .filter(router_shards::Column::NodeId.is_null())
        .order_by_asc(router_shards::Column::Shard)
        .limit(limit)
        .lock_exclusive()
        .fetch_all(tx.conn())
        .await?;
    let shards: Vec<i64> = vacant.iter().map(|row| row.shard).collect();
    router_shards::Entity::update_many()
        .filter(router_shards::Column::Shard.is_in(shards))
        .col_expr(router_shards::Column::NodeId, Expr::val(node.uuid()))
        .col_expr(
            router_shards::Column::Epoch,
            Expr::col(router_shards::Column::Epoch).add(1),
        )
        .col_expr(router_shards::Column::VacantSince, Expr::val(None::<Time>))
        .run(tx.conn())
        .await?;
    Ok(vacant
        .into_iter()
        .map(|row| Shard {
            shard: row.shard,
            epoch: row.epoch + 1,
        })
        .collect())
}

/// Gives a shard back, so that a new node gets its share.
pub async fn release_shard(tx: &Tx, node: NodeId, shard: Shard) -> Result<(), StoreError> {
    router_shards::Entity::update_many()
        .filter(owned(node, shard))
        .col_expr(router_shards::Column::NodeId, Expr::val(None::<Uuid>))
        .col_expr(router_shards::Column::VacantSince, Expr::val(tx.now()))
        .run(tx.conn())
        .await?;
    Ok(())
}

/// The shards this node owns now, as the others see it.
pub async fn shards_of(db: &impl Db, node: NodeId) -> Result<Vec<Shard>, StoreError> {
    let rows = router_shards::Entity::find()
        .filter(router_shards::Column::NodeId.eq(node.uuid()))
        .order_by_asc(router_shards::Column::Shard)
        .fetch_all(db.conn())
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| Shard {
            shard: row.shard,
            epoch: row.epoch,
        })
        .collect())
}

/// In every transaction of a routing decision. `Conflict`: another node routes this tenant now.
pub async fn check_shard(tx: &Tx, node: NodeId, shard: Shard) -> Result<(), StoreError> {
    let row = router_shards::Entity::find()
        .filter(owned(node, shard))
        .lock_shared()
        .fetch_one(tx.conn())
        .await?;
    row.map(|_| ())
        .ok_or_else(|| StoreError::lost_race("shard"))
}

fn owned(node: NodeId, shard: Shard) -> Condition {
    Condition::all()
        .add(router_shards::Column::Shard.eq(shard.shard))
        .add(router_shards::Column::NodeId.eq(node.uuid()))
        .add(router_shards::Column::Epoch.eq(shard.epoch))
}

/// The oldest vacancy; `/readyz` is red when it lasts.
pub async fn vacant_since(db: &impl Db) -> Result<Option<Time>, StoreError> {
    let row = router_shards::Entity::find()
        .filter(router_shards::Column::NodeId.is_null())
        .order_by_asc(router_shards::Column::VacantSince)
        .fetch_one(db.conn())
        .await?;
    Ok(row.and_then(|row| row.vacant_since))
}

// -- inbox sessions --------------------------------------------------------------------------

/// Takes or keeps the session of an inbox; `None` while another node has it. The epoch rises
/// with every taking.
pub async fn take_inbox(
    tx: &Tx,
    inbox: InboxId,
    node: NodeId,
    expires_at: Time,
) -> Result<Option<i64>, StoreError> {
    let known = inbox_leases::Entity::find_by_id(inbox.uuid())
        .lock_exclusive()
        .fetch_one(tx.conn())
        .await?;
    let Some(lease) = known else {
        let row = inbox_leases::Model {
            inbox_id: inbox.uuid(),
            node_id: node.uuid(),
            epoch: 1,
            expires_at,
        };
        row::insert(tx, row).await?;
        return Ok(Some(1));
    };
    let mine = lease.node_id == node.uuid();
    if !mine && lease.expires_at > tx.now() {
        return Ok(None);
    }
    let epoch = if mine { lease.epoch } else { lease.epoch + 1 };
    let seen = inbox_leases::Column::InboxId
        .eq(inbox.uuid())
        .and(inbox_leases::Column::Epoch.eq(lease.epoch));
    let row = inbox_leases::Model {
        node_id: node.uuid(),
        epoch,
        expires_at,
        ..lease
    };
    row::replace(tx, row, Condition::all().add(seen), "inbox lease").await?;
    Ok(Some(epoch))
}

/// In every transaction of a session. `Conflict`: another node reads this inbox now.
pub async fn check_inbox(
    tx: &Tx,
    inbox: InboxId,
    node: NodeId,
    epoch: i64,
) -> Result<(), StoreError> {
    let row = inbox_leases::Entity::find_by_id(inbox.uuid())
        .filter(inbox_leases::Column::NodeId.eq(node.uuid()))
        .filter(inbox_leases::Column::Epoch.eq(epoch))
        .lock_shared()
        .fetch_one(tx.conn())
        .await?;
    row.map(|_| ())
        .ok_or_else(|| StoreError::lost_race("inbox lease"))
}

/// The inbox sessions this node holds, with their epochs.
pub async fn inboxes_of(db: &impl Db, node: NodeId) -> Result<BTreeMap<InboxId, i64>, StoreError> {
    let rows = inbox_leases::Entity::find()
        .filter(inbox_leases::Column::NodeId.eq(node.uuid()))
        .fetch_all(db.conn())
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.inbox_id.into(), row.epoch))
        .collect())
}

pub async fn release_inbox(tx: &Tx, inbox: InboxId, node: NodeId) -> Result<(), StoreError> {
    inbox_leases::Entity::delete_many()
        .filter(inbox_leases::Column::InboxId.eq(inbox.uuid()))
        .filter(inbox_leases::Column::NodeId.eq(node.uuid()))
        .run(tx.conn())
        .await?;
    Ok(())
}

// -- connections -----------------------------------------------------------------------------

/// A socket of an agent is open on this node.
pub async fn connect(
    tx: &mut Tx,
    tenant: TenantId,
    user: UserId,
    session: Option<SessionId>,
    node: NodeId,
) -> Result<ConnectionId, StoreError> {
    let id = ConnectionId::new(tx.now());
    // What her earlier sockets left behind says nothing any more.
    connections::Entity::delete_many()
        .filter(connections::Column::TenantId.eq(tenant.uuid()))
        .filter(connections::Column::UserId.eq(user.uuid()))
        .filter(connections::Column::GoneAt.is_not_null())
        .run(tx.conn())
        .await?;
    // Locked, so that a last one that closes at this moment is seen before or after, never neither.
    let other = connections::Entity::find()
        .filter(connections::Column::TenantId.eq(tenant.uuid()))
        .filter(connections::Column::UserId.eq(user.uuid()))
        .filter(connections::Column::NodeId.eq(node.uuid()))
        .filter(connections::Column::GoneAt.is_null())
        .lock_exclusive()
        .fetch_one(tx.conn())
        .await?;
    let row = connections::Model {
        id: id.uuid(),
        tenant_id: tenant.uuid(),
        user_id: user.uuid(),
        session_id: session.map(Into::into),
        node_id: node.uuid(),
        since: tx.now(),
        gone_at: None,
    };
    row::insert(tx, row).await?;
    // Whoever has a socket here is known to be there; one of another node may be a dead one's.
    if other.is_none() {
        tell(tx, tenant, user, None);
    }
    Ok(id)
}

/// The socket is closed. Her absence is told when it was the last one.
pub async fn disconnect(tx: &mut Tx, tenant: TenantId, id: ConnectionId) -> Result<(), StoreError> {
    let row = connections::Entity::find_by_id(id.uuid())
        .filter(connections::Column::TenantId.eq(tenant.uuid()))
        .filter(connections::Column::GoneAt.is_null())
        .lock_exclusive()
        .fetch_one(tx.conn())
        .await?;
    let Some(row) = row else { return Ok(()) };
    let user = row.user_id;
    let gone = connections::Model {
        gone_at: Some(tx.now()),
        ..row
    };
    let seen = Condition::all().add(connections::Column::Id.eq(id.uuid()));
    row::replace(tx, gone, seen, "connection").await?;
    let other = connections::Entity::find()
        .filter(connections::Column::TenantId.eq(tenant.uuid()))
        .filter(connections::Column::UserId.eq(user))
        .filter(connections::Column::GoneAt.is_null())
        .fetch_one(tx.conn())
        .await?;
    if other.is_none() {
        let now = tx.now();
        tell(tx, tenant, user.into(), Some(now));
    }
    Ok(())
}

fn tell(tx: &mut Tx, tenant: TenantId, user_id: UserId, gone_at: Option<Time>) {
    let presence = Presence {
        user_id,
        connected: gone_at.is_none(),
        gone_at,
    };
    let event = NewEvent {
        scope: vec![ScopeKey::Tenant],
        image: Image::Presence(presence),
    };
    tx.emit_for(tenant, event);
}

/// Who is connected, and since when the others are gone. A connection to a dead node ended with it.
pub async fn presences(
    db: &impl Db,
    tenant: TenantId,
    now: Time,
) -> Result<Vec<Presence>, StoreError> {
    presences_of(db, tenant, Condition::all(), now).await
}

async fn presences_of(
    db: &impl Db,
    tenant: TenantId,
    of: Condition,
    now: Time,
) -> Result<Vec<Presence>, StoreError> {
    let live: BTreeSet<Uuid> = live_nodes(db, now)
        .await?
        .into_iter()
        .map(|(id, _)| id.uuid())
        .collect();
    let everybody_lives = alone(db.conn());
    let rows = connections::Entity::find()
        .filter(connections::Column::TenantId.eq(tenant.uuid()))
        .filter(of)
        .order_by_asc(connections::Column::UserId)
        .fetch_all(db.conn())
        .await?;
    let mut seen: BTreeMap<Uuid, Option<Time>> = BTreeMap::new();
    for row in rows {
        let lives = everybody_lives || live.contains(&row.node_id);
        let gone_at = match row.gone_at {
            None if lives => None,
            None => Some(now),
            gone => gone,
        };
        seen.entry(row.user_id)
            .and_modify(|known| {
                // One live connection is enough; else the last one to go counts.
                *known = match (*known, gone_at) {
                    (Some(a), Some(b)) => Some(std::cmp::max(a, b)),
                    _ => None,
                };
            })
            .or_insert(gone_at);
    }
    Ok(seen
        .into_iter()
        .map(|(user, gone_at)| Presence {
            user_id: user.into(),
            connected: gone_at.is_none(),
            gone_at,
        })
        .collect())
}

/// The presence of one agent, for a claim.
pub async fn presence(
    db: &impl Db,
    tenant: TenantId,
    user: UserId,
    now: Time,
) -> Result<Option<Presence>, StoreError> {
    let of = Condition::all().add(connections::Column::UserId.eq(user.uuid()));
    Ok(presences_of(db, tenant, of, now).await?.pop())
}
