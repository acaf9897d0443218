//! People outside: the whole tenant sees them, their words only through visible tickets.

use super::context::{actor_who_may, app};
use super::error::{found, payload};
use super::loaders::{IdentitiesOf, many, shared_reader};
use super::page;
use super::ticket::Ticket;
use super::words::{id, parse};
use ::app::contacts;
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use domain::permission::Permission::WorkTickets;
use domain::{ContactId, Time, contact};

pub struct Contact(contact::Contact);

impl From<contact::Contact> for Contact {
    fn from(contact: contact::Contact) -> Self {
        Self(contact)
    }
}

#[Object]
impl Contact {
    async fn id(&self) -> ID {
        id(self.0.id)
    }

    async fn name(&self) -> &str {
        &self.0.name
    }

    async fn note(&self) -> &str {
        &self.0.note
    }

    async fn locale(&self) -> Option<&str> {
        self.0.locale.as_deref()
    }

    async fn avatar_url(&self) -> Option<&str> {
        self.0.avatar_url.as_deref()
    }

    async fn merged_into_id(&self) -> Option<ID> {
        self.0.merged_into.map(id)
    }

    #[graphql(complexity = "5 * child_complexity + 1")]
    async fn identities(&self, ctx: &Context<'_>) -> Result<Vec<Identity>> {
        let all = many(ctx, IdentitiesOf(self.0.id)).await?;
        Ok(all.into_iter().map(Identity::from).collect())
    }

    /// The newest ones that the viewer sees.
    #[graphql(complexity = "usize::try_from(first).unwrap_or(0) * child_complexity + 1")]
    async fn tickets(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 10)] first: i32,
    ) -> Result<Vec<Ticket>> {
        let first = page::first(first)?;
        let tickets = shared_reader(ctx)?.tickets_of(self.0.id, first).await?;
        Ok(tickets.into_iter().map(Ticket::from).collect())
    }

    async fn created_at(&self) -> Time {
        self.0.created_at
    }
}

#[derive(SimpleObject)]
pub struct Identity {
    pub id: ID,
    pub channel: String,
    pub handle: String,
    pub display: String,
    pub avatar_url: Option<String>,
    pub merged_from_id: Option<ID>,
}

impl From<contact::Identity> for Identity {
    fn from(identity: contact::Identity) -> Self {
        Self {
            id: id(identity.id),
            channel: identity.channel,
            handle: identity.handle,
            display: identity.display,
            avatar_url: identity.avatar_url,
            merged_from_id: identity.merged_from.map(id),
        }
    }
}

crate::connection!(ContactConnection, ContactEdge, Contact);
payload!(ContactPayload, contact: Contact);

#[derive(Default)]
pub struct ContactQuery;

#[Object]
impl ContactQuery {
    #[graphql(complexity = "usize::try_from(first).unwrap_or(0) * child_complexity + 1")]
    async fn contacts(
        &self,
        ctx: &Context<'_>,
        search: Option<String>,
        #[graphql(default = 50)] first: i32,
        after: Option<String>,
    ) -> Result<ContactConnection> {
        let first = page::first(first)?;
        let reader = shared_reader(ctx)?;
        let (contacts, more) = reader
            .contacts(search.as_deref(), first, after.as_deref())
            .await?;
        let cursors: Vec<String> = contacts
            .iter()
            .map(|contact| contact.id.to_string())
            .collect();
        let page_info = page::info(&cursors, more, after.is_some());
        let edges = cursors.into_iter().zip(contacts);
        let edge = |(cursor, contact)| ContactEdge {
            cursor,
            node: Contact(contact),
        };
        Ok(ContactConnection {
            edges: edges.map(edge).collect(),
            page_info,
        })
    }

    async fn contact(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Contact>> {
        let id: ContactId = parse(&id)?;
        Ok(found(shared_reader(ctx)?.contact(id).await)?.map(Contact))
    }
}

#[derive(Default)]
pub struct ContactMutation;

#[Object]
impl ContactMutation {
    async fn update_contact(
        &self,
        ctx: &Context<'_>,
        id: ID,
        name: Option<String>,
        note: Option<String>,
    ) -> Result<ContactPayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        ContactPayload::of(contacts::update(app(ctx)?, actor, parse(&id)?, name, note).await)
    }

    /// Answers the contact that stays.
    async fn merge_contacts(
        &self,
        ctx: &Context<'_>,
        into: ID,
        from: ID,
    ) -> Result<ContactPayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        let (into, from) = (parse(&into)?, parse(&from)?);
        ContactPayload::of(contacts::merge(app(ctx)?, actor, into, from).await)
    }

    /// Answers the contact that is itself again.
    async fn unmerge_contact(&self, ctx: &Context<'_>, id: ID) -> Result<ContactPayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        ContactPayload::of(contacts::unmerge(app(ctx)?, actor, parse(&id)?).await)
    }
}
