//! Presence on tickets: said by a mutation, heard on a lossy subscription.

use super::context::{actor_who_may, app};
use super::error::DonePayload;
use super::words::{id, parse};
use app::presence::{self, Signal};
use async_graphql::{Context, ID, Object, Result, SimpleObject, Subscription};
use domain::Time;
use domain::permission::Permission;
use futures_util::{Stream, StreamExt};

#[derive(SimpleObject)]
pub struct PresenceSignal {
    pub user_id: ID,
    pub user_name: String,
    pub ticket_id: ID,
    pub typing: bool,
    /// She has the ticket open; true while she types.
    pub focused: bool,
    pub expires_at: Time,
}

impl From<Signal> for PresenceSignal {
    fn from(signal: Signal) -> Self {
        Self {
            user_id: id(signal.user_id),
            user_name: signal.user_name,
            ticket_id: id(signal.ticket_id),
            typing: signal.typing,
            focused: true,
            expires_at: signal.expires_at,
        }
    }
}

#[derive(Default)]
pub struct PresenceMutation;

#[Object]
impl PresenceMutation {
    /// "I write in this ticket", or with `typing: false` only "I look at it". Said again every 3 s
    /// while it is true; it is over 6 s after the last word.
    async fn typing(
        &self,
        ctx: &Context<'_>,
        ticket_id: ID,
        #[graphql(default = true)] typing: bool,
    ) -> Result<DonePayload> {
        let actor = actor_who_may(ctx, Permission::WorkTickets)?;
        let told = presence::tell(app(ctx)?, actor, parse(&ticket_id)?, typing).await;
        DonePayload::of(told)
    }
}

#[derive(Default)]
pub struct PresenceSubscription;

#[Subscription]
impl PresenceSubscription {
    /// Lossy: who looks at and types in which ticket. Entries live 6 s.
    async fn presence(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = PresenceSignal> + use<>> {
        let actor = actor_who_may(ctx, Permission::Read)?;
        Ok(presence::follow(app(ctx)?, actor).map(PresenceSignal::from))
    }
}
