//! `meari serve`: bind, build the house, take requests, and on a signal finish what was accepted.

use crate::config::{Config, Role};
use crate::house::{self, Purpose};
use crate::metrics;
use anyhow::Context;
use app::App;
use app::node::{self, Roles};
use axum::serve::ListenerExt;
use std::future::IntoFuture;
use std::net::SocketAddr;
use std::process::ExitCode;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let listener = bind(config).await?;
    let purpose = Purpose {
        serving: true,
        listening: Some(listener.local_addr()?),
        ..Purpose::command()
    };
    let app = house::build(config, purpose).await?;
    serve(config, app, listener, std::future::ready(Ok(()))).await?;
    Ok(ExitCode::SUCCESS)
}

pub async fn bind(config: &Config) -> anyhow::Result<TcpListener> {
    TcpListener::bind(config.listen).await.with_context(|| {
        format!(
            "cannot listen on {}: is another server running?",
            config.listen
        )
    })
}

/// Serves until a signal. `ready` runs once everything answers; the demo begins there.
pub async fn serve(
    config: &Config,
    app: App,
    listener: TcpListener,
    ready: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let metrics = metrics::install()?;
    let address = listener.local_addr()?;
    let roles = Roles {
        worker: config.roles.contains(&Role::Worker),
        router: config.roles.contains(&Role::Router),
    };
    let node = node::start(app.clone(), roles).await?;
    let (router, transports) = api::house::router(
        app.clone(),
        api::house::Config {
            public_url: app.config.public_url.clone(),
            web_dir: config.web_dir.clone(),
            metrics,
            introspection: config.introspection,
            proxies: config.trusted_proxies,
        },
    );
    let stop = CancellationToken::new();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    // Small frames must not wait for each other.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let closing = stop.clone();
    let serving = tokio::spawn(
        axum::serve(listener, service)
            .with_graceful_shutdown(async move { closing.cancelled().await })
            .into_future(),
    );
    tracing::info!(%address, url = %app.config.public_url, "ready");
    ready.await?;
    signal().await?;
    tracing::info!("stopping: finishing what was accepted");
    transports.drain().await;
    stop.cancel();
    let _ = tokio::time::timeout(node::DRAIN, serving).await;
    node.stop().await;
    Ok(())
}

async fn signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        result = tokio::signal::ctrl_c() => result?,
    }
    Ok(())
}
