//! Passwords: rules, argon2id hashing and verification.
//!
//! Invariants: at most `parallel` hashes run at once and at most `WAITING_MAX` wait, whatever a
//! sign-in flood asks for; an unknown user costs the same time as a wrong password; text is
//! NFKC-normalised first, so the same Hangul typed on another system is the same password.

use crate::error::{Error, Result};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use unicode_normalization::UnicodeNormalization as _;

/// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

pub const CHARS_MIN: usize = 10;
/// Bounds the work of normalising and hashing hostile input.
pub const BYTES_MAX: usize = 512;
const DISTINCT_CHARS_MIN: usize = 5;
const WAITING_MAX: usize = 128;

/// The commonest passwords that the length rule alone would let through.
const COMMON: &[&str] = &[
    "1234567890",
    "12345678910",
    "0123456789",
    "0987654321",
    "123456789a",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "q1w2e3r4t5",
    "qwertyuiop",
    "qwerty12345",
    "qwerty123456",
    "asdfghjkl;",
    "password123",
    "password1234",
    "password12345",
    "passw0rd123",
    "p@ssw0rd123",
    "iloveyou123",
    "welcome123",
    "welcome1234",
    "administrator",
    "changeme123",
    "letmein123",
    "abcdefghij",
    "abcd123456",
    "dkssudgktpdy",
];

/// Whether `password` may be set for the person with this e-mail address.
pub fn check_rules(password: &SecretString, email: &str) -> Result<()> {
    let refuse = |message: &str| Err(Error::invalid("password", message));
    let raw = password.expose_secret();
    if raw.len() > BYTES_MAX {
        return refuse("use at most 512 bytes");
    }
    let text = SecretString::from(raw.nfkc().collect::<String>());
    let text = text.expose_secret();
    if text.chars().count() < CHARS_MIN {
        return refuse("use at least 10 characters");
    }
    if text.chars().any(char::is_control) {
        return refuse("control characters are not allowed");
    }
    let lower = text.to_lowercase();
    let mut distinct: Vec<char> = lower.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < DISTINCT_CHARS_MIN || COMMON.contains(&lower.as_str()) {
        return refuse("this password is among the first that an attacker tries");
    }
    let email = email.to_lowercase();
    let name = email.split('@').next().unwrap_or_default();
    if lower == email || (name.chars().count() >= 4 && lower.contains(name)) {
        return refuse("it must not contain your e-mail name");
    }
    Ok(())
}

/// Hashes and verifies, off the async threads and never more than a few at a time.
#[derive(Clone)]
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// Verified in place of a hash that does not exist: it costs what others cost, and nobody knows a
/// password that gives zeros. Written down, because to make one at the start takes 19 MiB that the
/// process keeps.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}

impl Passwords {
    /// `parallel`: hashes that may run at once; each takes 19 MiB and one core for its time.
    pub fn new(parallel: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(parallel.max(1))),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
        }
    }

    /// The PHC string to store. Call [`check_rules`] first.
    pub async fn hash(&self, password: SecretString) -> Result<String> {
        self.run(password, hash).await?
    }

    /// Whether `password` matches `stored`. `None` (unknown user, or one without a password)
    /// is always false and takes as long as a wrong password does.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<bool> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| NOBODY.to_owned());
        let matches = self
            .run(password, move |bytes| verify(bytes, &stored))
            .await??;
        Ok(known && matches)
    }

    async fn run<T: Send + 'static>(
        &self,
        password: SecretString,
        work: impl FnOnce(&[u8]) -> T + Send + 'static,
    ) -> Result<T> {
        if password.expose_secret().len() > BYTES_MAX {
            return Err(Error::invalid("password", "use at most 512 bytes"));
        }
        let _place = self.waiting.try_acquire().map_err(|_| Error::RateLimited {
            after: Duration::from_secs(1),
        })?;
        let permit = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(Error::internal)?;
        // The permit moves into the thread: a caller who hangs up does not free it early.
        tokio::task::spawn_blocking(move || {
            let _permit: OwnedSemaphorePermit = permit;
            let text = SecretString::from(password.expose_secret().nfkc().collect::<String>());
            work(text.expose_secret().as_bytes())
        })
        .await
        .map_err(Error::internal)
    }
}

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(Error::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &[u8]) -> Result<String> {
    let phc = argon2()?.hash_password(password).map_err(Error::internal)?;
    Ok(phc.to_string())
}

fn verify(password: &[u8], stored: &str) -> Result<bool> {
    use argon2::password_hash::Error as HashError;
    let stored = PasswordHash::new(stored).map_err(Error::internal)?;
    match argon2()?.verify_password(password, &stored) {
        Ok(()) => Ok(true),
        Err(HashError::PasswordInvalid) => Ok(false),
        Err(other) => Err(Error::internal(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[tokio::test]
    async fn only_the_right_password_verifies_and_every_hash_has_its_own_salt() {
        let passwords = Passwords::new(2);
        let stored = passwords.hash(secret("산울림이 돌아온다")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let again = passwords.hash(secret("산울림이 돌아온다")).await.unwrap();
        assert_ne!(stored, again);
        let verify = |text| passwords.verify(secret(text), Some(stored.clone()));
        assert!(verify("산울림이 돌아온다").await.unwrap());
        assert!(!verify("산울림이 돌아온다 ").await.unwrap());
    }

    #[tokio::test]
    async fn decomposed_hangul_is_the_same_password() {
        let passwords = Passwords::new(1);
        let stored = passwords
            .hash(secret("메아리 메아리 메아리"))
            .await
            .unwrap();
        let decomposed: String = "메아리 메아리 메아리".nfd().collect();
        assert!(
            passwords
                .verify(decomposed.into(), Some(stored))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn an_unknown_user_never_matches_but_costs_a_full_hash() {
        let passwords = Passwords::new(1);
        let somebody = passwords.hash(secret("anything at all")).await.unwrap();
        let costs = |hash: &str| hash.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(costs(NOBODY), costs(&somebody));
        assert_eq!(NOBODY.len(), somebody.len());
        assert!(
            !passwords
                .verify(secret("anything at all"), None)
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn a_flood_is_turned_away_instead_of_queueing_without_end() {
        let passwords = Passwords::new(1);
        let _all = passwords.waiting.acquire_many(WAITING_MAX as u32).await;
        let refused = passwords.verify(secret("x"), None).await;
        assert!(matches!(refused, Err(Error::RateLimited { .. })));
    }

    #[tokio::test]
    async fn a_broken_stored_hash_is_an_internal_error_not_a_match() {
        let passwords = Passwords::new(1);
        let verdict = passwords.verify(secret("x"), Some("garbage".into())).await;
        assert!(matches!(verdict, Err(Error::Internal(_))));
    }

    #[test]
    fn weak_passwords_are_refused_with_the_reason() {
        let long = "a1b2c3d4e5".repeat(60);
        let cases = [
            ("short1!", "10 characters"),
            ("aaaaaaaaaaaaaa", "attacker"),
            ("Password123", "attacker"),
            ("new\u{7}password-here", "control"),
            ("mina.park-2026", "e-mail name"),
            (long.as_str(), "512 bytes"),
        ];
        for (password, reason) in cases {
            match check_rules(&secret(password), "mina.park@example.com") {
                Err(Error::Invalid { field, message }) => {
                    assert_eq!(field, "password");
                    assert!(message.contains(reason), "{password}: {message}");
                }
                other => panic!("{password}: {other:?}"),
            }
        }
    }

    #[test]
    fn long_phrases_in_any_script_are_welcome() {
        for password in [
            "correct horse battery",
            "새벽 세시의 전화벨 소리",
            "x7!kQ-29fa#Z",
        ] {
            assert!(check_rules(&secret(password), "mina@example.com").is_ok());
        }
    }
}
