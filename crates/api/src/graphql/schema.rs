//! The roots of the graph. A noun joins by one line in each root that it has a part of.

use super::agent::{AgentMutation, AgentQuery};
use super::attachment::AttachmentMutation;
use super::audit::AuditQuery;
use super::auth::{AuthMutation, AuthQuery};
use super::call::CallQuery;
use super::channel_kind::ChannelKindQuery;
use super::contact::{ContactMutation, ContactQuery};
use super::conversation::{ConversationMutation, ConversationQuery};
use super::inbox::{InboxMutation, InboxQuery};
use super::job::{JobMutation, JobQuery};
use super::live::{ChangesSubscription, EventsQuery};
use super::message::{MessageMutation, MessageQuery};
use super::offer::{OfferMutation, OfferQuery};
use super::people::{PeopleMutation, PeopleQuery};
use super::presence::{PresenceMutation, PresenceSubscription};
use super::provider_app::{ProviderAppMutation, ProviderAppQuery};
use super::queue::{QueueMutation, QueueQuery};
use super::routing::{RoutingMutation, RoutingQuery};
use super::skill::{SkillMutation, SkillQuery};
use super::team::{TeamMutation, TeamQuery};
use super::ticket::{TicketMutation, TicketQuery};
use super::tokens::{TokensMutation, TokensQuery};
use async_graphql::{MergedObject, MergedSubscription, Schema, SchemaBuilder};

#[derive(MergedObject, Default)]
#[graphql(name = "Query")]
pub struct QueryRoot(
    // One line per noun.
    AuthQuery,
    PeopleQuery,
    TokensQuery,
    AuditQuery,
    EventsQuery,
    TicketQuery,
    MessageQuery,
    ConversationQuery,
    ContactQuery,
    CallQuery,
    QueueQueries,
    SkillQuery,
    TeamQuery,
    AgentQuery,
    OfferQuery,
    InboxQuery,
    ProviderAppQuery,
    ChannelKindQuery,
    JobQuery,
);

#[derive(MergedObject, Default)]
#[graphql(name = "Mutation")]
pub struct MutationRoot(
    // One line per noun.
    AuthMutation,
    PeopleMutation,
    TokensMutation,
    PresenceMutation,
    TicketMutation,
    MessageMutation,
    ConversationMutation,
    ContactMutation,
    AttachmentMutation,
    QueueMutations,
    SkillMutation,
    TeamMutation,
    AgentMutation,
    OfferMutation,
    InboxMutation,
    ProviderAppMutation,
    JobMutation,
);

// Nested, because a root is a chain of its parts and the compiler follows it only so deep.
#[derive(MergedObject, Default)]
pub struct QueueQueries(QueueQuery, RoutingQuery);

#[derive(MergedObject, Default)]
pub struct QueueMutations(QueueMutation, RoutingMutation);

#[derive(MergedSubscription, Default)]
#[graphql(name = "Subscription")]
pub struct SubscriptionRoot(
    // One line per noun.
    ChangesSubscription,
    PresenceSubscription,
);

pub type Graph = Schema<QueryRoot, MutationRoot, SubscriptionRoot>;

pub fn build() -> SchemaBuilder<QueryRoot, MutationRoot, SubscriptionRoot> {
    Schema::build(
        QueryRoot::default(),
        MutationRoot::default(),
        SubscriptionRoot::default(),
    )
}
