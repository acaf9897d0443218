//! Messages: reading one, sending, notes, and what can be done to a sent one.

use super::change::{Attachment, Reaction};
use super::context::{actor_who_may, app};
use super::error::{Problem, ProblemCode, found, outcome};
use super::loaders::shared_reader;
use super::words::{AuthorKind, Direction, MessageKind, MessageState, id, int, parse, parse_all};
use ::app::reply::{self, SendMessage, Sent};
use async_graphql::{Context, ID, InputObject, Json, Object, Result, SimpleObject};
use domain::permission::Permission::WorkTickets;
use domain::{MessageId, Time, message};

#[derive(SimpleObject)]
pub struct Message {
    pub id: ID,
    pub ticket_id: ID,
    pub conversation_id: Option<ID>,
    pub direction: Direction,
    pub kind: MessageKind,
    pub state: MessageState,
    pub author: AuthorKind,
    pub author_user_id: Option<ID>,
    pub author_name: String,
    pub text: String,
    pub html: Option<String>,
    pub client_id: Option<String>,
    pub quoted_id: Option<ID>,
    pub reactions: Vec<Reaction>,
    pub attachments: Vec<Attachment>,
    pub problem: Option<String>,
    pub position: i32,
    pub sent_at: Time,
    pub created_at: Time,
    pub edited_at: Option<Time>,
    pub deleted_at: Option<Time>,
    pub version: i32,
}

impl From<message::Message> for Message {
    fn from(m: message::Message) -> Self {
        let attachment = |file| Attachment::of(m.tenant_id, file);
        Self {
            id: id(m.id),
            ticket_id: id(m.ticket_id),
            conversation_id: m.conversation_id.map(id),
            direction: m.direction.into(),
            kind: m.kind.into(),
            state: m.state.into(),
            author: m.author.into(),
            author_user_id: m.author_user_id.map(id),
            author_name: m.author_name,
            text: m.text,
            html: m.html,
            client_id: m.client_id,
            quoted_id: m.quoted_id.map(id),
            reactions: m.reactions.into_iter().map(Reaction::from).collect(),
            attachments: m.attachments.into_iter().map(attachment).collect(),
            problem: m.problem,
            position: int(m.position),
            sent_at: m.sent_at,
            created_at: m.created_at,
            edited_at: m.edited_at,
            deleted_at: m.deleted_at,
            version: int(m.version),
        }
    }
}

#[derive(SimpleObject, Default)]
pub struct MessagePayload {
    pub problem: Option<Problem>,
    pub message: Option<Message>,
    /// With `NEWER_MESSAGES`: what the agent has not seen; send again with a new `seen`.
    pub newer: Option<Vec<Message>>,
}

impl MessagePayload {
    fn of(result: ::app::Result<message::Message>) -> Result<Self> {
        Self::of_send(result.map(|message| Sent::Queued(Box::new(message))))
    }

    fn of_send(result: ::app::Result<Sent>) -> Result<Self> {
        Ok(match outcome(result)? {
            Ok(Sent::Queued(message)) => Self {
                message: Some((*message).into()),
                ..Self::default()
            },
            Ok(Sent::Newer(newer)) => Self {
                problem: Some(Problem {
                    code: ProblemCode::NewerMessages,
                    message: "newer messages came in; read them and send again".to_owned(),
                    field: Some("seen".to_owned()),
                }),
                newer: Some(newer.into_iter().map(Message::from).collect()),
                message: None,
            },
            Err(problem) => Self {
                problem: Some(problem),
                ..Self::default()
            },
        })
    }
}

#[derive(InputObject)]
pub struct SendMessageInput {
    conversation_id: ID,
    text: String,
    client_id: String,
    /// `Ticket.messageHead` the agent saw.
    seen: i32,
    quoted_id: Option<ID>,
    uploads: Option<Vec<ID>>,
    /// Visibility or other channel options.
    options: Option<Json<serde_json::Value>>,
}

impl SendMessageInput {
    fn read(self) -> Result<SendMessage> {
        Ok(SendMessage {
            conversation_id: parse(&self.conversation_id)?,
            text: self.text,
            client_id: self.client_id,
            seen: self.seen.into(),
            quoted_id: self.quoted_id.as_ref().map(parse).transpose()?,
            uploads: parse_all(&self.uploads.unwrap_or_default())?,
            options: self.options.map_or(serde_json::Value::Null, |json| json.0),
        })
    }
}

#[derive(Default)]
pub struct MessageQuery;

#[Object]
impl MessageQuery {
    async fn message(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Message>> {
        let id: MessageId = parse(&id)?;
        Ok(found(shared_reader(ctx)?.message(id).await)?.map(Message::from))
    }
}

#[derive(Default)]
pub struct MessageMutation;

#[Object]
impl MessageMutation {
    async fn send_message(
        &self,
        ctx: &Context<'_>,
        input: SendMessageInput,
    ) -> Result<MessagePayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        MessagePayload::of_send(reply::send(app(ctx)?, actor, input.read()?).await)
    }

    /// Only while it is still queued.
    async fn cancel_message(&self, ctx: &Context<'_>, id: ID) -> Result<MessagePayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        MessagePayload::of(reply::cancel(app(ctx)?, actor, parse(&id)?).await)
    }

    /// Failed, or unknown and the agent decided to send it again.
    async fn retry_message(&self, ctx: &Context<'_>, id: ID) -> Result<MessagePayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        MessagePayload::of(reply::retry(app(ctx)?, actor, parse(&id)?).await)
    }

    /// Unknown, and the agent saw it at the provider.
    async fn mark_message_sent(&self, ctx: &Context<'_>, id: ID) -> Result<MessagePayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        MessagePayload::of(reply::mark_sent(app(ctx)?, actor, parse(&id)?).await)
    }

    async fn edit_message(
        &self,
        ctx: &Context<'_>,
        id: ID,
        text: String,
    ) -> Result<MessagePayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        MessagePayload::of(reply::edit(app(ctx)?, actor, parse(&id)?, text).await)
    }

    async fn delete_message(&self, ctx: &Context<'_>, id: ID) -> Result<MessagePayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        MessagePayload::of(reply::delete(app(ctx)?, actor, parse(&id)?).await)
    }

    async fn add_note(
        &self,
        ctx: &Context<'_>,
        ticket_id: ID,
        text: String,
        client_id: String,
        mentions: Option<Vec<ID>>,
    ) -> Result<MessagePayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        let mentions = parse_all(&mentions.unwrap_or_default())?;
        let ticket = parse(&ticket_id)?;
        MessagePayload::of(
            reply::add_note(app(ctx)?, actor, ticket, text, client_id, mentions).await,
        )
    }
}
