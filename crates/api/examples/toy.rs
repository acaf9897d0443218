//! Serves the toy schema, so that the npm clients of `tests/node` can be run against the transports
//! alone: `cargo run -p api --example toy -- 127.0.0.1:4010`.

#[path = "../tests/toy/mod.rs"]
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
mod toy;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response};
use axum::routing::any;
use std::sync::Arc;

type Endpoint = Arc<api::graphql_http::Endpoint<toy::ToySchema>>;

async fn graphql(State(endpoint): State<Endpoint>, request: Request<Body>) -> Response<Body> {
    endpoint.answer(request).await
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:4010".into());
    let tokens = Arc::new(toy::Tokens::default());
    tokens.add("alice", toy::tenant(), None);
    let endpoint: Endpoint = Arc::new(toy::endpoint(tokens));
    let listener = tokio::net::TcpListener::bind(address).await?;
    let app = Router::new()
        .route("/graphql", any(graphql))
        .with_state(endpoint);
    axum::serve(listener, app).await
}
