//! Queues: who serves them and what they ask for.

use super::context::{actor_who_may, app, reader};
use super::error::payload;
use super::queue_routing::{QueueRouting, QueueRoutingInput};
use super::words::{id, int, parse};
use app::queues::{self, SaveQueue};
use async_graphql::{ComplexObject, Context, ID, InputObject, Object, Result, SimpleObject};
use domain::Time;
use domain::permission::Permission;
use domain::queue;

#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Queue {
    pub id: ID,
    pub name: String,
    /// Palette index of its dot.
    pub color: i32,
    pub offer_ttl_seconds: i32,
    pub target_seconds: i32,
    pub required_skills: Vec<RequiredSkill>,
    pub members: Vec<QueueMember>,
    pub archived_at: Option<Time>,
    #[graphql(skip)]
    own: queue::QueueRouting,
}

#[ComplexObject]
impl Queue {
    /// What is special about how it routes.
    async fn routing(&self, ctx: &Context<'_>) -> Result<QueueRouting> {
        Ok(QueueRouting::of(self.own.clone(), app(ctx)?.now()))
    }
}

#[derive(SimpleObject)]
pub struct RequiredSkill {
    pub skill_id: ID,
    pub level_min: i32,
}

#[derive(SimpleObject)]
pub struct QueueMember {
    pub user_id: ID,
    /// 1 serves first.
    pub priority: i32,
    pub delay_seconds: i32,
}

impl From<queue::Queue> for Queue {
    fn from(queue: queue::Queue) -> Self {
        let member = |member: queue::QueueMember| QueueMember {
            user_id: id(member.user_id),
            priority: member.priority,
            delay_seconds: int(member.delay_s),
        };
        Self {
            id: id(queue.id),
            name: queue.name,
            color: queue.color,
            offer_ttl_seconds: int(queue.offer_ttl_s),
            target_seconds: int(queue.target_s),
            required_skills: queue
                .required_skills
                .into_iter()
                .map(RequiredSkill::from)
                .collect(),
            members: queue.members.into_iter().map(member).collect(),
            archived_at: queue.archived_at,
            own: queue.routing,
        }
    }
}

impl From<queue::RequiredSkill> for RequiredSkill {
    fn from(skill: queue::RequiredSkill) -> Self {
        Self {
            skill_id: id(skill.skill_id),
            level_min: skill.level_min,
        }
    }
}

/// Without `id` a new queue; absent fields stay as they are.
#[derive(InputObject)]
pub struct QueueInput {
    id: Option<ID>,
    name: String,
    color: Option<i32>,
    offer_ttl_seconds: Option<i32>,
    target_seconds: Option<i32>,
    required_skills: Option<Vec<RequiredSkillInput>>,
    members: Option<Vec<QueueMemberInput>>,
    routing: Option<QueueRoutingInput>,
}

#[derive(InputObject)]
pub struct RequiredSkillInput {
    skill_id: ID,
    level_min: i32,
}

#[derive(InputObject)]
pub struct QueueMemberInput {
    user_id: ID,
    priority: Option<i32>,
    delay_seconds: Option<i32>,
}

impl RequiredSkillInput {
    pub fn read(self) -> Result<queue::RequiredSkill> {
        Ok(queue::RequiredSkill {
            skill_id: parse(&self.skill_id)?,
            level_min: self.level_min,
        })
    }
}

impl QueueMemberInput {
    fn read(self) -> Result<queue::QueueMember> {
        Ok(queue::QueueMember {
            user_id: parse(&self.user_id)?,
            priority: self.priority.unwrap_or(1),
            delay_s: self.delay_seconds.unwrap_or(0).into(),
        })
    }
}

impl QueueInput {
    pub fn read(self) -> Result<SaveQueue> {
        let skills = self
            .required_skills
            .map(|list| list.into_iter().map(RequiredSkillInput::read).collect());
        let members = self
            .members
            .map(|list| list.into_iter().map(QueueMemberInput::read).collect());
        Ok(SaveQueue {
            id: self.id.as_ref().map(parse).transpose()?,
            name: self.name,
            color: self.color,
            offer_ttl_s: self.offer_ttl_seconds.map(Into::into),
            target_s: self.target_seconds.map(Into::into),
            required_skills: skills.transpose()?,
            members: members.transpose()?,
            settings: self
                .routing
                .map(QueueRoutingInput::read)
                .transpose()?
                .unwrap_or_default(),
        })
    }
}

payload!(QueuePayload, queue: Queue);

#[derive(Default)]
pub struct QueueQuery;

#[Object]
impl QueueQuery {
    async fn queues(&self, ctx: &Context<'_>) -> Result<Vec<Queue>> {
        let reader = reader(ctx)?;
        let queues = reader.queues().await?;
        Ok(queues.iter().cloned().map(Queue::from).collect())
    }
}

#[derive(Default)]
pub struct QueueMutation;

#[Object]
impl QueueMutation {
    async fn save_queue(&self, ctx: &Context<'_>, input: QueueInput) -> Result<QueuePayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        QueuePayload::of(queues::save(app(ctx)?, actor, input.read()?).await)
    }

    async fn archive_queue(&self, ctx: &Context<'_>, id: ID) -> Result<QueuePayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        QueuePayload::of(queues::archive(app(ctx)?, actor, parse(&id)?).await)
    }
}
