//! `/healthz` (the process answers), `/readyz` (it may get traffic), `/metrics`.

use async_trait::async_trait;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use std::sync::Arc;
use std::time::Duration;

/// A check that hangs is a check that failed.
const READY_TIMEOUT: Duration = Duration::from_secs(3);

/// What a load balancer asks.
#[async_trait]
pub trait Readiness: Send + Sync + 'static {
    /// One sentence per reason not to send traffic here: database away, drain, vacant shard.
    async fn problems(&self) -> Vec<String>;
}

/// Renders the metrics of the process.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

#[derive(Clone)]
struct Health {
    readiness: Arc<dyn Readiness>,
    metrics: RenderMetrics,
}

pub fn routes(readiness: Arc<dyn Readiness>, metrics: RenderMetrics) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(show_metrics))
        .with_state(Health { readiness, metrics })
}

async fn ready(State(health): State<Health>) -> impl IntoResponse {
    let asked = tokio::time::timeout(READY_TIMEOUT, health.readiness.problems()).await;
    let problems = asked.unwrap_or_else(|_| vec!["the checks did not answer in time".to_owned()]);
    let status = if problems.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = serde_json::json!({ "ready": problems.is_empty(), "problems": problems });
    (status, Json(body))
}

async fn show_metrics(State(health): State<Health>) -> impl IntoResponse {
    let media = "text/plain; version=0.0.4; charset=utf-8";
    ([(CONTENT_TYPE, media)], (health.metrics)())
}
