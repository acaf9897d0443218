//! The way back from a provider's consent page. A browser comes here without a session of ours;
//! the unguessable `state` says which connecting it belongs to, and it is sent on to our pages.

use app::App;
use app::inboxes::oauth::{self, Callback};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, REFERRER_POLICY};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
}

pub fn routes(app: App) -> Router {
    Router::new()
        .route("/oauth/{channel}/callback", get(callback))
        .with_state(app)
}

async fn callback(
    State(app): State<App>,
    Path(channel): Path<String>,
    Query(answer): Query<Answer>,
) -> Response {
    let callback = Callback {
        state: answer.state,
        code: answer.code,
        error: answer.error,
    };
    let result = oauth::finish(&app, &channel, callback).await;
    if let Err(app::Error::Internal(cause)) = &result {
        tracing::error!(error = %cause, "an account could not be connected");
    }
    // The address of this page holds the code: it stays out of caches and referrers.
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (headers, Redirect::to(&oauth::landing(&result))).into_response()
}
