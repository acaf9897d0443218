//! Agents: status, presence, capacity, proficiencies.

use super::change::Proficiency;
use super::context::{actor_who_may, app, reader};
use super::error::payload;
use super::people::{User, Viewer};
use super::words::{AgentPresence, AgentStatus, id, int, parse};
use app::{Reader, agents};
use async_graphql::{ComplexObject, Context, ID, InputObject, Json, Object, Result, SimpleObject};
use domain::Time;
use domain::permission::Permission;
use std::collections::BTreeMap;

#[derive(SimpleObject)]
pub struct Agent {
    pub user_id: ID,
    pub user: User,
    pub status: AgentStatus,
    pub reason: Option<String>,
    pub presence: AgentPresence,
    pub load: i32,
    /// Slots per channel; `*` stands for those not named.
    pub capacity: Json<BTreeMap<String, i64>>,
    pub proficiencies: Vec<Proficiency>,
    /// Channels of which she takes nothing new now.
    pub channels_off: Vec<String>,
    /// What she becomes when the last of her work is over; until then nothing new is offered to her.
    pub next_status: Option<AgentStatus>,
    pub next_reason: Option<String>,
    pub status_since: Time,
}

impl From<agents::Agent> for Agent {
    fn from(agent: agents::Agent) -> Self {
        let state = agent.state;
        let proficiency = |p: domain::queue::Proficiency| Proficiency {
            skill_id: id(p.skill_id),
            level: p.level,
        };
        Self {
            user_id: id(state.user_id),
            user: agent.user.into(),
            status: state.status.into(),
            reason: state.reason,
            presence: agent.presence.into(),
            load: int(state.load),
            capacity: Json(state.capacity),
            proficiencies: state.proficiencies.into_iter().map(proficiency).collect(),
            channels_off: state.channels_off.into_iter().collect(),
            next_status: state.next.as_ref().map(|next| next.status.into()),
            next_reason: state.next.and_then(|next| next.reason),
            status_since: state.status_since,
        }
    }
}

#[derive(InputObject)]
pub struct ProficiencyInput {
    skill_id: ID,
    level: i32,
}

impl ProficiencyInput {
    fn read(self) -> Result<domain::queue::Proficiency> {
        Ok(domain::queue::Proficiency {
            skill_id: parse(&self.skill_id)?,
            level: self.level,
        })
    }
}

#[ComplexObject]
impl Viewer {
    /// The viewer as an agent.
    async fn agent(&self, ctx: &Context<'_>) -> Result<Agent> {
        let reader = Reader::new(app(ctx)?.clone(), self.actor.clone());
        Ok(reader.agent(self.actor.user_id).await?.into())
    }
}

payload!(AgentPayload, agent: Agent);

#[derive(Default)]
pub struct AgentQuery;

#[Object]
impl AgentQuery {
    async fn agents(&self, ctx: &Context<'_>) -> Result<Vec<Agent>> {
        let agents = reader(ctx)?.agents().await?;
        Ok(agents.into_iter().map(Agent::from).collect())
    }
}

#[derive(Default)]
pub struct AgentMutation;

#[Object]
impl AgentMutation {
    /// The viewer's own state; with `userId` somebody else's, for supervisors. `whenFree`: a break, or
    /// going offline, waits until the last of the work is over; until then nothing new is offered.
    async fn set_agent_state(
        &self,
        ctx: &Context<'_>,
        status: AgentStatus,
        reason: Option<String>,
        user_id: Option<ID>,
        #[graphql(default = false)] when_free: bool,
    ) -> Result<AgentPayload> {
        let actor = actor_who_may(ctx, Permission::WorkTickets)?;
        let of = user_id.as_ref().map(parse).transpose()?;
        let (status, reason) = (status.into(), reason.as_deref());
        let app = app(ctx)?;
        AgentPayload::of(if when_free {
            agents::finish_first(app, actor, of, status, reason).await
        } else {
            agents::set_state(app, actor, of, status, reason).await
        })
    }

    /// Channels of which the viewer takes nothing new now, all of them; with `userId` somebody
    /// else's, for supervisors.
    async fn set_channels_off(
        &self,
        ctx: &Context<'_>,
        off: Vec<String>,
        user_id: Option<ID>,
    ) -> Result<AgentPayload> {
        let actor = actor_who_may(ctx, Permission::WorkTickets)?;
        let of = user_id.as_ref().map(parse).transpose()?;
        let off = off.into_iter().collect();
        AgentPayload::of(agents::set_channels_off(app(ctx)?, actor, of, off).await)
    }

    async fn set_capacity(
        &self,
        ctx: &Context<'_>,
        user_id: ID,
        capacity: Json<BTreeMap<String, i64>>,
    ) -> Result<AgentPayload> {
        let actor = actor_who_may(ctx, Permission::Supervise)?;
        let of = parse(&user_id)?;
        AgentPayload::of(agents::set_capacity(app(ctx)?, actor, of, capacity.0).await)
    }

    async fn set_proficiencies(
        &self,
        ctx: &Context<'_>,
        user_id: ID,
        proficiencies: Vec<ProficiencyInput>,
    ) -> Result<AgentPayload> {
        let actor = actor_who_may(ctx, Permission::Supervise)?;
        let of = parse(&user_id)?;
        let list: Result<Vec<_>> = proficiencies
            .into_iter()
            .map(ProficiencyInput::read)
            .collect();
        AgentPayload::of(agents::set_proficiencies(app(ctx)?, actor, of, list?).await)
    }
}
