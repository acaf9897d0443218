//! Passwords: rules, argon2id hashing and verification.
