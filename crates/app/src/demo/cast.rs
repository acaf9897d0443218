//! The shop and its people: set up once through the same use cases that a browser calls.
//!
//! One exception: colleagues are written as members directly, with the owner's password, because
//! nobody is there to open invitation mails. Whoever tries the demo may sign in as any of them.

use super::network::CHANNEL;
use super::words::Topic;
use super::{OWNER_EMAIL, OWNER_NAME, PASSWORD, TENANT};
use crate::auth::Client;
use crate::inboxes::{self, Connecting, NewInbox};
use crate::queues::SaveQueue;
use crate::setup::{self, Setup};
use crate::{App, Error, Result, agents, auth, people, queues, skills};
use domain::agent_state::AgentStatus;
use domain::image::Member;
use domain::people::{Membership, Role, User};
use domain::permission::{Actor, Credential};
use domain::queue::{Proficiency, Queue, QueueMember, RequiredSkill, Skill};
use domain::{InboxId, MembershipId, QueueId, SessionId, TenantId, UserId};
use secrecy::SecretString;
use serde_json::json;
use std::collections::BTreeMap;
use store::queries::{inboxes as inbox_rows, memberships, queues as queue_rows, users};

/// Slots of a simulated colleague. Few, so that work is left for whoever tries the demo.
const SLOTS: i64 = 3;
/// Enough that offers come although some tickets are hers from the past.
const SLOTS_OF_OWNER: i64 = 4;
/// Long enough for somebody who sees an offer for the first time.
const OFFER_TTL_S: i64 = 45;
const SKILLS: [&str; 4] = ["English", "Korean 한국어", "Payments 결제", "Repairs 수리"];
const PAYMENTS: usize = 2;

struct Person {
    email: &'static str,
    name: &'static str,
    locale: &'static str,
    role: Role,
    serves: &'static [Topic],
    /// Level in each of [`SKILLS`]; 0 is none.
    levels: [i32; 4],
}

const PEOPLE: [Person; 6] = [
    Person {
        email: "yuna@meari.local",
        name: "Yuna Choi 최윤아",
        locale: "ko",
        role: Role::Supervisor,
        serves: &[],
        levels: [4, 5, 3, 3],
    },
    Person {
        email: "seoyun@meari.local",
        name: "김서윤",
        locale: "ko",
        role: Role::Agent,
        serves: &[Topic::Delivery, Topic::Exchange],
        levels: [3, 5, 0, 0],
    },
    Person {
        email: "jiho@meari.local",
        name: "박지호",
        locale: "ko",
        role: Role::Agent,
        serves: &[Topic::Payment, Topic::Delivery],
        levels: [2, 5, 4, 0],
    },
    Person {
        email: "emma@meari.local",
        name: "Emma Clarke",
        locale: "en",
        role: Role::Agent,
        serves: &[Topic::Exchange, Topic::Question, Topic::Delivery],
        levels: [5, 1, 0, 2],
    },
    Person {
        email: "daniel@meari.local",
        name: "Daniel Okoye",
        locale: "en",
        role: Role::Agent,
        serves: &[Topic::Payment, Topic::Repair],
        levels: [5, 2, 5, 4],
    },
    Person {
        email: "haeun@meari.local",
        name: "이하은",
        locale: "ko",
        role: Role::Agent,
        serves: &[Topic::Repair, Topic::Question],
        levels: [4, 5, 0, 5],
    },
];

/// An inbox of the demo with what its network needs to come in.
#[derive(Clone)]
pub struct Line {
    pub inbox: InboxId,
    pub account: String,
    pub key: String,
    pub secret: String,
}

/// Everything that stands before the story begins.
#[derive(Clone)]
pub struct Stage {
    pub tenant: TenantId,
    pub owner: Actor,
    pub supervisor: Actor,
    pub colleagues: Vec<Actor>,
    pub queues: Vec<(Topic, Queue)>,
    /// The social network first, then phone texts.
    pub lines: Vec<Line>,
}

impl Stage {
    /// Finds the demo's shop in the database; `None` when somebody else lives there.
    pub async fn find(app: &App) -> Result<Option<Self>> {
        let read = app.read();
        let Some((owner, _)) = users::by_email(&read, OWNER_EMAIL).await? else {
            return Ok(None);
        };
        let Some(home) = memberships::of_user(&read, owner.id)
            .await?
            .into_iter()
            .next()
        else {
            return Ok(None);
        };
        let tenant = home.tenant_id;
        let members = memberships::list(&read, tenant).await?;
        let played = |role: Role| {
            let is_one = move |m: &&Member| {
                m.membership.role == role && PEOPLE.iter().any(|p| p.email == m.user.email)
            };
            let found = members.iter().filter(is_one);
            found
                .map(|m| actor(app, tenant, m.user.id, role))
                .collect::<Vec<_>>()
        };
        let Some(supervisor) = played(Role::Supervisor).pop() else {
            return Ok(None);
        };
        let all = queue_rows::all(&read, tenant).await?;
        let queues = Topic::ALL.into_iter().filter_map(|topic| {
            let named = all.iter().find(|queue| queue.name == topic.queue_name());
            Some((topic, named?.clone()))
        });
        Ok(Some(Self {
            tenant,
            owner: actor(app, tenant, owner.id, home.role),
            supervisor,
            colleagues: played(Role::Agent),
            queues: queues.collect(),
            lines: lines(app, tenant).await?,
        }))
    }

    pub fn queue_of(&self, topic: Topic) -> Option<&Queue> {
        let found = self.queues.iter().find(|(of, _)| *of == topic);
        found.map(|(_, queue)| queue)
    }

    /// Colleagues who serve a queue.
    pub fn who_serves(&self, queue: QueueId) -> Vec<&Actor> {
        let found = self.queues.iter().find(|(_, one)| one.id == queue);
        let members = found
            .map(|(_, one)| one.members.as_slice())
            .unwrap_or_default();
        let serves = |a: &&Actor| members.iter().any(|m| m.user_id == a.user_id);
        self.colleagues.iter().filter(serves).collect()
    }

    pub fn colleague(&self, user: UserId) -> Option<&Actor> {
        self.colleagues.iter().find(|a| a.user_id == user)
    }

    /// Whether this person is one of us who only play.
    pub fn plays(&self, user: UserId) -> bool {
        self.supervisor.user_id == user || self.colleague(user).is_some()
    }
}

/// Somebody who acts without a browser. The session it names does not exist, so nothing can be
/// asked through it from outside.
fn actor(app: &App, tenant_id: TenantId, user_id: UserId, role: Role) -> Actor {
    Actor {
        tenant_id,
        user_id,
        role,
        credential: Credential::Session(SessionId::new(app.now())),
    }
}

async fn lines(app: &App, tenant: TenantId) -> Result<Vec<Line>> {
    let read = app.read();
    let mut lines = Vec::new();
    for inbox in inbox_rows::all(&read, tenant).await? {
        if inbox.channel != CHANNEL || inbox.state == domain::inbox::InboxState::Disconnected {
            continue;
        }
        let view = inboxes::view(app, &read, &inbox).await?;
        lines.push(Line {
            inbox: inbox.id,
            account: inbox.account.clone(),
            key: inbox_rows::webhook_key(&read, tenant, inbox.id).await?,
            secret: view
                .secrets
                .get("signing_secret")
                .unwrap_or_default()
                .to_owned(),
        });
    }
    Ok(lines)
}

/// Builds the shop on an empty installation.
pub async fn set_up(app: &App) -> Result<Stage> {
    let console = Client {
        ip: None,
        user_agent: "meari demo".to_owned(),
    };
    let wanted = Setup {
        tenant: TENANT.to_owned(),
        email: OWNER_EMAIL.to_owned(),
        name: OWNER_NAME.to_owned(),
        password: SecretString::from(PASSWORD),
        locale: Some("en".to_owned()),
        time_zone: Some("Asia/Seoul".to_owned()),
    };
    let owner = setup::run(app, &console, wanted).await?.actor;
    let users = hire(app, &owner).await?;
    let known = teach(app, &owner, &users).await?;
    let queues = open_queues(app, &owner, &users, &known).await?;
    connect(app, &owner, &queues).await?;
    auth::sign_out(app, &owner).await?;
    let stage = Stage::find(app).await?;
    stage.ok_or_else(|| Error::internal("the demo's shop is not there after its set-up"))
}

async fn hire(app: &App, owner: &Actor) -> Result<Vec<UserId>> {
    let hash = app.passwords.hash(SecretString::from(PASSWORD)).await?;
    let mut tx = app.begin(owner.tenant_id, "demo_hire").await?;
    let mut ids = Vec::new();
    for person in &PEOPLE {
        let now = tx.now();
        let user = User {
            id: UserId::new(now),
            email: person.email.to_owned(),
            name: person.name.to_owned(),
            locale: person.locale.to_owned(),
            created_at: now,
        };
        users::insert(&tx, &user, Some(&hash)).await?;
        let membership = Membership {
            id: MembershipId::new(now),
            tenant_id: owner.tenant_id,
            user_id: user.id,
            role: person.role,
            created_at: now,
            removed_at: None,
        };
        people::join(&mut tx, &user, membership).await?;
        ids.push(user.id);
    }
    app.commit(tx, ids).await
}

async fn teach(app: &App, owner: &Actor, users: &[UserId]) -> Result<Vec<Skill>> {
    let mut known = Vec::new();
    for name in SKILLS {
        known.push(skills::save(app, owner, None, name).await?);
    }
    let levels = PEOPLE.iter().map(|person| person.levels);
    let everyone = users.iter().copied().zip(levels);
    for (user, levels) in everyone.chain([(owner.user_id, [5, 5, 3, 3])]) {
        let has = known.iter().zip(levels).filter(|(_, level)| *level > 0);
        let has = has.map(|(skill, level)| Proficiency {
            skill_id: skill.id,
            level,
        });
        agents::set_proficiencies(app, owner, user, has.collect()).await?;
    }
    let guest = [(owner.user_id, SLOTS_OF_OWNER)];
    for (user, slots) in users.iter().map(|user| (*user, SLOTS)).chain(guest) {
        let slots = BTreeMap::from([("*".to_owned(), slots)]);
        agents::set_capacity(app, owner, user, slots).await?;
    }
    Ok(known)
}

async fn open_queues(
    app: &App,
    owner: &Actor,
    users: &[UserId],
    known: &[Skill],
) -> Result<Vec<Queue>> {
    let member = |user_id: UserId| QueueMember {
        user_id,
        priority: 1,
        delay_s: 0,
    };
    // The set-up made one queue; it becomes the first of ours.
    let mut first = queue_rows::all(&app.read(), owner.tenant_id)
        .await?
        .into_iter();
    let mut opened = Vec::new();
    for (topic, color) in Topic::ALL.into_iter().zip([0, 1, 2, 3, 4]) {
        let serving = users.iter().zip(&PEOPLE);
        let serving = serving.filter(|(_, person)| person.serves.contains(&topic));
        let mut members: Vec<_> = serving.map(|(user, _)| member(*user)).collect();
        members.push(member(owner.user_id));
        let asked = known.get(PAYMENTS).filter(|_| topic == Topic::Payment);
        let asked = asked.map(|skill| RequiredSkill {
            skill_id: skill.id,
            level_min: 2,
        });
        let wanted = SaveQueue {
            id: first.next().map(|queue| queue.id),
            name: topic.queue_name().to_owned(),
            color: Some(color),
            offer_ttl_s: Some(OFFER_TTL_S),
            target_s: Some(if topic == Topic::Payment { 180 } else { 300 }),
            required_skills: Some(asked.into_iter().collect()),
            members: Some(members),
            ..SaveQueue::default()
        };
        opened.push(queues::save(app, owner, wanted).await?);
    }
    Ok(opened)
}

async fn connect(app: &App, owner: &Actor, queues: &[Queue]) -> Result<()> {
    let doors = [
        ("Moa Social 모아 소셜", "moa-shop", "social", 0),
        ("Moa Text 모아 문자", "moa-shop-text", "sms", 4),
    ];
    for (name, account, flavour, queue) in doors {
        let Some(queue) = queues.get(queue) else {
            continue;
        };
        let secret = format!("whsec_{}", fresh_secret());
        let wanted = NewInbox {
            channel: CHANNEL.to_owned(),
            name: name.to_owned(),
            queue_id: queue.id,
            provider_app_id: None,
            settings: json!({ "account": account, "flavour": flavour }),
            secrets: Some(json!({ "signing_secret": secret })),
        };
        match inboxes::connect(app, owner, wanted).await? {
            Connecting::Connected(_) => {}
            Connecting::Authorize { .. } => {
                return Err(Error::internal("the sandbox asks for a sign-in"));
            }
        }
    }
    Ok(())
}

fn fresh_secret() -> String {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.encode(rand::random::<[u8; 32]>())
}

/// Colleagues sit down at their desks; the supervisor is there and takes no work.
pub async fn sit_down(app: &App, stage: &Stage) -> Result<()> {
    for colleague in &stage.colleagues {
        agents::connected(app, colleague).await?;
        agents::set_state(app, colleague, None, AgentStatus::Available, None).await?;
    }
    let supervisor = &stage.supervisor;
    agents::connected(app, supervisor).await?;
    let busy = AgentStatus::NotReady;
    agents::set_state(app, supervisor, None, busy, Some("meeting")).await?;
    Ok(())
}
