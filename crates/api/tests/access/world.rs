//! Two tenants with people of every role, and a way to ask the schema as any of them.

use crate::rules::{Row, Verdict};
use api::auth::{Caller as ApiCaller, Peer, RefreshCookies, RefreshToken, Session};
use api::graphql::loaders::PerOperation;
use api::graphql::schema::{self, Graph};
use api::live::Feed;
use app::api_tokens::{self, NewApiToken};
use app::inboxes::{Connecting, NewInbox};
use app::provider_apps::Save;
use app::queues::{self, SaveQueue};
use app::testing::{TestApp, TestDb, customer_writes, join, second_tenant, set_up};
use app::{App, Reader, inboxes, invitations, provider_apps, skills, teams};
use async_graphql::{Request, Response, Value};
use domain::inbox::Inbox;
use domain::people::{Role, TokenScope};
use domain::permission::{Actor, Credential, Permission};
use domain::{
    ApiTokenId, ContactId, ConversationId, InvitationId, JobId, MessageId, OfferId, ProviderAppId,
    QueueId, SessionId, SkillId, TeamId, TenantId, TicketId, UserId,
};
use futures_util::StreamExt;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// No answer takes longer than this, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct World {
    schema: Graph,
    members: BTreeMap<Role, Actor>,
    stranger: Actor,
    pub tenant: TenantId,
    /// A member whom nobody asks as.
    pub member: UserId,
    pub session: SessionId,
    pub invitation: InvitationId,
    pub api_token: ApiTokenId,
    pub ticket: TicketId,
    pub contact: ContactId,
    pub conversation: ConversationId,
    pub message: MessageId,
    pub offer: OfferId,
    pub queue: QueueId,
    pub skill: SkillId,
    pub team: TeamId,
    pub inbox: Inbox,
    pub provider_app: ProviderAppId,
    /// Nobody has it either.
    pub job: JobId,
    _app: TestApp,
    _db: TestDb,
}

/// Who asks.
pub struct Caller(Option<Actor>);

impl Caller {
    pub const fn nobody() -> Self {
        Self(None)
    }

    pub fn may(&self, permission: Permission) -> bool {
        self.0
            .as_ref()
            .is_some_and(|actor| actor.may(permission).is_ok())
    }
}

impl World {
    pub async fn new() -> Self {
        let db = TestDb::sqlite().await;
        let app = app::testing::app(&db).await;
        let owner = set_up(&app).await.actor;
        let mut members = BTreeMap::from([(Role::Owner, owner.clone())]);
        for role in [Role::Admin, Role::Supervisor, Role::Agent] {
            let email = format!("canary-{role}@example.com");
            members.insert(role, join(&app, &owner, &email, role).await.actor);
        }
        let member = join(&app, &owner, "canary-member@example.com", Role::Agent)
            .await
            .actor;
        let Credential::Session(session) = member.credential else {
            panic!("people join with a session");
        };
        let invitation = invitations::invite(&app, &owner, "canary-guest@example.com", Role::Agent)
            .await
            .unwrap();
        let wanted = NewApiToken {
            name: "canary-robot".into(),
            scopes: vec![TokenScope::Read],
            expires_at: None,
        };
        let (api_token, _) = api_tokens::create(&app, &member, wanted).await.unwrap();
        let queue = SaveQueue {
            name: "canary-queue".into(),
            ..SaveQueue::default()
        };
        let queue = queues::save(&app, &owner, queue).await.unwrap();
        let skill = skills::save(&app, &owner, None, "canary-skill").await;
        let team = teams::save(&app, &owner, None, "canary-team", Vec::new()).await;
        let stranger = second_tenant(&app, "stranger@example.net").await.actor;
        let inbox = connected_inbox(&app, &owner).await;
        let ticket = customer_writes(&app, &inbox, "canary-words").await;
        let said = Reader::new(app.app.clone(), owner.clone());
        let said = said.messages_of(&[ticket.id], None, 1).await.unwrap();
        let message = &said[0];
        let conversation = message.conversation_id.unwrap();
        let provider_app = saved_app(&app, &owner).await;
        let cookies = RefreshCookies { secure: true };
        Self {
            schema: schema::build().data(app.app.clone()).data(cookies).finish(),
            members,
            stranger,
            tenant: owner.tenant_id,
            member: member.user_id,
            session,
            invitation: invitation.id,
            api_token: api_token.id,
            ticket: ticket.id,
            contact: ticket.contact_id,
            conversation,
            message: message.id,
            // Nobody has them: the answer must be the one for those of other tenants.
            offer: OfferId::new(app.now()),
            queue: queue.id,
            skill: skill.unwrap().id,
            team: team.unwrap().id,
            inbox,
            provider_app,
            job: JobId::new(app.now()),
            _app: app,
            _db: db,
        }
    }

    pub fn session_of(&self, role: Role) -> Caller {
        Caller(self.members.get(&role).cloned())
    }

    pub fn token_of_owner(&self, scope: TokenScope) -> Caller {
        let owner = &self.members[&Role::Owner];
        Caller(Some(Actor {
            credential: Credential::Token {
                id: self.api_token,
                scopes: vec![scope],
            },
            ..owner.clone()
        }))
    }

    /// The owner of the other tenant.
    pub fn stranger(&self) -> Caller {
        Caller(Some(self.stranger.clone()))
    }

    /// Texts that no answer outside the first tenant may hold.
    pub fn canaries(&self) -> Vec<String> {
        let mut canaries = vec![
            "canary".to_owned(),
            "Echo".to_owned(),
            self.tenant.to_string(),
            self.session.to_string(),
            self.invitation.to_string(),
            self.api_token.to_string(),
            self.queue.to_string(),
            self.skill.to_string(),
            self.team.to_string(),
            self.inbox.id.to_string(),
            self.ticket.to_string(),
            self.contact.to_string(),
            self.message.to_string(),
            self.provider_app.to_string(),
        ];
        canaries.extend(self.members.values().map(|actor| actor.user_id.to_string()));
        canaries
    }

    pub async fn ask(&self, row: &Row, caller: &Caller) -> Response {
        let text = format!("{} {{ {} {} }}", row.kind, row.field, (row.rest)(self));
        self.execute(&text, caller).await
    }

    async fn execute(&self, text: &str, caller: &Caller) -> Response {
        let session = caller.0.clone().map(|actor| Session {
            actor,
            expires_at: None,
        });
        let request = Request::new(text)
            .data(ApiCaller(session))
            .data(RefreshToken(None))
            .data(Feed::opening().0)
            .data(PerOperation::default())
            .data(Peer {
                ip: "192.0.2.4".parse().ok(),
                user_agent: "test".into(),
            });
        let mut answers = self.schema.execute_stream(request).boxed();
        let mut answer = tokio::time::timeout(PATIENCE, answers.next())
            .await
            .unwrap_or_else(|_| panic!("no answer to {text}"))
            .unwrap_or_default();
        api::fault::finish(&mut answer);
        answer
    }

    /// `kind field` of everything the schema offers.
    pub async fn fields(&self) -> BTreeSet<String> {
        let text = "{ __schema { \
            queryType { fields { name } } mutationType { fields { name } } \
            subscriptionType { fields { name } } } }";
        let answer = self.execute(text, &Caller::nobody()).await;
        let data = serde_json::to_value(&answer.data).unwrap();
        let mut fields = BTreeSet::new();
        for kind in ["query", "mutation", "subscription"] {
            let listed = data["__schema"][format!("{kind}Type")]["fields"].as_array();
            for field in listed.into_iter().flatten() {
                fields.insert(format!("{kind} {}", field["name"].as_str().unwrap()));
            }
        }
        assert!(!fields.is_empty(), "introspection answered nothing");
        fields
    }
}

async fn connected_inbox(app: &App, owner: &Actor) -> Inbox {
    let reader = Reader::new(app.clone(), owner.clone());
    let queue = reader.queues().await.unwrap().first().unwrap().id;
    let new = NewInbox {
        channel: "sandbox".into(),
        name: "canary inbox".into(),
        queue_id: queue,
        provider_app_id: None,
        settings: json!({ "account": "canary-shop" }),
        secrets: Some(json!({ "signing_secret": "whsec_Y2FuYXJ5" })),
    };
    match inboxes::connect(app, owner, new).await.unwrap() {
        Connecting::Connected(inbox) => *inbox,
        Connecting::Authorize { url } => panic!("the sandbox has no consent page at {url}"),
    }
}

async fn saved_app(app: &App, owner: &Actor) -> ProviderAppId {
    let save = Save {
        id: None,
        channel: "mastodon".into(),
        name: "canary app".into(),
        base_url: Some("https://canary.example".into()),
        settings: json!({ "client_id": "canary" }),
        secrets: Some(json!({ "client_secret": "canary" })),
    };
    provider_apps::save(app, owner, save).await.unwrap().id
}

pub fn codes(answer: &Response) -> Vec<String> {
    let code = |error: &async_graphql::ServerError| {
        let code = error
            .extensions
            .as_ref()
            .and_then(|e| e.get("code"))
            .cloned();
        match code {
            Some(Value::String(code)) => code,
            _ => "none".to_owned(),
        }
    };
    answer.errors.iter().map(code).collect()
}

/// The problem of the one mutation in the answer. A refusal counts as a problem, too.
pub fn problem(answer: &Response) -> Verdict {
    if let Some(code) = codes(answer).pop() {
        return Verdict::Problem(code);
    }
    let data = serde_json::to_value(&answer.data).unwrap();
    let payload = data
        .as_object()
        .and_then(|fields| fields.values().next().cloned());
    match payload.unwrap_or_default()["problem"]["code"].as_str() {
        Some(code) => Verdict::Problem(code.to_owned()),
        None => Verdict::Done,
    }
}
