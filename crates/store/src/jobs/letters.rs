//! Jobs as people see them: lists, dead letters, and what becomes of those.

use super::{StoredJob, get, tell};
use crate::db::{Db, Sealed as _, one_row};
use crate::error::StoreError;
use crate::run::{Fetch as _, Run as _};
use crate::tables::jobs;
use crate::tx::Tx;
use domain::job::JobState;
use domain::{JobId, TenantId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// Dead letters of a tenant, newest first, before the given one.
pub async fn dead_letters(
    db: &impl Db,
    tenant: TenantId,
    before: Option<JobId>,
    limit: u64,
) -> Result<Vec<StoredJob>, StoreError> {
    list(db, tenant, JobState::Dead, before, limit).await
}

/// Jobs of a tenant in one state, newest first, before the given one.
pub async fn list(
    db: &impl Db,
    tenant: TenantId,
    state: JobState,
    before: Option<JobId>,
    limit: u64,
) -> Result<Vec<StoredJob>, StoreError> {
    // A literal: only then do both databases use the partial index.
    let mut query = jobs::Entity::find()
        .filter(jobs::Column::TenantId.eq(tenant.uuid()))
        .filter(Expr::cust(format!("state = '{state}'")));
    if let Some(before) = before {
        query = query.filter(jobs::Column::Id.lt(before.uuid()));
    }
    let rows = query
        .order_by_desc(jobs::Column::Id)
        .limit(limit)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(StoredJob::from_row).collect()
}

/// A dead letter gets all its attempts again, in its old place of the lane.
pub async fn replay(tx: &mut Tx, tenant: TenantId, id: JobId) -> Result<StoredJob, StoreError> {
    revive(tx, tenant, id, JobState::Waiting).await
}

/// A dead letter nobody needs any more.
pub async fn discard(tx: &mut Tx, tenant: TenantId, id: JobId) -> Result<StoredJob, StoreError> {
    revive(tx, tenant, id, JobState::Done).await
}

async fn revive(
    tx: &mut Tx,
    tenant: TenantId,
    id: JobId,
    state: JobState,
) -> Result<StoredJob, StoreError> {
    let job = get(tx, tenant, id).await?;
    let result = jobs::Entity::update_many()
        .filter(jobs::Column::Id.eq(id.uuid()))
        .filter(jobs::Column::State.eq(JobState::Dead.as_str()))
        .col_expr(jobs::Column::State, Expr::val(state.as_str()))
        .col_expr(jobs::Column::Attempts, Expr::val(0i64))
        .col_expr(jobs::Column::RunAt, Expr::val(tx.now()))
        .run(tx.conn())
        .await?;
    one_row(result, "dead letter")?;
    tell(
        tx,
        &job,
        job.last_error.as_deref().unwrap_or_default(),
        true,
    );
    Ok(job)
}
