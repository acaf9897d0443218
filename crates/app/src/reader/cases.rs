//! Tickets, their conversations, messages and work items, as far as the viewer sees them.

use super::Reader;
use crate::{Error, Result};
use domain::conversation::Conversation;
use domain::message::Message;
use domain::ticket::Ticket;
use domain::{ConversationId, MessageId, TicketId};
use store::queries::{conversations, messages, scope, tickets};

impl Reader {
    /// Those of the given tickets that the viewer sees, in no order.
    pub async fn tickets_by_ids(&self, ids: &[TicketId]) -> Result<Vec<Ticket>> {
        Ok(scope::tickets(self.db(), self.tenant_id(), self.scope().await?, ids).await?)
    }

    pub async fn ticket(&self, id: TicketId) -> Result<Ticket> {
        self.tickets_by_ids(&[id])
            .await?
            .pop()
            .ok_or(Error::not_found("ticket"))
    }

    /// By the small number people say aloud.
    pub async fn ticket_by_number(&self, number: i64) -> Result<Ticket> {
        let found = tickets::by_number(self.db(), self.tenant_id(), number).await?;
        let found = found.ok_or(Error::not_found("ticket"))?;
        self.ticket(found.id).await
    }

    pub async fn conversations_by_ids(&self, ids: &[ConversationId]) -> Result<Vec<Conversation>> {
        let found = conversations::by_ids(self.db(), self.tenant_id(), ids).await?;
        self.visible(found, |c| c.ticket_id).await
    }

    pub async fn conversation(&self, id: ConversationId) -> Result<Conversation> {
        let found = self.conversations_by_ids(&[id]).await?.pop();
        found.ok_or(Error::not_found("conversation"))
    }

    /// The conversations of the given tickets, oldest first.
    pub async fn conversations_of(&self, ids: &[TicketId]) -> Result<Vec<Conversation>> {
        let found = conversations::of_tickets(self.db(), self.tenant_id(), ids).await?;
        self.visible(found, |c| c.ticket_id).await
    }

    pub async fn messages_by_ids(&self, ids: &[MessageId]) -> Result<Vec<Message>> {
        let found = messages::by_ids(self.db(), self.tenant_id(), ids).await?;
        self.visible(found, |m| m.ticket_id).await
    }

    pub async fn message(&self, id: MessageId) -> Result<Message> {
        let found = self.messages_by_ids(&[id]).await?.pop();
        found.ok_or(Error::not_found("message"))
    }

    /// Keeps what belongs to tickets the viewer sees.
    async fn visible<T>(&self, found: Vec<T>, ticket: impl Fn(&T) -> TicketId) -> Result<Vec<T>> {
        let ids: Vec<TicketId> = found.iter().map(&ticket).collect();
        let seen = scope::visible(self.db(), self.tenant_id(), self.scope().await?, &ids).await?;
        Ok(found
            .into_iter()
            .filter(|x| seen.contains(&ticket(x)))
            .collect())
    }
}
