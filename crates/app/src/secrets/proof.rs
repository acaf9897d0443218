//! Proofs that a text came from us, for what we hand out and get back.
//!
//! Invariants: the newest key proves, every key of the ring still checks; a proof for one purpose
//! or of one scope is good for no other.

use super::{Key, Sealer, SecretsError};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha2::Sha256;

impl Sealer {
    /// A proof, for one purpose, that this text came from us.
    pub fn sign(&self, purpose: &'static str, text: &[u8]) -> Result<[u8; 32], SecretsError> {
        let key = self.keys.first().ok_or(SecretsError::MasterKeyMissing)?;
        let mac = self.mac(key, purpose, text)?;
        Ok(mac.finalize().into_bytes().into())
    }

    /// Whether one of our keys made this proof. Takes the same time for every wrong proof.
    pub fn is_signed(&self, purpose: &'static str, text: &[u8], proof: &[u8]) -> bool {
        let made_by = |key| {
            let mac = self.mac(key, purpose, text);
            mac.is_ok_and(|mac| mac.verify_slice(proof).is_ok())
        };
        self.keys.iter().any(made_by)
    }

    /// The purpose derives a key of its own, so that no proof is good for anything else.
    fn mac(
        &self,
        key: &Key,
        purpose: &'static str,
        text: &[u8],
    ) -> Result<Hmac<Sha256>, SecretsError> {
        let new =
            |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).map_err(|_| SecretsError::Refused);
        let mut derived = new(key.bytes.expose_secret())?;
        derived.update(format!("sign|{}|{purpose}", self.scope).as_bytes());
        let mut mac = new(&derived.finalize().into_bytes())?;
        mac.update(text);
        Ok(mac)
    }
}

#[cfg(test)]
mod tests {
    use crate::secrets::{MasterKeys, Vault};

    #[test]
    fn a_proof_holds_for_its_text_purpose_and_keys_only() {
        let vault = Vault::new(MasterKeys::random());
        let ours = vault.installation();
        let proof = ours.sign("a", b"text").expect("a key is there");
        assert!(ours.is_signed("a", b"text", &proof));
        assert!(!ours.is_signed("b", b"text", &proof));
        assert!(!ours.is_signed("a", b"texts", &proof));
        assert!(!ours.is_signed("a", b"text", &proof[..31]));
        let others = Vault::new(MasterKeys::random());
        assert!(!others.installation().is_signed("a", b"text", &proof));
    }
}
