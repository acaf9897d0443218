//! Invitations: found by the hash of their token, used or revoked at most once.

use crate::db::sealed::Sealed as _;
use crate::run::{Fetch as _, Run as _};
use crate::tables::invitations;
use crate::{Db, StoreError, Tx};
use domain::people::Invitation;
use domain::{InvitationId, TenantId};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// The list shows the newest ones; older ones are history.
const LISTED_MAX: u64 = 500;

fn read(row: invitations::Model) -> Result<Invitation, StoreError> {
    Ok(Invitation {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        email: row.email,
        role: row.role.parse().map_err(StoreError::corrupt)?,
        invited_by: row.invited_by.into(),
        created_at: row.created_at,
        expires_at: row.expires_at,
        accepted_at: row.accepted_at,
        revoked_at: row.revoked_at,
    })
}

pub async fn find(
    db: &impl Db,
    tenant: TenantId,
    id: InvitationId,
) -> Result<Option<Invitation>, StoreError> {
    let row = invitations::Entity::find_by_id(id.uuid())
        .filter(invitations::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

pub async fn by_token_hash(db: &impl Db, hash: &str) -> Result<Option<Invitation>, StoreError> {
    let row = invitations::Entity::find()
        .filter(invitations::Column::TokenHash.eq(hash))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

/// Newest first.
pub async fn list(db: &impl Db, tenant: TenantId) -> Result<Vec<Invitation>, StoreError> {
    let rows = invitations::Entity::find()
        .filter(invitations::Column::TenantId.eq(tenant.uuid()))
        .order_by_desc(invitations::Column::Id)
        .limit(LISTED_MAX)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

pub async fn insert(tx: &Tx, invitation: &Invitation, token_hash: &str) -> Result<(), StoreError> {
    let row = invitations::ActiveModel {
        id: Set(invitation.id.uuid()),
        tenant_id: Set(invitation.tenant_id.uuid()),
        email: Set(invitation.email.clone()),
        role: Set(invitation.role.as_str().to_owned()),
        invited_by: Set(invitation.invited_by.uuid()),
        token_hash: Set(token_hash.to_owned()),
        created_at: Set(invitation.created_at),
        expires_at: Set(invitation.expires_at),
        accepted_at: Set(invitation.accepted_at),
        revoked_at: Set(invitation.revoked_at),
    };
    invitations::Entity::insert(row).run(tx.conn()).await?;
    Ok(())
}

/// How an open invitation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Accepted,
    Revoked,
}

/// `false` when somebody else ended it first.
pub async fn end(tx: &Tx, id: InvitationId, ending: Ending) -> Result<bool, StoreError> {
    let column = match ending {
        Ending::Accepted => invitations::Column::AcceptedAt,
        Ending::Revoked => invitations::Column::RevokedAt,
    };
    let done = invitations::Entity::update_many()
        .col_expr(column, Expr::value(tx.now()))
        .filter(invitations::Column::Id.eq(id.uuid()))
        .filter(invitations::Column::AcceptedAt.is_null())
        .filter(invitations::Column::RevokedAt.is_null())
        .run(tx.conn())
        .await?;
    Ok(done == 1)
}

/// A new invitation replaces the open ones for the same address.
pub async fn revoke_open_for(tx: &Tx, tenant: TenantId, email: &str) -> Result<(), StoreError> {
    invitations::Entity::update_many()
        .col_expr(invitations::Column::RevokedAt, Expr::value(tx.now()))
        .filter(invitations::Column::TenantId.eq(tenant.uuid()))
        .filter(invitations::Column::Email.eq(email))
        .filter(invitations::Column::AcceptedAt.is_null())
        .filter(invitations::Column::RevokedAt.is_null())
        .run(tx.conn())
        .await?;
    Ok(())
}
