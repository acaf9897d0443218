//! API tokens: keys of a member for programs. Scopes narrow the member's role, never widen it.
//!
//! Invariant: the secret is shown once and only its hash is stored; a token cannot make tokens.

use crate::bus::Revocation;
use crate::tokens::Opaque;
use crate::{App, Error, Result, audit};
use domain::people::{ApiToken, Membership, TokenScope};
use domain::permission::{Actor, Permission};
use domain::{ApiTokenId, Time};
use secrecy::SecretString;
use serde_json::json;
use store::Tx;
use store::queries::{api_tokens, memberships, users};

const NAME_CHARS_MAX: usize = 100;
/// Live tokens one member may hold.
const LIVE_MAX: usize = 50;

/// What a new token shall be.
#[derive(Debug, Clone)]
pub struct NewApiToken {
    pub name: String,
    pub scopes: Vec<TokenScope>,
    pub expires_at: Option<Time>,
}

impl NewApiToken {
    fn checked(mut self, now: Time) -> Result<Self> {
        self.name = crate::people::checked_name("name", &self.name, NAME_CHARS_MAX)?;
        self.scopes.sort();
        self.scopes.dedup();
        if self.scopes.is_empty() {
            return Err(Error::invalid("scopes", "choose at least one"));
        }
        if self.expires_at.is_some_and(|end| end <= now) {
            return Err(Error::invalid("expiresAt", "this is in the past"));
        }
        Ok(self)
    }
}

pub async fn list(app: &App, actor: &Actor) -> Result<Vec<ApiToken>> {
    actor.may(Permission::ManageOwnAccess)?;
    Ok(api_tokens::list(&app.read(), actor.tenant_id, actor.user_id).await?)
}

pub async fn create(
    app: &App,
    actor: &Actor,
    wanted: NewApiToken,
) -> Result<(ApiToken, SecretString)> {
    actor.may(Permission::ManageOwnAccess)?;
    let tx = app.begin(actor.tenant_id, "api_tokens.create").await?;
    let membership = memberships::find(&tx, actor.tenant_id, actor.user_id)
        .await?
        .ok_or(Error::Forbidden)?;
    let (token, secret) = insert(&tx, &membership, wanted).await?;
    let detail = json!({ "name": token.name, "scopes": token.scopes });
    audit::record(&tx, actor, "api_token.create", token.id, detail).await?;
    app.commit(tx, (token, secret)).await
}

/// For whoever holds the machine (`meari token create`): a token of the person with this address,
/// in the first tenant she joined.
pub async fn create_at_console(
    app: &App,
    email: &str,
    wanted: NewApiToken,
) -> Result<(ApiToken, SecretString)> {
    let email = crate::auth::normal_email(email)?;
    let tx = app
        .store
        .begin_global("api_tokens.create_at_console")
        .await?;
    let (user, _) = users::by_email(&tx, &email)
        .await?
        .ok_or(Error::not_found("user"))?;
    let memberships = memberships::of_user(&tx, user.id).await?;
    let membership = memberships.first().ok_or(Error::not_found("membership"))?;
    let (token, secret) = insert(&tx, membership, wanted).await?;
    audit::record_person(
        &tx,
        token.tenant_id,
        user.id,
        "console",
        "api_token.create",
        token.id,
    )
    .await?;
    app.commit(tx, (token, secret)).await
}

async fn insert(
    tx: &Tx,
    membership: &Membership,
    wanted: NewApiToken,
) -> Result<(ApiToken, SecretString)> {
    let now = tx.now();
    let wanted = wanted.checked(now)?;
    let existing = api_tokens::list(tx, membership.tenant_id, membership.user_id).await?;
    let live = existing
        .iter()
        .filter(|token| token.revoked_at.is_none() && token.expires_at.is_none_or(|end| now < end));
    if live.count() >= LIVE_MAX {
        return Err(Error::conflict(
            "TOO_MANY",
            "revoke a token that is no longer used first",
        ));
    }
    let opaque = Opaque::Api.generate();
    let token = ApiToken {
        id: ApiTokenId::new(now),
        tenant_id: membership.tenant_id,
        user_id: membership.user_id,
        name: wanted.name,
        scopes: wanted.scopes,
        created_at: now,
        last_used_at: None,
        expires_at: wanted.expires_at,
        revoked_at: None,
    };
    api_tokens::insert(tx, &token, &opaque.hash).await?;
    Ok((token, opaque.text))
}

/// Her own token, or anybody's in the tenant for those who administer it. Revoking again is done.
pub async fn revoke(app: &App, actor: &Actor, id: ApiTokenId) -> Result<ApiToken> {
    actor.may(Permission::ManageOwnAccess)?;
    let tx = app.begin(actor.tenant_id, "api_tokens.revoke").await?;
    let mut token = api_tokens::find(&tx, actor.tenant_id, id)
        .await?
        .filter(|token| token.user_id == actor.user_id || actor.may(Permission::Administer).is_ok())
        .ok_or(Error::not_found("API token"))?;
    if token.revoked_at.is_some() {
        return Ok(token);
    }
    api_tokens::revoke(&tx, actor.tenant_id, id).await?;
    token.revoked_at = Some(tx.now());
    let detail = json!({ "name": token.name });
    audit::record(&tx, actor, "api_token.revoke", id, detail).await?;
    let token = app.commit(tx, token).await?;
    app.bus.revoked(Revocation::Token(id));
    Ok(token)
}
