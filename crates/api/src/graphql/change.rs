//! Flat images of changed nodes: what `changes` and `events` send. No resolver here may read; the one
//! that exists signs the link of a file.

use super::context::app;
use super::words::{
    AgentStatus, AttachmentState, AuthorKind, Direction, InboxState, MessageKind, MessageState,
    OfferState, Priority, Role, TicketStatus, id, int,
};
use app::media;
use async_graphql::{ComplexObject, Context, ID, Json, Result, SimpleObject, Union};
use domain::image::Image;
use domain::{AttachmentId, TenantId, Time, message, queue};
use std::collections::BTreeMap;

/// One step of the ordered log, cut to what the viewer may see.
#[derive(SimpleObject)]
pub struct ChangeBatch {
    pub cursor: String,
    pub changes: Vec<Change>,
    /// The client must refetch what it shows, then go on from `cursor`.
    pub resync: bool,
}

#[derive(Union)]
pub enum Change {
    Ticket(Box<TicketImage>),
    Message(Box<MessageImage>),
    Conversation(ConversationImage),
    Contact(ContactImage),
    Identity(IdentityImage),
    Offer(OfferImage),
    Agent(AgentImage),
    Inbox(InboxImage),
    Queue(QueueImage),
    Skill(SkillImage),
    Team(TeamImage),
    Member(MemberImage),
    Presence(PresenceImage),
    DeadLetter(DeadLetterImage),
}

#[derive(SimpleObject)]
pub struct TicketImage {
    pub id: ID,
    pub number: i32,
    pub subject: String,
    pub status: TicketStatus,
    pub priority: Priority,
    pub tags: Vec<String>,
    pub contact_id: ID,
    pub queue_id: ID,
    pub assignee_id: Option<ID>,
    pub snoozed_until: Option<Time>,
    pub channel: String,
    pub message_head: i32,
    pub last_message_at: Time,
    pub last_message_preview: String,
    pub last_message_inbound: bool,
    pub waiting_since: Option<Time>,
    pub created_at: Time,
    pub updated_at: Time,
    pub closed_at: Option<Time>,
    pub version: i32,
}

#[derive(SimpleObject)]
pub struct MessageImage {
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

#[derive(SimpleObject)]
pub struct Reaction {
    pub emoji: String,
    pub by: String,
}

#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Attachment {
    #[graphql(skip)]
    file: Option<(TenantId, AttachmentId)>,
    pub id: ID,
    pub state: AttachmentState,
    pub name: String,
    pub media_type: String,
    pub size_bytes: Option<i32>,
    pub problem: Option<String>,
}

#[ComplexObject]
impl Attachment {
    /// Path of the file for whoever has it, without a header, for at most 15 minutes; ask again
    /// after that. `null` until the file is here.
    async fn url(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let Some((tenant, id)) = self.file else {
            return Ok(None);
        };
        Ok(Some(media::link(app(ctx)?, tenant, id)?))
    }
}

#[derive(SimpleObject)]
pub struct ConversationImage {
    pub id: ID,
    pub inbox_id: ID,
    pub identity_id: ID,
    pub contact_id: ID,
    pub ticket_id: ID,
    pub reply_until: Option<Time>,
    pub version: i32,
}

#[derive(SimpleObject)]
pub struct ContactImage {
    pub id: ID,
    pub name: String,
    pub note: String,
    pub locale: Option<String>,
    pub avatar_url: Option<String>,
    pub merged_into_id: Option<ID>,
    pub version: i32,
}

#[derive(SimpleObject)]
pub struct IdentityImage {
    pub id: ID,
    pub contact_id: ID,
    pub channel: String,
    pub handle: String,
    pub display: String,
    pub avatar_url: Option<String>,
    pub merged_from_id: Option<ID>,
}

#[derive(SimpleObject)]
pub struct OfferImage {
    pub id: ID,
    pub ticket_id: ID,
    pub queue_id: ID,
    pub user_id: ID,
    pub state: OfferState,
    pub end_reason: Option<String>,
    pub reason: Json<serde_json::Value>,
    pub created_at: Time,
    pub expires_at: Time,
    pub version: i32,
}

#[derive(SimpleObject)]
pub struct AgentImage {
    pub user_id: ID,
    pub status: AgentStatus,
    pub reason: Option<String>,
    pub load: i32,
    pub capacity: Json<BTreeMap<String, i64>>,
    pub proficiencies: Vec<Proficiency>,
    pub channels_off: Vec<String>,
    pub next_status: Option<AgentStatus>,
    pub next_reason: Option<String>,
    pub status_since: Time,
    pub version: i32,
}

#[derive(SimpleObject)]
pub struct Proficiency {
    pub skill_id: ID,
    pub level: i32,
}

#[derive(SimpleObject)]
pub struct InboxImage {
    pub id: ID,
    pub channel: String,
    pub name: String,
    pub account: String,
    pub address: String,
    pub state: InboxState,
    pub problem: Option<String>,
    pub session_problem: Option<String>,
    pub queue_id: ID,
    pub last_inbound_at: Option<Time>,
    pub last_outbound_at: Option<Time>,
    pub version: i32,
}

#[derive(SimpleObject)]
pub struct QueueImage {
    pub id: ID,
    pub name: String,
    pub color: i32,
    pub offer_ttl_seconds: i32,
    pub target_seconds: i32,
    pub archived_at: Option<Time>,
    pub version: i32,
}

#[derive(SimpleObject)]
pub struct SkillImage {
    pub id: ID,
    pub name: String,
    pub archived_at: Option<Time>,
}

#[derive(SimpleObject)]
pub struct TeamImage {
    pub id: ID,
    pub name: String,
    pub members: Vec<ID>,
}

#[derive(SimpleObject)]
pub struct MemberImage {
    pub user_id: ID,
    pub name: String,
    pub email: String,
    pub role: Role,
    pub removed_at: Option<Time>,
}

#[derive(SimpleObject)]
pub struct PresenceImage {
    pub user_id: ID,
    pub connected: bool,
    pub gone_at: Option<Time>,
}

#[derive(SimpleObject)]
pub struct DeadLetterImage {
    pub job_id: ID,
    pub job_kind: String,
    pub error: String,
    pub resolved: bool,
}

impl From<message::Reaction> for Reaction {
    fn from(r: message::Reaction) -> Self {
        Self {
            emoji: r.emoji,
            by: r.by,
        }
    }
}

impl Attachment {
    pub fn of(tenant: TenantId, a: message::Attachment) -> Self {
        let ready = a.state == message::AttachmentState::Ready;
        Self {
            file: ready.then_some((tenant, a.id)),
            id: id(a.id),
            state: a.state.into(),
            name: a.name,
            media_type: a.media_type,
            size_bytes: a.size_bytes.map(int),
            problem: a.problem,
        }
    }
}

impl From<queue::Proficiency> for Proficiency {
    fn from(p: queue::Proficiency) -> Self {
        Self {
            skill_id: id(p.skill_id),
            level: p.level,
        }
    }
}

impl From<domain::ticket::Ticket> for TicketImage {
    fn from(t: domain::ticket::Ticket) -> Self {
        Self {
            id: id(t.id),
            number: int(t.number),
            subject: t.subject,
            status: t.status.into(),
            priority: t.priority.into(),
            tags: t.tags,
            contact_id: id(t.contact_id),
            queue_id: id(t.queue_id),
            assignee_id: t.assignee_id.map(id),
            snoozed_until: t.snoozed_until,
            channel: t.channel,
            message_head: int(t.message_head),
            last_message_at: t.last_message_at,
            last_message_preview: t.last_message_preview,
            last_message_inbound: t.last_message_inbound,
            waiting_since: t.waiting_since,
            created_at: t.created_at,
            updated_at: t.updated_at,
            closed_at: t.closed_at,
            version: int(t.version),
        }
    }
}

impl From<message::Message> for MessageImage {
    fn from(m: message::Message) -> Self {
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
            attachments: (m.attachments.into_iter())
                .map(|a| Attachment::of(m.tenant_id, a))
                .collect(),
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

impl Change {
    /// The public form of an image; `None` for those only the router reads.
    pub fn of(image: Image) -> Option<Self> {
        Some(match image {
            Image::Ticket(t) => Self::Ticket(Box::new((*t).into())),
            Image::Message(m) => Self::Message(Box::new((*m).into())),
            Image::Conversation(c) => Self::Conversation(ConversationImage {
                id: id(c.id),
                inbox_id: id(c.inbox_id),
                identity_id: id(c.identity_id),
                contact_id: id(c.contact_id),
                ticket_id: id(c.ticket_id),
                reply_until: c.reply_until,
                version: int(c.version),
            }),
            Image::Contact(c) => Self::Contact(ContactImage {
                id: id(c.id),
                name: c.name,
                note: c.note,
                locale: c.locale,
                avatar_url: c.avatar_url,
                merged_into_id: c.merged_into.map(id),
                version: int(c.version),
            }),
            Image::Identity(i) => Self::Identity(IdentityImage {
                id: id(i.id),
                contact_id: id(i.contact_id),
                channel: i.channel,
                handle: i.handle,
                display: i.display,
                avatar_url: i.avatar_url,
                merged_from_id: i.merged_from.map(id),
            }),
            Image::Offer(o) => Self::Offer(OfferImage {
                id: id(o.id),
                ticket_id: id(o.ticket_id),
                queue_id: id(o.queue_id),
                user_id: id(o.user_id),
                state: o.state().into(),
                end_reason: o.end_reason().map(str::to_owned),
                reason: Json(o.reason.clone()),
                created_at: o.created_at,
                expires_at: o.expires_at,
                version: int(o.version),
            }),
            image => return Self::of_configuration(image),
        })
    }

    fn of_configuration(image: Image) -> Option<Self> {
        Some(match image {
            Image::Agent(a) => Self::Agent(AgentImage {
                user_id: id(a.user_id),
                status: a.status.into(),
                reason: a.reason,
                load: int(a.load),
                capacity: Json(a.capacity),
                proficiencies: a.proficiencies.into_iter().map(Proficiency::from).collect(),
                channels_off: a.channels_off.into_iter().collect(),
                next_status: a.next.as_ref().map(|next| next.status.into()),
                next_reason: a.next.and_then(|next| next.reason),
                status_since: a.status_since,
                version: int(a.version),
            }),
            Image::Inbox(i) => Self::Inbox(InboxImage {
                id: id(i.id),
                channel: i.channel,
                name: i.name,
                account: i.account,
                address: i.address,
                state: i.state.into(),
                problem: i.problem,
                session_problem: i.session_problem,
                queue_id: id(i.queue_id),
                last_inbound_at: i.last_inbound_at,
                last_outbound_at: i.last_outbound_at,
                version: int(i.version),
            }),
            Image::Queue(q) => Self::Queue(QueueImage {
                id: id(q.id),
                name: q.name,
                color: q.color,
                offer_ttl_seconds: int(q.offer_ttl_s),
                target_seconds: int(q.target_s),
                archived_at: q.archived_at,
                version: int(q.version),
            }),
            Image::Skill(s) => Self::Skill(SkillImage {
                id: id(s.id),
                name: s.name,
                archived_at: s.archived_at,
            }),
            Image::Team(t) => Self::Team(TeamImage {
                id: id(t.id),
                name: t.name,
                members: t.members.into_iter().map(id).collect(),
            }),
            Image::Member(m) => Self::Member(MemberImage {
                user_id: id(m.user.id),
                name: m.user.name,
                email: m.user.email,
                role: m.membership.role.into(),
                removed_at: m.membership.removed_at,
            }),
            Image::Presence(p) => Self::Presence(PresenceImage {
                user_id: id(p.user_id),
                connected: p.connected,
                gone_at: p.gone_at,
            }),
            Image::DeadLetter(d) => Self::DeadLetter(DeadLetterImage {
                job_id: id(d.job_id),
                job_kind: d.job_kind,
                error: d.error,
                resolved: d.resolved,
            }),
            // Screens see assignments on the ticket and offers; the item itself is the router's.
            _ => return None,
        })
    }
}
