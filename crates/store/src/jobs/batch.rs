//! Jobs that touch nothing but the database, done many in one turn: no claim, because nothing
//! happens outside, and a turn that fails has done nothing. Only for SQLite, whose one writer
//! makes every turn and every commit of its own dear; on Postgres workers claim one by one and
//! write side by side.
//!
//! A lane keeps its order here too: its jobs are taken from the first one on, and none while one
//! of them runs or waits for a later time.

use super::StoredJob;
use crate::db::{Db, Sealed as _};
use crate::error::StoreError;
use crate::run::{Fetch as _, Run as _};
use crate::tables::jobs;
use crate::tx::Tx;
use domain::Time;
use domain::job::JobState;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// Jobs that are done in batches, as the partial index of the others names them.
pub(super) const KINDS: &str = "('process_inbound', 'index_ticket', 'index_contact')";

/// What may be done now, in order. `kinds` are of [`KINDS`].
pub async fn due(
    db: &impl Db,
    kinds: &[&str],
    now: Time,
    limit: u64,
) -> Result<Vec<StoredJob>, StoreError> {
    let rows = jobs::Entity::find()
        .filter(Expr::cust("state = 'waiting'"))
        .filter(jobs::Column::Kind.is_in(kinds.iter().copied()))
        .filter(jobs::Column::RunAt.lte(now))
        .filter(jobs::Column::NodeId.is_null())
        .filter(Expr::cust(
            "NOT EXISTS (SELECT 1 FROM jobs AS other WHERE other.lane = jobs.lane \
             AND other.state IN ('waiting', 'running') \
             AND (other.state = 'running' OR (other.id < jobs.id AND other.run_at > jobs.run_at)))",
        ))
        .order_by_asc(jobs::Column::RunAt)
        .order_by_asc(jobs::Column::Id)
        .limit(limit)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(StoredJob::from_row).collect()
}

/// They are done, in the transaction that writes their effects. If somebody else has taken one
/// since it was found due, none of it may commit.
pub async fn finish(tx: &Tx, batch: &[StoredJob]) -> Result<(), StoreError> {
    let result = jobs::Entity::update_many()
        .filter(jobs::Column::Id.is_in(batch.iter().map(|job| job.id.uuid())))
        .filter(Expr::cust("state = 'waiting'"))
        .col_expr(jobs::Column::State, Expr::val(JobState::Done.as_str()))
        .col_expr(
            jobs::Column::Attempts,
            Expr::col(jobs::Column::Attempts).add(1),
        )
        .run(tx.conn())
        .await?;
    if result == batch.len() as u64 {
        Ok(())
    } else {
        Err(StoreError::lost_race("job"))
    }
}
