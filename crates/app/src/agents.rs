//! Agents: their status, how much and what they can take, and whether anybody is there.
//!
//! Invariants: what an agent is doing is derived, never stored; a connection is written when it
//! comes and when it goes, and a node that starts or dies takes its connections with it.

use crate::{App, Error, Reader, Result, audit, race};
use domain::agent_state::{AgentPresence, AgentState, AgentStatus, NOT_RESPONDING, NextStatus};
use domain::image::Member;
use domain::people::User;
use domain::permission::{Actor, Credential, Permission};
use domain::queue::Proficiency;
use domain::work_item::WorkItem;
use domain::{ConnectionId, TenantId, UserId};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use store::queries::{memberships, skills, users};
use store::{Db, Tx, leases, routing as stored};

const REASON_CHARS_MAX: usize = 100;
const SLOTS_MAX: i64 = 100;
pub(crate) const LEVELS: std::ops::RangeInclusive<i32> = 1..=5;

/// An agent as screens show her.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    pub user: User,
    pub state: AgentState,
    pub presence: AgentPresence,
}

/// Sets the own status, or as a supervisor that of somebody else. Who goes offline keeps her
/// tickets; what she is asked at that moment, the router asks others.
pub async fn set_state(
    app: &App,
    actor: &Actor,
    of: Option<UserId>,
    status: AgentStatus,
    reason: Option<&str>,
) -> Result<Agent> {
    let of = own_or_supervised(actor, of)?;
    let reason = checked_reason(reason)?;
    change(app, actor, of, "agent.state", |agent, now| {
        let agent = agent.clone();
        Ok(match status {
            AgentStatus::Available => agent.become_available(now),
            AgentStatus::Offline => agent.go_offline(now),
            AgentStatus::NotReady => agent.become_not_ready(reason.clone(), now),
        })
    })
    .await
}

/// A break, or the end of the day, that waits until the last of her work is over. Until then she
/// is asked for nothing new.
pub async fn finish_first(
    app: &App,
    actor: &Actor,
    of: Option<UserId>,
    status: AgentStatus,
    reason: Option<&str>,
) -> Result<Agent> {
    if status == AgentStatus::Available {
        let rule = "who is to take work need not finish first";
        return Err(Error::invalid("status", rule));
    }
    let of = own_or_supervised(actor, of)?;
    let reason = checked_reason(reason)?.filter(|_| status == AgentStatus::NotReady);
    let next = NextStatus { status, reason };
    change(app, actor, of, "agent.state", |agent, now| {
        Ok(agent.clone().finish_first(next.clone(), now))
    })
    .await
}

fn own_or_supervised(actor: &Actor, of: Option<UserId>) -> Result<UserId> {
    let of = of.unwrap_or(actor.user_id);
    actor.may(if of == actor.user_id {
        Permission::WorkTickets
    } else {
        Permission::Supervise
    })?;
    Ok(of)
}

/// Says of which channel kinds she takes nothing new now; all others are on. What she has of them
/// stays with her.
pub async fn set_channels_off(
    app: &App,
    actor: &Actor,
    of: Option<UserId>,
    off: BTreeSet<String>,
) -> Result<Agent> {
    let of = own_or_supervised(actor, of)?;
    off.iter().try_for_each(|kind| known_kind("off", kind))?;
    change(app, actor, of, "agent.channels", |agent, _| {
        Ok(AgentState {
            channels_off: off.clone(),
            ..agent.clone()
        })
    })
    .await
}

fn known_kind(field: &'static str, kind: &str) -> Result<()> {
    if channels::by_kind(kind).is_some() {
        return Ok(());
    }
    let rule = format!("there is no channel {}", kind.escape_debug());
    Err(Error::invalid(field, rule))
}

fn checked_reason(reason: Option<&str>) -> Result<Option<String>> {
    let Some(text) = reason.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if text.chars().count() > REASON_CHARS_MAX || text.chars().any(char::is_control) {
        let rule = format!("one line of at most {REASON_CHARS_MAX} characters");
        return Err(Error::invalid("reason", rule));
    }
    if text == NOT_RESPONDING {
        return Err(Error::invalid("reason", "this word is the router's own"));
    }
    Ok(Some(text.to_owned()))
}

/// Slots per channel kind; `*` stands for the kinds not named.
pub async fn set_capacity(
    app: &App,
    actor: &Actor,
    of: UserId,
    capacity: BTreeMap<String, i64>,
) -> Result<Agent> {
    actor.may(Permission::Supervise)?;
    for (kind, slots) in &capacity {
        if kind != "*" {
            known_kind("capacity", kind)?;
        }
        if !(0..=SLOTS_MAX).contains(slots) {
            let rule = format!("slots are 0 to {SLOTS_MAX}");
            return Err(Error::invalid("capacity", rule));
        }
    }
    change(app, actor, of, "agent.capacity", |agent, _| {
        Ok(AgentState {
            capacity: capacity.clone(),
            ..agent.clone()
        })
    })
    .await
}

pub async fn set_proficiencies(
    app: &App,
    actor: &Actor,
    of: UserId,
    proficiencies: Vec<Proficiency>,
) -> Result<Agent> {
    actor.may(Permission::Supervise)?;
    let field = "proficiencies";
    let known = skills::all(&app.read(), actor.tenant_id).await?;
    for (n, p) in proficiencies.iter().enumerate() {
        let is_known = |s: &domain::queue::Skill| s.id == p.skill_id && s.archived_at.is_none();
        if !known.iter().any(is_known) {
            return Err(Error::invalid(field, "a skill does not exist"));
        }
        if proficiencies[..n].iter().any(|q| q.skill_id == p.skill_id) {
            return Err(Error::invalid(field, "a skill is named twice"));
        }
        if !LEVELS.contains(&p.level) {
            return Err(Error::invalid(field, "levels are 1 to 5"));
        }
    }
    change(app, actor, of, "agent.proficiencies", |agent, _| {
        Ok(AgentState {
            proficiencies: proficiencies.clone(),
            ..agent.clone()
        })
    })
    .await
}

async fn change(
    app: &App,
    actor: &Actor,
    of: UserId,
    action: &'static str,
    apply: impl Fn(&AgentState, domain::Time) -> Result<AgentState>,
) -> Result<Agent> {
    race::again(|| change_once(app, actor, of, action, &apply)).await
}

async fn change_once(
    app: &App,
    actor: &Actor,
    of: UserId,
    action: &'static str,
    apply: &impl Fn(&AgentState, domain::Time) -> Result<AgentState>,
) -> Result<Agent> {
    let tenant = actor.tenant_id;
    let mut tx = app.begin(tenant, action).await?;
    let user = member(&tx, tenant, of).await?;
    let before = stored::lock_agent_state(&tx, tenant, of)
        .await?
        .unwrap_or_else(|| AgentState::offline(of, tenant, tx.now()));
    let state = apply(&before, tx.now())?;
    let state = stored::put_agent_state(&mut tx, state).await?;
    let detail = json!({
        "status": state.status, "reason": state.reason,
        "capacity": state.capacity, "proficiencies": state.proficiencies,
        "channelsOff": state.channels_off, "next": state.next,
    });
    audit::record(&tx, actor, action, of, detail).await?;
    let presence = leases::presence(&tx, tenant, of, tx.now()).await?;
    let held = stored::held_by(&tx, tenant, of).await?;
    let presence = routing::derived_presence(&state, presence.as_ref(), &held, tx.now());
    let agent = Agent {
        user,
        state,
        presence,
    };
    app.commit(tx, agent).await
}

async fn member(db: &impl Db, tenant: TenantId, user: UserId) -> Result<User> {
    let missing = || Error::not_found("agent");
    memberships::find(db, tenant, user)
        .await?
        .ok_or_else(missing)?;
    let found = users::find(db, user).await?;
    found.ok_or_else(missing)
}

// -- who is there ----------------------------------------------------------------------------

/// A socket of hers was opened on this node.
pub async fn connected(app: &App, actor: &Actor) -> Result<ConnectionId> {
    let session = match &actor.credential {
        Credential::Session(id) => Some(*id),
        Credential::Token { .. } => None,
    };
    let mut tx = app.begin(actor.tenant_id, "agent_connected").await?;
    let id = leases::connect(
        &mut tx,
        actor.tenant_id,
        actor.user_id,
        session,
        app.config.node,
    )
    .await?;
    app.commit(tx, id).await
}

/// That socket is closed.
pub async fn disconnected(app: &App, tenant: TenantId, id: ConnectionId) -> Result<()> {
    let mut tx = app.begin(tenant, "agent_disconnected").await?;
    leases::disconnect(&mut tx, tenant, id).await?;
    app.commit(tx, ()).await
}

/// Everything in the hands of a person who leaves goes back to its queue, in its place.
pub(crate) async fn give_back_all(tx: &mut Tx, tenant: TenantId, user: UserId) -> Result<()> {
    for item in stored::held_by(tx, tenant, user).await? {
        crate::work::give_back(tx, &item).await?;
    }
    Ok(())
}

// -- reading ---------------------------------------------------------------------------------

impl Reader {
    /// All members with what they are doing; colleagues see it, too, to know whom to ask.
    pub async fn agents(&self) -> Result<Vec<Agent>> {
        let members = memberships::list(self.db(), self.tenant_id()).await?;
        self.agents_of(members).await
    }

    pub async fn agent(&self, id: UserId) -> Result<Agent> {
        let mut members = memberships::list(self.db(), self.tenant_id()).await?;
        members.retain(|member| member.user.id == id);
        let found = self.agents_of(members).await?.pop();
        found.ok_or(Error::not_found("agent"))
    }

    async fn agents_of(&self, members: Vec<Member>) -> Result<Vec<Agent>> {
        let (tenant, now) = (self.tenant_id(), self.now());
        let states = stored::agent_states(self.db(), tenant).await?;
        let mut states: BTreeMap<_, _> = states.into_iter().map(|s| (s.user_id, s)).collect();
        let presences = leases::presences(self.db(), tenant, now).await?;
        let mut held: BTreeMap<UserId, Vec<WorkItem>> = BTreeMap::new();
        for item in stored::items_in_hands(self.db(), tenant).await? {
            if let Some(agent) = item.agent_id() {
                held.entry(agent).or_default().push(item);
            }
        }
        let agent = |member: Member| {
            let id = member.user.id;
            let state = states
                .remove(&id)
                .unwrap_or_else(|| AgentState::offline(id, tenant, member.membership.created_at));
            let seen = presences.iter().find(|p| p.user_id == id);
            let held = held.get(&id).map(Vec::as_slice).unwrap_or_default();
            let presence = routing::derived_presence(&state, seen, held, now);
            Agent {
                user: member.user,
                state,
                presence,
            }
        };
        Ok(members.into_iter().map(agent).collect())
    }
}
