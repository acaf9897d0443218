//! What people do with a ticket.

use super::Ticket;
use crate::graphql::context::{actor_who_may, app};
use crate::graphql::error::payload;
use crate::graphql::words::{Priority, TicketStatus, parse};
use ::app::tickets;
use ::app::work::{self, Transfer};
use async_graphql::{Context, ID, Object, Result};
use domain::Time;
use domain::permission::Permission::WorkTickets;

payload!(TicketPayload, ticket: Ticket);

#[derive(Default)]
pub struct TicketMutation;

#[Object]
impl TicketMutation {
    /// The viewer takes a waiting ticket.
    async fn take_ticket(&self, ctx: &Context<'_>, id: ID) -> Result<TicketPayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        TicketPayload::of(work::take(app(ctx)?, actor, parse(&id)?).await)
    }

    /// Gives a ticket to an agent (null: back to its queue).
    async fn assign_ticket(
        &self,
        ctx: &Context<'_>,
        id: ID,
        user_id: Option<ID>,
    ) -> Result<TicketPayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        let to = user_id.as_ref().map(parse).transpose()?;
        let assigned = work::assign(app(ctx)?, actor, parse(&id)?, to).await;
        TicketPayload::of(assigned.map(|assignment| assignment.ticket))
    }

    async fn transfer_ticket(
        &self,
        ctx: &Context<'_>,
        id: ID,
        queue_id: ID,
        #[graphql(default = true)] keep_position: bool,
        note: Option<String>,
    ) -> Result<TicketPayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        let to = parse(&queue_id)?;
        let transfer = Transfer {
            to,
            keep_position,
            note,
        };
        TicketPayload::of(work::transfer(app(ctx)?, actor, parse(&id)?, &transfer).await)
    }

    async fn set_ticket_status(
        &self,
        ctx: &Context<'_>,
        id: ID,
        status: TicketStatus,
        snooze_until: Option<Time>,
    ) -> Result<TicketPayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        let (id, status) = (parse(&id)?, status.into());
        TicketPayload::of(tickets::set_status(app(ctx)?, actor, id, status, snooze_until).await)
    }

    async fn set_ticket_priority(
        &self,
        ctx: &Context<'_>,
        id: ID,
        priority: Priority,
    ) -> Result<TicketPayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        let id = parse(&id)?;
        TicketPayload::of(tickets::set_priority(app(ctx)?, actor, id, priority.into()).await)
    }

    async fn set_ticket_tags(
        &self,
        ctx: &Context<'_>,
        id: ID,
        add: Option<Vec<String>>,
        remove: Option<Vec<String>>,
    ) -> Result<TicketPayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        let (add, remove) = (add.unwrap_or_default(), remove.unwrap_or_default());
        TicketPayload::of(tickets::set_tags(app(ctx)?, actor, parse(&id)?, &add, &remove).await)
    }

    async fn set_ticket_subject(
        &self,
        ctx: &Context<'_>,
        id: ID,
        subject: String,
    ) -> Result<TicketPayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        TicketPayload::of(tickets::set_subject(app(ctx)?, actor, parse(&id)?, &subject).await)
    }

    async fn mark_ticket_read(
        &self,
        ctx: &Context<'_>,
        id: ID,
        position: i32,
    ) -> Result<TicketPayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        let id = parse(&id)?;
        TicketPayload::of(tickets::mark_read(app(ctx)?, actor, id, position.into()).await)
    }
}
