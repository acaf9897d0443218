//! Who sees which ticket, for writers. Reads apply the same rule in SQL (`Reader`).
//!
//! Owners, admins and supervisors see the whole tenant; an agent sees tickets of her queues,
//! tickets assigned to her and tickets that mention her. What she may not see does not exist.

use crate::{Error, Result};
use domain::conversation::Conversation;
use domain::message::Message;
use domain::permission::Actor;
use domain::ticket::Ticket;
use domain::{ConversationId, MessageId, QueueId, TicketId};
use store::Db;
use store::queries::{conversations, messages, queues, tickets};

pub async fn visible_ticket(db: &impl Db, actor: &Actor, id: TicketId) -> Result<Ticket> {
    let ticket = tickets::get(db, actor.tenant_id, id).await?;
    if may_see(db, actor, &ticket).await? {
        Ok(ticket)
    } else {
        Err(Error::not_found("ticket"))
    }
}

pub async fn visible_conversation(
    db: &impl Db,
    actor: &Actor,
    id: ConversationId,
) -> Result<(Conversation, Ticket)> {
    let conversation = conversations::get(db, actor.tenant_id, id).await?;
    let ticket = visible_ticket(db, actor, conversation.ticket_id).await;
    Ok((
        conversation,
        ticket.map_err(|_| Error::not_found("conversation"))?,
    ))
}

pub async fn visible_message(
    db: &impl Db,
    actor: &Actor,
    id: MessageId,
) -> Result<(Message, Ticket)> {
    let message = messages::get(db, actor.tenant_id, id).await?;
    let ticket = visible_ticket(db, actor, message.ticket_id).await;
    Ok((message, ticket.map_err(|_| Error::not_found("message"))?))
}

pub async fn may_see(db: &impl Db, actor: &Actor, ticket: &Ticket) -> Result<bool> {
    if actor.sees_whole_tenant() || ticket.assignee_id == Some(actor.user_id) {
        return Ok(true);
    }
    if queues_of(db, actor).await?.contains(&ticket.queue_id) {
        return Ok(true);
    }
    let mentioned = tickets::mentioned(db, actor.tenant_id, ticket.id).await?;
    Ok(mentioned.contains(&actor.user_id))
}

/// The queues the actor is a member of.
pub async fn queues_of(db: &impl Db, actor: &Actor) -> Result<Vec<QueueId>> {
    let all = queues::all(db, actor.tenant_id).await?;
    Ok(all
        .into_iter()
        .filter(|queue| queue.members.iter().any(|m| m.user_id == actor.user_id))
        .map(|queue| queue.id)
        .collect())
}
