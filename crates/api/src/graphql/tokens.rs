//! API tokens of the viewer.

use super::context::{actor_who_may, app};
use super::error::{Problem, outcome};
use super::words::{TokenScope, id, parse};
use app::api_tokens::{self, NewApiToken};
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use domain::Time;
use domain::permission::Permission;
use secrecy::ExposeSecret;

#[derive(SimpleObject)]
pub struct ApiToken {
    pub id: ID,
    pub name: String,
    pub scopes: Vec<TokenScope>,
    pub created_at: Time,
    pub last_used_at: Option<Time>,
    pub expires_at: Option<Time>,
    pub revoked_at: Option<Time>,
}

impl From<domain::people::ApiToken> for ApiToken {
    fn from(token: domain::people::ApiToken) -> Self {
        Self {
            id: id(token.id),
            name: token.name,
            scopes: token.scopes.into_iter().map(TokenScope::from).collect(),
            created_at: token.created_at,
            last_used_at: token.last_used_at,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
        }
    }
}

#[derive(SimpleObject)]
pub struct ApiTokenPayload {
    pub problem: Option<Problem>,
    pub api_token: Option<ApiToken>,
    /// Shown once.
    pub secret: Option<String>,
}

impl ApiTokenPayload {
    fn of(result: app::Result<(domain::people::ApiToken, Option<String>)>) -> Result<Self> {
        Ok(match outcome(result)? {
            Ok((token, secret)) => Self {
                problem: None,
                api_token: Some(token.into()),
                secret,
            },
            Err(problem) => Self {
                problem: Some(problem),
                api_token: None,
                secret: None,
            },
        })
    }
}

#[derive(Default)]
pub struct TokensQuery;

#[Object]
impl TokensQuery {
    async fn api_tokens(&self, ctx: &Context<'_>) -> Result<Vec<ApiToken>> {
        let actor = actor_who_may(ctx, Permission::ManageOwnAccess)?;
        let tokens = api_tokens::list(app(ctx)?, actor).await?;
        Ok(tokens.into_iter().map(ApiToken::from).collect())
    }
}

#[derive(Default)]
pub struct TokensMutation;

#[Object]
impl TokensMutation {
    async fn create_api_token(
        &self,
        ctx: &Context<'_>,
        name: String,
        scopes: Vec<TokenScope>,
        expires_at: Option<Time>,
    ) -> Result<ApiTokenPayload> {
        let actor = actor_who_may(ctx, Permission::ManageOwnAccess)?;
        let wanted = NewApiToken {
            name,
            scopes: scopes.into_iter().map(Into::into).collect(),
            expires_at,
        };
        let created = api_tokens::create(app(ctx)?, actor, wanted).await;
        ApiTokenPayload::of(
            created.map(|(token, secret)| (token, Some(secret.expose_secret().to_owned()))),
        )
    }

    async fn revoke_api_token(&self, ctx: &Context<'_>, id: ID) -> Result<ApiTokenPayload> {
        let actor = actor_who_may(ctx, Permission::ManageOwnAccess)?;
        let revoked = api_tokens::revoke(app(ctx)?, actor, parse(&id)?).await;
        ApiTokenPayload::of(revoked.map(|token| (token, None)))
    }
}
