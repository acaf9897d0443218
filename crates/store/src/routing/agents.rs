//! What agents chose and carry: one row each.

use super::tell;
use crate::StoreError;
use crate::db::{Db, Sealed};
use crate::queries::row;
use crate::run::Fetch as _;
use crate::tables::{agent_states, from_json, to_json, word};
use crate::tx::Tx;
use domain::agent_state::{AgentState, NextStatus};
use domain::event::ScopeKey;
use domain::image::Image;
use domain::{TenantId, UserId};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

fn read_agent(row: agent_states::Model) -> Result<AgentState, StoreError> {
    let next = match row.next_status {
        Some(status) => Some(NextStatus {
            status: word(&status)?,
            reason: row.next_reason,
        }),
        None => None,
    };
    Ok(AgentState {
        user_id: row.user_id.into(),
        tenant_id: row.tenant_id.into(),
        status: word(&row.status)?,
        reason: row.reason,
        capacity: from_json(row.capacity)?,
        proficiencies: from_json(row.proficiencies)?,
        channels_off: from_json(row.channels_off)?,
        next,
        load: row.load,
        released_at: row.released_at,
        status_since: row.status_since,
        version: row.version,
    })
}

/// Stores the agent's state if its version is still the one that was read.
pub async fn put_agent_state(tx: &mut Tx, mut agent: AgentState) -> Result<AgentState, StoreError> {
    let version = agent.version;
    agent.version += 1;
    let next = agent.next.as_ref();
    let row = agent_states::Model {
        tenant_id: agent.tenant_id.uuid(),
        user_id: agent.user_id.uuid(),
        status: agent.status.as_str().to_owned(),
        reason: agent.reason.clone(),
        capacity: to_json(&agent.capacity)?,
        proficiencies: to_json(&agent.proficiencies)?,
        channels_off: to_json(&agent.channels_off)?,
        next_status: next.map(|next| next.status.as_str().to_owned()),
        next_reason: next.and_then(|next| next.reason.clone()),
        load: agent.load,
        released_at: agent.released_at,
        status_since: agent.status_since,
        version: agent.version,
    };
    if version == 0 {
        row::insert(tx, row).await?;
    } else {
        let seen = Condition::all()
            .add(agent_states::Column::TenantId.eq(row.tenant_id))
            .add(agent_states::Column::UserId.eq(row.user_id))
            .add(agent_states::Column::Version.eq(version));
        row::replace(tx, row, seen, "agent").await?;
    }
    // Colleagues see it, too: they pick whom to transfer to.
    let scope = vec![ScopeKey::Tenant];
    tell(
        tx,
        agent.tenant_id,
        scope,
        Image::Agent(Box::new(agent.clone())),
    );
    Ok(agent)
}

/// `None`: she has never been an agent in this tenant.
pub async fn agent_state(
    db: &impl Db,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<AgentState>, StoreError> {
    let row = agent_states::Entity::find_by_id((tenant.uuid(), user.uuid()))
        .fetch_one(db.conn())
        .await?;
    row.map(read_agent).transpose()
}

/// Reads her state and keeps others from changing it until this transaction ends.
pub async fn lock_agent_state(
    tx: &Tx,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<AgentState>, StoreError> {
    let row = agent_states::Entity::find_by_id((tenant.uuid(), user.uuid()))
        .lock_exclusive()
        .fetch_one(tx.conn())
        .await?;
    row.map(read_agent).transpose()
}

pub async fn agent_states(db: &impl Db, tenant: TenantId) -> Result<Vec<AgentState>, StoreError> {
    let rows = agent_states::Entity::find()
        .filter(agent_states::Column::TenantId.eq(tenant.uuid()))
        .order_by_asc(agent_states::Column::UserId)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read_agent).collect()
}
