//! Sign-in sessions and the hashes that guard their rotating refresh token.
//!
//! Only `rotate` moves the hashes and it names the one it saw: of two racing refreshes one
//! rotates, the other learns that it came second.

use crate::db::sealed::Sealed as _;
use crate::run::{Fetch as _, Run as _};
use crate::tables::sessions;
use crate::{Db, StoreError, Tx};
use domain::people::Session;
use domain::{SessionId, TenantId, Time, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// What the row knows about its refresh tokens; all are hashes except `handover`.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshKeys {
    /// The part all refresh tokens of the session share.
    pub family: String,
    pub current: String,
    pub previous: Option<String>,
    /// The current token sealed under the previous one.
    pub handover: Option<String>,
    pub rotated_at: Option<Time>,
}

/// What replaces the current refresh token.
pub struct Rotation<'a> {
    pub seen: &'a str,
    pub next: &'a str,
    pub handover: &'a str,
    pub expires_at: Time,
    /// The tenant the session is in from now on.
    pub tenant: TenantId,
    pub ip: &'a str,
}

fn read(row: sessions::Model) -> (Session, RefreshKeys) {
    let keys = RefreshKeys {
        family: row.family_hash,
        current: row.refresh_hash,
        previous: row.previous_hash,
        handover: row.handover,
        rotated_at: row.rotated_at,
    };
    let session = Session {
        id: row.id.into(),
        user_id: row.user_id.into(),
        tenant_id: row.tenant_id.into(),
        user_agent: row.user_agent,
        ip: row.ip,
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        expires_at: row.expires_at,
        revoked_at: row.revoked_at,
    };
    (session, keys)
}

pub async fn find(
    db: &impl Db,
    id: SessionId,
) -> Result<Option<(Session, RefreshKeys)>, StoreError> {
    let row = sessions::Entity::find_by_id(id.uuid())
        .fetch_one(db.conn())
        .await?;
    Ok(row.map(read))
}

/// The same row, held until the transaction ends.
pub async fn lock(tx: &Tx, id: SessionId) -> Result<Option<(Session, RefreshKeys)>, StoreError> {
    let row = sessions::Entity::find_by_id(id.uuid())
        .lock_exclusive()
        .fetch_one(tx.conn())
        .await?;
    Ok(row.map(read))
}

/// Live sessions of the user, last seen first.
pub async fn list(db: &impl Db, user: UserId, now: Time) -> Result<Vec<Session>, StoreError> {
    let rows = sessions::Entity::find()
        .filter(sessions::Column::UserId.eq(user.uuid()))
        .filter(sessions::Column::RevokedAt.is_null())
        .filter(sessions::Column::ExpiresAt.gt(now))
        .order_by_desc(sessions::Column::LastSeenAt)
        .limit(200)
        .fetch_all(db.conn())
        .await?;
    Ok(rows.into_iter().map(|row| read(row).0).collect())
}

/// The tenant of the user's newest session.
pub async fn last_tenant(db: &impl Db, user: UserId) -> Result<Option<TenantId>, StoreError> {
    let row = sessions::Entity::find()
        .filter(sessions::Column::UserId.eq(user.uuid()))
        .order_by_desc(sessions::Column::LastSeenAt)
        .limit(1)
        .fetch_one(db.conn())
        .await?;
    Ok(row.map(|row| row.tenant_id.into()))
}

pub async fn insert(tx: &Tx, session: &Session, keys: &RefreshKeys) -> Result<(), StoreError> {
    let row = sessions::ActiveModel {
        id: Set(session.id.uuid()),
        user_id: Set(session.user_id.uuid()),
        tenant_id: Set(session.tenant_id.uuid()),
        family_hash: Set(keys.family.clone()),
        refresh_hash: Set(keys.current.clone()),
        previous_hash: Set(keys.previous.clone()),
        handover: Set(keys.handover.clone()),
        rotated_at: Set(keys.rotated_at),
        user_agent: Set(session.user_agent.clone()),
        ip: Set(session.ip.clone()),
        created_at: Set(session.created_at),
        last_seen_at: Set(session.last_seen_at),
        expires_at: Set(session.expires_at),
        revoked_at: Set(session.revoked_at),
    };
    sessions::Entity::insert(row).run(tx.conn()).await?;
    Ok(())
}

/// `false` when the token seen is no longer the current one.
pub async fn rotate(tx: &Tx, id: SessionId, rotation: &Rotation<'_>) -> Result<bool, StoreError> {
    let done = sessions::Entity::update_many()
        .col_expr(sessions::Column::PreviousHash, Expr::value(rotation.seen))
        .col_expr(sessions::Column::RefreshHash, Expr::value(rotation.next))
        .col_expr(sessions::Column::Handover, Expr::value(rotation.handover))
        .col_expr(sessions::Column::RotatedAt, Expr::value(tx.now()))
        .col_expr(sessions::Column::LastSeenAt, Expr::value(tx.now()))
        .col_expr(
            sessions::Column::ExpiresAt,
            Expr::value(rotation.expires_at),
        )
        .col_expr(
            sessions::Column::TenantId,
            Expr::value(rotation.tenant.uuid()),
        )
        .col_expr(sessions::Column::Ip, Expr::value(rotation.ip))
        .filter(sessions::Column::Id.eq(id.uuid()))
        .filter(sessions::Column::RefreshHash.eq(rotation.seen))
        .filter(sessions::Column::RevokedAt.is_null())
        .run(tx.conn())
        .await?;
    Ok(done == 1)
}

pub async fn put_tenant(tx: &Tx, id: SessionId, tenant: TenantId) -> Result<(), StoreError> {
    sessions::Entity::update_many()
        .col_expr(sessions::Column::TenantId, Expr::value(tenant.uuid()))
        .filter(sessions::Column::Id.eq(id.uuid()))
        .run(tx.conn())
        .await?;
    Ok(())
}

/// Which sessions of one person a revocation reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    One(SessionId),
    All,
    AllBut(SessionId),
    InTenant(TenantId),
}

/// Revokes live sessions of the user and names them, so that their sockets can be closed.
pub async fn revoke(tx: &Tx, user: UserId, reach: Reach) -> Result<Vec<SessionId>, StoreError> {
    let live = sessions::Entity::find()
        .filter(sessions::Column::UserId.eq(user.uuid()))
        .filter(sessions::Column::RevokedAt.is_null());
    let wanted = match reach {
        Reach::One(id) => live.filter(sessions::Column::Id.eq(id.uuid())),
        Reach::All => live,
        Reach::AllBut(id) => live.filter(sessions::Column::Id.ne(id.uuid())),
        Reach::InTenant(tenant) => live.filter(sessions::Column::TenantId.eq(tenant.uuid())),
    };
    let ids: Vec<_> = wanted
        .lock_exclusive()
        .fetch_all(tx.conn())
        .await?
        .into_iter()
        .map(|row| row.id)
        .collect();
    sessions::Entity::update_many()
        .col_expr(sessions::Column::RevokedAt, Expr::value(tx.now()))
        .filter(sessions::Column::Id.is_in(ids.iter().copied()))
        .run(tx.conn())
        .await?;
    Ok(ids.into_iter().map(SessionId::from).collect())
}
