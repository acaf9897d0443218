//! Work that waits or failed for good, for those who administer the tenant.

use super::context::{actor_who_may, app};
use super::error::payload;
use super::page;
use super::words::{JobState, id, int, parse};
use crate::connection;
use app::dead_letters;
use async_graphql::{Context, ID, Json, Object, Result, SimpleObject};
use domain::Time;
use domain::permission::Permission;
use serde_json::Value;

#[derive(SimpleObject)]
pub struct Job {
    pub id: ID,
    pub kind: &'static str,
    pub state: JobState,
    pub attempts: i32,
    pub last_error: Option<String>,
    pub run_at: Time,
    pub created_at: Time,
    pub payload: Json<Value>,
}

impl From<dead_letters::ShownJob> for Job {
    fn from(job: dead_letters::ShownJob) -> Self {
        Self {
            id: id(job.id),
            kind: job.kind,
            state: job.state.into(),
            attempts: int(job.attempts),
            last_error: job.last_error,
            run_at: job.run_at,
            created_at: job.created_at,
            payload: Json(job.payload),
        }
    }
}

connection!(JobConnection, JobEdge, Job);
payload!(JobPayload, job: Job);

#[derive(Default)]
pub struct JobQuery;

#[Object]
impl JobQuery {
    /// Dead letters, or other work; newest first.
    #[graphql(complexity = "usize::try_from(first).unwrap_or(0) * child_complexity")]
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "JobState::Dead")] state: JobState,
        #[graphql(default = 50)] first: i32,
        after: Option<String>,
    ) -> Result<JobConnection> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        let first = page::first(first)?;
        let before = after
            .as_ref()
            .map(|cursor| parse(&ID(cursor.clone())))
            .transpose()?;
        let rows = dead_letters::list(app(ctx)?, actor, state.into(), before, first + 1).await?;
        let (rows, more) = page::cut(rows, first);
        let cursors: Vec<_> = rows.iter().map(|row| row.id.to_string()).collect();
        let page_info = page::info(&cursors, more, after.is_some());
        let edges = rows
            .into_iter()
            .zip(cursors)
            .map(|(row, cursor)| JobEdge {
                cursor,
                node: row.into(),
            })
            .collect();
        Ok(JobConnection { edges, page_info })
    }
}

#[derive(Default)]
pub struct JobMutation;

#[Object]
impl JobMutation {
    async fn replay_job(&self, ctx: &Context<'_>, id: ID) -> Result<JobPayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        JobPayload::of(dead_letters::replay(app(ctx)?, actor, parse(&id)?).await)
    }

    async fn discard_job(&self, ctx: &Context<'_>, id: ID) -> Result<JobPayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        JobPayload::of(dead_letters::discard(app(ctx)?, actor, parse(&id)?).await)
    }
}
