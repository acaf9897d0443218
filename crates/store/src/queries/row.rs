//! What every noun needs: insert a row, replace it if nobody else has, keep to its tenant.

use crate::db::{Sealed as _, one_row};
use crate::run::Run as _;
use crate::{StoreError, Tx};
use domain::TenantId;
use sea_orm::sea_query::{Expr, ExprTrait, IntoCondition};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
};

pub(crate) async fn insert<A>(tx: &Tx, row: impl IntoActiveModel<A>) -> Result<(), StoreError>
where
    A: ActiveModelTrait + ActiveModelBehavior,
{
    A::Entity::insert(row.into_active_model())
        .run(tx.conn())
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
        .run(tx.conn())
        .await?;
    one_row(result, noun)
}

/// "Belongs to the tenant" for rows that are already named by their ids. Said plainly, SQLite
/// would take the tenant for the better index and walk all of its rows.
pub(crate) fn belongs(column: impl ColumnTrait, tenant: TenantId) -> Expr {
    let one = |n: i32| Expr::val(n);
    Expr::case(column.eq(tenant.uuid()), one(1))
        .finally(one(0))
        .eq(one(1))
}
