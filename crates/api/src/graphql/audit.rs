//! What people and tokens did, for those who administer the tenant.

use super::context::{actor_who_may, app};
use super::page;
use super::words::{id, parse};
use crate::connection;
use async_graphql::{Context, ID, Json, Object, Result, SimpleObject};
use domain::Time;
use domain::permission::Permission;

#[derive(SimpleObject)]
pub struct AuditEntry {
    pub id: ID,
    pub actor_user_id: Option<ID>,
    pub actor_token_id: Option<ID>,
    pub action: String,
    pub node_id: Option<String>,
    pub detail: Json<serde_json::Value>,
    pub ip: String,
    pub created_at: Time,
}

impl From<domain::people::AuditEntry> for AuditEntry {
    fn from(entry: domain::people::AuditEntry) -> Self {
        Self {
            id: id(entry.id),
            actor_user_id: entry.actor_user_id.map(id),
            actor_token_id: entry.actor_token_id.map(id),
            action: entry.action,
            node_id: entry.node_id,
            detail: Json(entry.detail),
            ip: entry.ip,
            created_at: entry.created_at,
        }
    }
}

connection!(AuditConnection, AuditEdge, AuditEntry);

#[derive(Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// Newest first.
    #[graphql(complexity = "usize::try_from(first).unwrap_or(0) * child_complexity")]
    async fn audit(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 50)] first: i32,
        after: Option<String>,
    ) -> Result<AuditConnection> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        let first = page::first(first)?;
        let before = after
            .as_ref()
            .map(|cursor| parse(&ID(cursor.clone())))
            .transpose()?;
        let rows = app::audit::list(app(ctx)?, actor, before, first + 1).await?;
        let (rows, more) = page::cut(rows, first);
        let cursors: Vec<_> = rows.iter().map(|row| row.id.to_string()).collect();
        let page_info = page::info(&cursors, more, after.is_some());
        let edges = rows
            .into_iter()
            .zip(cursors)
            .map(|(row, cursor)| AuditEdge {
                cursor,
                node: row.into(),
            })
            .collect();
        Ok(AuditConnection { edges, page_info })
    }
}
