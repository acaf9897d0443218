//! Users: people across tenants. The password hash never leaves in a `User`.

use crate::db::sealed::Sealed as _;
use crate::run::{Fetch as _, Run as _};
use crate::tables::users;
use crate::{Db, StoreError, Tx};
use domain::UserId;
use domain::people::User;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

pub(super) fn read(row: users::Model) -> User {
    User {
        id: row.id.into(),
        email: row.email,
        name: row.name,
        locale: row.locale,
        created_at: row.created_at,
    }
}

pub async fn find(db: &impl Db, id: UserId) -> Result<Option<User>, StoreError> {
    let row = users::Entity::find_by_id(id.uuid())
        .fetch_one(db.conn())
        .await?;
    Ok(row.map(read))
}

pub async fn by_ids(db: &impl Db, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
    let rows = users::Entity::find()
        .filter(users::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .fetch_all(db.conn())
        .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// `email` in its normal form; the hash is absent for people who never set a password.
pub async fn by_email(
    db: &impl Db,
    email: &str,
) -> Result<Option<(User, Option<String>)>, StoreError> {
    let row = users::Entity::find()
        .filter(users::Column::Email.eq(email))
        .fetch_one(db.conn())
        .await?;
    Ok(row.map(|mut row| {
        let hash = row.password_hash.take();
        (read(row), hash)
    }))
}

pub async fn password_hash(db: &impl Db, id: UserId) -> Result<Option<String>, StoreError> {
    let row = users::Entity::find_by_id(id.uuid())
        .fetch_one(db.conn())
        .await?;
    Ok(row.and_then(|row| row.password_hash))
}

/// A taken address is a `Conflict`.
pub async fn insert(tx: &Tx, user: &User, password_hash: Option<&str>) -> Result<(), StoreError> {
    let row = users::ActiveModel {
        id: Set(user.id.uuid()),
        email: Set(user.email.clone()),
        name: Set(user.name.clone()),
        locale: Set(user.locale.clone()),
        password_hash: Set(password_hash.map(str::to_owned)),
        created_at: Set(user.created_at),
    };
    users::Entity::insert(row).run(tx.conn()).await?;
    Ok(())
}

pub async fn put(tx: &Tx, user: &User) -> Result<(), StoreError> {
    users::Entity::update_many()
        .col_expr(users::Column::Name, Expr::value(user.name.clone()))
        .col_expr(users::Column::Locale, Expr::value(user.locale.clone()))
        .filter(users::Column::Id.eq(user.id.uuid()))
        .run(tx.conn())
        .await?;
    Ok(())
}

pub async fn put_password_hash(tx: &Tx, id: UserId, hash: &str) -> Result<(), StoreError> {
    users::Entity::update_many()
        .col_expr(users::Column::PasswordHash, Expr::value(hash))
        .filter(users::Column::Id.eq(id.uuid()))
        .run(tx.conn())
        .await?;
    Ok(())
}
