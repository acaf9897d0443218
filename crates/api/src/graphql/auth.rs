//! Sign-in: set-up, sessions, passwords. The refresh token travels only in its cookie.

use super::context::{actor, actor_who_may, app};
use super::error::{DonePayload, Problem, outcome};
use super::people::Viewer;
use super::words::{id, parse};
use crate::auth::{Peer, RefreshCookies, RefreshToken};
use crate::graphql_ws::SocketHandle;
use app::auth::{Client, SignedIn};
use app::setup::Setup;
use app::tokens::Issued;
use app::{auth, invitations, password_change, setup};
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use domain::Time;
use domain::people::Session as DomainSession;
use domain::permission::{Actor, Credential, Permission};
use secrecy::ExposeSecret;

#[derive(SimpleObject)]
pub struct SetupState {
    pub needed: bool,
    /// What the sign-in page of a demo offers.
    pub demo: Option<DemoHint>,
    pub version: String,
}

#[derive(SimpleObject)]
pub struct DemoHint {
    pub email: String,
    pub password: String,
}

#[derive(InputObject)]
pub struct SetupInput {
    tenant: String,
    email: String,
    name: String,
    password: String,
    locale: Option<String>,
    time_zone: Option<String>,
}

#[derive(SimpleObject)]
pub struct Session {
    pub id: ID,
    pub user_agent: String,
    pub ip: String,
    pub created_at: Time,
    pub last_seen_at: Time,
    /// The one that asks.
    pub current: bool,
}

impl Session {
    fn of(session: DomainSession, actor: &Actor) -> Self {
        Self {
            id: id(session.id),
            user_agent: session.user_agent,
            ip: session.ip,
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            current: actor.credential == Credential::Session(session.id),
        }
    }
}

#[derive(SimpleObject, Default)]
pub struct SessionPayload {
    pub problem: Option<Problem>,
    pub access_token: Option<String>,
    pub expires_at: Option<Time>,
    pub viewer: Option<Viewer>,
}

impl SessionPayload {
    async fn granted(ctx: &Context<'_>, access: &Issued, actor: &Actor) -> Result<Self> {
        Ok(Self {
            problem: None,
            access_token: Some(access.token.expose_secret().to_owned()),
            expires_at: Some(access.expires_at),
            viewer: Some(Viewer::of(ctx, actor).await?),
        })
    }
}

fn client(ctx: &Context<'_>) -> Result<Client> {
    let peer: &Peer = ctx.data()?;
    Ok(Client {
        ip: peer.ip,
        user_agent: peer.user_agent.clone(),
    })
}

/// Puts the refresh token into its cookie and the rest into the payload.
async fn signed_in(ctx: &Context<'_>, result: app::Result<SignedIn>) -> Result<SessionPayload> {
    match outcome(result)? {
        Ok(signed_in) => {
            let seconds = (signed_in.refresh_expires_at - app(ctx)?.now()).num_seconds();
            let cookie = ctx.data::<RefreshCookies>()?.keep(
                signed_in.refresh.expose_secret(),
                u64::try_from(seconds).unwrap_or(0),
            );
            ctx.append_http_header("set-cookie", cookie);
            SessionPayload::granted(ctx, &signed_in.access, &signed_in.actor).await
        }
        Err(problem) => Ok(SessionPayload {
            problem: Some(problem),
            ..SessionPayload::default()
        }),
    }
}

fn forget_cookie(ctx: &Context<'_>) -> Result<()> {
    let cookie = ctx.data::<RefreshCookies>()?.forget();
    ctx.append_http_header("set-cookie", cookie);
    Ok(())
}

#[derive(Default)]
pub struct AuthQuery;

#[Object]
impl AuthQuery {
    /// Public. What the first screen needs before anyone signs in.
    async fn setup_state(&self, ctx: &Context<'_>) -> Result<SetupState> {
        let app = app(ctx)?;
        let demo = app.config.demo.clone();
        Ok(SetupState {
            needed: setup::is_needed(app).await?,
            demo: demo.map(|(email, password)| DemoHint { email, password }),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    async fn sessions(&self, ctx: &Context<'_>) -> Result<Vec<Session>> {
        let actor = actor_who_may(ctx, Permission::ManageOwnAccess)?;
        let sessions = auth::list_sessions(app(ctx)?, actor).await?;
        Ok(sessions
            .into_iter()
            .map(|s| Session::of(s, actor))
            .collect())
    }
}

#[derive(Default)]
pub struct AuthMutation;

#[Object]
impl AuthMutation {
    /// Public, once: makes the first tenant and its owner and signs her in.
    async fn setup(&self, ctx: &Context<'_>, input: SetupInput) -> Result<SessionPayload> {
        let input = Setup {
            tenant: input.tenant,
            email: input.email,
            name: input.name,
            password: input.password.into(),
            locale: input.locale,
            time_zone: input.time_zone,
        };
        let result = setup::run(app(ctx)?, &client(ctx)?, input).await;
        signed_in(ctx, result).await
    }

    /// Public.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        email: String,
        password: String,
    ) -> Result<SessionPayload> {
        let result = auth::sign_in(app(ctx)?, &client(ctx)?, &email, password.into()).await;
        signed_in(ctx, result).await
    }

    /// Public. Uses the HttpOnly refresh cookie.
    async fn refresh(&self, ctx: &Context<'_>) -> Result<SessionPayload> {
        let token = ctx.data::<RefreshToken>()?.0.clone().unwrap_or_default();
        let result = auth::refresh(app(ctx)?, &client(ctx)?, &token).await;
        if matches!(&result, Err(app::Error::Conflict { .. })) {
            // The session is over, so the cookie is of no use to anybody.
            forget_cookie(ctx)?;
        }
        signed_in(ctx, result).await
    }

    async fn sign_out(&self, ctx: &Context<'_>) -> Result<DonePayload> {
        let actor = actor_who_may(ctx, Permission::ManageOwnAccess)?;
        let result = auth::sign_out(app(ctx)?, actor).await;
        forget_cookie(ctx)?;
        DonePayload::of(result)
    }

    /// Over a WebSocket only: the socket lives on under the new token, without a drop.
    async fn renew_socket(&self, ctx: &Context<'_>, access_token: String) -> Result<DonePayload> {
        actor(ctx)?;
        let Some(socket) = ctx.data_opt::<SocketHandle>() else {
            let refused = app::Error::conflict("UNSUPPORTED", "only a WebSocket can be renewed");
            return DonePayload::of(Err(refused));
        };
        socket.renew(&access_token).await?;
        Ok(DonePayload::default())
    }

    async fn switch_tenant(&self, ctx: &Context<'_>, tenant_id: ID) -> Result<SessionPayload> {
        let actor = actor_who_may(ctx, Permission::ManageOwnAccess)?;
        let result = auth::switch_tenant(app(ctx)?, actor, parse(&tenant_id)?).await;
        match outcome(result)? {
            Ok((access, there)) => SessionPayload::granted(ctx, &access, &there).await,
            Err(problem) => Ok(SessionPayload {
                problem: Some(problem),
                ..SessionPayload::default()
            }),
        }
    }

    /// Public. Always answers done, so that addresses cannot be probed.
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        email: String,
    ) -> Result<DonePayload> {
        DonePayload::of(password_change::request(app(ctx)?, &client(ctx)?, &email).await)
    }

    /// Public.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        token: String,
        password: String,
    ) -> Result<DonePayload> {
        let client = client(ctx)?;
        DonePayload::of(password_change::reset(app(ctx)?, &client, &token, password.into()).await)
    }

    async fn change_password(
        &self,
        ctx: &Context<'_>,
        current: String,
        password: String,
    ) -> Result<DonePayload> {
        let actor = actor_who_may(ctx, Permission::ManageOwnAccess)?;
        let (current, password) = (current.into(), password.into());
        DonePayload::of(password_change::change(app(ctx)?, actor, current, password).await)
    }

    /// Public. The invited person chooses her name and password (or gives the one she has).
    async fn accept_invitation(
        &self,
        ctx: &Context<'_>,
        token: String,
        name: String,
        password: String,
    ) -> Result<SessionPayload> {
        let client = client(ctx)?;
        let result = invitations::accept(app(ctx)?, &client, &token, &name, password.into()).await;
        signed_in(ctx, result).await
    }

    async fn revoke_session(&self, ctx: &Context<'_>, id: ID) -> Result<DonePayload> {
        let actor = actor_who_may(ctx, Permission::ManageOwnAccess)?;
        DonePayload::of(auth::revoke_session(app(ctx)?, actor, parse(&id)?).await)
    }
}
