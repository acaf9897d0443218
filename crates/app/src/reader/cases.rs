//! Tickets, their conversations, messages and work items, as far as the viewer sees them.

use super::{Reader, TicketPage};
use crate::{Error, Result};
use domain::call::Call;
use domain::conversation::Conversation;
use domain::message::Message;
use domain::ticket::Ticket;
use domain::work_item::WorkItem;
use domain::{ContactId, ConversationId, MessageId, TicketId};
use std::collections::BTreeMap;
use store::queries::read_cursors::{self, Reading};
use store::queries::ticket_lists::{TicketFilter, TicketSort};
use store::queries::{calls, conversations, messages, scope, tickets};

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

    /// The newest `first` messages of each ticket before a position, newest first.
    pub async fn messages_of(
        &self,
        ids: &[TicketId],
        before: Option<i64>,
        first: i64,
    ) -> Result<Vec<Message>> {
        let ids = self.tickets_seen(ids).await?;
        let before = before.unwrap_or(i64::MAX);
        Ok(messages::newest_of(self.db(), self.tenant_id(), &ids, before, first).await?)
    }

    /// How far the viewer has read each ticket.
    pub async fn readings(&self, ids: &[TicketId]) -> Result<BTreeMap<TicketId, Reading>> {
        let actor = self.actor();
        Ok(read_cursors::readings(self.db(), actor.tenant_id, actor.user_id, ids).await?)
    }

    /// The calls of the given tickets, oldest first.
    pub async fn calls_of(&self, ids: &[TicketId]) -> Result<Vec<Call>> {
        let ids = self.tickets_seen(ids).await?;
        Ok(calls::of_tickets(self.db(), self.tenant_id(), &ids).await?)
    }

    /// The newest tickets of a contact that the viewer sees.
    pub async fn tickets_of(&self, contact: ContactId, first: usize) -> Result<Vec<Ticket>> {
        let page = TicketPage {
            filter: TicketFilter {
                contact: Some(contact),
                ..TicketFilter::default()
            },
            sort: TicketSort::Newest,
            search: None,
            first,
            after: None,
            offset: None,
        };
        Ok(self
            .tickets(page)
            .await?
            .rows
            .into_iter()
            .map(|(_, ticket)| ticket)
            .collect())
    }

    /// The live work of the given tickets.
    pub async fn work_items_of(&self, ids: &[TicketId]) -> Result<Vec<WorkItem>> {
        let ids = self.tickets_seen(ids).await?;
        Ok(store::routing::live_work_items_of(self.db(), self.tenant_id(), &ids).await?)
    }

    async fn tickets_seen(&self, ids: &[TicketId]) -> Result<Vec<TicketId>> {
        let seen = scope::visible(self.db(), self.tenant_id(), self.scope().await?, ids).await?;
        Ok(seen.into_iter().collect())
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
