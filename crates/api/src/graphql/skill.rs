//! Skills.

use super::context::{actor_who_may, app, reader};
use super::error::payload;
use super::words::{id, parse};
use app::skills;
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use domain::Time;
use domain::permission::Permission;

#[derive(SimpleObject)]
pub struct Skill {
    pub id: ID,
    pub name: String,
    pub archived_at: Option<Time>,
}

impl From<domain::queue::Skill> for Skill {
    fn from(skill: domain::queue::Skill) -> Self {
        Self {
            id: id(skill.id),
            name: skill.name,
            archived_at: skill.archived_at,
        }
    }
}

payload!(SkillPayload, skill: Skill);

#[derive(Default)]
pub struct SkillQuery;

#[Object]
impl SkillQuery {
    async fn skills(&self, ctx: &Context<'_>) -> Result<Vec<Skill>> {
        let skills = reader(ctx)?.skills().await?;
        Ok(skills.into_iter().map(Skill::from).collect())
    }
}

#[derive(Default)]
pub struct SkillMutation;

#[Object]
impl SkillMutation {
    async fn save_skill(
        &self,
        ctx: &Context<'_>,
        id: Option<ID>,
        name: String,
    ) -> Result<SkillPayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        let id = id.as_ref().map(parse).transpose()?;
        SkillPayload::of(skills::save(app(ctx)?, actor, id, &name).await)
    }

    async fn archive_skill(&self, ctx: &Context<'_>, id: ID) -> Result<SkillPayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        SkillPayload::of(skills::archive(app(ctx)?, actor, parse(&id)?).await)
    }
}
