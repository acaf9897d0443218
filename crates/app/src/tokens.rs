//! Tokens: signed access tokens, and opaque ones for refresh, API, invitation and reset.
//!
//! Invariants: pure functions, `now` is an argument. One algorithm (HS256) is pinned; the header
//! only chooses among our own keys by `kid`. An access token lives at most [`ACCESS_TTL`] and its
//! role is a hint for the screen: use cases read the membership again. Of opaque tokens only a
//! SHA-256 is stored; they carry 192 random bits, so a slow hash would protect nothing more.

use crate::secrets::hex;
use chrono::TimeDelta;
use domain::people::Role;
use domain::{SessionId, TenantId, Time, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

pub const ACCESS_TTL: TimeDelta = TimeDelta::minutes(15);
/// Clocks of nodes may differ this much.
const LEEWAY: TimeDelta = TimeDelta::seconds(5);
const AUDIENCE: &str = "meari";
/// Our own tokens are near 500 bytes; longer ones are not even decoded.
const ACCESS_BYTES_MAX: usize = 2048;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not ours, altered, or of another installation. Says no more on purpose.
    #[error("the token is not valid")]
    Invalid,
    #[error("the token has expired")]
    Expired,
    #[error("there is no key to sign with")]
    NoKey,
}

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub user: UserId,
    pub tenant: TenantId,
    pub session: SessionId,
    /// The role when the token was made. Never decide by it alone.
    pub role: Role,
    pub expires_at: Time,
}

/// A fresh access token.
#[derive(Debug)]
pub struct Issued {
    pub token: SecretString,
    pub expires_at: Time,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: UserId,
    tid: TenantId,
    sid: SessionId,
    role: Role,
    iat: i64,
    exp: i64,
    iss: String,
    aud: String,
}

/// One signing key: a row of `jwt_keys` with its secret opened.
pub struct JwtKey {
    pub kid: String,
    secret: SecretBox<[u8; 32]>,
    pub created_at: Time,
    /// Since then it signs nothing more; it verifies until its last token has expired.
    pub retired_at: Option<Time>,
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JwtKey({})", self.kid)
    }
}

impl JwtKey {
    pub fn random(now: Time) -> Self {
        Self {
            kid: hex(&rand::random::<[u8; 8]>()),
            secret: SecretBox::new(Box::new(rand::random())),
            created_at: now,
            retired_at: None,
        }
    }

    /// From a stored row; refuses a secret that is not 32 bytes.
    pub fn from_row(
        kid: String,
        secret: &[u8],
        created_at: Time,
        retired_at: Option<Time>,
    ) -> Result<Self, TokenError> {
        let secret: [u8; 32] = secret.try_into().map_err(|_| TokenError::Invalid)?;
        Ok(Self {
            kid,
            secret: SecretBox::new(Box::new(secret)),
            created_at,
            retired_at,
        })
    }

    /// The bytes to seal into the row.
    pub fn secret(&self) -> &[u8] {
        self.secret.expose_secret()
    }

    fn verifies_at(&self, now: Time) -> bool {
        self.retired_at
            .is_none_or(|retired| now < retired + ACCESS_TTL + LEEWAY)
    }
}

/// The keys of this installation. The newest that is not retired signs.
#[derive(Debug)]
pub struct KeyRing {
    issuer: String,
    keys: Vec<JwtKey>,
}

impl KeyRing {
    /// `issuer`: a name only this installation has, e.g. its public URL.
    pub fn new(issuer: impl Into<String>, keys: Vec<JwtKey>) -> Self {
        Self {
            issuer: issuer.into(),
            keys,
        }
    }

    pub fn issue(
        &self,
        user: UserId,
        tenant: TenantId,
        session: SessionId,
        role: Role,
        now: Time,
    ) -> Result<Issued, TokenError> {
        let key = self
            .keys
            .iter()
            .filter(|key| key.retired_at.is_none_or(|retired| now < retired))
            .max_by_key(|key| key.created_at)
            .ok_or(TokenError::NoKey)?;
        let expires_at = now + ACCESS_TTL;
        let claims = Claims {
            sub: user,
            tid: tenant,
            sid: session,
            role,
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
        };
        let header = Header {
            kid: Some(key.kid.clone()),
            ..Header::new(Algorithm::HS256)
        };
        let signer = EncodingKey::from_secret(key.secret());
        let token = jsonwebtoken::encode(&header, &claims, &signer)
            .map_err(|_| TokenError::NoKey)?
            .into();
        Ok(Issued { token, expires_at })
    }

    pub fn verify(&self, token: &str, now: Time) -> Result<Access, TokenError> {
        if token.len() > ACCESS_BYTES_MAX {
            return Err(TokenError::Invalid);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        let kid = header.kid.ok_or(TokenError::Invalid)?;
        let key = self
            .keys
            .iter()
            .find(|key| key.kid == kid && key.verifies_at(now))
            .ok_or(TokenError::Invalid)?;
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_issuer(&[&self.issuer]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library would read the machine's clock; the instant is an argument here.
        rules.validate_exp = false;
        let checker = DecodingKey::from_secret(key.secret());
        let claims = jsonwebtoken::decode::<Claims>(token, &checker, &rules)
            .map_err(|_| TokenError::Invalid)?
            .claims;
        check_times(&claims, now)?;
        Ok(Access {
            user: claims.sub,
            tenant: claims.tid,
            session: claims.sid,
            role: claims.role,
            expires_at: instant(claims.exp)?,
        })
    }
}

fn check_times(claims: &Claims, now: Time) -> Result<(), TokenError> {
    let (issued, expires) = (instant(claims.iat)?, instant(claims.exp)?);
    if issued > now + LEEWAY || expires - issued > ACCESS_TTL {
        return Err(TokenError::Invalid);
    }
    if expires + LEEWAY <= now {
        return Err(TokenError::Expired);
    }
    Ok(())
}

fn instant(seconds: i64) -> Result<Time, TokenError> {
    // Years beyond this would overflow the additions of `check_times`.
    const SECONDS_MAX: i64 = 100_000_000_000;
    Some(seconds)
        .filter(|s| (0..SECONDS_MAX).contains(s))
        .and_then(|s| Time::from_timestamp(s, 0))
        .ok_or(TokenError::Invalid)
}

/// What an opaque token is for; a token of one kind is refused as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opaque {
    Api,
    Refresh,
    Invitation,
    PasswordReset,
}

/// A new opaque token: the text goes to its owner once, the hash into the row.
#[derive(Debug)]
pub struct NewOpaque {
    pub text: SecretString,
    pub hash: String,
}

const RANDOM_BYTES: usize = 24;
const CHECKSUM_BYTES: usize = 4;

impl Opaque {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Api => "mea_",
            Self::Refresh => "mer_",
            Self::Invitation => "mei_",
            Self::PasswordReset => "mep_",
        }
    }

    pub fn generate(self) -> NewOpaque {
        let random = hex(&rand::random::<[u8; RANDOM_BYTES]>());
        let text = format!(
            "{}{random}{}",
            self.prefix(),
            checksum(self.prefix(), &random)
        );
        NewOpaque {
            hash: hash_of(&text),
            text: text.into(),
        }
    }

    /// The stored hash of a presented token. Mistyped, cut and foreign texts are refused by
    /// their checksum before anyone asks the database.
    pub fn hash(self, text: &str) -> Result<String, TokenError> {
        let body = text
            .strip_prefix(self.prefix())
            .ok_or(TokenError::Invalid)?;
        if body.len() != 2 * (RANDOM_BYTES + CHECKSUM_BYTES) || !body.is_ascii() {
            return Err(TokenError::Invalid);
        }
        let (random, check) = body.split_at(2 * RANDOM_BYTES);
        if checksum(self.prefix(), random) != check {
            return Err(TokenError::Invalid);
        }
        Ok(hash_of(text))
    }
}

fn checksum(prefix: &str, random: &str) -> String {
    let digest = Sha256::new()
        .chain_update(b"meari token checksum")
        .chain_update(prefix)
        .chain_update(random)
        .finalize();
    hex(&digest[..CHECKSUM_BYTES])
}

fn hash_of(text: &str) -> String {
    hex(&Sha256::digest(text))
}

#[cfg(test)]
#[path = "tokens/tests.rs"]
mod tests;
