//! Batched edges: fifty tickets on a page ask for their contacts once, not fifty times.
//!
//! Invariant: loaders live as long as one operation and read through its scoped `Reader`, so
//! nothing one viewer loaded is ever served to another.

use super::context::{actor_who_may, app};
use super::gather::{Gather, Load};
use ::app::Reader;
use async_graphql::{Context, Result};
use domain::call::Call;
use domain::contact::{Contact, Identity};
use domain::conversation::Conversation;
use domain::message::Message;
use domain::people::User;
use domain::permission::Permission;
use domain::ticket::Ticket;
use domain::work_item::WorkItem;
use domain::{ContactId, IdentityId, TicketId, UserId};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::OnceLock;

/// Reads of one operation.
pub struct Batch(Reader);

pub type Loaders = Gather<Batch>;

/// In the data of each request; filled by the first field that needs it.
#[derive(Default)]
pub struct PerOperation(OnceLock<(Reader, Loaders)>);

fn slot<'a>(ctx: &Context<'a>) -> Result<&'a (Reader, Loaders)> {
    let actor = actor_who_may(ctx, Permission::Read)?;
    let app = app(ctx)?;
    let slot: &PerOperation = ctx.data()?;
    Ok(slot.0.get_or_init(|| {
        let reader = Reader::new(app.clone(), actor.clone());
        let loaders = Gather::new(Batch(reader.clone()));
        (reader, loaders)
    }))
}

/// The reader that all fields of this operation share.
pub fn shared_reader(ctx: &Context<'_>) -> Result<Reader> {
    Ok(slot(ctx)?.0.clone())
}

pub fn loaders<'a>(ctx: &Context<'a>) -> Result<&'a Loaders> {
    Ok(&slot(ctx)?.1)
}

/// Loads one and says that a node which a stored row names must be there.
pub async fn one<K>(
    ctx: &Context<'_>,
    key: K,
    kind: &'static str,
) -> Result<<Batch as Load<K>>::Value>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Batch: Load<K>,
{
    let found = loaders(ctx)?.one(key).await?;
    found.ok_or_else(|| ::app::Error::not_found(kind).into())
}

/// Loads a list; nothing loaded is an empty one.
pub async fn many<K, V>(ctx: &Context<'_>, key: K) -> Result<Vec<V>>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Batch: Load<K, Value = Vec<V>>,
    V: Send + Sync + Clone + 'static,
{
    Ok(loaders(ctx)?.one(key).await?.unwrap_or_default())
}

fn by_key<K: Hash + Eq, V>(all: Vec<V>, key: impl Fn(&V) -> K) -> HashMap<K, V> {
    all.into_iter().map(|v| (key(&v), v)).collect()
}

fn grouped<K: Hash + Eq, V>(all: Vec<V>, key: impl Fn(&V) -> K) -> HashMap<K, Vec<V>> {
    let mut groups: HashMap<K, Vec<V>> = HashMap::new();
    for v in all {
        groups.entry(key(&v)).or_default().push(v);
    }
    groups
}

impl Load<ContactId> for Batch {
    type Value = Contact;

    async fn load(&self, keys: &[ContactId]) -> Result<HashMap<ContactId, Contact>> {
        Ok(by_key(self.0.contacts_by_ids(keys).await?, |c| c.id))
    }
}

/// Tickets the viewer does not see are absent.
impl Load<TicketId> for Batch {
    type Value = Ticket;

    async fn load(&self, keys: &[TicketId]) -> Result<HashMap<TicketId, Ticket>> {
        Ok(by_key(self.0.tickets_by_ids(keys).await?, |t| t.id))
    }
}

impl Load<UserId> for Batch {
    type Value = User;

    async fn load(&self, keys: &[UserId]) -> Result<HashMap<UserId, User>> {
        Ok(by_key(self.0.users_by_ids(keys).await?, |u| u.id))
    }
}

impl Load<IdentityId> for Batch {
    type Value = Identity;

    async fn load(&self, keys: &[IdentityId]) -> Result<HashMap<IdentityId, Identity>> {
        Ok(by_key(self.0.identities_by_ids(keys).await?, |i| i.id))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdentitiesOf(pub ContactId);

impl Load<IdentitiesOf> for Batch {
    type Value = Vec<Identity>;

    async fn load(&self, keys: &[IdentitiesOf]) -> Result<HashMap<IdentitiesOf, Vec<Identity>>> {
        let ids: Vec<ContactId> = keys.iter().map(|key| key.0).collect();
        Ok(grouped(self.0.identities_of(&ids).await?, |i| {
            IdentitiesOf(i.contact_id)
        }))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConversationsOf(pub TicketId);

impl Load<ConversationsOf> for Batch {
    type Value = Vec<Conversation>;

    async fn load(
        &self,
        keys: &[ConversationsOf],
    ) -> Result<HashMap<ConversationsOf, Vec<Conversation>>> {
        let ids: Vec<TicketId> = keys.iter().map(|key| key.0).collect();
        Ok(grouped(self.0.conversations_of(&ids).await?, |c| {
            ConversationsOf(c.ticket_id)
        }))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallsOf(pub TicketId);

impl Load<CallsOf> for Batch {
    type Value = Vec<Call>;

    async fn load(&self, keys: &[CallsOf]) -> Result<HashMap<CallsOf, Vec<Call>>> {
        let ids: Vec<TicketId> = keys.iter().map(|key| key.0).collect();
        Ok(grouped(self.0.calls_of(&ids).await?, |c| {
            CallsOf(c.ticket_id)
        }))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct WorkOf(pub TicketId);

impl Load<WorkOf> for Batch {
    type Value = WorkItem;

    async fn load(&self, keys: &[WorkOf]) -> Result<HashMap<WorkOf, WorkItem>> {
        let ids: Vec<TicketId> = keys.iter().map(|key| key.0).collect();
        Ok(by_key(self.0.work_items_of(&ids).await?, |item| {
            WorkOf(item.ticket_id)
        }))
    }
}

/// The newest messages of a ticket: one statement per window, whatever the number of tickets.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessagesOf {
    pub ticket: TicketId,
    pub before: Option<i64>,
    pub first: i64,
}

impl Load<MessagesOf> for Batch {
    type Value = Vec<Message>;

    async fn load(&self, keys: &[MessagesOf]) -> Result<HashMap<MessagesOf, Vec<Message>>> {
        let windows = grouped(keys.to_vec(), |key| (key.before, key.first));
        let mut found = HashMap::new();
        for ((before, first), keys) in windows {
            let ids: Vec<TicketId> = keys.iter().map(|key| key.ticket).collect();
            let messages = self.0.messages_of(&ids, before, first).await?;
            found.extend(grouped(messages, |m| MessagesOf {
                ticket: m.ticket_id,
                before,
                first,
            }));
        }
        Ok(found)
    }
}

/// How far the viewer has read a ticket, and what is new to her.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReadingOf(pub TicketId);

impl Load<ReadingOf> for Batch {
    type Value = ::app::reader::Reading;

    async fn load(&self, keys: &[ReadingOf]) -> Result<HashMap<ReadingOf, ::app::reader::Reading>> {
        let ids: Vec<TicketId> = keys.iter().map(|key| key.0).collect();
        let readings = self.0.readings(&ids).await?;
        Ok(readings
            .into_iter()
            .map(|(id, reading)| (ReadingOf(id), reading))
            .collect())
    }
}
