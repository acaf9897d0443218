//! Serves the toy schema, so that the npm clients of `tests/node` can be run against the transports
//! alone: `cargo run -p api --example toy -- 127.0.0.1:4010`. SIGTERM drains it.
//!
//! Tokens: `alice`, `bob` (whose session the script revokes), `short` (expired soon) with `renewed`.

#[path = "../tests/transports/toy.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with the tests, which use all of it and may panic"
)]
mod toy;

use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:4010".into());
    let live = api::live::Settings::default();
    let toy = toy::toy(
        toy::MemoryLog::default(),
        live,
        api::operation::Limits::default(),
    );
    let tenant = toy::tenant();
    toy.tokens.add("alice", tenant, None);
    toy.tokens.add("bob", tenant, None);
    let now = domain::Clock::now(&domain::SystemClock);
    let carol = toy
        .tokens
        .add("short", tenant, Some(now + chrono::Duration::seconds(4)));
    toy.tokens
        .add_for("renewed", &carol, Some(now + chrono::Duration::hours(1)));
    let sockets = toy.sockets(api::graphql_ws::Settings {
        init_timeout: Duration::from_secs(1),
        expiry_grace: Duration::from_secs(1),
        drain_spread: Duration::from_millis(300),
        ..api::graphql_ws::Settings::default()
    });
    let listener = tokio::net::TcpListener::bind(address).await?;
    let app = api::router::graphql(Arc::clone(&toy.endpoint), Arc::clone(&sockets));
    let mut terminate = signal(SignalKind::terminate())?;
    let drained = async move {
        terminate.recv().await;
        sockets.drain().await;
    };
    tokio::select! {
        served = axum::serve(listener, app).into_future() => served,
        () = drained => Ok(()),
    }
}
