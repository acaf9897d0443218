//! Connected accounts: every member sees them, administrators change them.

use super::context::{actor, actor_who_may, app, reader};
use super::error::{Problem, outcome};
use super::queue::Queue;
use super::words::{InboxState, id, parse};
use app::Reader;
use app::inboxes::{self, Connecting, NewInbox};
use async_graphql::{Context, ID, InputObject, Json, Object, Result, SimpleObject};
use domain::Time;
use domain::permission::Permission;
use serde_json::Value;

/// With the reader of its request, which reads the queues once for all inboxes.
pub struct Inbox {
    row: domain::inbox::Inbox,
    reader: Reader,
}

impl Inbox {
    pub fn new(reader: &Reader, row: domain::inbox::Inbox) -> Self {
        Self {
            row,
            reader: reader.clone(),
        }
    }
}

#[Object]
impl Inbox {
    async fn id(&self) -> ID {
        id(self.row.id)
    }

    async fn channel(&self) -> &str {
        &self.row.channel
    }

    async fn name(&self) -> &str {
        &self.row.name
    }

    async fn account(&self) -> &str {
        &self.row.account
    }

    async fn address(&self) -> &str {
        &self.row.address
    }

    async fn state(&self) -> InboxState {
        self.row.state.into()
    }

    async fn problem(&self) -> Option<&str> {
        self.row.problem.as_deref()
    }

    // The account itself may be fine: meanwhile messages are asked for by the clock.
    async fn session_problem(&self) -> Option<&str> {
        self.row.session_problem.as_deref()
    }

    async fn queue(&self) -> Result<Queue> {
        let queue = self.reader.queue(self.row.queue_id).await?;
        let queue = queue.ok_or(app::Error::not_found("queue"))?;
        Ok(queue.into())
    }

    async fn settings(&self, ctx: &Context<'_>) -> Result<Json<Value>> {
        Ok(Json(inboxes::shown_settings(actor(ctx)?, &self.row)))
    }

    async fn webhook_url(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(inboxes::webhook_url(app(ctx)?, actor(ctx)?, &self.row).await?)
    }

    async fn last_inbound_at(&self) -> Option<Time> {
        self.row.last_inbound_at
    }

    async fn last_outbound_at(&self) -> Option<Time> {
        self.row.last_outbound_at
    }

    async fn created_at(&self) -> Time {
        self.row.created_at
    }
}

#[derive(InputObject)]
pub struct ConnectInboxInput {
    channel: String,
    name: String,
    queue_id: ID,
    provider_app_id: Option<ID>,
    settings: Json<Value>,
    secrets: Option<Json<Value>>,
}

#[derive(SimpleObject)]
pub struct InboxPayload {
    pub problem: Option<Problem>,
    pub inbox: Option<Inbox>,
    /// Present when the person has to agree on the provider's page first.
    pub authorize_url: Option<String>,
}

impl InboxPayload {
    fn of(ctx: &Context<'_>, result: app::Result<domain::inbox::Inbox>) -> Result<Self> {
        Self::of_connecting(
            ctx,
            result.map(|inbox| Connecting::Connected(Box::new(inbox))),
        )
    }

    fn of_connecting(ctx: &Context<'_>, result: app::Result<Connecting>) -> Result<Self> {
        let nothing = Self {
            problem: None,
            inbox: None,
            authorize_url: None,
        };
        Ok(match outcome(result)? {
            Ok(Connecting::Connected(inbox)) => Self {
                inbox: Some(Inbox::new(&reader(ctx)?, *inbox)),
                ..nothing
            },
            Ok(Connecting::Authorize { url }) => Self {
                authorize_url: Some(url),
                ..nothing
            },
            Err(problem) => Self {
                problem: Some(problem),
                ..nothing
            },
        })
    }
}

#[derive(Default)]
pub struct InboxQuery;

#[Object]
impl InboxQuery {
    async fn inboxes(&self, ctx: &Context<'_>) -> Result<Vec<Inbox>> {
        let reader = reader(ctx)?;
        let all = inboxes::list(app(ctx)?, reader.actor()).await?;
        Ok(all
            .into_iter()
            .map(|row| Inbox::new(&reader, row))
            .collect())
    }

    async fn inbox(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Inbox>> {
        let reader = reader(ctx)?;
        let found = inboxes::find(app(ctx)?, reader.actor(), parse(&id)?).await?;
        Ok(found.map(|row| Inbox::new(&reader, row)))
    }
}

#[derive(Default)]
pub struct InboxMutation;

#[Object]
impl InboxMutation {
    async fn connect_inbox(
        &self,
        ctx: &Context<'_>,
        input: ConnectInboxInput,
    ) -> Result<InboxPayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        let new = NewInbox {
            channel: input.channel,
            name: input.name,
            queue_id: parse(&input.queue_id)?,
            provider_app_id: input.provider_app_id.as_ref().map(parse).transpose()?,
            settings: input.settings.0,
            secrets: input.secrets.map(|json| json.0),
        };
        InboxPayload::of_connecting(ctx, inboxes::connect(app(ctx)?, actor, new).await)
    }

    async fn update_inbox(
        &self,
        ctx: &Context<'_>,
        id: ID,
        name: Option<String>,
        queue_id: Option<ID>,
    ) -> Result<InboxPayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        let queue = queue_id.as_ref().map(parse).transpose()?;
        let id = parse(&id)?;
        InboxPayload::of(
            ctx,
            inboxes::update(app(ctx)?, actor, id, name.as_deref(), queue).await,
        )
    }

    async fn reconnect_inbox(
        &self,
        ctx: &Context<'_>,
        id: ID,
        secrets: Json<Value>,
    ) -> Result<InboxPayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        let id = parse(&id)?;
        InboxPayload::of_connecting(
            ctx,
            inboxes::reconnect(app(ctx)?, actor, id, &secrets.0).await,
        )
    }

    /// Asks for a check now; what it finds arrives as a change of the inbox.
    async fn check_inbox(&self, ctx: &Context<'_>, id: ID) -> Result<InboxPayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        InboxPayload::of(ctx, inboxes::check(app(ctx)?, actor, parse(&id)?).await)
    }

    async fn disconnect_inbox(&self, ctx: &Context<'_>, id: ID) -> Result<InboxPayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        InboxPayload::of(
            ctx,
            inboxes::disconnect(app(ctx)?, actor, parse(&id)?).await,
        )
    }
}
