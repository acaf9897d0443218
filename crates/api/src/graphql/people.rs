//! The viewer, her tenant, its members and invitations.

use super::context::{actor_who_may, app};
use super::error::{outcome, payload};
use super::words::{Role, id, parse};
use app::people::TenantChange;
use app::{invitations, people};
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use domain::Time;
use domain::permission::{Actor, Permission};

#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Viewer {
    /// Who this is, which is not who asked: signing in is asked by nobody, and switching the tenant
    /// by a member of another one.
    #[graphql(skip)]
    pub actor: Actor,
    pub id: ID,
    pub email: String,
    pub name: String,
    pub locale: String,
    pub role: Role,
    pub tenant: Tenant,
    pub tenants: Vec<Tenant>,
    /// What she may do, in words that screens compare.
    pub permissions: Vec<String>,
}

impl Viewer {
    pub async fn of(ctx: &Context<'_>, actor: &Actor) -> Result<Self> {
        let viewer = people::viewer(app(ctx)?, actor).await?;
        let permissions = Permission::ALL
            .iter()
            .filter(|permission| actor.may(**permission).is_ok())
            .map(|permission| permission.as_str().to_owned())
            .collect();
        Ok(Self {
            actor: actor.clone(),
            id: id(viewer.user.id),
            email: viewer.user.email,
            name: viewer.user.name,
            locale: viewer.user.locale,
            role: viewer.role.into(),
            tenant: viewer.tenant.into(),
            tenants: viewer.tenants.into_iter().map(Tenant::from).collect(),
            permissions,
        })
    }
}

#[derive(SimpleObject)]
pub struct Tenant {
    pub id: ID,
    pub name: String,
    pub time_zone: String,
    pub locale: String,
    pub created_at: Time,
}

impl From<domain::people::Tenant> for Tenant {
    fn from(tenant: domain::people::Tenant) -> Self {
        Self {
            id: id(tenant.id),
            name: tenant.name,
            time_zone: tenant.time_zone,
            locale: tenant.locale,
            created_at: tenant.created_at,
        }
    }
}

#[derive(InputObject)]
pub struct TenantInput {
    name: Option<String>,
    time_zone: Option<String>,
    locale: Option<String>,
}

/// A person of the tenant, as colleagues see her.
#[derive(SimpleObject)]
pub struct User {
    pub id: ID,
    pub name: String,
    pub email: String,
}

impl From<domain::people::User> for User {
    fn from(user: domain::people::User) -> Self {
        Self {
            id: id(user.id),
            name: user.name,
            email: user.email,
        }
    }
}

#[derive(SimpleObject)]
pub struct Member {
    pub user: User,
    pub role: Role,
    pub since: Time,
}

impl From<domain::image::Member> for Member {
    fn from(member: domain::image::Member) -> Self {
        Self {
            user: member.user.into(),
            role: member.membership.role.into(),
            since: member.membership.created_at,
        }
    }
}

#[derive(SimpleObject)]
pub struct Invitation {
    pub id: ID,
    pub email: String,
    pub role: Role,
    pub created_at: Time,
    pub expires_at: Time,
    pub accepted_at: Option<Time>,
    pub revoked_at: Option<Time>,
}

impl From<domain::people::Invitation> for Invitation {
    fn from(invitation: domain::people::Invitation) -> Self {
        Self {
            id: id(invitation.id),
            email: invitation.email,
            role: invitation.role.into(),
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
            accepted_at: invitation.accepted_at,
            revoked_at: invitation.revoked_at,
        }
    }
}

payload!(InvitationPayload, invitation: Invitation);
payload!(MemberPayload, member: Member);
payload!(TenantPayload, tenant: Tenant);
payload!(ViewerPayload, viewer: Viewer);

#[derive(Default)]
pub struct PeopleQuery;

#[Object]
impl PeopleQuery {
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        Viewer::of(ctx, actor_who_may(ctx, Permission::Read)?).await
    }

    async fn tenant(&self, ctx: &Context<'_>) -> Result<Tenant> {
        let actor = actor_who_may(ctx, Permission::Read)?;
        Ok(people::tenant(app(ctx)?, actor).await?.into())
    }

    async fn members(&self, ctx: &Context<'_>) -> Result<Vec<Member>> {
        let actor = actor_who_may(ctx, Permission::Read)?;
        let members = people::list(app(ctx)?, actor).await?;
        Ok(members.into_iter().map(Member::from).collect())
    }

    async fn invitations(&self, ctx: &Context<'_>) -> Result<Vec<Invitation>> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        let invitations = invitations::list(app(ctx)?, actor).await?;
        Ok(invitations.into_iter().map(Invitation::from).collect())
    }
}

#[derive(Default)]
pub struct PeopleMutation;

#[Object]
impl PeopleMutation {
    async fn invite(
        &self,
        ctx: &Context<'_>,
        email: String,
        role: Role,
    ) -> Result<InvitationPayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        InvitationPayload::of(invitations::invite(app(ctx)?, actor, &email, role.into()).await)
    }

    async fn revoke_invitation(&self, ctx: &Context<'_>, id: ID) -> Result<InvitationPayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        InvitationPayload::of(invitations::revoke(app(ctx)?, actor, parse(&id)?).await)
    }

    async fn set_role(&self, ctx: &Context<'_>, user_id: ID, role: Role) -> Result<MemberPayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        let user = parse(&user_id)?;
        MemberPayload::of(people::set_role(app(ctx)?, actor, user, role.into()).await)
    }

    async fn remove_member(&self, ctx: &Context<'_>, user_id: ID) -> Result<MemberPayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        MemberPayload::of(people::remove(app(ctx)?, actor, parse(&user_id)?).await)
    }

    async fn update_tenant(&self, ctx: &Context<'_>, input: TenantInput) -> Result<TenantPayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        let change = TenantChange {
            name: input.name,
            time_zone: input.time_zone,
            locale: input.locale,
        };
        TenantPayload::of(people::update_tenant(app(ctx)?, actor, change).await)
    }

    async fn update_viewer(
        &self,
        ctx: &Context<'_>,
        name: Option<String>,
        locale: Option<String>,
    ) -> Result<ViewerPayload> {
        let actor = actor_who_may(ctx, Permission::ManageOwnAccess)?;
        match outcome(people::update_viewer(app(ctx)?, actor, name, locale).await)? {
            Ok(_) => ViewerPayload::of(Ok(Viewer::of(ctx, actor).await?)),
            Err(problem) => Ok(ViewerPayload {
                problem: Some(problem),
                viewer: None,
            }),
        }
    }
}
