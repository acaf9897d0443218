//! Tickets: the type with its edges, lists and numbers.

mod mutations;

pub use mutations::{TicketMutation, TicketPayload};

use super::call::Call;
use super::contact::Contact;
use super::conversation::Conversation;
use super::error::{bad_input, found};
use super::loaders::{
    CallsOf, ConversationsOf, MessagesOf, ReadingOf, WorkOf, loaders, many, one, shared_reader,
};
use super::message::Message;
use super::page;
use super::people::User;
use super::queue::Queue;
use super::routing::WaitingReason;
use super::words::{Priority, TicketStatus, id, int, parse};
use ::app::reader::TicketPage;
use ::app::tickets::{Assigned, TicketFilter as Filter};
use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use domain::{Time, UserId, ticket, work_item};

pub struct Ticket(ticket::Ticket);

impl From<ticket::Ticket> for Ticket {
    fn from(ticket: ticket::Ticket) -> Self {
        Self(ticket)
    }
}

#[Object]
impl Ticket {
    async fn id(&self) -> ID {
        id(self.0.id)
    }

    async fn number(&self) -> i32 {
        int(self.0.number)
    }

    async fn subject(&self) -> &str {
        &self.0.subject
    }

    async fn status(&self) -> TicketStatus {
        self.0.status.into()
    }

    async fn priority(&self) -> Priority {
        self.0.priority.into()
    }

    async fn tags(&self) -> &[String] {
        &self.0.tags
    }

    async fn contact(&self, ctx: &Context<'_>) -> Result<Contact> {
        Ok(one(ctx, self.0.contact_id, "contact").await?.into())
    }

    async fn queue(&self, ctx: &Context<'_>) -> Result<Queue> {
        let queue = shared_reader(ctx)?.queue(self.0.queue_id).await?;
        Ok(queue.ok_or(::app::Error::not_found("queue"))?.into())
    }

    async fn assignee(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(user) = self.0.assignee_id else {
            return Ok(None);
        };
        Ok(Some(one::<UserId>(ctx, user, "user").await?.into()))
    }

    async fn snoozed_until(&self) -> Option<Time> {
        self.0.snoozed_until
    }

    /// Of the newest message.
    async fn channel(&self) -> &str {
        &self.0.channel
    }

    async fn message_head(&self) -> i32 {
        int(self.0.message_head)
    }

    async fn read_position(&self, ctx: &Context<'_>) -> Result<i32> {
        let reading = loaders(ctx)?.one(ReadingOf(self.0.id)).await?;
        Ok(int(reading.unwrap_or_default().position))
    }

    /// Messages of others after the viewer's read position, at most 100.
    async fn unread(&self, ctx: &Context<'_>) -> Result<i32> {
        let reading = loaders(ctx)?.one(ReadingOf(self.0.id)).await?;
        Ok(int(reading.unwrap_or_default().unread))
    }

    async fn last_message_at(&self) -> Time {
        self.0.last_message_at
    }

    async fn last_message_preview(&self) -> &str {
        &self.0.last_message_preview
    }

    async fn last_message_inbound(&self) -> bool {
        self.0.last_message_inbound
    }

    async fn waiting_since(&self) -> Option<Time> {
        self.0.waiting_since
    }

    async fn created_at(&self) -> Time {
        self.0.created_at
    }

    async fn updated_at(&self) -> Time {
        self.0.updated_at
    }

    async fn closed_at(&self) -> Option<Time> {
        self.0.closed_at
    }

    #[graphql(complexity = "5 * child_complexity + 1")]
    async fn conversations(&self, ctx: &Context<'_>) -> Result<Vec<Conversation>> {
        let all = many(ctx, ConversationsOf(self.0.id)).await?;
        Ok(all.into_iter().map(Conversation::from).collect())
    }

    #[graphql(complexity = "5 * child_complexity + 1")]
    async fn calls(&self, ctx: &Context<'_>) -> Result<Vec<Call>> {
        let all = many(ctx, CallsOf(self.0.id)).await?;
        Ok(all.into_iter().map(Call::from).collect())
    }

    /// Newest first from `before` (exclusive position).
    #[graphql(complexity = "usize::try_from(first).unwrap_or(0) * child_complexity + 1")]
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 50)] first: i32,
        before: Option<i32>,
    ) -> Result<Vec<Message>> {
        let window = MessagesOf {
            ticket: self.0.id,
            before: before.map(Into::into),
            first: page::first(first)? as i64,
        };
        let all = many(ctx, window).await?;
        Ok(all.into_iter().map(Message::from).collect())
    }

    async fn work_item(&self, ctx: &Context<'_>) -> Result<Option<WorkItem>> {
        let item = loaders(ctx)?.one(WorkOf(self.0.id)).await?;
        Ok(item.map(WorkItem::from))
    }

    /// Why it still waits for an agent; `null` when it does not.
    #[graphql(complexity = "20 + child_complexity")]
    async fn waiting_reason(&self, ctx: &Context<'_>) -> Result<Option<WaitingReason>> {
        let Some(item) = loaders(ctx)?.one(WorkOf(self.0.id)).await? else {
            return Ok(None);
        };
        let waiting = shared_reader(ctx)?.why_waiting(&item).await?;
        Ok(waiting.map(WaitingReason::from))
    }

    async fn version(&self) -> i32 {
        int(self.0.version)
    }
}

#[derive(SimpleObject)]
pub struct WorkItem {
    pub id: ID,
    pub state: &'static str,
    pub agent_id: Option<ID>,
    pub eligible_since: Time,
    pub offer_count: i32,
}

impl From<work_item::WorkItem> for WorkItem {
    fn from(item: work_item::WorkItem) -> Self {
        Self {
            id: id(item.id),
            state: item.state().as_str(),
            agent_id: item.agent_id().map(id),
            eligible_since: item.eligible_since,
            offer_count: int(item.offer_count),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "::app::tickets::TicketSort")]
pub enum TicketSort {
    Newest,
    Oldest,
    WaitingLongest,
    Priority,
}

#[derive(InputObject, Default)]
pub struct TicketFilter {
    status: Option<Vec<TicketStatus>>,
    queue_id: Option<ID>,
    assignee_id: Option<ID>,
    mine: Option<bool>,
    unassigned: Option<bool>,
    contact_id: Option<ID>,
    tag: Option<String>,
    priority: Option<Priority>,
    channel: Option<String>,
    waiting: Option<bool>,
}

impl TicketFilter {
    fn read(self, viewer: UserId) -> Result<Filter> {
        let mine = self.mine.unwrap_or(false);
        let unassigned = self.unassigned.unwrap_or(false);
        let assigned = match (self.assignee_id, mine, unassigned) {
            (None, false, false) => Assigned::Anyone,
            (None, true, false) => Assigned::To(viewer),
            (None, false, true) => Assigned::Nobody,
            (Some(user), false, false) => Assigned::To(parse(&user)?),
            _ => {
                return Err(bad_input(
                    "assigneeId, mine and unassigned exclude each other",
                ));
            }
        };
        let statuses = self.status.unwrap_or_default();
        Ok(Filter {
            statuses: statuses.into_iter().map(Into::into).collect(),
            queue: self.queue_id.as_ref().map(parse).transpose()?,
            assigned,
            contact: self.contact_id.as_ref().map(parse).transpose()?,
            tag: self.tag,
            priority: self.priority.map(Into::into),
            channel: self.channel,
            waiting: self.waiting,
            words: None,
        })
    }
}

#[derive(SimpleObject)]
pub struct TicketEdge {
    pub cursor: String,
    pub node: Ticket,
}

#[derive(SimpleObject)]
#[graphql(complex)]
pub struct TicketConnection {
    pub edges: Vec<TicketEdge>,
    pub page_info: page::PageInfo,
    #[graphql(skip)]
    asked: (Filter, Option<String>),
    #[graphql(skip)]
    counted: tokio::sync::OnceCell<::app::reader::Total>,
}

#[ComplexObject]
impl TicketConnection {
    /// Exact for views by status, queue and assignee; other lists are counted to 1,000.
    async fn total(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(int(self.count(ctx).await?.n))
    }

    /// There are more than `total`.
    async fn total_is_capped(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(self.count(ctx).await?.is_capped)
    }
}

impl TicketConnection {
    /// Only when somebody asks, and once for both fields.
    async fn count(&self, ctx: &Context<'_>) -> Result<::app::reader::Total> {
        let reader = shared_reader(ctx)?;
        let (filter, search) = &self.asked;
        let count = || reader.tickets_total(filter.clone(), search.as_deref());
        Ok(*self.counted.get_or_try_init(count).await?)
    }
}

/// Open tickets unless another status is named; `all` is everything that is not closed.
#[derive(SimpleObject)]
pub struct TicketCounts {
    pub all: i32,
    pub mine: i32,
    pub unassigned: i32,
    pub open: i32,
    pub pending: i32,
    pub snoozed: i32,
    pub closed: i32,
    pub queues: Vec<QueueCount>,
}

#[derive(SimpleObject)]
pub struct QueueCount {
    pub queue_id: ID,
    pub open: i32,
}

impl From<::app::tickets::TicketCounts> for TicketCounts {
    fn from(counts: ::app::tickets::TicketCounts) -> Self {
        let queue = |(queue, n)| QueueCount {
            queue_id: id(queue),
            open: int(n),
        };
        Self {
            all: int(counts.all),
            mine: int(counts.mine),
            unassigned: int(counts.unassigned),
            open: int(counts.open),
            pending: int(counts.pending),
            snoozed: int(counts.snoozed),
            closed: int(counts.closed),
            queues: counts.queues.into_iter().map(queue).collect(),
        }
    }
}

#[derive(Default)]
pub struct TicketQuery;

#[Object]
impl TicketQuery {
    /// `offset` goes to 10,000; further down only cursors go. A search lists the 1,000 matches
    /// with the newest activity.
    #[graphql(complexity = "usize::try_from(first).unwrap_or(0) * child_complexity + 1")]
    #[expect(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn tickets(
        &self,
        ctx: &Context<'_>,
        filter: Option<TicketFilter>,
        #[graphql(default_with = "TicketSort::Newest")] sort: TicketSort,
        search: Option<String>,
        #[graphql(default = 50)] first: i32,
        after: Option<String>,
        offset: Option<i32>,
    ) -> Result<TicketConnection> {
        let reader = shared_reader(ctx)?;
        let filter = filter.unwrap_or_default().read(reader.actor().user_id)?;
        let offset = offset.map(u64::try_from).transpose();
        let page = TicketPage {
            filter: filter.clone(),
            sort: sort.into(),
            search: search.clone(),
            first: page::first(first)?,
            after,
            offset: offset.map_err(|_| bad_input("offset cannot be negative"))?,
        };
        let list = reader.tickets(page).await?;
        let cursors: Vec<String> = list.rows.iter().map(|(cursor, _)| cursor.clone()).collect();
        let edge = |(cursor, ticket)| TicketEdge {
            cursor,
            node: Ticket(ticket),
        };
        Ok(TicketConnection {
            edges: list.rows.into_iter().map(edge).collect(),
            page_info: page::info(&cursors, list.has_next_page, list.has_previous_page),
            asked: (filter, search),
            counted: tokio::sync::OnceCell::new(),
        })
    }

    async fn ticket(
        &self,
        ctx: &Context<'_>,
        id: Option<ID>,
        number: Option<i32>,
    ) -> Result<Option<Ticket>> {
        let reader = shared_reader(ctx)?;
        let ticket = match (id, number) {
            (Some(id), None) => reader.ticket(parse(&id)?).await,
            (None, Some(number)) => reader.ticket_by_number(number.into()).await,
            _ => return Err(bad_input("give either id or number")),
        };
        Ok(found(ticket)?.map(Ticket))
    }

    async fn ticket_counts(&self, ctx: &Context<'_>) -> Result<TicketCounts> {
        Ok(shared_reader(ctx)?.ticket_counts().await?.into())
    }
}
