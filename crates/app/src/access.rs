//! Who a caller is, and how losing access reaches what is open.
//!
//! Invariants: the role is read from the membership, never from a token; what was read is kept
//! for [`KEPT_FOR`] at most, in a bounded map, and dropped at once when this node changes it or
//! hears of a change. A read that began before a change is not kept. Live sockets listen to the
//! same revocations on the bus.

use crate::bus::{Bus, Revocation};
use crate::tokens::{JwtKey, KeyRing, TokenError};
use crate::{App, Error, Result};
use chrono::TimeDelta;
use domain::permission::{Actor, Credential};
use domain::{SessionId, TenantId, Time, UserId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::queries::{api_tokens, jwt_keys, memberships, sessions};
use tokio::sync::broadcast;

/// A node that missed every hint learns of a revocation after this long.
const KEPT_FOR: TimeDelta = TimeDelta::seconds(5);
const KEPT_MAX: usize = 20_000;
/// A signing key is replaced after this long.
const KEY_LIFE: TimeDelta = TimeDelta::days(30);
const KEYS_KEPT_FOR: TimeDelta = TimeDelta::seconds(60);
/// How often an unknown `kid` may cause another look at the keys.
const KEYS_ASKED_AGAIN: TimeDelta = TimeDelta::seconds(1);
const USE_NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// A proven caller and until when the proof holds (`None`: until revoked).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub actor: Actor,
    pub expires_at: Option<Time>,
}

impl Memory {
    fn apply_revocations(&mut self) {
        use broadcast::error::TryRecvError::{Closed, Empty, Lagged};
        loop {
            match self.revocations.try_recv() {
                Ok(revocation) => self.kept.retain(|_, kept| !revocation.ends(&kept.actor)),
                // Some were missed, so nothing that is kept can be trusted.
                Err(Lagged(_)) => self.kept.clear(),
                Err(Empty | Closed) => return,
            }
            self.changes += 1;
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Session(SessionId, TenantId),
    Token(String),
}

#[derive(Clone)]
struct Kept {
    actor: Actor,
    /// When the token or session itself ends.
    ends_at: Option<Time>,
    read_at: Time,
}

struct Memory {
    kept: HashMap<Key, Kept>,
    /// Grows with every revocation: a read that began at an older count is not kept.
    changes: u64,
    revocations: broadcast::Receiver<Revocation>,
    keys: Option<(Arc<KeyRing>, Time)>,
}

/// Part of [`App`].
pub struct Access(Mutex<Memory>);

impl Access {
    pub(crate) fn new(bus: &dyn Bus) -> Self {
        Self(Mutex::new(Memory {
            kept: HashMap::new(),
            changes: 0,
            revocations: bus.revocations(),
            keys: None,
        }))
    }

    /// Every look first applies what was revoked since the last one.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.apply_revocations();
        memory
    }

    fn recall(&self, key: &Key, now: Time) -> Option<Proof> {
        let memory = self.memory();
        let kept = memory.kept.get(key)?;
        let fresh = kept.read_at <= now && now - kept.read_at < KEPT_FOR;
        let alive = kept.ends_at.is_none_or(|end| now < end);
        (fresh && alive).then(|| Proof {
            actor: kept.actor.clone(),
            expires_at: kept.ends_at,
        })
    }

    fn keep(&self, key: Key, kept: Kept, changes_before: u64) {
        let mut memory = self.memory();
        if memory.changes != changes_before {
            return;
        }
        if memory.kept.len() >= KEPT_MAX {
            let now = kept.read_at;
            memory.kept.retain(|_, old| now - old.read_at < KEPT_FOR);
            if memory.kept.len() >= KEPT_MAX {
                memory.kept.clear();
            }
        }
        memory.kept.insert(key, kept);
    }
}

/// Proves an access token or an API token. `None` is the one answer to everything that is
/// unknown, forged, expired or revoked.
pub async fn authenticate(app: &App, bearer: &str) -> Result<Option<Proof>> {
    match crate::tokens::Opaque::Api.hash(bearer) {
        Ok(hash) => by_api_token(app, hash).await,
        Err(_) => by_access_token(app, bearer).await,
    }
}

/// Whether what `actor` once proved is still true, with the same role.
pub async fn still_holds(app: &App, actor: &Actor) -> Result<bool> {
    let db = app.read();
    let now = app.now();
    let member = memberships::find(&db, actor.tenant_id, actor.user_id).await?;
    let credential = match &actor.credential {
        Credential::Session(id) => sessions::find(&db, *id)
            .await?
            .is_some_and(|(s, _)| s.revoked_at.is_none() && now < s.expires_at),
        Credential::Token { id, .. } => api_tokens::find(&db, actor.tenant_id, *id)
            .await?
            .is_some_and(|t| t.revoked_at.is_none() && t.expires_at.is_none_or(|end| now < end)),
    };
    Ok(credential && member.is_some_and(|m| m.role == actor.role))
}

async fn by_access_token(app: &App, text: &str) -> Result<Option<Proof>> {
    let Some(access) = verify(app, text).await? else {
        return Ok(None);
    };
    let now = app.now();
    let key = Key::Session(access.session, access.tenant);
    let until = |proof: Proof| Proof {
        expires_at: Some(access.expires_at),
        ..proof
    };
    if let Some(proof) = app.access.recall(&key, now) {
        // A token names one person; a session that changed hands would be a forgery.
        return Ok((proof.actor.user_id == access.user).then(|| until(proof)));
    }
    let changes = app.access.memory().changes;
    let db = app.read();
    let Some((session, _)) = sessions::find(&db, access.session).await? else {
        return Ok(None);
    };
    if session.user_id != access.user || session.revoked_at.is_some() || session.expires_at <= now {
        return Ok(None);
    }
    let credential = Credential::Session(session.id);
    let Some(actor) = member(&db, access.tenant, access.user, credential).await? else {
        return Ok(None);
    };
    let kept = Kept {
        actor: actor.clone(),
        ends_at: Some(session.expires_at),
        read_at: now,
    };
    app.access.keep(key, kept, changes);
    Ok(Some(Proof {
        actor,
        expires_at: Some(access.expires_at),
    }))
}

async fn by_api_token(app: &App, hash: String) -> Result<Option<Proof>> {
    let now = app.now();
    let key = Key::Token(hash.clone());
    if let Some(proof) = app.access.recall(&key, now) {
        return Ok(Some(proof));
    }
    let changes = app.access.memory().changes;
    let db = app.read();
    let Some(token) = api_tokens::by_secret_hash(&db, &hash).await? else {
        return Ok(None);
    };
    if token.revoked_at.is_some() || token.expires_at.is_some_and(|end| end <= now) {
        return Ok(None);
    }
    let credential = Credential::Token {
        id: token.id,
        scopes: token.scopes,
    };
    let Some(actor) = member(&db, token.tenant_id, token.user_id, credential).await? else {
        return Ok(None);
    };
    if token
        .last_used_at
        .is_none_or(|used| now - used >= USE_NOTED_EVERY)
    {
        let tx = app.begin(token.tenant_id, "access.note_token_use").await?;
        api_tokens::put_last_used(&tx, token.id).await?;
        app.commit(tx, ()).await?;
    }
    let kept = Kept {
        actor: actor.clone(),
        ends_at: token.expires_at,
        read_at: now,
    };
    app.access.keep(key, kept, changes);
    Ok(Some(Proof {
        actor,
        expires_at: token.expires_at,
    }))
}

async fn member(
    db: &store::Read,
    tenant_id: TenantId,
    user_id: UserId,
    credential: Credential,
) -> Result<Option<Actor>> {
    let membership = memberships::find(db, tenant_id, user_id).await?;
    Ok(membership.map(|m| Actor {
        tenant_id,
        user_id,
        role: m.role,
        credential,
    }))
}

async fn verify(app: &App, text: &str) -> Result<Option<crate::tokens::Access>> {
    let now = app.now();
    let first = keys(app, KEYS_KEPT_FOR).await?.verify(text, now);
    let verdict = match first {
        // Perhaps signed by another node with a key that is younger than our list.
        Err(TokenError::Invalid) => keys(app, KEYS_ASKED_AGAIN).await?.verify(text, now),
        verdict => verdict,
    };
    Ok(verdict.ok())
}

/// The signing keys, read again when the list is older than `age_max`.
pub(crate) async fn keys(app: &App, age_max: TimeDelta) -> Result<Arc<KeyRing>> {
    let now = app.now();
    let known = app.access.memory().keys.clone();
    if let Some((ring, read_at)) = known
        && read_at <= now
        && now - read_at < age_max
    {
        return Ok(ring);
    }
    let mut rows = jwt_keys::list(&app.read()).await?;
    let fit = |row: &jwt_keys::JwtKey| row.retired_at.is_none() && now - row.created_at < KEY_LIFE;
    if !rows.iter().any(fit) {
        add_key(app).await?;
        rows = jwt_keys::list(&app.read()).await?;
    }
    let keys = rows
        .into_iter()
        .map(|row| open_key(app, row))
        .collect::<Result<Vec<_>>>()?;
    let ring = Arc::new(KeyRing::new(app.config.public_url.clone(), keys));
    app.access.memory().keys = Some((Arc::clone(&ring), now));
    Ok(ring)
}

pub(crate) const fn place(kid: &str) -> crate::secrets::Place<'_> {
    crate::secrets::Place {
        table: "jwt_keys",
        column: "sealed",
        row: kid,
    }
}

fn open_key(app: &App, row: jwt_keys::JwtKey) -> Result<JwtKey> {
    use secrecy::ExposeSecret as _;
    let secret = app
        .vault
        .installation()
        .open(place(&row.kid), &row.sealed)
        .map_err(Error::internal)?;
    JwtKey::from_row(
        row.kid,
        secret.expose_secret(),
        row.created_at,
        row.retired_at,
    )
    .map_err(Error::internal)
}

/// Two nodes may both add one; then both sign and both verify.
async fn add_key(app: &App) -> Result<()> {
    let tx = app.store.begin_global("access.add_key").await?;
    let key = JwtKey::random(tx.now());
    let sealed = app
        .vault
        .installation()
        .seal(place(&key.kid), key.secret())
        .map_err(Error::internal)?;
    jwt_keys::insert(&tx, &key.kid, &sealed).await?;
    jwt_keys::retire_all_but(&tx, &key.kid).await?;
    jwt_keys::delete_retired_before(&tx, tx.now() - TimeDelta::days(1)).await?;
    app.commit(tx, ()).await
}

/// Replaces the signing key now; tokens of the old one live out their quarter of an hour.
pub async fn rotate_keys(app: &App) -> Result<()> {
    add_key(app).await?;
    app.access.memory().keys = None;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::LocalBus;
    use domain::ApiTokenId;
    use domain::people::{Role, TokenScope};

    fn actor(role: Role) -> Actor {
        let now = Time::default();
        Actor {
            tenant_id: TenantId::new(now),
            user_id: UserId::new(now),
            role,
            credential: Credential::Token {
                id: ApiTokenId::new(now),
                scopes: vec![TokenScope::Read],
            },
        }
    }

    fn kept(actor: &Actor) -> Kept {
        Kept {
            actor: actor.clone(),
            ends_at: None,
            read_at: Time::default(),
        }
    }

    #[test]
    fn what_was_read_before_a_revocation_is_not_kept_after_it() {
        let bus = LocalBus::default();
        let access = Access::new(&bus);
        let actor = actor(Role::Agent);
        let key = Key::Token("a".into());
        let changes = access.memory().changes;
        bus.revoked(Revocation::Member(actor.tenant_id, actor.user_id));
        access.keep(key.clone(), kept(&actor), changes);
        assert_eq!(access.recall(&key, Time::default()), None);
    }

    #[test]
    fn a_revocation_forgets_only_what_it_ends() {
        let bus = LocalBus::default();
        let access = Access::new(&bus);
        let (one, two) = (actor(Role::Agent), actor(Role::Owner));
        access.keep(Key::Token("1".into()), kept(&one), 0);
        access.keep(Key::Token("2".into()), kept(&two), 0);
        bus.revoked(Revocation::Member(one.tenant_id, one.user_id));
        assert_eq!(
            access.recall(&Key::Token("1".into()), Time::default()),
            None
        );
        assert!(
            access
                .recall(&Key::Token("2".into()), Time::default())
                .is_some()
        );
    }

    #[test]
    fn nothing_is_kept_longer_than_seconds() {
        let bus = LocalBus::default();
        let access = Access::new(&bus);
        let actor = actor(Role::Agent);
        access.keep(Key::Token("1".into()), kept(&actor), 0);
        assert_eq!(
            access.recall(&Key::Token("1".into()), Time::default() + KEPT_FOR),
            None
        );
    }

    #[test]
    fn the_memory_stays_bounded() {
        let bus = LocalBus::default();
        let access = Access::new(&bus);
        let actor = actor(Role::Agent);
        for n in 0..=KEPT_MAX {
            access.keep(Key::Token(n.to_string()), kept(&actor), 0);
        }
        assert!(access.memory().kept.len() <= KEPT_MAX);
    }
}
