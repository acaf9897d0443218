//! Memberships: who belongs to a tenant, with which role. At most one live row per person.

use crate::db::sealed::Sealed as _;
use crate::run::{Fetch as _, Run as _};
use crate::tables::{memberships, users};
use crate::{Db, StoreError, Tx};
use domain::image::Member;
use domain::people::{Membership, Role};
use domain::{TenantId, Time, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select};

fn read(row: memberships::Model) -> Result<Membership, StoreError> {
    Ok(Membership {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        user_id: row.user_id.into(),
        role: row.role.parse().map_err(StoreError::corrupt)?,
        created_at: row.created_at,
        removed_at: row.removed_at,
    })
}

fn live(tenant: TenantId) -> Select<memberships::Entity> {
    memberships::Entity::find()
        .filter(memberships::Column::TenantId.eq(tenant.uuid()))
        .filter(memberships::Column::RemovedAt.is_null())
}

pub async fn find(
    db: &impl Db,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<Membership>, StoreError> {
    let row = live(tenant)
        .filter(memberships::Column::UserId.eq(user.uuid()))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

/// Live members with their persons, in the order they joined.
pub async fn list(db: &impl Db, tenant: TenantId) -> Result<Vec<Member>, StoreError> {
    let rows = live(tenant)
        .order_by_asc(memberships::Column::Id)
        .fetch_all(db.conn())
        .await?;
    let ids: Vec<_> = rows.iter().map(|row| row.user_id).collect();
    let mut people: std::collections::HashMap<_, _> = users::Entity::find()
        .filter(users::Column::Id.is_in(ids))
        .fetch_all(db.conn())
        .await?
        .into_iter()
        .map(|user| (user.id, user))
        .collect();
    rows.into_iter()
        .filter_map(|row| people.remove(&row.user_id).map(|user| (row, user)))
        .map(|(row, user)| {
            Ok(Member {
                user: super::users::read(user),
                membership: read(row)?,
            })
        })
        .collect()
}

/// The user's live memberships in all tenants, oldest first.
pub async fn of_user(db: &impl Db, user: UserId) -> Result<Vec<Membership>, StoreError> {
    let rows = memberships::Entity::find()
        .filter(memberships::Column::UserId.eq(user.uuid()))
        .filter(memberships::Column::RemovedAt.is_null())
        .order_by_asc(memberships::Column::Id)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

pub async fn count_owners(db: &impl Db, tenant: TenantId) -> Result<u64, StoreError> {
    live(tenant)
        .filter(memberships::Column::Role.eq(Role::Owner.as_str()))
        .fetch_count(db.conn())
        .await
}

/// A second live membership of the same person is a `Conflict`.
pub async fn insert(tx: &Tx, membership: &Membership) -> Result<(), StoreError> {
    let row = memberships::ActiveModel {
        id: Set(membership.id.uuid()),
        tenant_id: Set(membership.tenant_id.uuid()),
        user_id: Set(membership.user_id.uuid()),
        role: Set(membership.role.as_str().to_owned()),
        created_at: Set(membership.created_at),
        removed_at: Set(membership.removed_at),
    };
    memberships::Entity::insert(row).run(tx.conn()).await?;
    Ok(())
}

pub async fn put_role(
    tx: &Tx,
    tenant: TenantId,
    user: UserId,
    role: Role,
) -> Result<(), StoreError> {
    memberships::Entity::update_many()
        .col_expr(memberships::Column::Role, Expr::value(role.as_str()))
        .filter(memberships::Column::TenantId.eq(tenant.uuid()))
        .filter(memberships::Column::UserId.eq(user.uuid()))
        .filter(memberships::Column::RemovedAt.is_null())
        .run(tx.conn())
        .await?;
    Ok(())
}

pub async fn remove(tx: &Tx, tenant: TenantId, user: UserId, at: Time) -> Result<(), StoreError> {
    memberships::Entity::update_many()
        .col_expr(memberships::Column::RemovedAt, Expr::value(at))
        .filter(memberships::Column::TenantId.eq(tenant.uuid()))
        .filter(memberships::Column::UserId.eq(user.uuid()))
        .filter(memberships::Column::RemovedAt.is_null())
        .run(tx.conn())
        .await?;
    Ok(())
}
