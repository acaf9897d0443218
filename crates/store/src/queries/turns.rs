//! Work that one node of all does from time to time: who comes first after the time has come does it.

use crate::db::Sealed as _;
use crate::run::{Fetch as _, Run as _};
use crate::tables::meta;
use crate::{StoreError, Tx};
use domain::Time;
use domain::clock::from_micros;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait, QuerySelect};

/// Whether it is this caller's turn, and if so, when the next one comes. Two callers at the same
/// time: the row is held until the first one commits, and then the time has not come any more.
pub async fn take(tx: &Tx, name: &str, next: Time) -> Result<bool, StoreError> {
    let fresh = meta::ActiveModel {
        name: Set(name.to_owned()),
        value: Set("0".to_owned()),
    };
    meta::Entity::insert(fresh)
        .on_conflict(
            OnConflict::column(meta::Column::Name)
                .do_nothing()
                .to_owned(),
        )
        .run(tx.conn())
        .await?;
    let row = meta::Entity::find_by_id(name.to_owned())
        .lock_exclusive()
        .fetch_one(tx.conn())
        .await?
        .ok_or(StoreError::not_found("turn"))?;
    let micros = row.value.parse().map_err(StoreError::corrupt)?;
    if from_micros(micros) > tx.now() {
        return Ok(false);
    }
    let seen = sea_orm::Condition::all().add(sea_orm::ColumnTrait::eq(&meta::Column::Name, name));
    let row = meta::Model {
        value: next.timestamp_micros().to_string(),
        ..row
    };
    crate::queries::row::replace::<meta::ActiveModel>(tx, row, seen, "turn").await?;
    Ok(true)
}
