//! What surrounds every request: an id, a span, a net for panics, and the headers that keep browsers
//! from guessing. Accepted sockets want TCP_NODELAY, which is the listener's business (`tap_io`).

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, in its extensions and in the answer's `x-request-id`.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

pub fn wrap(router: Router) -> Router {
    router
        .layer(CatchPanicLayer::custom(panicked))
        .layer(CompressionLayer::new())
        .layer(from_fn(around))
}

async fn around(mut request: Request, next: Next) -> Response {
    let id = next_id();
    let method = request.method().clone();
    // Paths hold capabilities (webhook keys, signed links): only the first segment is logged.
    let path = request.uri().path().to_owned();
    let area = path.split('/').nth(1).unwrap_or_default().to_owned();
    request.extensions_mut().insert(RequestId(id.clone()));
    let span =
        tracing::info_span!("request", request.id = %id, http.method = %method, http.area = %area);
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    span.in_scope(|| tracing::debug!(http.status = status.as_u16(), "answered"));
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
    ] {
        let name = HeaderName::from_static(name);
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Ours alone: an id from outside could be chosen to confuse whoever reads the log.
fn next_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!(
        "r{:x}-{:x}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    tracing::error!("a request ended in a panic: {text}");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
