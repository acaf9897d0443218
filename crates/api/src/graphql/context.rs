//! What a resolver may ask of its request: who asks, and a reader that already knows her scope.
//!
//! Resolvers cannot get an unscoped reader: the only way to data is `app::Reader` of the actor.

use super::error::{coded, unauthenticated};
use app::{App, Reader};
use async_graphql::{Context, Result};
use domain::permission::{Actor, Permission};
use std::net::IpAddr;
use std::sync::Mutex;

/// Made by the transport for every operation and put into the context.
pub struct RequestContext {
    pub app: App,
    pub actor: Option<Actor>,
    /// The address throttles and audit entries see.
    pub ip: Option<IpAddr>,
    pub user_agent: String,
    /// Value of the HttpOnly refresh cookie; only HTTP requests have it.
    pub refresh_token: Option<String>,
    /// What the response must do with that cookie, filled by sign-in, refresh and sign-out.
    pub cookie: Mutex<CookieChange>,
    /// Present on a WebSocket: lets `renewSocket` extend it.
    pub socket: Option<std::sync::Arc<dyn Socket>>,
}

/// The socket an operation came over.
pub trait Socket: Send + Sync {
    /// Lives on until `expires_at` as `actor`; refused when the actor is another person.
    fn renew(&self, actor: Actor, expires_at: domain::Time) -> bool;
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub enum CookieChange {
    #[default]
    Keep,
    Set(String),
    Clear,
}

impl RequestContext {
    pub fn change_cookie(&self, change: CookieChange) {
        *self.cookie.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = change;
    }
}

pub fn request<'a>(ctx: &Context<'a>) -> Result<&'a RequestContext> {
    ctx.data::<RequestContext>()
}

pub fn app<'a>(ctx: &Context<'a>) -> Result<&'a App> {
    Ok(&request(ctx)?.app)
}

/// The signed-in member, or the error every anonymous request gets.
pub fn actor<'a>(ctx: &Context<'a>) -> Result<&'a Actor> {
    request(ctx)?.actor.as_ref().ok_or_else(unauthenticated)
}

/// A reader scoped to the actor, after checking that she may read at all.
pub fn reader(ctx: &Context<'_>) -> Result<Reader> {
    reader_for(ctx, Permission::Read)
}

/// A reader for fields that need more than `Read`.
pub fn reader_for(ctx: &Context<'_>, permission: Permission) -> Result<Reader> {
    let actor = actor(ctx)?;
    actor.may(permission).map_err(|denied| coded("FORBIDDEN", denied.to_string()))?;
    Ok(Reader::new(app(ctx)?.clone(), actor.clone()))
}
