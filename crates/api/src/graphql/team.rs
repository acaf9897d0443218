//! Teams.

use super::context::{actor_who_may, app, reader};
use super::error::payload;
use super::words::{id, parse, parse_all};
use app::teams;
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use domain::permission::Permission;

#[derive(SimpleObject)]
pub struct Team {
    pub id: ID,
    pub name: String,
    pub members: Vec<ID>,
}

impl From<domain::people::Team> for Team {
    fn from(team: domain::people::Team) -> Self {
        Self {
            id: id(team.id),
            name: team.name,
            members: team.members.into_iter().map(id).collect(),
        }
    }
}

payload!(TeamPayload, team: Team);

#[derive(Default)]
pub struct TeamQuery;

#[Object]
impl TeamQuery {
    async fn teams(&self, ctx: &Context<'_>) -> Result<Vec<Team>> {
        let teams = reader(ctx)?.teams().await?;
        Ok(teams.into_iter().map(Team::from).collect())
    }
}

#[derive(Default)]
pub struct TeamMutation;

#[Object]
impl TeamMutation {
    async fn save_team(
        &self,
        ctx: &Context<'_>,
        id: Option<ID>,
        name: String,
        members: Vec<ID>,
    ) -> Result<TeamPayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        let id = id.as_ref().map(parse).transpose()?;
        let members = parse_all(&members)?;
        TeamPayload::of(teams::save(app(ctx)?, actor, id, &name, members).await)
    }

    async fn delete_team(&self, ctx: &Context<'_>, id: ID) -> Result<TeamPayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        TeamPayload::of(teams::delete(app(ctx)?, actor, parse(&id)?).await)
    }
}
