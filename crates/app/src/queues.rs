//! Queues: who serves them, what they ask for, how long an offer stays open.
//!
//! A queue's image goes to the whole tenant: screens name queues everywhere, the router follows the
//! image, and a socket whose viewer became or ceased to be a member starts anew.

mod settings;

pub use settings::Settings;

use crate::agents::LEVELS;
use crate::people::{NAME_CHARS_MAX, checked_name};
use crate::{App, Error, Result, audit, race};
use domain::event::{NewEvent, ScopeKey};
use domain::image::Image;
use domain::permission::{Actor, Permission};
use domain::queue::{Queue, QueueMember, QueueRouting, RequiredSkill};
use domain::{QueueId, Time, UserId};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use store::queries::{inboxes, memberships, queues, skills};
use store::{Db, Tx, routing as stored};

const QUEUES_MAX: usize = 500;
const MEMBERS_MAX: usize = 2_000;
const REQUIRED_MAX: usize = 20;
const COLOR_MAX: i32 = 11;
const OFFER_TTL_S: std::ops::RangeInclusive<i64> = 5..=3_600;
const TARGET_S: std::ops::RangeInclusive<i64> = 1..=604_800;
const DELAY_S: std::ops::RangeInclusive<i64> = 0..=86_400;
const MEMBER_PRIORITY: std::ops::RangeInclusive<i32> = 1..=10;
const OFFER_TTL_S_DEFAULT: i64 = 30;
const TARGET_S_DEFAULT: i64 = 300;

/// What a form sends: without `id` a new queue; absent fields stay as they are.
#[derive(Debug, Clone, Default)]
pub struct SaveQueue {
    pub id: Option<QueueId>,
    pub name: String,
    pub color: Option<i32>,
    pub offer_ttl_s: Option<i64>,
    pub target_s: Option<i64>,
    pub required_skills: Option<Vec<RequiredSkill>>,
    pub members: Option<Vec<QueueMember>>,
    pub settings: Settings,
}

pub async fn save(app: &App, actor: &Actor, input: SaveQueue) -> Result<Queue> {
    actor.may(Permission::Administer)?;
    race::again(|| save_once(app, actor, &input)).await
}

async fn save_once(app: &App, actor: &Actor, input: &SaveQueue) -> Result<Queue> {
    let tenant = actor.tenant_id;
    let mut tx = app.begin(tenant, "save_queue").await?;
    let all = queues::all(&tx, tenant).await?;
    let queue = edited(&tx, actor, &all, input, tx.now()).await?;
    let detail = json!({ "name": queue.name, "members": queue.members.len() });
    let queue = put(&mut tx, input.id.is_none(), queue).await?;
    audit::record(&tx, actor, "queue.save", queue.id, detail).await?;
    app.commit(tx, queue).await
}

/// What the queue would be with this input, or what is wrong with it. `all` are the tenant's.
pub(crate) async fn edited(
    db: &impl Db,
    actor: &Actor,
    all: &[Queue],
    input: &SaveQueue,
    now: Time,
) -> Result<Queue> {
    let name = &checked_name("name", &input.name, NAME_CHARS_MAX)?;
    in_range("color", &(0..=COLOR_MAX), input.color)?;
    in_range("offerTtlSeconds", &OFFER_TTL_S, input.offer_ttl_s)?;
    in_range("targetSeconds", &TARGET_S, input.target_s)?;
    let taken = |q: &Queue| {
        q.archived_at.is_none() && Some(q.id) != input.id && q.name.eq_ignore_ascii_case(name)
    };
    if all.iter().any(taken) {
        return Err(Error::invalid("name", "another queue has this name"));
    }
    let before = match input.id {
        Some(id) => {
            let known = all.iter().find(|q| q.id == id).cloned();
            known.ok_or(Error::not_found("queue"))?
        }
        None if all.len() >= QUEUES_MAX => {
            let rule = format!("a tenant has at most {QUEUES_MAX} queues");
            return Err(Error::invalid("name", rule));
        }
        None => blank(actor, now),
    };
    let mut queue = Queue {
        name: name.clone(),
        color: input.color.unwrap_or(before.color),
        offer_ttl_s: input.offer_ttl_s.unwrap_or(before.offer_ttl_s),
        target_s: input.target_s.unwrap_or(before.target_s),
        required_skills: input
            .required_skills
            .clone()
            .unwrap_or(before.required_skills),
        members: input.members.clone().unwrap_or(before.members),
        ..before
    };
    if input.required_skills.is_some() {
        check_skills(db, actor, "requiredSkills", &queue.required_skills).await?;
    }
    if input.members.is_some() {
        check_members(db, actor, &queue.members).await?;
    }
    settings::apply(db, actor, all, &mut queue, &input.settings).await?;
    Ok(queue)
}

fn blank(actor: &Actor, now: Time) -> Queue {
    Queue {
        id: QueueId::new(now),
        tenant_id: actor.tenant_id,
        name: String::new(),
        color: 0,
        offer_ttl_s: OFFER_TTL_S_DEFAULT,
        target_s: TARGET_S_DEFAULT,
        required_skills: Vec::new(),
        members: Vec::new(),
        routing: QueueRouting::default(),
        archived_at: None,
        version: 0,
    }
}

async fn put(tx: &mut Tx, is_new: bool, queue: Queue) -> Result<Queue> {
    let queue = if is_new {
        queues::insert(tx, &queue).await?;
        queue
    } else {
        queues::update(tx, queue).await?
    };
    tx.emit(NewEvent {
        scope: vec![ScopeKey::Tenant],
        image: Image::Queue(Box::new(queue.clone())),
    });
    Ok(queue)
}

fn in_range<T: PartialOrd + std::fmt::Display + Copy>(
    field: &'static str,
    range: &std::ops::RangeInclusive<T>,
    value: Option<T>,
) -> Result<()> {
    if value.is_none_or(|v| range.contains(&v)) {
        return Ok(());
    }
    let rule = format!("this must be {} to {}", range.start(), range.end());
    Err(Error::invalid(field, rule))
}

async fn check_skills(
    db: &impl Db,
    actor: &Actor,
    field: &'static str,
    required: &[RequiredSkill],
) -> Result<()> {
    if required.len() > REQUIRED_MAX {
        let rule = format!("a queue asks for at most {REQUIRED_MAX} skills");
        return Err(Error::invalid(field, rule));
    }
    let mut known: BTreeSet<_> = skills::all(db, actor.tenant_id)
        .await?
        .into_iter()
        .filter(|skill| skill.archived_at.is_none())
        .map(|skill| skill.id)
        .collect();
    for skill in required {
        in_range(field, &LEVELS, Some(skill.level_min))?;
        if !known.remove(&skill.skill_id) {
            let rule = "a skill does not exist or is named twice";
            return Err(Error::invalid(field, rule));
        }
    }
    Ok(())
}

async fn check_members(db: &impl Db, actor: &Actor, members: &[QueueMember]) -> Result<()> {
    let field = "members";
    if members.len() > MEMBERS_MAX {
        let rule = format!("a queue has at most {MEMBERS_MAX} members");
        return Err(Error::invalid(field, rule));
    }
    let mut known: BTreeSet<UserId> = memberships::list(db, actor.tenant_id)
        .await?
        .into_iter()
        .map(|member| member.user.id)
        .collect();
    for member in members {
        in_range(field, &MEMBER_PRIORITY, Some(member.priority))?;
        in_range(field, &DELAY_S, Some(member.delay_s))?;
        if !known.remove(&member.user_id) {
            let rule = "somebody is no member of this tenant or is named twice";
            return Err(Error::invalid(field, rule));
        }
    }
    Ok(())
}

/// Nothing new comes here. Refused while an inbox leads here or work lies here, because nobody
/// would ever be offered it.
pub async fn archive(app: &App, actor: &Actor, id: QueueId) -> Result<Queue> {
    actor.may(Permission::Administer)?;
    race::again(|| archive_once(app, actor, id)).await
}

async fn archive_once(app: &App, actor: &Actor, id: QueueId) -> Result<Queue> {
    let tenant = actor.tenant_id;
    let mut tx = app.begin(tenant, "archive_queue").await?;
    let mut queue = queues::get(&tx, tenant, id).await?;
    if queue.archived_at.is_some() {
        return Ok(queue);
    }
    let fed = inboxes::all(&tx, tenant).await?;
    if let Some(inbox) = fed.iter().find(|inbox| inbox.queue_id == id) {
        let why = format!("{} leads here; give it another queue first", inbox.name);
        return Err(Error::conflict("QUEUE_IN_USE", why));
    }
    let all = queues::all(&tx, tenant).await?;
    let leads =
        |q: &&Queue| q.archived_at.is_none() && q.routing.overflow.is_some_and(|o| o.to == id);
    if let Some(source) = all.iter().find(leads) {
        let why = format!("{} overflows here; lead it elsewhere first", source.name);
        return Err(Error::conflict("QUEUE_IN_USE", why));
    }
    if stored::queue_has_work(&tx, tenant, id).await? {
        let why = "tickets wait or are worked here; transfer or close them first";
        return Err(Error::conflict("QUEUE_IN_USE", why));
    }
    queue.archived_at = Some(tx.now());
    let queue = put(&mut tx, false, queue).await?;
    audit::record(&tx, actor, "queue.archive", id, Value::Null).await?;
    app.commit(tx, queue).await
}
