//! Invitations: how people join a tenant, with or without an account elsewhere in Meari.
//!
//! Invariants: the token exists in the mail and, sealed, in the job that sends it; the row keeps
//! a hash. It opens once. Whoever already has an account proves it with her password: the mail
//! alone never signs anybody in to an existing account.

use crate::auth::{self, Client, SignedIn, normal_email};
use crate::mailer::{self, Mail};
use crate::people::{self, NAME_CHARS_MAX, checked_name};
use crate::secrets::Place;
use crate::throttle::{self, Keys, Purpose};
use crate::tokens::Opaque;
use crate::{App, Error, Result, audit, passwords};
use chrono::TimeDelta;
use domain::job::Job;
use domain::people::{Invitation, Membership, Role, User};
use domain::permission::{Actor, Permission};
use domain::{InvitationId, MembershipId, TenantId, UserId};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use store::NewJob;
use store::queries::invitations::{self, Ending};
use store::queries::{memberships, tenants, users};

const LIFE: TimeDelta = TimeDelta::days(7);

fn sealed_in(row: &str) -> Place<'_> {
    Place {
        table: "jobs",
        column: "sealed_token",
        row,
    }
}

/// Every invitation, newest first; also the used and revoked ones.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Invitation>> {
    actor.may(Permission::Administer)?;
    Ok(invitations::list(&app.read(), actor.tenant_id).await?)
}

/// Invites by mail; a newer invitation replaces the open one for the same address.
pub async fn invite(app: &App, actor: &Actor, email: &str, role: Role) -> Result<Invitation> {
    actor.may(Permission::Administer)?;
    if role >= Role::Admin {
        actor.may(Permission::Own)?;
    }
    let email = normal_email(email)?;
    let tenant = actor.tenant_id;
    let mut tx = app.begin(tenant, "invitations.invite").await?;
    let now = tx.now();
    if let Some((user, _)) = users::by_email(&tx, &email).await?
        && memberships::find(&tx, tenant, user.id).await?.is_some()
    {
        return Err(Error::conflict(
            "ALREADY_TAKEN",
            "this person is a member already",
        ));
    }
    invitations::revoke_open_for(&tx, tenant, &email).await?;
    let token = Opaque::Invitation.generate();
    let invitation = Invitation {
        id: InvitationId::new(now),
        tenant_id: tenant,
        email,
        role,
        invited_by: actor.user_id,
        created_at: now,
        expires_at: now + LIFE,
        accepted_at: None,
        revoked_at: None,
    };
    invitations::insert(&tx, &invitation, &token.hash).await?;
    let row = invitation.id.to_string();
    let wrapped = tenants::data_key(&tx, tenant).await?;
    let sealed_token = app
        .vault
        .tenant(tenant, &wrapped)
        .and_then(|sealer| sealer.seal(sealed_in(&row), token.text.expose_secret().as_bytes()))
        .map_err(Error::internal)?;
    let job = Job::SendInvitation {
        invitation: invitation.id,
        sealed_token,
    };
    tx.enqueue(NewJob::new(job, format!("mail:{row}")));
    let detail = json!({ "email": invitation.email, "role": role });
    audit::record(&tx, actor, "invitation.create", invitation.id, detail).await?;
    app.commit(tx, invitation).await
}

pub async fn revoke(app: &App, actor: &Actor, id: InvitationId) -> Result<Invitation> {
    actor.may(Permission::Administer)?;
    let tx = app.begin(actor.tenant_id, "invitations.revoke").await?;
    let mut invitation = invitations::find(&tx, actor.tenant_id, id)
        .await?
        .ok_or(Error::not_found("invitation"))?;
    if invitation.role >= Role::Admin {
        actor.may(Permission::Own)?;
    }
    if invitation.revoked_at.is_some() {
        return Ok(invitation);
    }
    if !invitations::end(&tx, id, Ending::Revoked).await? {
        return Err(Error::conflict(
            "ALREADY_TAKEN",
            "the invitation was accepted already",
        ));
    }
    invitation.revoked_at = Some(tx.now());
    let detail = json!({ "email": invitation.email });
    audit::record(&tx, actor, "invitation.revoke", id, detail).await?;
    app.commit(tx, invitation).await
}

fn expired() -> Error {
    Error::conflict(
        "EXPIRED",
        "this invitation is no longer valid; ask for a new one",
    )
}

/// Who accepts, with the proof already checked.
enum Guest {
    /// The password hash that was verified; it must still be the stored one at the end.
    Known {
        user: User,
        verified: Option<String>,
    },
    New {
        name: String,
        hash: String,
    },
}

/// Joins the tenant and signs in. A person without an account chooses name and password here.
pub async fn accept(
    app: &App,
    client: &Client,
    token: &str,
    name: &str,
    password: SecretString,
) -> Result<SignedIn> {
    let token_hash = Opaque::Invitation.hash(token).map_err(|_| expired())?;
    let invitation = invitations::by_token_hash(&app.read(), &token_hash)
        .await?
        .filter(|i| is_open(i, app.now()))
        .ok_or_else(expired)?;
    let guest = prove(app, client, &invitation, name, password).await?;

    let mut tx = app.store.begin_global("invitations.accept").await?;
    if invitation.expires_at <= tx.now()
        || !invitations::end(&tx, invitation.id, Ending::Accepted).await?
    {
        return Err(expired());
    }
    let now = tx.now();
    let user = match guest {
        Guest::Known { user, verified } => {
            if users::password_hash(&tx, user.id).await? != verified {
                return Err(auth::wrong_password());
            }
            let keys = Keys::new(Purpose::SignIn, &invitation.email, client.ip);
            throttle::succeeded(&tx, &keys).await?;
            user
        }
        Guest::New { name, hash } => {
            let locale = tenants::find(&tx, invitation.tenant_id)
                .await?
                .map(|t| t.locale);
            let user = User {
                id: UserId::new(now),
                email: invitation.email.clone(),
                name,
                locale: locale.unwrap_or_else(|| "en".to_owned()),
                created_at: now,
            };
            users::insert(&tx, &user, Some(&hash)).await?;
            user
        }
    };
    if memberships::find(&tx, invitation.tenant_id, user.id)
        .await?
        .is_some()
    {
        return Err(Error::conflict(
            "ALREADY_TAKEN",
            "you are a member already; sign in",
        ));
    }
    let membership = Membership {
        id: MembershipId::new(now),
        tenant_id: invitation.tenant_id,
        user_id: user.id,
        role: invitation.role,
        created_at: now,
        removed_at: None,
    };
    people::join(&mut tx, &user, membership.clone()).await?;
    audit::record_person(
        &tx,
        invitation.tenant_id,
        user.id,
        &client.ip_text(),
        "invitation.accept",
        invitation.id,
    )
    .await?;
    let started = auth::start(&tx, client, &user, &membership).await?;
    app.commit(tx, ()).await?;
    auth::grant(app, started).await
}

fn is_open(invitation: &Invitation, now: domain::Time) -> bool {
    invitation.accepted_at.is_none()
        && invitation.revoked_at.is_none()
        && now < invitation.expires_at
}

async fn prove(
    app: &App,
    client: &Client,
    invitation: &Invitation,
    name: &str,
    password: SecretString,
) -> Result<Guest> {
    match users::by_email(&app.read(), &invitation.email).await? {
        Some((user, stored)) => {
            let keys = Keys::new(Purpose::SignIn, &invitation.email, client.ip);
            throttle::admit(app, &keys).await?;
            if !app.passwords.verify(password, stored.clone()).await? {
                return Err(auth::wrong_password());
            }
            Ok(Guest::Known {
                user,
                verified: stored,
            })
        }
        None => {
            let name = checked_name("name", name, NAME_CHARS_MAX)?;
            passwords::check_rules(&password, &invitation.email)?;
            let hash = app.passwords.hash(password).await?;
            Ok(Guest::New { name, hash })
        }
    }
}

/// The mail of a `SendInvitation` job; `None` when the invitation is no longer open.
pub async fn mail(
    app: &App,
    tenant: TenantId,
    id: InvitationId,
    sealed_token: &str,
) -> Result<Option<Mail>> {
    let db = app.read();
    let invitation = invitations::find(&db, tenant, id).await?;
    let Some(invitation) = invitation.filter(|i| is_open(i, app.now())) else {
        return Ok(None);
    };
    let row = id.to_string();
    let token = open_token(app, tenant, sealed_in(&row), sealed_token).await?;
    let of = tenants::find(&db, tenant)
        .await?
        .ok_or(Error::not_found("tenant"))?;
    let inviter = users::find(&db, invitation.invited_by).await?;
    let url = link(app, "invitation", &token);
    let words = mailer::Invitation {
        to: &invitation.email,
        tenant: &of.name,
        invited_by: inviter.as_ref().map_or("", |user| &user.name),
        role: invitation.role,
        url: url.expose_secret(),
        valid_for: LIFE,
    };
    Ok(Some(mailer::invitation(&of.locale, words)))
}

/// The token stands behind `#`: browsers never send that part to any server or proxy log.
pub(crate) fn link(app: &App, page: &str, token: &SecretString) -> SecretString {
    format!("{}/{page}#{}", app.config.public_url, token.expose_secret()).into()
}

pub(crate) async fn open_token(
    app: &App,
    tenant: TenantId,
    place: Place<'_>,
    sealed: &str,
) -> Result<SecretString> {
    let wrapped = tenants::data_key(&app.read(), tenant).await?;
    let plain = app
        .vault
        .tenant(tenant, &wrapped)
        .and_then(|sealer| sealer.open(place, sealed))
        .map_err(Error::internal)?;
    let text = std::str::from_utf8(plain.expose_secret()).map_err(Error::internal)?;
    Ok(text.to_owned().into())
}
