//! Which path goes to which transport.

use crate::auth::Peer;
use crate::graphql_http::Endpoint;
use crate::graphql_ws::Sockets;
use async_graphql::Executor;
use axum::Router;
use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::UPGRADE;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use std::net::SocketAddr;
use std::sync::Arc;

struct GraphQl<E> {
    endpoint: Arc<Endpoint<E>>,
    sockets: Arc<Sockets<E>>,
}

/// `/graphql`: queries and mutations by HTTP, everything by WebSocket.
pub fn graphql<E: Executor>(endpoint: Arc<Endpoint<E>>, sockets: Arc<Sockets<E>>) -> Router {
    let state = Arc::new(GraphQl { endpoint, sockets });
    Router::new()
        .route("/graphql", any(serve_graphql::<E>))
        .with_state(state)
}

async fn serve_graphql<E: Executor>(
    State(state): State<Arc<GraphQl<E>>>,
    request: Request<Body>,
) -> Response {
    let wants_socket = request
        .headers()
        .get(UPGRADE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    if !wants_socket {
        return state.endpoint.answer(request).await;
    }
    let (mut parts, _) = request.into_parts();
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => {
            let socket = parts.extensions.get::<ConnectInfo<SocketAddr>>();
            let ip = socket.map(|info| info.0.ip());
            let peer = Peer::from_headers(&parts.headers, ip, state.endpoint.proxies);
            state.sockets.accept(&parts.headers, peer, upgrade)
        }
        Err(rejection) => rejection.into_response(),
    }
}
