//! A small schema and a table of tokens: what the transports are tested against.

use api::auth::{Bearer, Caller, Gate, Refusal, Session, SocketId};
use api::fault::{Code, Fault};
use api::graphql_ws::{SocketHandle, Sockets};
use api::live::{Batch, EventLog, Feed, Head, Hub, LogAway};
use async_graphql::{Context, ID, Object, Result, Schema, SimpleObject, Subscription, Union};
use domain::event::{Event, ScopeKey};
use domain::image::Image;
use domain::people::Role;
use domain::permission::{Actor, Credential};
use domain::queue::Skill;
use domain::{SessionId, SkillId, SystemClock, TenantId, Time, UserId};
use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
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
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        let id = ctx.data::<Caller>()?.actor()?.user_id.to_string().into();
        Ok(Viewer { id })
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

#[derive(SimpleObject)]
pub struct Viewer {
    id: ID,
}

#[derive(SimpleObject)]
pub struct Problem {
    code: String,
}

#[derive(SimpleObject, Default)]
pub struct DonePayload {
    problem: Option<Problem>,
}

pub struct Mutation;

#[Object]
impl Mutation {
    async fn touch(&self, ctx: &Context<'_>) -> bool {
        ctx.append_http_header("set-cookie", "meari_refresh=fresh; HttpOnly");
        true
    }
    async fn save_skill(&self, ctx: &Context<'_>, name: String) -> Result<DonePayload> {
        let tenant = ctx.data::<Caller>()?.actor()?.tenant_id;
        ctx.data::<Arc<MemoryLog>>()?
            .push(skill(tenant, &name), vec![ScopeKey::Tenant]);
        Ok(DonePayload::default())
    }
    async fn sign_out(&self, ctx: &Context<'_>) -> Result<DonePayload> {
        let user = ctx.data::<Caller>()?.actor()?.user_id;
        ctx.data::<Arc<Tokens>>()?.revoke(user);
        Ok(DonePayload::default())
    }
    async fn renew_socket(&self, ctx: &Context<'_>, access_token: String) -> Result<DonePayload> {
        ctx.data::<SocketHandle>()?.renew(&access_token).await?;
        Ok(DonePayload::default())
    }
}

#[derive(SimpleObject)]
pub struct SkillImage {
    id: ID,
    name: String,
}

#[derive(SimpleObject)]
pub struct OtherImage {
    kind: String,
}

#[derive(Union)]
pub enum Change {
    Skill(SkillImage),
    Other(OtherImage),
}

#[derive(SimpleObject)]
pub struct ChangeBatch {
    cursor: String,
    changes: Vec<Change>,
    resync: bool,
}

impl From<Arc<Batch>> for ChangeBatch {
    fn from(batch: Arc<Batch>) -> Self {
        let change = |event: &Arc<Event>| match &event.image {
            Image::Skill(skill) => Change::Skill(SkillImage {
                id: skill.id.to_string().into(),
                name: skill.name.clone(),
            }),
            other => Change::Other(OtherImage {
                kind: other.kind().to_owned(),
            }),
        };
        Self {
            cursor: batch.cursor.to_string(),
            changes: batch.events.iter().map(change).collect(),
            resync: batch.resync,
        }
    }
}

pub struct Feeds;

#[Subscription]
impl Feeds {
    async fn changes(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
    ) -> Result<impl Stream<Item = ChangeBatch> + use<>> {
        let feed = ctx.data::<Feed>()?;
        if feed.is_opening() {
            ctx.data::<Caller>()?.actor()?;
        } else {
            ctx.data::<Renders>()?.0.fetch_add(1, Ordering::SeqCst);
        }
        Ok(feed.enter(after).map(ChangeBatch::from))
    }

    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        futures_util::stream::iter(0..to)
    }

    async fn forever(&self) -> impl Stream<Item = i32> {
        futures_util::stream::pending()
    }
}

/// How often a batch was rendered.
#[derive(Clone, Default)]
pub struct Renders(pub Arc<AtomicUsize>);

pub fn skill(tenant_id: TenantId, name: &str) -> Event {
    let image = Image::Skill(Box::new(Skill {
        id: SkillId::new(Time::default()),
        tenant_id,
        name: name.to_owned(),
        archived_at: None,
    }));
    Event {
        tenant_id,
        seq: 0,
        scope: Vec::new(),
        image,
    }
}

/// A log in memory, one for all tenants of a test.
pub struct MemoryLog {
    pub epoch: Mutex<i64>,
    events: Mutex<Vec<Arc<Event>>>,
    oldest: Mutex<i64>,
    wake: watch::Sender<u64>,
    /// A log whose doorbell is broken: only the tick finds news.
    pub silent: bool,
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self {
            epoch: Mutex::new(1),
            events: Mutex::default(),
            oldest: Mutex::new(1),
            wake: watch::channel(0).0,
            silent: false,
        }
    }
}

impl MemoryLog {
    pub fn push(&self, event: Event, scope: Vec<ScopeKey>) -> i64 {
        let seq = {
            let mut events = self.events.lock().unwrap();
            let seq = events.len() as i64 + 1;
            events.push(Arc::new(Event {
                seq,
                scope,
                ..event
            }));
            seq
        };
        if !self.silent {
            self.wake.send_modify(|wakes| *wakes += 1);
        }
        seq
    }

    /// Forgets everything before `seq`.
    pub fn cut(&self, seq: i64) {
        *self.oldest.lock().unwrap() = seq;
    }
}

#[async_trait::async_trait]
impl EventLog for MemoryLog {
    async fn head(&self, _: TenantId) -> Result<Head, LogAway> {
        Ok(Head {
            epoch: *self.epoch.lock().unwrap(),
            seq: self.events.lock().unwrap().len() as i64,
            oldest: *self.oldest.lock().unwrap(),
        })
    }

    async fn after(
        &self,
        _: TenantId,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Arc<Event>>, LogAway> {
        let from = after.max(*self.oldest.lock().unwrap() - 1) as usize;
        let events = self.events.lock().unwrap();
        Ok(events.iter().skip(from).take(limit).cloned().collect())
    }

    fn wakes(&self, _: TenantId) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }
}

pub type ToySchema = Schema<Query, Mutation, Feeds>;

pub fn schema(
    limits: &api::operation::Limits,
    tokens: &Arc<Tokens>,
    log: &Arc<MemoryLog>,
    renders: &Renders,
) -> ToySchema {
    limits
        .apply(Schema::build(Query, Mutation, Feeds))
        .data(Arc::clone(tokens))
        .data(Arc::clone(log))
        .data(renders.clone())
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

    fn ended(&self, actor: &Actor) -> BoxFuture<'static, ()> {
        let mut revoked = self.revoked.lock().unwrap();
        let mut ended = revoked
            .entry(actor.user_id)
            .or_insert_with(|| watch::channel(false).0)
            .subscribe();
        Box::pin(async move {
            let _gone = ended.wait_for(|ended| *ended).await;
        })
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

/// Everything that a test of the transports needs.
pub struct Toy {
    pub tokens: Arc<Tokens>,
    pub log: Arc<MemoryLog>,
    pub renders: Renders,
    pub endpoint: Arc<api::graphql_http::Endpoint<ToySchema>>,
    pub hub: Arc<Hub<ToySchema>>,
}

pub fn toy(log: MemoryLog, live: api::live::Settings, limits: api::operation::Limits) -> Toy {
    let tokens = Arc::new(Tokens::default());
    let log = Arc::new(log);
    let renders = Renders::default();
    let schema = schema(&limits, &tokens, &log, &renders);
    let gate: Arc<dyn Gate> = Arc::clone(&tokens) as _;
    let hub = Hub::new(
        schema.clone(),
        Arc::clone(&log) as _,
        Arc::clone(&gate),
        live,
    );
    let endpoint = Arc::new(api::graphql_http::Endpoint {
        schema,
        gate,
        limits,
        proxies: 0,
    });
    Toy {
        tokens,
        log,
        renders,
        endpoint,
        hub,
    }
}

impl Toy {
    pub fn sockets(&self, settings: api::graphql_ws::Settings) -> Arc<Sockets<ToySchema>> {
        let clock = Arc::new(SystemClock);
        Sockets::new(
            Arc::clone(&self.endpoint),
            Arc::clone(&self.hub),
            clock,
            settings,
        )
    }
}
