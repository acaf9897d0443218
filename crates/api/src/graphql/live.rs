//! The log in the graph: `changes` for screens, `events` for integrations.

use super::change::{Change, ChangeBatch};
use super::context::{actor_who_may, app};
use super::error::bad_input;
use super::page;
use crate::live::{Batch, Feed};
use app::events;
use async_graphql::{Context, Object, Result, Subscription};
use domain::event::Cursor;
use domain::permission::Permission;
use futures_util::{Stream, StreamExt};
use std::sync::Arc;

impl From<Arc<Batch>> for ChangeBatch {
    fn from(batch: Arc<Batch>) -> Self {
        let images = batch.events.iter().map(|event| event.image.clone());
        Self {
            cursor: batch.cursor.to_string(),
            changes: images.filter_map(Change::of).collect(),
            resync: batch.resync,
        }
    }
}

impl From<events::Page> for ChangeBatch {
    fn from(page: events::Page) -> Self {
        let images = page.events.into_iter().map(|event| event.image);
        Self {
            cursor: page.cursor.to_string(),
            changes: images.filter_map(Change::of).collect(),
            resync: page.resync,
        }
    }
}

#[derive(Default)]
pub struct EventsQuery;

#[Object]
impl EventsQuery {
    /// Raw log, for integrations; supervisors and above. `after` null starts at its oldest event.
    async fn events(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        #[graphql(default = 100)] first: i32,
    ) -> Result<ChangeBatch> {
        let actor = actor_who_may(ctx, Permission::Read)?;
        let after = after
            .map(|text| text.parse::<Cursor>().map_err(|e| bad_input(e.to_string())))
            .transpose()?;
        let first = page::first(first)?;
        Ok(events::page(app(ctx)?, actor, after, first).await?.into())
    }
}

#[derive(Default)]
pub struct ChangesSubscription;

#[Subscription]
impl ChangesSubscription {
    /// Ordered flat images of everything the viewer may see, resumable by cursor. `after` null starts at the head.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
    ) -> Result<impl Stream<Item = ChangeBatch> + use<>> {
        let feed: &Feed = ctx.data()?;
        if feed.is_opening() {
            actor_who_may(ctx, Permission::Read)?;
        }
        Ok(feed.enter(after).map(ChangeBatch::from))
    }
}
