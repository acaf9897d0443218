//! The only sender of HTTP requests. Channels describe a request; this executes it.
//!
//! Invariants: every host passes the guard and every send the rate limit; sizes and times are
//! bounded; nothing of a header, body, path or query reaches a log. The error says whether the
//! provider may have the request, because the three send kinds depend on it: `NotSent` is said
//! only when no byte of the request can have left.

mod body;
mod errand;
pub mod guard;
pub mod limiter;
mod mail;
mod smtp;

pub use errand::Errand;

use crate::blobs::{BlobError, Blobs};
use channels::{Answer, HttpRequest, Reach, Response};
use domain::{Clock, Time};
use guard::{Guard, GuardedResolver, Trust, refusal_in};
use http::{Method, StatusCode, header};
use limiter::{Admission, Limiter, Rate};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Files may be large and peers slow.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(300);
/// Between two chunks of an answer.
const SILENCE_MAX: Duration = Duration::from_secs(20);
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
const REDIRECTS_MAX: usize = 3;

#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// Our own rate limit: nothing was sent, ask again after this.
    #[error("the rate limit asks to wait {after:?}")]
    Limited { after: Duration },
    /// Certainly nothing arrived: name, connection or TLS failed.
    #[error("the provider is not reachable: {reason}")]
    NotSent { reason: String },
    /// It may have arrived; only the provider knows.
    #[error("no complete answer came: {reason}")]
    MaybeSent { reason: String },
    /// Will be refused again: guard, malformed request, missing file. Nothing was sent.
    #[error("the request is refused: {reason}")]
    Refused { reason: String },
    /// It arrived, but its answer is larger than allowed.
    #[error("the answer is larger than {bytes_max} bytes")]
    AnswerTooLarge { bytes_max: u64 },
    /// Our file store failed while the answer was stored.
    #[error("the answer could not be stored")]
    NotStored(#[source] BlobError),
}

/// On whose behalf a request is made.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Rate limits are kept per account; the inbox id.
    pub account: String,
    pub peer: Option<String>,
    pub rate: Rate,
    pub peer_rate: Option<Rate>,
    /// The base URL of the inbox. URLs of a stranger's choice that lead to the same host and
    /// port are as trusted as the inbox itself.
    pub base_url: Option<String>,
}

impl Policy {
    /// Ten requests a second for the account, without a limit per peer.
    pub fn of_account(account: impl Into<String>) -> Self {
        Self {
            account: account.into(),
            peer: None,
            rate: Rate::per_second(10, 20),
            peer_rate: None,
            base_url: None,
        }
    }
}

/// How long [`Outbound::execute`] may take at most; locks must outlive it.
pub fn timeout_of(request: &HttpRequest) -> Duration {
    if body::has_file(&request.body) || matches!(request.answer, Answer::Blob { .. }) {
        TRANSFER_TIMEOUT
    } else {
        ANSWER_TIMEOUT
    }
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbound(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    guard: Guard,
    configured: reqwest::Client,
    public: reqwest::Client,
    limiter: Mutex<Limiter>,
    blobs: Blobs,
    clock: Arc<dyn Clock>,
}

impl Outbound {
    pub fn new(
        guard: Guard,
        user_agent: &str,
        blobs: Blobs,
        clock: Arc<dyn Clock>,
    ) -> crate::Result<Self> {
        let client = |trust| {
            // Connections are pooled per client, so a stranger's URL never rides on one that
            // only an administrator's trust opened.
            reqwest::Client::builder()
                .user_agent(user_agent)
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .connect_timeout(CONNECT_TIMEOUT)
                .read_timeout(SILENCE_MAX)
                .pool_idle_timeout(Duration::from_secs(30))
                .dns_resolver(Arc::new(GuardedResolver {
                    guard: guard.clone(),
                    trust,
                }))
                .build()
                .map_err(crate::Error::internal)
        };
        Ok(Self(Arc::new(Inner {
            configured: client(Trust::Configured)?,
            public: client(Trust::Public)?,
            guard,
            limiter: Mutex::default(),
            blobs,
            clock,
        })))
    }

    pub fn guard(&self) -> &Guard {
        &self.0.guard
    }

    /// Sends the request and reads its whole answer. Any HTTP status is an answer.
    pub async fn execute(
        &self,
        request: &HttpRequest,
        policy: &Policy,
    ) -> Result<Response, ExecuteError> {
        self.admit(policy)?;
        let started = tokio::time::Instant::now();
        let result = self
            .follow(request, policy, started + timeout_of(request))
            .await;
        let (outcome, status) = match &result {
            Ok(response) => ("answered", response.status),
            Err(ExecuteError::NotSent { .. }) => ("not_sent", 0),
            Err(ExecuteError::MaybeSent { .. }) => ("maybe_sent", 0),
            Err(_) => ("refused", 0),
        };
        metrics::counter!("meari_outbound_requests_total", "outcome" => outcome).increment(1);
        tracing::debug!(
            http.method = %request.method,
            http.status = status,
            account = %policy.account,
            duration_ms = started.elapsed().as_millis() as u64,
            "outbound request {outcome}"
        );
        if let Ok(response) = &result {
            self.heed_retry_after(response, policy);
        }
        result
    }

    fn admit(&self, policy: &Policy) -> Result<(), ExecuteError> {
        let now = self.0.clock.now();
        let admission = self.limiter().admit(
            &policy.account,
            policy.peer.as_deref(),
            policy.rate,
            policy.peer_rate,
            now,
        );
        match admission {
            Admission::Now => Ok(()),
            Admission::At(then) => Err(ExecuteError::Limited {
                after: (then - now).to_std().unwrap_or_default(),
            }),
        }
    }

    fn heed_retry_after(&self, response: &Response, policy: &Policy) {
        let now = self.0.clock.now();
        if matches!(response.status, 429 | 503)
            && let Some(until) = response
                .header("retry-after")
                .and_then(|v| retry_at(v, now))
        {
            self.limiter().block(&policy.account, until, now);
        }
    }

    fn limiter(&self) -> std::sync::MutexGuard<'_, Limiter> {
        self.0
            .limiter
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// One request and its redirects. Only reads follow redirects: a write that is redirected
    /// is the channel's to judge.
    async fn follow(
        &self,
        request: &HttpRequest,
        policy: &Policy,
        deadline: tokio::time::Instant,
    ) -> Result<Response, ExecuteError> {
        let mut trust = self.trust_of(&request.url, request.reach, policy);
        let mut url = self.check(&request.url, trust)?;
        let mut strangers = false;
        for hop in 0..=REDIRECTS_MAX {
            let sending = self.send(request, &url, trust, strangers);
            let answer = tokio::time::timeout_at(deadline, sending)
                .await
                .map_err(|_| maybe("it took too long"))??;
            let reads = matches!(request.method, Method::GET | Method::HEAD);
            let Some(next) = location(&answer, &url).filter(|_| reads) else {
                return self.read_by(deadline, request, answer).await;
            };
            if hop == REDIRECTS_MAX {
                break;
            }
            let elsewhere = origin(&next) != origin(&url);
            if elsewhere && request.reach == Reach::Configured {
                return self.read_by(deadline, request, answer).await;
            }
            // Another origin must not learn our credentials.
            strangers |= elsewhere;
            trust = self.trust_of(next.as_str(), request.reach, policy);
            url = self.check(next.as_str(), trust)?;
        }
        Err(ExecuteError::Refused {
            reason: "too many redirects".to_owned(),
        })
    }

    fn trust_of(&self, url: &str, reach: Reach, policy: &Policy) -> Trust {
        let parse = |text: &str| Url::parse(text).ok();
        let own = policy.base_url.as_deref().and_then(parse);
        match reach {
            Reach::Configured => Trust::Configured,
            Reach::Public => match (parse(url), own) {
                (Some(url), Some(own)) if origin(&url) == origin(&own) => Trust::Configured,
                _ => Trust::Public,
            },
        }
    }

    fn check(&self, url: &str, trust: Trust) -> Result<Url, ExecuteError> {
        self.0
            .guard
            .check(url, trust)
            .map_err(|refusal| ExecuteError::Refused {
                reason: refusal.to_string(),
            })
    }

    async fn send(
        &self,
        request: &HttpRequest,
        url: &Url,
        trust: Trust,
        strangers: bool,
    ) -> Result<reqwest::Response, ExecuteError> {
        let client = match trust {
            Trust::Configured => &self.0.configured,
            Trust::Public => &self.0.public,
        };
        let mut builder = client.request(request.method.clone(), url.clone());
        for (name, value) in &request.headers {
            if !strangers || name.eq_ignore_ascii_case("accept") {
                builder = builder.header(*name, value);
            }
        }
        let builder = body::attach(builder, &request.body, &self.0.blobs).await?;
        let ready = builder.build().map_err(|error| ExecuteError::Refused {
            reason: error.without_url().to_string(),
        })?;
        client.execute(ready).await.map_err(classify)
    }

    async fn read_by(
        &self,
        deadline: tokio::time::Instant,
        request: &HttpRequest,
        answer: reqwest::Response,
    ) -> Result<Response, ExecuteError> {
        tokio::time::timeout_at(deadline, self.read(request, answer))
            .await
            .map_err(|_| maybe("it took too long"))?
    }

    async fn read(
        &self,
        request: &HttpRequest,
        mut answer: reqwest::Response,
    ) -> Result<Response, ExecuteError> {
        let mut response = Response {
            status: answer.status().as_u16(),
            headers: answer
                .headers()
                .iter()
                .map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    (name.as_str().to_owned(), value)
                })
                .collect(),
            ..Response::default()
        };
        match request.answer {
            Answer::Blob { bytes_max } if answer.status().is_success() => {
                response.blob = Some(self.store(answer, bytes_max).await?);
            }
            _ => {
                while let Some(chunk) = answer.chunk().await.map_err(broken_off)? {
                    if response.body.len() + chunk.len() > ANSWER_BYTES_MAX {
                        return Err(ExecuteError::AnswerTooLarge {
                            bytes_max: ANSWER_BYTES_MAX as u64,
                        });
                    }
                    response.body.extend_from_slice(&chunk);
                }
            }
        }
        Ok(response)
    }

    async fn store(
        &self,
        answer: reqwest::Response,
        bytes_max: u64,
    ) -> Result<channels::Blob, ExecuteError> {
        if answer.content_length().is_some_and(|n| n > bytes_max) {
            return Err(ExecuteError::AnswerTooLarge { bytes_max });
        }
        let stored = self.0.blobs.put(answer.bytes_stream(), bytes_max).await;
        stored.map_err(|error| match error {
            BlobError::TooLarge { bytes_max } => ExecuteError::AnswerTooLarge { bytes_max },
            BlobError::Source(_) => maybe("the answer broke off"),
            other => ExecuteError::NotStored(other),
        })
    }
}

fn maybe(reason: &str) -> ExecuteError {
    ExecuteError::MaybeSent {
        reason: reason.to_owned(),
    }
}

fn broken_off(error: reqwest::Error) -> ExecuteError {
    maybe(&words_of(&error.without_url()))
}

/// Whether the request can have left. The client reports name, connection and TLS failures as
/// connect errors; everything later, time-outs included, may have reached the provider.
fn classify(error: reqwest::Error) -> ExecuteError {
    if let Some(refusal) = refusal_in(&error) {
        return ExecuteError::Refused {
            reason: refusal.to_string(),
        };
    }
    let (unsent, builder) = (error.is_connect(), error.is_builder());
    let reason = words_of(&error.without_url());
    match (builder, unsent) {
        (true, _) => ExecuteError::Refused { reason },
        (_, true) => ExecuteError::NotSent { reason },
        _ => ExecuteError::MaybeSent { reason },
    }
}

/// The innermost cause says most: "connection refused" instead of "error sending request".
fn words_of(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn origin(url: &Url) -> (Option<&str>, Option<u16>) {
    (url.host_str(), url.port_or_known_default())
}

/// Where a redirect leads. A step down from https to http is not followed.
fn location(answer: &reqwest::Response, url: &Url) -> Option<Url> {
    let follows = matches!(
        answer.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let text = answer.headers().get(header::LOCATION)?.to_str().ok()?;
    let next = url.join(text).ok().filter(|_| follows)?;
    let downgrade = url.scheme() == "https" && next.scheme() == "http";
    (!downgrade).then_some(next)
}

/// Seconds or an HTTP date.
fn retry_at(value: &str, now: Time) -> Option<Time> {
    match value.trim().parse::<u32>() {
        Ok(seconds) => now.checked_add_signed(chrono::TimeDelta::seconds(seconds.into())),
        Err(_) => chrono::DateTime::parse_from_rfc2822(value.trim())
            .ok()
            .map(|at| at.to_utc())
            .filter(|at| *at > now),
    }
}

#[cfg(test)]
mod tests;
