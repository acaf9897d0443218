//! The refresh token: `session.family.current`, and how one hands over to the next.
//!
//! Invariants: only hashes are stored. The family part never changes within a session, so a token
//! that was rotated away long ago is still recognised as ours, and thus as stolen; a text with a
//! wrong family part is nobody's and revokes nothing. The next token is stored sealed under the
//! one before it, so that a second tab, or a browser that lost the answer, receives the same
//! next token and not a rival one.

use crate::tokens::{NewOpaque, Opaque, TokenError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::SessionId;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha512;
use store::queries::sessions::RefreshKeys;

/// A presented token, taken apart. Never printed.
pub(crate) struct Presented {
    pub(crate) session: SessionId,
    pub(crate) family_hash: String,
    pub(crate) current_hash: String,
    family: SecretString,
    current: SecretString,
}

/// What to send to the browser and what to store.
pub(crate) struct Next {
    pub(crate) text: SecretString,
    pub(crate) hash: String,
    pub(crate) handover: String,
}

fn compose(session: SessionId, family: &str, current: &str) -> SecretString {
    format!("{session}.{family}.{current}").into()
}

/// The first token of a session.
pub(crate) fn first(session: SessionId) -> (SecretString, RefreshKeys) {
    let family = Opaque::Refresh.generate();
    let current = Opaque::Refresh.generate();
    let text = compose(
        session,
        family.text.expose_secret(),
        current.text.expose_secret(),
    );
    let keys = RefreshKeys {
        family: family.hash,
        current: current.hash,
        previous: None,
        handover: None,
        rotated_at: None,
    };
    (text, keys)
}

impl Presented {
    pub(crate) fn parse(text: &str) -> Result<Self, TokenError> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(TokenError::Invalid);
        let (session, family, current) = (part()?, part()?, part()?);
        Ok(Self {
            session: session.parse().map_err(|_| TokenError::Invalid)?,
            family_hash: Opaque::Refresh.hash(family)?,
            current_hash: Opaque::Refresh.hash(current)?,
            family: family.to_owned().into(),
            current: current.to_owned().into(),
        })
    }

    pub(crate) fn next(&self) -> Result<Next, TokenError> {
        let NewOpaque { text, hash } = Opaque::Refresh.generate();
        let sealed = self.mask(text.expose_secret().as_bytes())?;
        Ok(Next {
            text: compose(
                self.session,
                self.family.expose_secret(),
                text.expose_secret(),
            ),
            hash,
            handover: URL_SAFE_NO_PAD.encode(sealed),
        })
    }

    /// The token that replaced this one, opened with this one.
    pub(crate) fn successor(&self, handover: &str) -> Result<SecretString, TokenError> {
        let sealed = URL_SAFE_NO_PAD
            .decode(handover)
            .map_err(|_| TokenError::Invalid)?;
        let text = String::from_utf8(self.mask(&sealed)?).map_err(|_| TokenError::Invalid)?;
        // Its checksum proves that it was sealed under this very token.
        Opaque::Refresh.hash(&text)?;
        Ok(compose(self.session, self.family.expose_secret(), &text))
    }

    /// One-time pad: the key is random, single-use and at least as long as the text it hides.
    fn mask(&self, text: &[u8]) -> Result<Vec<u8>, TokenError> {
        let key = self.current.expose_secret().as_bytes();
        let pad = Hmac::<Sha512>::new_from_slice(key)
            .map_err(|_| TokenError::NoKey)?
            .chain_update(b"meari refresh handover")
            .finalize()
            .into_bytes();
        Ok(text.iter().zip(pad).map(|(a, b)| a ^ b).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Time;

    #[test]
    fn the_holder_of_a_token_can_open_its_successor_and_nobody_else_can() {
        let session = SessionId::new(Time::default());
        let (text, keys) = first(session);
        let presented = Presented::parse(text.expose_secret()).unwrap();
        assert!(presented.session == session && presented.current_hash == keys.current);
        let next = presented.next().unwrap();
        let again = presented.successor(&next.handover).unwrap();
        assert_eq!(again.expose_secret(), next.text.expose_secret());
        let follower = Presented::parse(next.text.expose_secret()).unwrap();
        assert_eq!(follower.family_hash, presented.family_hash);
        assert_eq!(follower.current_hash, next.hash);
        assert!(follower.successor(&next.handover).is_err());
        assert!(!next.handover.contains(next.text.expose_secret()));
    }

    #[test]
    fn garbage_is_refused_before_the_database_is_asked() {
        let (text, _) = first(SessionId::new(Time::default()));
        let text = text.expose_secret();
        for cut in 0..text.len() {
            assert!(Presented::parse(&text[..cut]).is_err(), "cut {cut}");
        }
        assert!(Presented::parse(&format!("{text}.more")).is_err());
    }
}
