//! What a resolver may ask of its request.

use crate::auth::Caller;
use crate::fault::{Code, Fault};
use app::{App, Reader};
use async_graphql::{Context, Result};
use domain::permission::{Actor, Permission};

pub fn app<'a>(ctx: &Context<'a>) -> Result<&'a App> {
    ctx.data::<App>()
}

/// The signed-in member, or the error every anonymous request gets.
pub fn actor<'a>(ctx: &Context<'a>) -> Result<&'a Actor> {
    let caller: &Caller = ctx.data()?;
    Ok(caller.actor()?)
}

/// The signed-in member, who also holds `permission`.
pub fn actor_who_may<'a>(ctx: &Context<'a>, permission: Permission) -> Result<&'a Actor> {
    let actor = actor(ctx)?;
    actor
        .may(permission)
        .map_err(|denied| Fault::new(Code::Forbidden, denied.to_string()))?;
    Ok(actor)
}

/// Reads that know who asks, for the signed-in member who may read.
pub fn reader(ctx: &Context<'_>) -> Result<Reader> {
    super::loaders::shared_reader(ctx)
}
