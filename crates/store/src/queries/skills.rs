//! Skills.

use crate::queries::row;
use crate::run::Fetch as _;
use crate::tables::skills;
use crate::{Db, StoreError, Tx};
use domain::queue::Skill;
use domain::{SkillId, TenantId};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};

fn read(row: skills::Model) -> Result<Skill, StoreError> {
    Ok(Skill {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        name: row.name,
        archived_at: row.archived_at,
    })
}

fn row(skill: &Skill) -> skills::Model {
    skills::Model {
        id: skill.id.uuid(),
        tenant_id: skill.tenant_id.uuid(),
        name: skill.name.clone(),
        archived_at: skill.archived_at,
    }
}

pub async fn find(
    db: &impl Db,
    tenant: TenantId,
    id: SkillId,
) -> Result<Option<Skill>, StoreError> {
    let row = skills::Entity::find_by_id(id.uuid())
        .filter(skills::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

pub async fn get(db: &impl Db, tenant: TenantId, id: SkillId) -> Result<Skill, StoreError> {
    find(db, tenant, id)
        .await?
        .ok_or(StoreError::not_found("skill"))
}

/// All skills of the tenant, archived ones too, oldest first.
pub async fn all(db: &impl Db, tenant: TenantId) -> Result<Vec<Skill>, StoreError> {
    let rows = skills::Entity::find()
        .filter(skills::Column::TenantId.eq(tenant.uuid()))
        .order_by_asc(skills::Column::Id)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

pub async fn insert(tx: &Tx, skill: &Skill) -> Result<(), StoreError> {
    row::insert(tx, row(skill)).await
}

pub async fn update(tx: &Tx, skill: &Skill) -> Result<(), StoreError> {
    let row = row(skill);
    let seen = Condition::all()
        .add(skills::Column::Id.eq(row.id))
        .add(skills::Column::TenantId.eq(row.tenant_id));
    row::replace(tx, row, seen, "skill").await
}
