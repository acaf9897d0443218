//! Developer apps at providers, for those who administer the tenant.

use super::context::{actor, actor_who_may, app};
use super::error::payload;
use super::words::{id, parse};
use app::provider_apps::{self, Save};
use async_graphql::{Context, ID, InputObject, Json, Object, Result};
use domain::permission::Permission;
use serde_json::Value;

pub struct ProviderApp(domain::inbox::ProviderApp);

impl From<domain::inbox::ProviderApp> for ProviderApp {
    fn from(row: domain::inbox::ProviderApp) -> Self {
        Self(row)
    }
}

#[Object]
impl ProviderApp {
    async fn id(&self) -> ID {
        id(self.0.id)
    }

    async fn channel(&self) -> &str {
        &self.0.channel
    }

    async fn name(&self) -> &str {
        &self.0.name
    }

    async fn base_url(&self) -> Option<&str> {
        self.0.base_url.as_deref()
    }

    async fn webhook_url(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(provider_apps::webhook_url(app(ctx)?, actor(ctx)?, &self.0).await?)
    }

    async fn settings(&self) -> Json<Value> {
        Json(provider_apps::shown_settings(&self.0))
    }
}

#[derive(InputObject)]
pub struct ProviderAppInput {
    id: Option<ID>,
    channel: String,
    name: String,
    base_url: Option<String>,
    settings: Json<Value>,
    secrets: Option<Json<Value>>,
}

payload!(ProviderAppPayload, provider_app: ProviderApp);

#[derive(Default)]
pub struct ProviderAppQuery;

#[Object]
impl ProviderAppQuery {
    async fn provider_apps(&self, ctx: &Context<'_>) -> Result<Vec<ProviderApp>> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        let all = provider_apps::list(app(ctx)?, actor).await?;
        Ok(all.into_iter().map(ProviderApp).collect())
    }
}

#[derive(Default)]
pub struct ProviderAppMutation;

#[Object]
impl ProviderAppMutation {
    async fn save_provider_app(
        &self,
        ctx: &Context<'_>,
        input: ProviderAppInput,
    ) -> Result<ProviderAppPayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        let save = Save {
            id: input.id.as_ref().map(parse).transpose()?,
            channel: input.channel,
            name: input.name,
            base_url: input.base_url,
            settings: input.settings.0,
            secrets: input.secrets.map(|json| json.0),
        };
        ProviderAppPayload::of(provider_apps::save(app(ctx)?, actor, save).await)
    }
}
