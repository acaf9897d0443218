//! Calls, as tickets and the call list show them.

use super::loaders::shared_reader;
use super::page;
use super::words::{CallState, Direction, id};
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use domain::{Time, call};

#[derive(SimpleObject)]
pub struct Call {
    pub id: ID,
    pub ticket_id: ID,
    pub contact_id: ID,
    pub direction: Direction,
    pub state: CallState,
    pub started_at: Time,
    pub answered_at: Option<Time>,
    pub ended_at: Option<Time>,
}

impl From<call::Call> for Call {
    fn from(call: call::Call) -> Self {
        Self {
            id: id(call.id),
            ticket_id: id(call.ticket_id),
            contact_id: id(call.contact_id),
            direction: call.direction.into(),
            state: call.state.into(),
            started_at: call.started_at,
            answered_at: call.answered_at,
            ended_at: call.ended_at,
        }
    }
}

crate::connection!(CallConnection, CallEdge, Call);

#[derive(Default)]
pub struct CallQuery;

#[Object]
impl CallQuery {
    #[graphql(complexity = "usize::try_from(first).unwrap_or(0) * child_complexity + 1")]
    async fn calls(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 50)] first: i32,
        after: Option<String>,
    ) -> Result<CallConnection> {
        let first = page::first(first)?;
        let (calls, more) = shared_reader(ctx)?.calls(first, after.as_deref()).await?;
        let cursors: Vec<String> = calls.iter().map(|call| call.id.to_string()).collect();
        let page_info = page::info(&cursors, more, after.is_some());
        let edges = cursors.into_iter().zip(calls);
        let edge = |(cursor, call)| CallEdge {
            cursor,
            node: Call::from(call),
        };
        Ok(CallConnection {
            edges: edges.map(edge).collect(),
            page_info,
        })
    }
}
