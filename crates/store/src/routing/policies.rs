//! How a tenant routes, and whose turn it was last. Few tenants have a row of the first and few
//! queues one of the second.

use super::tell;
use crate::StoreError;
use crate::db::{Db, Sealed};
use crate::queries::row;
use crate::run::Fetch as _;
use crate::tables::{from_json, routing_policies, routing_turns, to_json};
use crate::tx::Tx;
use domain::event::ScopeKey;
use domain::image::Image;
use domain::people::Role;
use domain::policy::{Policy, Turn};
use domain::{QueueId, TenantId, UserId};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};

/// The default, as version 0, for who configured nothing.
pub async fn policy(db: &impl Db, tenant: TenantId) -> Result<Policy, StoreError> {
    let row = routing_policies::Entity::find_by_id(tenant.uuid())
        .fetch_one(db.conn())
        .await?;
    let Some(row) = row else {
        return Ok(Policy::default());
    };
    Ok(Policy {
        version: row.version,
        ..from_json(row.policy)?
    })
}

/// Stores the policy if its version is still the one that was read.
pub async fn put_policy(
    tx: &mut Tx,
    tenant: TenantId,
    mut policy: Policy,
) -> Result<Policy, StoreError> {
    let seen = policy.version;
    policy.version += 1;
    let row = routing_policies::Model {
        tenant_id: tenant.uuid(),
        policy: to_json(&policy)?,
        version: policy.version,
    };
    if seen == 0 {
        row::insert(tx, row).await?;
    } else {
        let seen = Condition::all()
            .add(routing_policies::Column::TenantId.eq(tenant.uuid()))
            .add(routing_policies::Column::Version.eq(seen));
        row::replace(tx, row, seen, "routing policy").await?;
    }
    let scope = vec![ScopeKey::Role(Role::Supervisor)];
    tell(tx, tenant, scope, Image::Policy(Box::new(policy.clone())));
    Ok(policy)
}

pub(super) async fn turns(db: &impl Db, tenant: TenantId) -> Result<Vec<Turn>, StoreError> {
    let rows = routing_turns::Entity::find()
        .filter(routing_turns::Column::TenantId.eq(tenant.uuid()))
        .order_by_asc(routing_turns::Column::QueueId)
        .fetch_all(db.conn())
        .await?;
    let turn = |row: routing_turns::Model| Turn {
        queue_id: row.queue_id.into(),
        user_id: row.user_id.into(),
        version: row.version,
    };
    Ok(rows.into_iter().map(turn).collect())
}

/// Notes whom the queue has just asked. Only the router writes this, one after the other.
pub async fn put_turn(
    tx: &mut Tx,
    tenant: TenantId,
    queue: QueueId,
    user: UserId,
) -> Result<(), StoreError> {
    let known = routing_turns::Entity::find_by_id(queue.uuid())
        .filter(routing_turns::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(tx.conn())
        .await?;
    let seen = known.map_or(0, |row| row.version);
    let row = routing_turns::Model {
        queue_id: queue.uuid(),
        tenant_id: tenant.uuid(),
        user_id: user.uuid(),
        version: seen + 1,
    };
    if seen == 0 {
        row::insert(tx, row).await?;
    } else {
        let seen = Condition::all()
            .add(routing_turns::Column::QueueId.eq(queue.uuid()))
            .add(routing_turns::Column::TenantId.eq(tenant.uuid()))
            .add(routing_turns::Column::Version.eq(seen));
        row::replace(tx, row, seen, "turn").await?;
    }
    let turn = Turn {
        queue_id: queue,
        user_id: user,
        version: seen + 1,
    };
    tell(
        tx,
        tenant,
        vec![ScopeKey::Role(Role::Supervisor)],
        Image::Turn(turn),
    );
    Ok(())
}
