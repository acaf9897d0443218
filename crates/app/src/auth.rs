//! Sign-in sessions: sign in and out, refresh, change of tenant, list and revoke.
//!
//! Invariants: passwords are checked outside any transaction, because hashing takes longer than a
//! turn may; the transaction that follows looks again at what the check relied on. Refusals never
//! tell whether an address is known. A refresh token works once; a second use beyond the grace
//! ends the session, because then two parties hold it.

use crate::access::keys;
use crate::bus::Revocation;
use crate::refresh_token::{self, Presented};
use crate::throttle::{self, Keys, Purpose};
use crate::tokens::Issued;
use crate::{App, Error, Result, audit};
use chrono::TimeDelta;
use domain::people::{Membership, Session, User};
use domain::permission::{Actor, Credential, Permission};
use domain::{SessionId, TenantId, Time, UserId};
use secrecy::SecretString;
use serde_json::json;
use std::net::IpAddr;
use store::Tx;
use store::queries::sessions::{self, Reach, RefreshKeys, Rotation};
use store::queries::{memberships, users};

/// A session not used for this long is over.
const IDLE_MAX: TimeDelta = TimeDelta::days(30);
/// However busy, a session asks for the password again after this long.
const LIFE_MAX: TimeDelta = TimeDelta::days(180);
/// Two tabs of one browser refresh with the same cookie; the later one is no thief this soon.
const GRACE: TimeDelta = TimeDelta::seconds(10);
const KEYS_AGE_MAX: TimeDelta = TimeDelta::seconds(60);
const USER_AGENT_CHARS_MAX: usize = 256;

/// The other end of a request that is not signed in yet.
#[derive(Debug, Clone, Default)]
pub struct Client {
    pub ip: Option<IpAddr>,
    pub user_agent: String,
}

impl Client {
    pub(crate) fn ip_text(&self) -> String {
        self.ip.map(|ip| ip.to_string()).unwrap_or_default()
    }
}

/// What a browser gets. `Debug` hides both tokens.
#[derive(Debug)]
pub struct SignedIn {
    pub access: Issued,
    /// For the HttpOnly cookie.
    pub refresh: SecretString,
    pub refresh_expires_at: Time,
    pub actor: Actor,
}

/// E-mail addresses compare by this form.
pub fn normal_email(email: &str) -> Result<String> {
    let email = email.trim().to_lowercase();
    let well_formed = email.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && !host.is_empty() && !host.contains('@') && !host.starts_with('.')
    });
    let printable = !email.chars().any(|c| c.is_control() || c.is_whitespace());
    if well_formed && printable && email.len() <= 254 {
        Ok(email)
    } else {
        Err(Error::invalid("email", "this is not an e-mail address"))
    }
}

pub(crate) fn wrong_password() -> Error {
    Error::conflict(
        "WRONG_PASSWORD",
        "the e-mail address or the password is wrong",
    )
}

fn session_over() -> Error {
    Error::conflict("EXPIRED", "this session is over; sign in again")
}

pub async fn sign_in(
    app: &App,
    client: &Client,
    email: &str,
    password: SecretString,
) -> Result<SignedIn> {
    let email = normal_email(email)?;
    let throttle = Keys::new(Purpose::SignIn, &email, client.ip);
    throttle::admit(app, &throttle).await?;
    let known = users::by_email(&app.read(), &email).await?;
    let (user, stored) = known.map_or((None, None), |(user, hash)| (Some(user), hash));
    let right = app.passwords.verify(password, stored.clone()).await?;
    let user = user.filter(|_| right).ok_or_else(wrong_password)?;

    let tx = app.store.begin_global("auth.sign_in").await?;
    if users::password_hash(&tx, user.id).await? != stored {
        // Changed while we were hashing: the old password opens nothing any more.
        return Err(wrong_password());
    }
    throttle::succeeded(&tx, &throttle).await?;
    let membership = home(&tx, user.id).await?;
    let started = start(&tx, client, &user, &membership).await?;
    app.commit(tx, ()).await?;
    grant(app, started).await
}

/// Where a person lands: the tenant she used last, or the one she joined first.
async fn home(tx: &Tx, user: UserId) -> Result<Membership> {
    let memberships = memberships::of_user(tx, user).await?;
    let last = sessions::last_tenant(tx, user).await?;
    let used = memberships.iter().find(|m| Some(m.tenant_id) == last);
    used.or(memberships.first())
        .cloned()
        .ok_or_else(|| Error::conflict("NO_MEMBERSHIP", "you are not a member of any workspace"))
}

/// A session that is written but not yet committed.
pub(crate) struct Started {
    session: Session,
    membership: Membership,
    refresh: SecretString,
}

/// Starts a session in the caller's transaction and notes it.
pub(crate) async fn start(
    tx: &Tx,
    client: &Client,
    user: &User,
    membership: &Membership,
) -> Result<Started> {
    let now = tx.now();
    let session = Session {
        id: SessionId::new(now),
        user_id: user.id,
        tenant_id: membership.tenant_id,
        user_agent: client
            .user_agent
            .chars()
            .take(USER_AGENT_CHARS_MAX)
            .collect(),
        ip: client.ip_text(),
        created_at: now,
        last_seen_at: now,
        expires_at: now + IDLE_MAX,
        revoked_at: None,
    };
    let (refresh, refresh_keys) = refresh_token::first(session.id);
    sessions::insert(tx, &session, &refresh_keys).await?;
    audit::record_person(
        tx,
        membership.tenant_id,
        user.id,
        &session.ip,
        "session.start",
        session.id,
    )
    .await?;
    Ok(Started {
        session,
        membership: membership.clone(),
        refresh,
    })
}

/// Signs the access token of a committed session.
pub(crate) async fn grant(app: &App, started: Started) -> Result<SignedIn> {
    let Started {
        session,
        membership,
        refresh,
    } = started;
    let access = issue(app, session.id, &membership).await?;
    Ok(SignedIn {
        access,
        refresh,
        refresh_expires_at: session.expires_at,
        actor: actor(&membership, session.id),
    })
}

fn actor(membership: &Membership, session: SessionId) -> Actor {
    Actor {
        tenant_id: membership.tenant_id,
        user_id: membership.user_id,
        role: membership.role,
        credential: Credential::Session(session),
    }
}

async fn issue(app: &App, session: SessionId, membership: &Membership) -> Result<Issued> {
    let ring = keys(app, KEYS_AGE_MAX).await?;
    ring.issue(
        membership.user_id,
        membership.tenant_id,
        session,
        membership.role,
        app.now(),
    )
    .map_err(Error::internal)
}

/// Trades a refresh token for an access token and the next refresh token.
pub async fn refresh(app: &App, client: &Client, token: &str) -> Result<SignedIn> {
    let presented = Presented::parse(token).map_err(|_| session_over())?;
    let tx = app.store.begin_global("auth.refresh").await?;
    let (session, refresh_keys) = sessions::lock(&tx, presented.session)
        .await?
        .filter(|(_, keys)| keys.family == presented.family_hash)
        .ok_or_else(session_over)?;
    if session.revoked_at.is_some() || session.expires_at <= tx.now() {
        return Err(session_over());
    }
    match judge(&presented, &refresh_keys, tx.now()) {
        Verdict::Current => rotate(app, tx, client, &presented, session).await,
        Verdict::JustRotated(next) => {
            let membership = membership_of(&tx, &session).await?;
            drop(tx);
            let started = Started {
                session,
                membership,
                refresh: next,
            };
            grant(app, started).await
        }
        Verdict::Stolen => {
            revoke_stolen(app, tx, client, &session).await?;
            Err(session_over())
        }
    }
}

enum Verdict {
    Current,
    /// Rotated moments ago; this is the token that replaced it.
    JustRotated(SecretString),
    Stolen,
}

fn judge(presented: &Presented, keys: &RefreshKeys, now: Time) -> Verdict {
    if presented.current_hash == keys.current {
        return Verdict::Current;
    }
    let is_previous = keys.previous.as_ref() == Some(&presented.current_hash);
    let in_grace = keys.rotated_at.is_some_and(|at| now - at <= GRACE);
    let successor = keys
        .handover
        .as_deref()
        .filter(|_| is_previous && in_grace)
        .and_then(|handover| presented.successor(handover).ok());
    successor.map_or(Verdict::Stolen, Verdict::JustRotated)
}

/// The membership in the session's tenant, or another one when that has ended.
async fn membership_of(tx: &Tx, session: &Session) -> Result<Membership> {
    match memberships::find(tx, session.tenant_id, session.user_id).await? {
        Some(membership) => Ok(membership),
        None => home(tx, session.user_id).await,
    }
}

async fn rotate(
    app: &App,
    tx: Tx,
    client: &Client,
    presented: &Presented,
    mut session: Session,
) -> Result<SignedIn> {
    let membership = membership_of(&tx, &session).await?;
    let next = presented.next().map_err(Error::internal)?;
    session.expires_at = (tx.now() + IDLE_MAX).min(session.created_at + LIFE_MAX);
    let rotation = Rotation {
        seen: &presented.current_hash,
        next: &next.hash,
        handover: &next.handover,
        expires_at: session.expires_at,
        tenant: membership.tenant_id,
        ip: &client.ip_text(),
    };
    if !sessions::rotate(&tx, session.id, &rotation).await? {
        return Err(session_over());
    }
    app.commit(tx, ()).await?;
    let started = Started {
        session,
        membership,
        refresh: next.text,
    };
    grant(app, started).await
}

async fn revoke_stolen(app: &App, tx: Tx, client: &Client, session: &Session) -> Result<()> {
    sessions::revoke(&tx, session.user_id, Reach::One(session.id)).await?;
    audit::record_person(
        &tx,
        session.tenant_id,
        session.user_id,
        &client.ip_text(),
        "session.refresh_reused",
        session.id,
    )
    .await?;
    app.commit(tx, ()).await?;
    tracing::warn!(session.id = %session.id, "a used refresh token came back: the session is revoked");
    app.bus.revoked(Revocation::Session(session.id));
    Ok(())
}

/// Ends the session of the caller.
pub async fn sign_out(app: &App, actor: &Actor) -> Result<()> {
    revoke_session(app, actor, own_session(actor)?).await
}

fn own_session(actor: &Actor) -> Result<SessionId> {
    actor.may(Permission::ManageOwnAccess)?;
    match actor.credential {
        Credential::Session(id) => Ok(id),
        Credential::Token { .. } => Err(Error::Forbidden),
    }
}

/// The same session in another tenant of the same person.
pub async fn switch_tenant(app: &App, actor: &Actor, tenant: TenantId) -> Result<(Issued, Actor)> {
    let session = own_session(actor)?;
    let tx = app.store.begin_global("auth.switch_tenant").await?;
    let membership = memberships::find(&tx, tenant, actor.user_id)
        .await?
        .ok_or(Error::not_found("tenant"))?;
    sessions::put_tenant(&tx, session, tenant).await?;
    let there = self::actor(&membership, session);
    audit::record(&tx, &there, "session.switch_tenant", session, json!(null)).await?;
    app.commit(tx, ()).await?;
    Ok((issue(app, session, &membership).await?, there))
}

/// The caller's own live sessions, last seen first.
pub async fn list_sessions(app: &App, actor: &Actor) -> Result<Vec<Session>> {
    actor.may(Permission::ManageOwnAccess)?;
    Ok(sessions::list(&app.read(), actor.user_id, app.now()).await?)
}

/// Ends one of the caller's own sessions; its sockets close at once.
pub async fn revoke_session(app: &App, actor: &Actor, id: SessionId) -> Result<()> {
    actor.may(Permission::ManageOwnAccess)?;
    let tx = app.store.begin_global("auth.revoke_session").await?;
    let revoked = sessions::revoke(&tx, actor.user_id, Reach::One(id)).await?;
    if revoked.is_empty() {
        return Err(Error::not_found("session"));
    }
    audit::record(&tx, actor, "session.revoke", id, json!(null)).await?;
    app.commit(tx, ()).await?;
    app.bus.revoked(Revocation::Session(id));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_form_and_nonsense_has_none() {
        assert_eq!(
            normal_email("  Mina@Example.COM ").unwrap(),
            "mina@example.com"
        );
        for nonsense in ["", "@", "a@", "@b", "a b@c", "a@b@c", "a@.b", "a\n@b"] {
            assert!(normal_email(nonsense).is_err(), "{nonsense:?}");
        }
        assert!(normal_email(&format!("{}@example.com", "a".repeat(260))).is_err());
    }
}
