//! New passwords: by the mailed reset, or by whoever knows the old one.
//!
//! Invariants: asking for a reset looks the same for known and unknown addresses, in answer and in
//! work done before the answer; a reset token works once; a new password ends all other sessions.

use crate::auth::{self, Client, normal_email};
use crate::bus::Revocation;
use crate::invitations::{link, open_token};
use crate::mailer::{self, Mail};
use crate::secrets::Place;
use crate::throttle::{self, Keys, Purpose};
use crate::tokens::Opaque;
use crate::{App, Error, Result, audit, passwords};
use chrono::TimeDelta;
use domain::job::Job;
use domain::people::User;
use domain::permission::{Actor, Credential, Permission};
use domain::{SessionId, TenantId, UserId};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use store::queries::sessions::Reach;
use store::queries::{memberships, password_resets, sessions, tenants, users};
use store::{NewJob, Tx};

const LIFE: TimeDelta = TimeDelta::hours(1);

fn sealed_in(row: &str) -> Place<'_> {
    Place {
        table: "jobs",
        column: "sealed_token",
        row,
    }
}

/// Mails a reset link if the address is known. The caller learns nothing either way.
pub async fn request(app: &App, client: &Client, email: &str) -> Result<()> {
    let email = normal_email(email)?;
    let keys = Keys::new(Purpose::Reset, &email, client.ip);
    let mut tx = app.store.begin_global("password_change.request").await?;
    throttle::admit_in(&tx, &keys).await?;
    if let Some((user, _)) = users::by_email(&tx, &email).await? {
        mail_reset(app, &mut tx, client, &user).await?;
    }
    app.commit(tx, ()).await
}

async fn mail_reset(app: &App, tx: &mut Tx, client: &Client, user: &User) -> Result<()> {
    // The job needs a tenant; people without one have nothing to sign in to.
    let memberships = memberships::of_user(tx, user.id).await?;
    let Some(membership) = memberships.first() else {
        return Ok(());
    };
    let tenant = membership.tenant_id;
    let token = Opaque::PasswordReset.generate();
    password_resets::delete_of(tx, user.id).await?;
    password_resets::insert(tx, user.id, &token.hash, tx.now() + LIFE).await?;
    let row = user.id.to_string();
    let wrapped = tenants::data_key(tx, tenant).await?;
    let sealed_token = app
        .vault
        .tenant(tenant, &wrapped)
        .and_then(|sealer| sealer.seal(sealed_in(&row), token.text.expose_secret().as_bytes()))
        .map_err(Error::internal)?;
    let job = Job::SendPasswordReset {
        user: user.id,
        sealed_token,
    };
    tx.enqueue_for(tenant, NewJob::new(job, format!("mail:{row}")));
    let ip = client.ip_text();
    audit::record_person(tx, tenant, user.id, &ip, "password.reset_request", user.id).await
}

fn expired() -> Error {
    Error::conflict("EXPIRED", "this link is no longer valid; ask for a new one")
}

/// Sets a new password with the mailed token and ends every session of the person.
pub async fn reset(app: &App, client: &Client, token: &str, password: SecretString) -> Result<()> {
    let token_hash = Opaque::PasswordReset.hash(token).map_err(|_| expired())?;
    let db = app.read();
    let user = password_resets::find_open(&db, &token_hash, app.now())
        .await?
        .ok_or_else(expired)?;
    let user = users::find(&db, user).await?.ok_or_else(expired)?;
    passwords::check_rules(&password, &user.email)?;
    let hash = app.passwords.hash(password).await?;

    let tx = app.store.begin_global("password_change.reset").await?;
    if password_resets::take(&tx, &token_hash).await? != Some(user.id) {
        return Err(expired());
    }
    let ended = replace(&tx, &user, &hash, Reach::All).await?;
    throttle::succeeded(&tx, &Keys::new(Purpose::SignIn, &user.email, client.ip)).await?;
    for membership in memberships::of_user(&tx, user.id).await? {
        let ip = client.ip_text();
        let tenant = membership.tenant_id;
        audit::record_person(&tx, tenant, user.id, &ip, "password.reset", user.id).await?;
    }
    app.commit(tx, ()).await?;
    announce(app, ended);
    Ok(())
}

/// The caller's own password; she stays signed in here and nowhere else.
pub async fn change(
    app: &App,
    actor: &Actor,
    current: SecretString,
    password: SecretString,
) -> Result<()> {
    actor.may(Permission::ManageOwnAccess)?;
    let Credential::Session(session) = actor.credential else {
        return Err(Error::Forbidden);
    };
    let user = users::find(&app.read(), actor.user_id)
        .await?
        .ok_or(Error::not_found("user"))?;
    passwords::check_rules(&password, &user.email)?;
    // A stolen session must not become a place to guess the password at leisure.
    let keys = Keys::new(Purpose::SignIn, &user.email, None);
    throttle::admit(app, &keys).await?;
    let stored = users::password_hash(&app.read(), user.id).await?;
    if !app.passwords.verify(current, stored.clone()).await? {
        return Err(auth::wrong_password());
    }
    let hash = app.passwords.hash(password).await?;

    let tx = app.store.begin_global("password_change.change").await?;
    if users::password_hash(&tx, user.id).await? != stored {
        return Err(auth::wrong_password());
    }
    throttle::succeeded(&tx, &keys).await?;
    let ended = replace(&tx, &user, &hash, Reach::AllBut(session)).await?;
    audit::record(&tx, actor, "password.change", user.id, json!(null)).await?;
    app.commit(tx, ()).await?;
    announce(app, ended);
    Ok(())
}

async fn replace(tx: &Tx, user: &User, hash: &str, reach: Reach) -> Result<Vec<SessionId>> {
    users::put_password_hash(tx, user.id, hash).await?;
    password_resets::delete_of(tx, user.id).await?;
    Ok(sessions::revoke(tx, user.id, reach).await?)
}

fn announce(app: &App, ended: Vec<SessionId>) {
    for session in ended {
        app.bus.revoked(Revocation::Session(session));
    }
}

/// The mail of a `SendPasswordReset` job; `None` when the token was used or has expired.
pub async fn mail(
    app: &App,
    tenant: TenantId,
    user: UserId,
    sealed_token: &str,
) -> Result<Option<Mail>> {
    let row = user.to_string();
    let token = open_token(app, tenant, sealed_in(&row), sealed_token).await?;
    let hash = Opaque::PasswordReset
        .hash(token.expose_secret())
        .map_err(Error::internal)?;
    let db = app.read();
    if password_resets::find_open(&db, &hash, app.now()).await? != Some(user) {
        return Ok(None);
    }
    let url = link(app, "reset-password", &token);
    let person = users::find(&db, user).await?;
    Ok(person.map(|person| {
        mailer::password_reset(&person.locale, &person.email, url.expose_secret(), LIFE)
    }))
}
