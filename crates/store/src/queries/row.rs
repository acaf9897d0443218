//! The two statements every noun needs: insert a row, and replace it if nobody else has.

use crate::db::{Sealed as _, one_row};
use crate::{StoreError, Tx};
use sea_orm::sea_query::IntoCondition;
use sea_orm::{ActiveModelBehavior, ActiveModelTrait, EntityTrait, IntoActiveModel, QueryFilter};

pub(crate) async fn insert<A>(tx: &Tx, row: impl IntoActiveModel<A>) -> Result<(), StoreError>
where
    A: ActiveModelTrait + ActiveModelBehavior,
{
    A::Entity::insert(row.into_active_model())
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Writes all columns where `seen` still holds: id, tenant and, for versioned nouns, the version
/// that was read. No such row is a lost race.
pub(crate) async fn replace<A>(
    tx: &Tx,
    row: impl IntoActiveModel<A>,
    seen: impl IntoCondition,
    noun: &'static str,
) -> Result<(), StoreError>
where
    A: ActiveModelTrait + ActiveModelBehavior,
{
    replace_columns(tx, row.into_active_model().reset_all(), seen, noun).await
}

/// The same for the columns that are set.
pub(crate) async fn replace_columns<A>(
    tx: &Tx,
    columns: A,
    seen: impl IntoCondition,
    noun: &'static str,
) -> Result<(), StoreError>
where
    A: ActiveModelTrait + ActiveModelBehavior,
{
    let result = A::Entity::update_many()
        .set(columns)
        .filter(seen.into_condition())
        .exec(tx.conn())
        .await?;
    one_row(result.rows_affected, noun)
}
