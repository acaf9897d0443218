//! Secrets at rest: envelope encryption with AES-256-GCM.
//!
//! Invariants: a master key wraps one small ring of data keys per tenant; data keys seal values.
//! Every ciphertext is bound to its place (tenant, table, column, row) and refuses to open
//! anywhere else. Rings are newest first: the first key seals, every key still opens, so a
//! rotation never makes old rows unreadable. Nothing here can be printed by `Debug`.
//!
//! Deliberately absent: a search over sealed values, and a way to export a key.

mod master;
mod proof;

pub use master::{add_key_to_file, forget_old_keys_in_file, master_keys};

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::TenantId;
use secrecy::{ExposeSecret, SecretBox, SecretSlice};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
/// Longest text that is even looked at; tokens, passwords and PEM keys are far smaller.
const SEALED_CHARS_MAX: usize = 256 * 1024;
const PLAIN_BYTES_MAX: usize = 128 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    #[error(
        "MEARI_MASTER_KEY is not set; it must hold 32 random bytes in base64 (openssl rand -base64 32)"
    )]
    MasterKeyMissing,
    #[error("the master key in {origin} is not 32 bytes in base64")]
    MasterKeyMalformed { origin: String },
    #[error("{path} may be read by other users of this machine; run: chmod 600 {path}")]
    MasterKeyExposed { path: String },
    #[error("the master key file {path} cannot be used")]
    MasterKeyFile {
        path: String,
        #[source]
        source: std::io::Error,
    },
    /// Made with a key that is not in the ring: a wrong master key or a lost rotation.
    #[error("sealed with key {kid}, which is not at hand")]
    UnknownKey { kid: String },
    /// Truncated, altered, or moved here from another row or tenant.
    #[error("the sealed value does not belong here or was altered")]
    Refused,
    #[error("a secret may hold at most {PLAIN_BYTES_MAX} bytes")]
    TooLong,
}

/// Where a sealed value lives. Moving the text elsewhere makes it unreadable.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub table: &'static str,
    pub column: &'static str,
    /// The row's primary key as text.
    pub row: &'a str,
}

/// Whose keys these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Values that belong to no tenant: JWT keys, provider apps of the installation.
    Installation,
    Tenant(TenantId),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installation => f.write_str("installation"),
            Self::Tenant(id) => id.fmt(f),
        }
    }
}

struct Key {
    kid: String,
    bytes: SecretBox<[u8; KEY_BYTES]>,
}

impl Key {
    fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        // The name is derived, so the same key has the same name on every node.
        let digest = Sha256::new()
            .chain_update(b"meari key id")
            .chain_update(bytes)
            .finalize();
        Self {
            kid: hex(&digest[..4]),
            bytes: SecretBox::new(Box::new(bytes)),
        }
    }

    fn random() -> Self {
        Self::from_bytes(rand::random())
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(self.bytes.expose_secret().into())
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Seals and opens the values of one scope.
pub struct Sealer {
    scope: Scope,
    keys: Vec<Key>,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({})", self.scope)
    }
}

impl Sealer {
    /// The text `v1:kid:nonce:ciphertext`, bound to `place`.
    pub fn seal(&self, place: Place<'_>, plain: &[u8]) -> Result<String, SecretsError> {
        if plain.len() > PLAIN_BYTES_MAX {
            return Err(SecretsError::TooLong);
        }
        let key = self.keys.first().ok_or(SecretsError::MasterKeyMissing)?;
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let aad = self.bound_to(place);
        let payload = Payload {
            msg: plain,
            aad: aad.as_bytes(),
        };
        let sealed = key
            .cipher()
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_| SecretsError::Refused)?;
        Ok(format!(
            "v1:{}:{}:{}",
            key.kid,
            URL_SAFE_NO_PAD.encode(nonce),
            URL_SAFE_NO_PAD.encode(sealed)
        ))
    }

    pub fn open(&self, place: Place<'_>, text: &str) -> Result<SecretSlice<u8>, SecretsError> {
        let sealed = Sealed::parse(text)?;
        let key = self
            .keys
            .iter()
            .find(|k| k.kid == sealed.kid)
            .ok_or_else(|| SecretsError::UnknownKey {
                kid: sealed.kid.to_owned(),
            })?;
        let aad = self.bound_to(place);
        let payload = Payload {
            msg: &sealed.ciphertext,
            aad: aad.as_bytes(),
        };
        key.cipher()
            .decrypt(&Nonce::from(sealed.nonce), payload)
            .map(SecretSlice::from)
            .map_err(|_| SecretsError::Refused)
    }

    /// The same content under the newest key; `None` when it already is.
    pub fn reseal(&self, place: Place<'_>, text: &str) -> Result<Option<String>, SecretsError> {
        if self.is_newest(text)? {
            return Ok(None);
        }
        let plain = self.open(place, text)?;
        self.seal(place, plain.expose_secret()).map(Some)
    }

    fn is_newest(&self, text: &str) -> Result<bool, SecretsError> {
        let kid = Sealed::parse(text)?.kid;
        Ok(self.keys.first().is_some_and(|k| k.kid == kid))
    }

    /// Additional authenticated data. Only the last part is free text, so no two places collide.
    fn bound_to(&self, place: Place<'_>) -> String {
        format!(
            "{}|{}|{}|{}",
            self.scope, place.table, place.column, place.row
        )
    }
}

struct Sealed<'a> {
    kid: &'a str,
    nonce: [u8; NONCE_BYTES],
    ciphertext: Vec<u8>,
}

impl<'a> Sealed<'a> {
    fn parse(text: &'a str) -> Result<Self, SecretsError> {
        Self::parse_parts(text).ok_or(SecretsError::Refused)
    }

    fn parse_parts(text: &'a str) -> Option<Self> {
        if text.len() > SEALED_CHARS_MAX {
            return None;
        }
        let mut parts = text.strip_prefix("v1:")?.split(':');
        let (kid, nonce, ciphertext) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        Some(Self {
            kid,
            nonce: URL_SAFE_NO_PAD.decode(nonce).ok()?.try_into().ok()?,
            ciphertext: URL_SAFE_NO_PAD.decode(ciphertext).ok()?,
        })
    }
}

/// The master keys of this installation and, through them, every tenant's data keys.
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Vault {
    root: Arc<Sealer>,
}

const DATA_KEY: &str = "data_key";

impl Vault {
    /// `keys` newest first, as [`master_keys`] returns them.
    pub fn new(keys: MasterKeys) -> Self {
        Self {
            root: Arc::new(Sealer {
                scope: Scope::Installation,
                keys: keys.0,
            }),
        }
    }

    /// Seals values that belong to no tenant.
    pub fn installation(&self) -> &Sealer {
        &self.root
    }

    /// A fresh wrapped ring for a new tenant: the content of `tenants.data_key`.
    pub fn new_tenant_keys(&self, tenant: TenantId) -> Result<Vec<u8>, SecretsError> {
        self.wrap(tenant, &[Key::random()])
    }

    /// Unwraps `tenants.data_key`. Cheap enough to be done for each use.
    pub fn tenant(&self, tenant: TenantId, wrapped: &[u8]) -> Result<Sealer, SecretsError> {
        let row = tenant.to_string();
        let keys = lines(wrapped)?
            .map(|line| {
                let plain = self.root.open(data_key_of(&row), line)?;
                let bytes: [u8; KEY_BYTES] = plain
                    .expose_secret()
                    .try_into()
                    .map_err(|_| SecretsError::Refused)?;
                Ok(Key::from_bytes(bytes))
            })
            .collect::<Result<Vec<_>, SecretsError>>()?;
        if keys.is_empty() {
            return Err(SecretsError::Refused);
        }
        Ok(Sealer {
            scope: Scope::Tenant(tenant),
            keys,
        })
    }

    /// The same data keys under the newest master key; `None` when they already are. What the
    /// data keys sealed stays untouched.
    pub fn rewrap(
        &self,
        tenant: TenantId,
        wrapped: &[u8],
    ) -> Result<Option<Vec<u8>>, SecretsError> {
        let mut newest = true;
        for line in lines(wrapped)? {
            newest &= self.root.is_newest(line)?;
        }
        if newest {
            return Ok(None);
        }
        let ring = self.tenant(tenant, wrapped)?;
        self.wrap(tenant, &ring.keys).map(Some)
    }

    /// A ring whose newest data key is fresh; the older ones still open what they sealed.
    pub fn add_tenant_key(
        &self,
        tenant: TenantId,
        wrapped: &[u8],
    ) -> Result<Vec<u8>, SecretsError> {
        let mut keys = vec![Key::random()];
        keys.extend(self.tenant(tenant, wrapped)?.keys);
        self.wrap(tenant, &keys)
    }

    fn wrap(&self, tenant: TenantId, keys: &[Key]) -> Result<Vec<u8>, SecretsError> {
        let row = tenant.to_string();
        let lines = keys
            .iter()
            .map(|key| self.root.seal(data_key_of(&row), key.bytes.expose_secret()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(lines.join("\n").into_bytes())
    }
}

fn data_key_of(row: &str) -> Place<'_> {
    Place {
        table: "tenants",
        column: DATA_KEY,
        row,
    }
}

fn lines(wrapped: &[u8]) -> Result<std::str::Lines<'_>, SecretsError> {
    std::str::from_utf8(wrapped)
        .map(str::lines)
        .map_err(|_| SecretsError::Refused)
}

/// Master keys, newest first. Made only by [`master_keys`].
pub struct MasterKeys(Vec<Key>);

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKeys({})", self.0.len())
    }
}

impl MasterKeys {
    /// A fresh key in memory, for tests and for the file that is made on the first start.
    pub fn random() -> Self {
        Self(vec![Key::random()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> TenantId {
        TenantId::new(domain::Time::default())
    }

    fn place(row: &str) -> Place<'_> {
        Place {
            table: "secrets",
            column: "sealed",
            row,
        }
    }

    fn vault() -> Vault {
        Vault::new(MasterKeys::random())
    }

    fn sealer(vault: &Vault, tenant: TenantId) -> Sealer {
        let wrapped = vault.new_tenant_keys(tenant).unwrap();
        vault.tenant(tenant, &wrapped).unwrap()
    }

    #[test]
    fn a_sealed_value_opens_in_its_place_and_hides_its_content() {
        let sealer = sealer(&vault(), tenant());
        let text = sealer.seal(place("a"), b"bot-token").unwrap();
        assert!(text.starts_with("v1:") && !text.contains("bot-token"));
        let plain = sealer.open(place("a"), &text).unwrap();
        assert_eq!(plain.expose_secret(), b"bot-token");
        assert!(!format!("{plain:?}{sealer:?}").contains("bot-token"));
    }

    #[test]
    fn a_value_moved_to_another_row_or_column_refuses_to_open() {
        let sealer = sealer(&vault(), tenant());
        let text = sealer.seal(place("a"), b"x").unwrap();
        let other_column = Place {
            column: "other",
            ..place("a")
        };
        for elsewhere in [place("b"), other_column] {
            assert!(matches!(
                sealer.open(elsewhere, &text),
                Err(SecretsError::Refused)
            ));
        }
    }

    #[test]
    fn a_value_or_key_ring_moved_to_another_tenant_refuses_to_open() {
        let vault = vault();
        let (mine, theirs) = (tenant(), tenant());
        let wrapped = vault.new_tenant_keys(mine).unwrap();
        let text = vault
            .tenant(mine, &wrapped)
            .unwrap()
            .seal(place("a"), b"x")
            .unwrap();
        assert!(vault.tenant(theirs, &wrapped).is_err());
        // Even with the same key bytes the tenant is part of what is authenticated.
        let mut same_keys = vault.tenant(mine, &wrapped).unwrap();
        same_keys.scope = Scope::Tenant(theirs);
        assert!(matches!(
            same_keys.open(place("a"), &text),
            Err(SecretsError::Refused)
        ));
        assert!(sealer(&vault, theirs).open(place("a"), &text).is_err());
    }

    #[test]
    fn truncated_altered_and_garbage_texts_are_refused() {
        let sealer = sealer(&vault(), tenant());
        let text = sealer.seal(place("a"), b"content").unwrap();
        for cut in 0..text.len() {
            assert!(sealer.open(place("a"), &text[..cut]).is_err(), "cut {cut}");
        }
        let body = text.rfind(':').unwrap() + 1;
        for at in body..text.len() - 1 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(bytes).unwrap();
            assert!(sealer.open(place("a"), &altered).is_err(), "altered {at}");
        }
        for garbage in ["", "v1:::", "v2:a:b:c", "v1:a:b:c:d", "nonsense"] {
            assert!(sealer.open(place("a"), garbage).is_err(), "{garbage}");
        }
    }

    #[test]
    fn rotating_the_master_key_keeps_every_content_readable() {
        let tenant = tenant();
        let old = Key::random();
        let old_bytes = *old.bytes.expose_secret();
        let before = Vault::new(MasterKeys(vec![old]));
        let wrapped = before.new_tenant_keys(tenant).unwrap();
        let text = before
            .tenant(tenant, &wrapped)
            .unwrap()
            .seal(place("a"), b"kept")
            .unwrap();

        let new = Key::random();
        let new_bytes = *new.bytes.expose_secret();
        let both = Vault::new(MasterKeys(vec![new, Key::from_bytes(old_bytes)]));
        let rewrapped = both.rewrap(tenant, &wrapped).unwrap().unwrap();
        assert!(both.rewrap(tenant, &rewrapped).unwrap().is_none());

        let after = Vault::new(MasterKeys(vec![Key::from_bytes(new_bytes)]));
        assert!(matches!(
            after.tenant(tenant, &wrapped),
            Err(SecretsError::UnknownKey { .. })
        ));
        let plain = after
            .tenant(tenant, &rewrapped)
            .unwrap()
            .open(place("a"), &text)
            .unwrap();
        assert_eq!(plain.expose_secret(), b"kept");
    }

    #[test]
    fn a_new_data_key_reseals_old_values_without_losing_them() {
        let (vault, tenant) = (vault(), tenant());
        let wrapped = vault.new_tenant_keys(tenant).unwrap();
        let text = vault
            .tenant(tenant, &wrapped)
            .unwrap()
            .seal(place("a"), b"kept")
            .unwrap();
        let ring = vault.add_tenant_key(tenant, &wrapped).unwrap();
        let sealer = vault.tenant(tenant, &ring).unwrap();
        let resealed = sealer.reseal(place("a"), &text).unwrap().unwrap();
        assert!(sealer.reseal(place("a"), &resealed).unwrap().is_none());
        for text in [text, resealed] {
            let plain = sealer.open(place("a"), &text).unwrap();
            assert_eq!(plain.expose_secret(), b"kept");
        }
    }
}
