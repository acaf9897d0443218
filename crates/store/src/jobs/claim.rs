//! Claims: who runs a job, until when, and what becomes of those whose worker vanished.

use super::{StoredJob, batch};
use crate::db::{Db, Sealed as _};
use crate::error::StoreError;
use crate::run::Run as _;
use crate::tables::jobs;
use crate::tx::Tx;
use domain::job::{JobState, VANISHED_MAX};
use domain::{NodeId, Time};
use sea_orm::sea_query::{
    Alias, CommonTableExpression, Expr, ExprTrait, LockBehavior, LockType, Query, SelectStatement,
    WithClause,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

/// Which jobs a claim looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    All,
    /// Those that are not done in batches.
    NotBatched,
}

impl Which {
    /// A literal: only then do both databases use the partial indexes.
    fn waiting(self) -> String {
        match self {
            Self::All => "jobs.state = 'waiting'".to_owned(),
            Self::NotBatched => {
                format!(
                    "jobs.state = 'waiting' AND jobs.kind NOT IN {}",
                    batch::KINDS
                )
            }
        }
    }
}

/// Claims up to `limit` jobs that are due, at most one per lane, for `node` until `locked_until`.
/// A claim whose lock has expired is taken over with one attempt more.
pub async fn claim(
    tx: &Tx,
    which: Which,
    node: NodeId,
    limit: u64,
    locked_until: Time,
) -> Result<Vec<StoredJob>, StoreError> {
    release_expired(tx).await?;
    let mut due = due_jobs(which, node, tx.now(), limit);
    // Two Postgres workers pick different jobs; SQLite has one writer and no such clause.
    due.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    // A list made once: Postgres may run a subquery again for each row, and find other jobs then.
    let list = CommonTableExpression::new()
        .table_name(Alias::new("due"))
        .query(due)
        .materialized(true)
        .to_owned();
    let listed = Query::select()
        .column(Alias::new("id"))
        .from(Alias::new("due"))
        .to_owned();
    let claimed = Query::update()
        .table(jobs::Entity)
        .value(jobs::Column::State, JobState::Running.as_str())
        .value(jobs::Column::LockedBy, node.uuid())
        .value(jobs::Column::LockedUntil, locked_until)
        .value(
            jobs::Column::Attempts,
            Expr::col(jobs::Column::Attempts).add(1),
        )
        .and_where(Expr::col(jobs::Column::Id).in_subquery(listed))
        .and_where(Expr::cust("state = 'waiting'"))
        .returning_all()
        .to_owned()
        .with(WithClause::new().cte(list).to_owned());
    let rows = tx.conn().rows(&claimed).await?;
    let mut claimed = rows
        .into_iter()
        .map(|row| StoredJob::from_row(row.model::<jobs::Entity>()?))
        .collect::<Result<Vec<_>, _>>()?;
    claimed.sort_by_key(|job| job.id);
    Ok(claimed)
}

/// The first waiting job of each lane in which nothing runs, if it is due and may run on `node`.
fn due_jobs(which: Which, node: NodeId, now: Time, limit: u64) -> SelectStatement {
    let column = |name| Expr::col((jobs::Entity, name));
    let earlier = Query::select()
        .expr(Expr::val(1))
        .from_as(jobs::Entity, Alias::new("other"))
        .and_where(Expr::cust(
            "other.lane = jobs.lane AND other.state IN ('waiting', 'running') \
             AND (other.state = 'running' OR other.id < jobs.id)",
        ))
        .to_owned();
    Query::select()
        .column((jobs::Entity, jobs::Column::Id))
        .from(jobs::Entity)
        .and_where(Expr::cust(which.waiting()))
        .and_where(column(jobs::Column::RunAt).lte(now))
        .and_where(
            column(jobs::Column::NodeId)
                .is_null()
                .or(column(jobs::Column::NodeId).eq(node.uuid())),
        )
        .and_where(Expr::exists(earlier).not())
        .order_by((jobs::Entity, jobs::Column::RunAt), sea_orm::Order::Asc)
        .order_by((jobs::Entity, jobs::Column::Id), sea_orm::Order::Asc)
        .limit(limit)
        .to_owned()
}

/// Jobs whose worker vanished wait again; those that vanish too often are dead letters.
async fn release_expired(tx: &Tx) -> Result<(), StoreError> {
    let is_over = || Expr::col(jobs::Column::Attempts).gte(i64::from(VANISHED_MAX));
    let state = |state: JobState| Expr::val(state.as_str());
    let next = Expr::case(is_over(), state(JobState::Dead)).finally(state(JobState::Waiting));
    let error = Expr::case(
        is_over(),
        Expr::val("the worker vanished in the last attempt"),
    )
    .finally(Expr::col(jobs::Column::LastError));
    jobs::Entity::update_many()
        .filter(Expr::cust("state = 'running'"))
        .filter(jobs::Column::LockedUntil.lte(tx.now()))
        .col_expr(jobs::Column::State, next.into())
        .col_expr(jobs::Column::LastError, error.into())
        .col_expr(jobs::Column::LockedBy, Expr::val(None::<uuid::Uuid>))
        .col_expr(jobs::Column::LockedUntil, Expr::val(None::<Time>))
        .col_expr(jobs::Column::Vanished, Expr::val(true))
        .run(tx.conn())
        .await?;
    Ok(())
}

/// At the start of the only process: whoever held a claim is gone, nobody waits for its lock.
pub async fn release_all(tx: &Tx) -> Result<u64, StoreError> {
    let result = jobs::Entity::update_many()
        .filter(Expr::cust("state = 'running'"))
        .col_expr(jobs::Column::LockedUntil, Expr::val(tx.now()))
        .run(tx.conn())
        .await?;
    release_expired(tx).await?;
    Ok(result)
}

/// Whether a claim may find something, vanished claims included.
pub async fn is_any_due(db: &impl Db, which: Which, now: Time) -> Result<bool, StoreError> {
    let of = |state: String, column| {
        Query::select()
            .expr(Expr::val(1))
            .from(jobs::Entity)
            .and_where(Expr::cust(state))
            .and_where(Expr::col((jobs::Entity, column)).lte(now))
            .to_owned()
    };
    let waiting = of(which.waiting(), jobs::Column::RunAt);
    let vanished = of(
        "jobs.state = 'running'".to_owned(),
        jobs::Column::LockedUntil,
    );
    let any = Query::select()
        .expr(Expr::val(1))
        .and_where(Expr::exists(waiting).or(Expr::exists(vanished)))
        .to_owned();
    Ok(db.conn().row(&any).await?.is_some())
}
