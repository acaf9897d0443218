//! Failed sign-ins per key. Keys are opaque here: the use case decides what they name.

use crate::db::sealed::Sealed as _;
use crate::run::{Fetch as _, Run as _};
use crate::tables::sign_in_attempts;
use crate::{StoreError, Tx};
use domain::Time;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempts {
    pub failures: i64,
    pub blocked_until: Option<Time>,
    pub updated_at: Time,
}

/// The row of `key`, made if it is missing and held until the transaction ends: two concurrent
/// attempts are counted one after the other.
pub async fn lock(tx: &Tx, key: &str) -> Result<Attempts, StoreError> {
    let fresh = sign_in_attempts::ActiveModel {
        key: Set(key.to_owned()),
        failures: Set(0),
        blocked_until: Set(None),
        updated_at: Set(tx.now()),
    };
    sign_in_attempts::Entity::insert(fresh)
        .on_conflict(
            OnConflict::column(sign_in_attempts::Column::Key)
                .do_nothing()
                .to_owned(),
        )
        .run(tx.conn())
        .await?;
    let row = sign_in_attempts::Entity::find_by_id(key.to_owned())
        .lock_exclusive()
        .fetch_one(tx.conn())
        .await?
        .ok_or(StoreError::not_found("sign-in attempt"))?;
    Ok(Attempts {
        failures: row.failures,
        blocked_until: row.blocked_until,
        updated_at: row.updated_at,
    })
}

pub async fn put(tx: &Tx, key: &str, attempts: &Attempts) -> Result<(), StoreError> {
    let row = sign_in_attempts::ActiveModel {
        key: Set(key.to_owned()),
        failures: Set(attempts.failures),
        blocked_until: Set(attempts.blocked_until),
        updated_at: Set(attempts.updated_at),
    };
    sign_in_attempts::Entity::insert(row)
        .on_conflict(
            OnConflict::column(sign_in_attempts::Column::Key)
                .update_columns([
                    sign_in_attempts::Column::Failures,
                    sign_in_attempts::Column::BlockedUntil,
                    sign_in_attempts::Column::UpdatedAt,
                ])
                .to_owned(),
        )
        .run(tx.conn())
        .await?;
    Ok(())
}

/// A success wipes the slate.
pub async fn clear(tx: &Tx, key: &str) -> Result<(), StoreError> {
    sign_in_attempts::Entity::delete_by_id(key.to_owned())
        .run(tx.conn())
        .await?;
    Ok(())
}

/// Old rows mean nothing any more; returns how many went, at most `limit`.
pub async fn delete_before(tx: &Tx, instant: Time, limit: u64) -> Result<u64, StoreError> {
    let keys: Vec<String> = sign_in_attempts::Entity::find()
        .select_only()
        .column(sign_in_attempts::Column::Key)
        .filter(sign_in_attempts::Column::UpdatedAt.lt(instant))
        .limit(limit)
        .fetch_values(tx.conn())
        .await?;
    sign_in_attempts::Entity::delete_many()
        .filter(sign_in_attempts::Column::Key.is_in(keys))
        .run(tx.conn())
        .await
}
