//! Teams: named groups of members, for mentions and lists. They give no rights.

use crate::people::{NAME_CHARS_MAX, checked_name};
use crate::{App, Error, Reader, Result, audit};
use domain::event::{NewEvent, ScopeKey};
use domain::image::Image;
use domain::people::Team;
use domain::permission::{Actor, Permission};
use domain::{TeamId, UserId};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use store::Tx;
use store::queries::{memberships, teams, tenants};

const TEAMS_MAX: usize = 500;

/// A new team without `id`, else new words and members for it.
pub async fn save(
    app: &App,
    actor: &Actor,
    id: Option<TeamId>,
    name: &str,
    members: Vec<UserId>,
) -> Result<Team> {
    actor.may(Permission::Administer)?;
    let name = checked_name("name", name, NAME_CHARS_MAX)?;
    let tenant = actor.tenant_id;
    let mut tx = app.begin(tenant, "save_team").await?;
    // Names are compared with all others, so savers wait for each other.
    tenants::lock(&tx, tenant).await?;
    let all = teams::list(&tx, tenant).await?;
    if all
        .iter()
        .any(|t| Some(t.id) != id && t.name.eq_ignore_ascii_case(&name))
    {
        return Err(Error::invalid("name", "another team has this name"));
    }
    match id {
        Some(id) if !all.iter().any(|t| t.id == id) => return Err(Error::not_found("team")),
        None if all.len() >= TEAMS_MAX => {
            let rule = format!("a tenant has at most {TEAMS_MAX} teams");
            return Err(Error::invalid("name", rule));
        }
        _ => {}
    }
    let team = Team {
        id: id.unwrap_or_else(|| TeamId::new(tx.now())),
        tenant_id: tenant,
        name,
        members: known_members(&tx, actor, members).await?,
    };
    teams::put(&tx, &team).await?;
    tell(&mut tx, &team);
    let detail = json!({ "name": team.name, "members": team.members.len() });
    audit::record(&tx, actor, "team.save", team.id, detail).await?;
    app.commit(tx, team).await
}

async fn known_members(tx: &Tx, actor: &Actor, members: Vec<UserId>) -> Result<Vec<UserId>> {
    let known: BTreeSet<UserId> = memberships::list(tx, actor.tenant_id)
        .await?
        .into_iter()
        .map(|member| member.user.id)
        .collect();
    let mut chosen = Vec::new();
    for member in members {
        if !known.contains(&member) {
            let rule = "somebody is no member of this tenant";
            return Err(Error::invalid("members", rule));
        }
        if !chosen.contains(&member) {
            chosen.push(member);
        }
    }
    Ok(chosen)
}

/// Deletes it; its people lose nothing but the group. Screens learn it by an empty, nameless image.
pub async fn delete(app: &App, actor: &Actor, id: TeamId) -> Result<Team> {
    actor.may(Permission::Administer)?;
    let tenant = actor.tenant_id;
    let mut tx = app.begin(tenant, "delete_team").await?;
    let team = teams::find(&tx, tenant, id)
        .await?
        .ok_or(Error::not_found("team"))?;
    teams::delete(&tx, tenant, id).await?;
    let gone = Team {
        name: String::new(),
        members: Vec::new(),
        ..team.clone()
    };
    tell(&mut tx, &gone);
    audit::record(&tx, actor, "team.delete", id, Value::Null).await?;
    app.commit(tx, team).await
}

fn tell(tx: &mut Tx, team: &Team) {
    tx.emit(NewEvent {
        scope: vec![ScopeKey::Tenant],
        image: Image::Team(Box::new(team.clone())),
    });
}

impl Reader {
    pub async fn teams(&self) -> Result<Vec<Team>> {
        Ok(teams::list(self.db(), self.tenant_id()).await?)
    }
}
