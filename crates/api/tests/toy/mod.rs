//! A small schema and a table of tokens: what the transports are tested against.

use api::auth::{Bearer, Caller, Gate, Refusal, Session, SocketId};
use api::fault::{Code, Fault};
use async_graphql::{Context, EmptySubscription, Object, Result, Schema};
use domain::event::ScopeKey;
use domain::people::Role;
use domain::permission::{Actor, Credential};
use domain::{SessionId, TenantId, Time, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

pub struct Query;

pub struct Item;

#[Object]
impl Item {
    async fn name(&self) -> &str {
        "item"
    }
    async fn child(&self) -> Item {
        Item
    }
    #[graphql(complexity = "first as usize * child_complexity")]
    async fn items(&self, #[graphql(default = 10)] first: i32) -> Vec<Item> {
        (0..first.clamp(0, 3)).map(|_| Item).collect()
    }
}

#[Object]
impl Query {
    async fn viewer(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(ctx.data::<Caller>()?.actor()?.user_id.to_string())
    }
    async fn echo(&self, text: String) -> String {
        text
    }
    async fn broken(&self) -> Result<i32> {
        Err(std::io::Error::other("password of the database is hunter2"))?
    }
    async fn taken(&self) -> Result<i32> {
        Err(Fault::new(Code::Conflict, "Already taken."))?
    }
    async fn item(&self) -> Item {
        Item
    }
    #[graphql(complexity = "first as usize * child_complexity")]
    async fn items(&self, #[graphql(default = 10)] first: i32) -> Vec<Item> {
        (0..first.clamp(0, 3)).map(|_| Item).collect()
    }
}

pub struct Mutation;

#[Object]
impl Mutation {
    async fn touch(&self, ctx: &Context<'_>) -> bool {
        ctx.append_http_header("set-cookie", "meari_refresh=fresh; HttpOnly");
        true
    }
}

pub type ToySchema = Schema<Query, Mutation, EmptySubscription>;

pub fn schema(limits: &api::operation::Limits) -> ToySchema {
    limits
        .apply(Schema::build(Query, Mutation, EmptySubscription))
        .finish()
}

/// Tokens and what they prove.
#[derive(Default)]
pub struct Tokens {
    pub sessions: Mutex<BTreeMap<String, Session>>,
    pub scopes: Mutex<BTreeMap<UserId, BTreeSet<ScopeKey>>>,
    pub revoked: Mutex<BTreeMap<UserId, watch::Sender<bool>>>,
    pub sockets: Mutex<Vec<(SocketId, bool)>>,
}

impl Tokens {
    pub fn add(&self, token: &str, tenant_id: TenantId, expires_at: Option<Time>) -> Actor {
        let actor = Actor {
            tenant_id,
            user_id: UserId::new(Time::default()),
            role: Role::Agent,
            credential: Credential::Session(SessionId::new(Time::default())),
        };
        self.add_for(token, &actor, expires_at);
        actor
    }

    pub fn add_for(&self, token: &str, actor: &Actor, expires_at: Option<Time>) {
        let session = Session {
            actor: actor.clone(),
            expires_at,
        };
        self.sessions
            .lock()
            .unwrap()
            .insert(token.to_owned(), session);
        let scope = BTreeSet::from([ScopeKey::Tenant, ScopeKey::User(actor.user_id)]);
        self.scopes.lock().unwrap().insert(actor.user_id, scope);
    }

    pub fn revoke(&self, user: UserId) {
        let mut revoked = self.revoked.lock().unwrap();
        revoked
            .entry(user)
            .or_insert_with(|| watch::channel(false).0)
            .send_replace(true);
    }
}

#[async_trait::async_trait]
impl Gate for Tokens {
    async fn authenticate(&self, bearer: &Bearer) -> Result<Session, Refusal> {
        let sessions = self.sessions.lock().unwrap();
        sessions
            .get(bearer.reveal())
            .cloned()
            .ok_or(Refusal::Invalid)
    }

    fn revoked(&self, actor: &Actor) -> watch::Receiver<bool> {
        let mut revoked = self.revoked.lock().unwrap();
        revoked
            .entry(actor.user_id)
            .or_insert_with(|| watch::channel(false).0)
            .subscribe()
    }

    async fn scope(&self, actor: &Actor) -> Result<BTreeSet<ScopeKey>, Refusal> {
        let scopes = self.scopes.lock().unwrap();
        Ok(scopes.get(&actor.user_id).cloned().unwrap_or_default())
    }

    async fn connected(&self, _: &Actor, socket: SocketId) {
        self.sockets.lock().unwrap().push((socket, true));
    }

    async fn disconnected(&self, _: &Actor, socket: SocketId) {
        self.sockets.lock().unwrap().push((socket, false));
    }
}

pub fn tenant() -> TenantId {
    TenantId::new(Time::default())
}

pub fn endpoint(tokens: Arc<Tokens>) -> api::graphql_http::Endpoint<ToySchema> {
    let limits = api::operation::Limits::default();
    api::graphql_http::Endpoint {
        schema: schema(&limits),
        gate: tokens,
        limits,
        proxies: 0,
    }
}
