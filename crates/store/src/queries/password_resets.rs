//! Password resets: one open token per person, usable once.

use crate::db::sealed::Sealed as _;
use crate::run::{Fetch as _, Run as _};
use crate::tables::password_resets;
use crate::{Db, StoreError, Tx};
use domain::{Time, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

pub async fn insert(
    tx: &Tx,
    user: UserId,
    token_hash: &str,
    expires_at: Time,
) -> Result<(), StoreError> {
    let row = password_resets::ActiveModel {
        token_hash: Set(token_hash.to_owned()),
        user_id: Set(user.uuid()),
        created_at: Set(tx.now()),
        expires_at: Set(expires_at),
        used_at: Set(None),
    };
    password_resets::Entity::insert(row).run(tx.conn()).await?;
    Ok(())
}

/// Whose token this is, while it may still be used.
pub async fn find_open(
    db: &impl Db,
    token_hash: &str,
    now: Time,
) -> Result<Option<UserId>, StoreError> {
    let row = password_resets::Entity::find_by_id(token_hash.to_owned())
        .filter(password_resets::Column::UsedAt.is_null())
        .filter(password_resets::Column::ExpiresAt.gt(now))
        .fetch_one(db.conn())
        .await?;
    Ok(row.map(|row| row.user_id.into()))
}

/// Uses the token up. `None` for one that is unknown, used or expired.
pub async fn take(tx: &Tx, token_hash: &str) -> Result<Option<UserId>, StoreError> {
    let used = password_resets::Entity::update_many()
        .col_expr(password_resets::Column::UsedAt, Expr::value(tx.now()))
        .filter(password_resets::Column::TokenHash.eq(token_hash))
        .filter(password_resets::Column::UsedAt.is_null())
        .filter(password_resets::Column::ExpiresAt.gt(tx.now()))
        .run(tx.conn())
        .await?;
    if used == 0 {
        return Ok(None);
    }
    let row = password_resets::Entity::find_by_id(token_hash.to_owned())
        .fetch_one(tx.conn())
        .await?;
    Ok(row.map(|row| row.user_id.into()))
}

/// Forgets every token of the person: a new one was asked for, or the password changed.
pub async fn delete_of(tx: &Tx, user: UserId) -> Result<(), StoreError> {
    password_resets::Entity::delete_many()
        .filter(password_resets::Column::UserId.eq(user.uuid()))
        .run(tx.conn())
        .await?;
    Ok(())
}
