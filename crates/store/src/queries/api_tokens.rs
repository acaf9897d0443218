//! API tokens: found by the hash of their secret; the secret itself is never stored.

use crate::db::sealed::Sealed as _;
use crate::run::{Fetch as _, Run as _};
use crate::tables::api_tokens;
use crate::{Db, StoreError, Tx};
use domain::people::{ApiToken, TokenScope};
use domain::{ApiTokenId, TenantId, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

fn read(row: api_tokens::Model) -> Result<ApiToken, StoreError> {
    let scopes: Vec<TokenScope> =
        serde_json::from_value(row.scopes).map_err(StoreError::corrupt)?;
    Ok(ApiToken {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        user_id: row.user_id.into(),
        name: row.name,
        scopes,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        expires_at: row.expires_at,
        revoked_at: row.revoked_at,
    })
}

pub async fn find(
    db: &impl Db,
    tenant: TenantId,
    id: ApiTokenId,
) -> Result<Option<ApiToken>, StoreError> {
    let row = api_tokens::Entity::find_by_id(id.uuid())
        .filter(api_tokens::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

pub async fn by_secret_hash(db: &impl Db, hash: &str) -> Result<Option<ApiToken>, StoreError> {
    let row = api_tokens::Entity::find()
        .filter(api_tokens::Column::SecretHash.eq(hash))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

/// The member's tokens, newest first, revoked ones too.
pub async fn list(
    db: &impl Db,
    tenant: TenantId,
    user: UserId,
) -> Result<Vec<ApiToken>, StoreError> {
    let rows = api_tokens::Entity::find()
        .filter(api_tokens::Column::TenantId.eq(tenant.uuid()))
        .filter(api_tokens::Column::UserId.eq(user.uuid()))
        .order_by_desc(api_tokens::Column::Id)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

pub async fn insert(tx: &Tx, token: &ApiToken, secret_hash: &str) -> Result<(), StoreError> {
    let row = api_tokens::ActiveModel {
        id: Set(token.id.uuid()),
        tenant_id: Set(token.tenant_id.uuid()),
        user_id: Set(token.user_id.uuid()),
        name: Set(token.name.clone()),
        secret_hash: Set(secret_hash.to_owned()),
        scopes: Set(serde_json::to_value(&token.scopes).map_err(StoreError::corrupt)?),
        created_at: Set(token.created_at),
        last_used_at: Set(token.last_used_at),
        expires_at: Set(token.expires_at),
        revoked_at: Set(token.revoked_at),
    };
    api_tokens::Entity::insert(row).run(tx.conn()).await?;
    Ok(())
}

pub async fn put_last_used(tx: &Tx, id: ApiTokenId) -> Result<(), StoreError> {
    api_tokens::Entity::update_many()
        .col_expr(api_tokens::Column::LastUsedAt, Expr::value(tx.now()))
        .filter(api_tokens::Column::Id.eq(id.uuid()))
        .run(tx.conn())
        .await?;
    Ok(())
}

pub async fn revoke(tx: &Tx, tenant: TenantId, id: ApiTokenId) -> Result<(), StoreError> {
    api_tokens::Entity::update_many()
        .col_expr(api_tokens::Column::RevokedAt, Expr::value(tx.now()))
        .filter(api_tokens::Column::TenantId.eq(tenant.uuid()))
        .filter(api_tokens::Column::Id.eq(id.uuid()))
        .filter(api_tokens::Column::RevokedAt.is_null())
        .run(tx.conn())
        .await?;
    Ok(())
}

/// Revokes all live tokens of a member and names them.
pub async fn revoke_of_member(
    tx: &Tx,
    tenant: TenantId,
    user: UserId,
) -> Result<Vec<ApiTokenId>, StoreError> {
    let ids: Vec<_> = list(tx, tenant, user)
        .await?
        .into_iter()
        .filter(|token| token.revoked_at.is_none())
        .map(|token| token.id)
        .collect();
    for id in &ids {
        revoke(tx, tenant, *id).await?;
    }
    Ok(ids)
}
