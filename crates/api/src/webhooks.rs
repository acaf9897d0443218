//! `ANY /webhooks/{channel}/{key}`: the entrance of providers.
//!
//! The body is kept as it came, because signatures are over bytes; nothing is parsed here. A 2xx is
//! said only after the delivery is durable, so whatever happens before it is a 4xx or 5xx that makes
//! the provider come again.

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const BODY_BYTES_MAX: usize = 1 << 20;
/// A sender that needs longer for a megabyte holds a connection, not a message.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);
const NAME_BYTES_MAX: usize = 64;

/// One request of a provider, exactly as it arrived. Header names are lower case.
#[derive(Clone)]
pub struct Delivery {
    pub channel: String,
    pub key: String,
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Bytes,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key is a capability; headers and query may carry secrets; bodies are personal data.
        f.debug_struct("Delivery")
            .field("channel", &self.channel)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Durable (or already there, or authentic but for nobody).
    Accepted,
    /// The provider tests the entrance.
    Challenge {
        status: u16,
        content_type: &'static str,
        body: Vec<u8>,
    },
    /// The signature is wrong: nothing is stored.
    Rejected,
    /// No such entrance.
    Unknown,
    /// The store is away; the provider shall come again.
    Unavailable,
}

/// The use case behind the entrance.
#[async_trait]
pub trait Entrance: Send + Sync + 'static {
    async fn accept(&self, delivery: Delivery) -> Outcome;
}

pub fn routes(entrance: Arc<dyn Entrance>) -> Router {
    Router::new()
        .route("/webhooks/{channel}/{key}", any(receive))
        .with_state(entrance)
}

async fn receive(
    State(entrance): State<Arc<dyn Entrance>>,
    Path((channel, key)): Path<(String, String)>,
    request: Request,
) -> Response {
    if !is_name(&channel) || !is_name(&key) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let (parts, body) = request.into_parts();
    let body = match read(body).await {
        Ok(body) => body,
        Err(status) => return status.into_response(),
    };
    let headers = parts.headers.iter();
    let delivery = Delivery {
        channel,
        key,
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: headers
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect(),
        body,
    };
    answer(entrance.accept(delivery).await)
}

async fn read(body: Body) -> Result<Bytes, StatusCode> {
    let read = axum::body::to_bytes(body, BODY_BYTES_MAX);
    match tokio::time::timeout(BODY_TIMEOUT, read).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

fn is_name(text: &str) -> bool {
    let fits = (1..=NAME_BYTES_MAX).contains(&text.len());
    fits && text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

fn answer(outcome: Outcome) -> Response {
    let (word, response) = match outcome {
        Outcome::Accepted => ("accepted", StatusCode::OK.into_response()),
        Outcome::Challenge {
            status,
            content_type,
            body,
        } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            let media = HeaderValue::from_static(content_type);
            (
                "challenge",
                (status, [(CONTENT_TYPE, media)], body).into_response(),
            )
        }
        Outcome::Rejected => ("rejected", StatusCode::UNAUTHORIZED.into_response()),
        Outcome::Unknown => ("unknown", StatusCode::NOT_FOUND.into_response()),
        Outcome::Unavailable => {
            let wait = [(RETRY_AFTER, HeaderValue::from_static("5"))];
            (
                "unavailable",
                (StatusCode::SERVICE_UNAVAILABLE, wait).into_response(),
            )
        }
    };
    // Only the outcome is a label: channel and key come from outside and would never end.
    metrics::counter!("meari_webhooks_total", "outcome" => word).increment(1);
    response
}
