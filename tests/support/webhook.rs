//! Signing in the manner of Standard Webhooks, written apart from the server's own so that the
//! two are held against each other.

use anyhow::Context;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

/// A sender that shares a `whsec_…` secret with the server.
#[derive(Debug, Clone)]
pub struct Signer {
    key: Vec<u8>,
    http: reqwest::Client,
}

impl Signer {
    pub fn new(secret: &str) -> anyhow::Result<Self> {
        let encoded = secret
            .strip_prefix("whsec_")
            .context("a secret starts with whsec_")?;
        let key = BASE64_STANDARD.decode(encoded)?;
        Ok(Self {
            key,
            http: reqwest::Client::new(),
        })
    }

    /// The `webhook-signature` of this body.
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> anyhow::Result<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key)
            .ok()
            .context("any key length works")?;
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        Ok(format!(
            "v1,{}",
            BASE64_STANDARD.encode(mac.finalize().into_bytes())
        ))
    }

    /// A signed POST that has not been sent, for tests that spoil it first.
    pub fn request(
        &self,
        url: &str,
        id: &str,
        seconds: i64,
        body: Vec<u8>,
    ) -> anyhow::Result<reqwest::RequestBuilder> {
        let request = self
            .http
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", self.sign(id, seconds, &body)?);
        Ok(request.body(body))
    }

    /// Posts a body as the provider would, now, and answers the status.
    pub async fn post(&self, url: &str, id: &str, body: &Value) -> anyhow::Result<u16> {
        let body = serde_json::to_vec(body)?;
        let response = self.request(url, id, now_seconds()?, body)?.send().await?;
        Ok(response.status().as_u16())
    }
}

/// The wall clock, which the server under test compares signatures with.
#[expect(
    clippy::disallowed_methods,
    reason = "the other side of the wire has a clock of its own"
)]
pub fn now_seconds() -> anyhow::Result<i64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(i64::try_from(since.as_secs())?)
}
