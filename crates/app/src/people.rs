//! Members of a tenant, the tenant itself, and what people change about themselves.
//!
//! Invariants: a tenant always has an owner; only owners touch admins and owners. Both rules look
//! at several rows, so their use cases take turns on the tenant's row and read the actor's own
//! role again inside the turn.

use crate::bus::Revocation;
use crate::{App, Error, Result, agents, audit};
use domain::agent_state::{AgentState, AgentStatus};
use domain::event::{NewEvent, ScopeKey};
use domain::image::{Image, Member};
use domain::people::{Membership, Role, Team, Tenant, User};
use domain::permission::{Actor, Permission};
use domain::{TenantId, UserId};
use serde_json::json;
use store::Tx;
use store::queries::sessions::Reach;
use store::queries::{api_tokens, memberships, sessions, teams, tenants, users};

pub const NAME_CHARS_MAX: usize = 100;
/// Languages the screens and mails speak.
const LOCALES: &[&str] = &["en", "ko"];

/// Names are one visible line.
pub(crate) fn checked_name(field: &'static str, text: &str, chars_max: usize) -> Result<String> {
    let name = text.trim();
    if name.is_empty() {
        return Err(Error::invalid(field, "this must not be empty"));
    }
    if name.chars().count() > chars_max {
        return Err(Error::invalid(
            field,
            format!("use at most {chars_max} characters"),
        ));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::invalid(field, "control characters are not allowed"));
    }
    Ok(name.to_owned())
}

pub(crate) fn checked_locale(text: &str) -> Result<String> {
    LOCALES
        .iter()
        .find(|known| **known == text)
        .map(|known| (*known).to_owned())
        .ok_or_else(|| Error::invalid("locale", "the languages are en and ko"))
}

pub(crate) fn checked_time_zone(text: &str) -> Result<String> {
    if domain::hours::is_time_zone(text) {
        Ok(text.to_owned())
    } else {
        Err(Error::invalid(
            "timeZone",
            "use an IANA name such as Asia/Seoul",
        ))
    }
}

/// Live members in the order they joined.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Member>> {
    actor.may(Permission::Read)?;
    Ok(memberships::list(&app.read(), actor.tenant_id).await?)
}

/// Tells everybody in the tenant how a member is now.
pub(crate) fn emit_member(tx: &mut Tx, member: &Member) {
    let event = NewEvent {
        scope: vec![ScopeKey::Tenant],
        image: Image::Member(Box::new(member.clone())),
    };
    tx.emit_for(member.membership.tenant_id, event);
}

/// A new member with the routing row every agent needs. One who comes back keeps her old row.
pub(crate) async fn join(tx: &mut Tx, user: &User, membership: Membership) -> Result<()> {
    let tenant = membership.tenant_id;
    memberships::insert(tx, &membership).await?;
    if store::routing::agent_state(tx, tenant, user.id)
        .await?
        .is_none()
    {
        let state = AgentState::offline(user.id, tenant, tx.now());
        store::routing::put_agent_state(tx, state).await?;
    }
    let member = Member {
        user: user.clone(),
        membership,
    };
    emit_member(tx, &member);
    Ok(())
}

/// A member whom `actor` is about to change, with the rules of rank checked.
async fn member_to_change(tx: &Tx, actor: &Actor, user: UserId) -> Result<Member> {
    tenants::lock(tx, actor.tenant_id).await?;
    let own = memberships::find(tx, actor.tenant_id, actor.user_id).await?;
    let actor = Actor {
        role: own.ok_or(Error::Forbidden)?.role,
        ..actor.clone()
    };
    actor.may(Permission::Administer)?;
    let membership = memberships::find(tx, actor.tenant_id, user)
        .await?
        .ok_or(Error::not_found("member"))?;
    if membership.role >= Role::Admin && user != actor.user_id {
        actor.may(Permission::Own)?;
    }
    let user = users::find(tx, user)
        .await?
        .ok_or(Error::not_found("member"))?;
    Ok(Member { user, membership })
}

async fn keep_an_owner(tx: &Tx, leaving: &Membership) -> Result<()> {
    let is_last =
        leaving.role == Role::Owner && memberships::count_owners(tx, leaving.tenant_id).await? <= 1;
    if is_last {
        return Err(Error::conflict(
            "LAST_OWNER",
            "make somebody else an owner first",
        ));
    }
    Ok(())
}

pub async fn set_role(app: &App, actor: &Actor, user: UserId, role: Role) -> Result<Member> {
    actor.may(Permission::Administer)?;
    if role >= Role::Admin {
        actor.may(Permission::Own)?;
    }
    let mut tx = app.begin(actor.tenant_id, "people.set_role").await?;
    let mut member = member_to_change(&tx, actor, user).await?;
    let before = member.membership.role;
    if before == role {
        return Ok(member);
    }
    keep_an_owner(&tx, &member.membership).await?;
    memberships::put_role(&tx, actor.tenant_id, user, role).await?;
    member.membership.role = role;
    emit_member(&mut tx, &member);
    let detail = json!({ "from": before, "to": role });
    audit::record(&tx, actor, "member.role", user, detail).await?;
    let member = app.commit(tx, member).await?;
    app.bus.revoked(Revocation::Member(actor.tenant_id, user));
    Ok(member)
}

/// Ends a membership: sessions in this tenant, tokens, teams and the readiness for work end with
/// it. What she wrote stays hers.
pub async fn remove(app: &App, actor: &Actor, user: UserId) -> Result<Member> {
    actor.may(Permission::Administer)?;
    let tenant = actor.tenant_id;
    let mut tx = app.begin(tenant, "people.remove").await?;
    let mut member = member_to_change(&tx, actor, user).await?;
    keep_an_owner(&tx, &member.membership).await?;
    let now = tx.now();
    memberships::remove(&tx, tenant, user, now).await?;
    member.membership.removed_at = Some(now);
    sessions::revoke(&tx, user, Reach::InTenant(tenant)).await?;
    api_tokens::revoke_of_member(&tx, tenant, user).await?;
    leave_work(&mut tx, tenant, user).await?;
    emit_member(&mut tx, &member);
    let detail = json!({ "role": member.membership.role });
    audit::record(&tx, actor, "member.remove", user, detail).await?;
    let member = app.commit(tx, member).await?;
    app.bus.revoked(Revocation::Member(tenant, user));
    Ok(member)
}

/// No offers any more, no team; what she worked on waits in its queue again. Queues skip people
/// who are not members.
async fn leave_work(tx: &mut Tx, tenant: TenantId, user: UserId) -> Result<()> {
    agents::give_back_all(tx, tenant, user).await?;
    if let Some(state) = store::routing::agent_state(tx, tenant, user).await?
        && state.status != AgentStatus::Offline
    {
        let offline = state.go_offline(tx.now());
        store::routing::put_agent_state(tx, offline).await?;
    }
    for mut team in teams::list(tx, tenant).await? {
        if team.members.contains(&user) {
            team.members.retain(|member| *member != user);
            put_team(tx, &team).await?;
        }
    }
    Ok(())
}

async fn put_team(tx: &mut Tx, team: &Team) -> Result<()> {
    teams::put(tx, team).await?;
    tx.emit(NewEvent {
        scope: vec![ScopeKey::Tenant],
        image: Image::Team(Box::new(team.clone())),
    });
    Ok(())
}

/// What may change about a tenant; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct TenantChange {
    pub name: Option<String>,
    pub time_zone: Option<String>,
    pub locale: Option<String>,
}

pub async fn update_tenant(app: &App, actor: &Actor, change: TenantChange) -> Result<Tenant> {
    actor.may(Permission::Administer)?;
    let tx = app.begin(actor.tenant_id, "people.update_tenant").await?;
    let mut tenant = tenants::lock(&tx, actor.tenant_id).await?;
    let before = tenant.clone();
    if let Some(name) = change.name {
        tenant.name = checked_name("name", &name, NAME_CHARS_MAX)?;
    }
    if let Some(zone) = change.time_zone {
        tenant.time_zone = checked_time_zone(&zone)?;
    }
    if let Some(locale) = change.locale {
        tenant.locale = checked_locale(&locale)?;
    }
    tenants::put(&tx, &tenant).await?;
    let detail = json!({ "from": before, "to": tenant });
    audit::record(&tx, actor, "tenant.update", tenant.id, detail).await?;
    app.commit(tx, tenant).await
}

/// The caller's own name and language, in every tenant she is in.
pub async fn update_viewer(
    app: &App,
    actor: &Actor,
    name: Option<String>,
    locale: Option<String>,
) -> Result<User> {
    actor.may(Permission::ManageOwnAccess)?;
    let mut tx = app.store.begin_global("people.update_viewer").await?;
    let mut user = users::find(&tx, actor.user_id)
        .await?
        .ok_or(Error::not_found("user"))?;
    if let Some(name) = name {
        user.name = checked_name("name", &name, NAME_CHARS_MAX)?;
    }
    if let Some(locale) = locale {
        user.locale = checked_locale(&locale)?;
    }
    users::put(&tx, &user).await?;
    for membership in memberships::of_user(&tx, user.id).await? {
        let member = Member {
            user: user.clone(),
            membership,
        };
        emit_member(&mut tx, &member);
    }
    audit::record(&tx, actor, "user.update", user.id, json!(null)).await?;
    app.commit(tx, user).await
}

/// The signed-in person with everything the first screen asks for.
#[derive(Debug, Clone)]
pub struct Viewer {
    pub user: User,
    pub role: Role,
    pub tenant: Tenant,
    pub tenants: Vec<Tenant>,
}

pub async fn viewer(app: &App, actor: &Actor) -> Result<Viewer> {
    actor.may(Permission::Read)?;
    let db = app.read();
    let user = users::find(&db, actor.user_id).await?;
    let tenants = tenants::of_user(&db, actor.user_id).await?;
    let tenant = tenants.iter().find(|t| t.id == actor.tenant_id).cloned();
    Ok(Viewer {
        user: user.ok_or(Error::not_found("user"))?,
        role: actor.role,
        tenant: tenant.ok_or(Error::not_found("tenant"))?,
        tenants,
    })
}

pub async fn tenant(app: &App, actor: &Actor) -> Result<Tenant> {
    actor.may(Permission::Read)?;
    tenants::find(&app.read(), actor.tenant_id)
        .await?
        .ok_or(Error::not_found("tenant"))
}
