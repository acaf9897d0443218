//! Signing keys of access tokens, sealed by the master key. The newest live one signs.

use crate::db::sealed::Sealed as _;
use crate::run::{Fetch as _, Run as _};
use crate::tables::jwt_keys;
use crate::{Db, StoreError, Tx};
use domain::Time;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

#[derive(Clone, PartialEq, Eq)]
pub struct JwtKey {
    pub kid: String,
    pub sealed: String,
    pub created_at: Time,
    pub retired_at: Option<Time>,
}

/// Newest first.
pub async fn list(db: &impl Db) -> Result<Vec<JwtKey>, StoreError> {
    let rows = jwt_keys::Entity::find()
        .order_by_desc(jwt_keys::Column::CreatedAt)
        .order_by_desc(jwt_keys::Column::Kid)
        .fetch_all(db.conn())
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| JwtKey {
            kid: row.kid,
            sealed: row.sealed,
            created_at: row.created_at,
            retired_at: row.retired_at,
        })
        .collect())
}

pub async fn insert(tx: &Tx, kid: &str, sealed: &str) -> Result<(), StoreError> {
    let row = jwt_keys::ActiveModel {
        kid: Set(kid.to_owned()),
        sealed: Set(sealed.to_owned()),
        created_at: Set(tx.now()),
        retired_at: Set(None),
    };
    jwt_keys::Entity::insert(row).run(tx.conn()).await?;
    Ok(())
}

/// All live keys but `kid` stop signing; they verify until `delete_retired_before`.
pub async fn retire_all_but(tx: &Tx, kid: &str) -> Result<(), StoreError> {
    jwt_keys::Entity::update_many()
        .col_expr(jwt_keys::Column::RetiredAt, Expr::value(tx.now()))
        .filter(jwt_keys::Column::Kid.ne(kid))
        .filter(jwt_keys::Column::RetiredAt.is_null())
        .run(tx.conn())
        .await?;
    Ok(())
}

pub async fn delete_retired_before(tx: &Tx, instant: Time) -> Result<(), StoreError> {
    jwt_keys::Entity::delete_many()
        .filter(jwt_keys::Column::RetiredAt.lt(instant))
        .run(tx.conn())
        .await?;
    Ok(())
}

/// Key rotation of the master key: the same signing key sealed anew.
pub async fn put_sealed(tx: &Tx, kid: &str, sealed: &str) -> Result<(), StoreError> {
    jwt_keys::Entity::update_many()
        .col_expr(jwt_keys::Column::Sealed, Expr::value(sealed))
        .filter(jwt_keys::Column::Kid.eq(kid))
        .run(tx.conn())
        .await?;
    Ok(())
}
