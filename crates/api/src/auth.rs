//! Who calls: a bearer access token, a bearer API token, or nobody. The refresh token lives only in a
//! cookie that scripts cannot read and that other sites cannot send.

use crate::fault::{Code, Fault};
use async_trait::async_trait;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use domain::Time;
use domain::event::ScopeKey;
use domain::permission::Actor;
use futures_util::future::BoxFuture;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

/// A proven caller and until when the proof holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub actor: Actor,
    /// `None` for API tokens without an end.
    pub expires_at: Option<Time>,
}

/// Why a credential was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Unknown, forged, expired or revoked: one word, so that nothing can be probed.
    Invalid,
    /// The store is away; the caller may try again.
    Unavailable,
}

impl Refusal {
    pub fn fault(self) -> Fault {
        match self {
            Self::Invalid => Fault::new(
                Code::Unauthenticated,
                "The access token is not valid any more.",
            ),
            Self::Unavailable => Fault::new(Code::Unavailable, "Try again in a moment."),
        }
    }
}

/// What the transports need to know about callers. `app` is the real one; tests use a table.
#[async_trait]
pub trait Gate: Send + Sync + 'static {
    /// Proves an access token or an API token.
    async fn authenticate(&self, bearer: &Bearer) -> Result<Session, Refusal>;

    /// Resolves when the actor's session or token is revoked or her membership changes. It listens from
    /// the call on, and also notices what ended between the proof and the call.
    fn ended(&self, actor: &Actor) -> BoxFuture<'static, ()>;

    /// The keys whose events the actor may see now.
    async fn scope(&self, actor: &Actor) -> Result<BTreeSet<ScopeKey>, Refusal>;

    /// A socket of the actor was acknowledged. Writes the `connections` row.
    async fn connected(&self, actor: &Actor, socket: SocketId);

    /// That socket is gone. Called once for each `connected`, also on a drain.
    async fn disconnected(&self, actor: &Actor, socket: SocketId);
}

/// Names a socket within this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(pub u64);

/// A credential as it came from the wire; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer(String);

/// Longer than any token that is ever made.
const BEARER_BYTES_MAX: usize = 4096;

impl Bearer {
    pub fn new(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= BEARER_BYTES_MAX;
        (fits && text.bytes().all(|b| b.is_ascii_graphic())).then(|| Self(text.to_owned()))
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// `Ok(None)` when the request names no credential.
    pub fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let Some(value) = headers.get(AUTHORIZATION) else {
            return Ok(None);
        };
        value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .and_then(|(_, token)| Self::new(token.trim()))
            .map(Some)
            .ok_or(Refusal::Invalid)
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(…)")
    }
}

/// The caller in a resolver's context. `None`: nobody is signed in.
#[derive(Debug, Clone)]
pub struct Caller(pub Option<Session>);

impl Caller {
    pub fn actor(&self) -> Result<&Actor, Fault> {
        self.0
            .as_ref()
            .map(|session| &session.actor)
            .ok_or_else(Fault::unauthenticated)
    }
}

/// What sign-in and the audit log note about the other end.
#[derive(Debug, Clone)]
pub struct Peer {
    pub ip: Option<IpAddr>,
    pub user_agent: String,
}

const USER_AGENT_CHARS_MAX: usize = 256;

impl Peer {
    /// `proxies` = how many trusted reverse proxies stand in front; each appends one address to
    /// `X-Forwarded-For`, so that many from the right are believed and no more.
    pub fn from_headers(headers: &HeaderMap, socket: Option<IpAddr>, proxies: usize) -> Self {
        let forwarded: Vec<IpAddr> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|part| part.trim().parse().ok())
            .collect();
        // Fewer addresses than proxies: the request came around them, so none is believed.
        let believed = match proxies {
            0 => None,
            n => forwarded.len().checked_sub(n),
        };
        let user_agent = headers
            .get("user-agent")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        Self {
            ip: believed
                .and_then(|at| forwarded.get(at).copied())
                .or(socket),
            user_agent: user_agent.chars().take(USER_AGENT_CHARS_MAX).collect(),
        }
    }
}

/// The refresh token as the browser sent it; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(pub Option<String>);

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "RefreshToken({})",
            if self.0.is_some() { "…" } else { "none" }
        )
    }
}

const REFRESH_COOKIE: &str = "meari_refresh";

impl RefreshToken {
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let found = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == REFRESH_COOKIE)
            .and_then(|(_, value)| Bearer::new(value))
            .map(|bearer| bearer.0);
        Self(found)
    }
}

/// How refresh cookies are written: `Secure` exactly when the installation is served by https, since
/// browsers drop secure cookies of plain-http pages.
#[derive(Debug, Clone, Copy)]
pub struct RefreshCookies {
    pub secure: bool,
}

impl RefreshCookies {
    pub fn for_public_url(public_url: &str) -> Self {
        Self {
            secure: public_url.starts_with("https://"),
        }
    }

    /// `Set-Cookie` that keeps the token for `max_age_seconds`.
    pub fn keep(self, token: &str, max_age_seconds: u64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!(
            "{REFRESH_COOKIE}={token}; Path=/graphql; Max-Age={max_age_seconds}; HttpOnly; SameSite=Strict{secure}"
        )
    }

    /// `Set-Cookie` that removes it.
    pub fn forget(self) -> String {
        self.keep("", 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    axum::http::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn a_refresh_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        let cookie = RefreshCookies::for_public_url("https://a.example").keep("t", 60);
        for part in [
            "HttpOnly",
            "SameSite=Strict",
            "Secure",
            "Path=/graphql",
            "Max-Age=60",
        ] {
            assert!(cookie.contains(part), "{part} in {cookie}");
        }
        let plain = RefreshCookies::for_public_url("http://localhost:8080").keep("t", 60);
        assert!(!plain.contains("Secure"));
    }

    #[test]
    fn a_credential_of_another_scheme_is_refused_not_ignored() {
        let bearer = |value| Bearer::from_headers(&headers(&[("authorization", value)]));
        assert_eq!(bearer("Basic YTpi"), Err(Refusal::Invalid));
        assert_eq!(bearer("Bearer "), Err(Refusal::Invalid));
        assert_eq!(bearer("bearer abc").unwrap().unwrap().reveal(), "abc");
        assert_eq!(Bearer::from_headers(&HeaderMap::new()), Ok(None));
    }

    #[test]
    fn secrets_are_not_printed() {
        let bearer = Bearer::new("s3cret").unwrap();
        assert!(!format!("{bearer:?}").contains("s3cret"));
        assert!(!format!("{:?}", RefreshToken(Some("s3cret".into()))).contains("s3cret"));
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let found =
            RefreshToken::from_headers(&headers(&[("cookie", "a=b; meari_refresh=t1; c=d")]));
        assert_eq!(found.0.as_deref(), Some("t1"));
    }

    #[test]
    fn a_caller_cannot_forge_her_address() {
        let forged = headers(&[("x-forwarded-for", "9.9.9.9, 1.1.1.1")]);
        let socket: Option<IpAddr> = Some([10, 0, 0, 1].into());
        let ip = |proxies| {
            Peer::from_headers(&forged, socket, proxies)
                .ip
                .unwrap()
                .to_string()
        };
        assert_eq!(ip(0), "10.0.0.1");
        assert_eq!(ip(1), "1.1.1.1");
        assert_eq!(ip(2), "9.9.9.9");
        assert_eq!(ip(3), "10.0.0.1");
    }
}
