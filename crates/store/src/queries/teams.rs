//! Teams: named groups of members.

use crate::db::sealed::Sealed as _;
use crate::run::{Fetch as _, Run as _};
use crate::tables::teams;
use crate::{Db, StoreError, Tx};
use domain::people::Team;
use domain::{TeamId, TenantId, UserId};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

fn read(row: teams::Model) -> Result<Team, StoreError> {
    let members: Vec<UserId> = serde_json::from_value(row.members).map_err(StoreError::corrupt)?;
    Ok(Team {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        name: row.name,
        members,
    })
}

pub async fn find(db: &impl Db, tenant: TenantId, id: TeamId) -> Result<Option<Team>, StoreError> {
    let row = teams::Entity::find_by_id(id.uuid())
        .filter(teams::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

/// By name.
pub async fn list(db: &impl Db, tenant: TenantId) -> Result<Vec<Team>, StoreError> {
    let rows = teams::Entity::find()
        .filter(teams::Column::TenantId.eq(tenant.uuid()))
        .order_by_asc(teams::Column::Name)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

/// Stores or replaces. The caller has read the team in its tenant before.
pub async fn put(tx: &Tx, team: &Team) -> Result<(), StoreError> {
    let row = teams::ActiveModel {
        id: Set(team.id.uuid()),
        tenant_id: Set(team.tenant_id.uuid()),
        name: Set(team.name.clone()),
        members: Set(serde_json::to_value(&team.members).map_err(StoreError::corrupt)?),
        created_at: Set(tx.now()),
    };
    teams::Entity::insert(row)
        .on_conflict(
            OnConflict::column(teams::Column::Id)
                .update_columns([teams::Column::Name, teams::Column::Members])
                .to_owned(),
        )
        .run(tx.conn())
        .await?;
    Ok(())
}

pub async fn delete(tx: &Tx, tenant: TenantId, id: TeamId) -> Result<bool, StoreError> {
    let gone = teams::Entity::delete_many()
        .filter(teams::Column::TenantId.eq(tenant.uuid()))
        .filter(teams::Column::Id.eq(id.uuid()))
        .run(tx.conn())
        .await?;
    Ok(gone > 0)
}
