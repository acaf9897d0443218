//! Conversations: one thread of one person on one inbox, and beginning one.

use super::contact::{Contact, Identity};
use super::context::{actor_who_may, app};
use super::error::{Problem, bad_input, found, outcome};
use super::inbox::Inbox;
use super::loaders::{one, shared_reader};
use super::ticket::Ticket;
use super::words::{id, parse};
use ::app::conversations::{self, Peer};
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use domain::permission::Permission::WorkTickets;
use domain::{ConversationId, Time, conversation};

pub struct Conversation(conversation::Conversation);

impl From<conversation::Conversation> for Conversation {
    fn from(conversation: conversation::Conversation) -> Self {
        Self(conversation)
    }
}

#[Object]
impl Conversation {
    async fn id(&self) -> ID {
        id(self.0.id)
    }

    async fn inbox(&self, ctx: &Context<'_>) -> Result<Inbox> {
        let reader = shared_reader(ctx)?;
        let all = reader.inboxes().await?;
        let inbox = all
            .iter()
            .find(|inbox| inbox.id == self.0.inbox_id)
            .cloned();
        let inbox = inbox.ok_or(::app::Error::not_found("inbox"))?;
        Ok(Inbox::new(&reader, inbox))
    }

    async fn identity(&self, ctx: &Context<'_>) -> Result<Identity> {
        Ok(one(ctx, self.0.identity_id, "identity").await?.into())
    }

    async fn contact(&self, ctx: &Context<'_>) -> Result<Contact> {
        Ok(one(ctx, self.0.contact_id, "contact").await?.into())
    }

    async fn ticket_id(&self) -> ID {
        id(self.0.ticket_id)
    }

    async fn reply_until(&self) -> Option<Time> {
        self.0.reply_until
    }

    /// Null when a reply may be sent now.
    async fn reply_refusal(&self, ctx: &Context<'_>) -> Result<Option<&'static str>> {
        let refusal = shared_reader(ctx)?.reply_refusal(&self.0).await?;
        Ok(refusal.map(conversation::ReplyRefusal::as_str))
    }

    async fn created_at(&self) -> Time {
        self.0.created_at
    }
}

#[derive(SimpleObject)]
pub struct ConversationPayload {
    pub problem: Option<Problem>,
    pub conversation: Option<Conversation>,
    pub ticket: Option<Ticket>,
}

#[derive(Default)]
pub struct ConversationQuery;

#[Object]
impl ConversationQuery {
    async fn conversation(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Conversation>> {
        let id: ConversationId = parse(&id)?;
        Ok(found(shared_reader(ctx)?.conversation(id).await)?.map(Conversation))
    }
}

#[derive(Default)]
pub struct ConversationMutation;

#[Object]
impl ConversationMutation {
    /// Writes first, to a known identity or to an address the contact gave.
    async fn start_conversation(
        &self,
        ctx: &Context<'_>,
        contact_id: ID,
        inbox_id: ID,
        identity_id: Option<ID>,
        handle: Option<String>,
    ) -> Result<ConversationPayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        let peer = match (identity_id, handle) {
            (Some(id), None) => Peer::Known(parse(&id)?),
            (None, Some(handle)) => Peer::Handle(handle),
            _ => return Err(bad_input("give either identityId or handle")),
        };
        let (contact, inbox) = (parse(&contact_id)?, parse(&inbox_id)?);
        let started = conversations::start(app(ctx)?, actor, contact, inbox, peer).await;
        Ok(match outcome(started)? {
            Ok((conversation, ticket)) => ConversationPayload {
                problem: None,
                conversation: Some(conversation.into()),
                ticket: Some(ticket.into()),
            },
            Err(problem) => ConversationPayload {
                problem: Some(problem),
                conversation: None,
                ticket: None,
            },
        })
    }
}
