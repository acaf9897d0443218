//! The whole of the transports over the real `app`: one router, and the end of it.
//!
//! Only wiring: what a seam does stands in the files below, what is allowed stands in `app`.

mod entrance;
mod files;
mod gate;
mod log;
mod readiness;

use crate::assets::{self, WebApp};
use crate::auth::{Gate, RefreshCookies};
use crate::graphql::schema::{self, Graph};
use crate::graphql_http::Endpoint;
use crate::graphql_ws::{self, Sockets};
use crate::health::{self, RenderMetrics};
use crate::live::{self, EventLog, Hub};
use crate::operation::Limits;
use crate::{media, oauth, outer, webhooks};
use app::App;
use axum::Router;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the server decides about the transports.
pub struct Config {
    /// Where the world reaches us; decides whether cookies are for https alone.
    pub public_url: String,
    /// A built web app in a folder instead of the embedded one.
    pub web_dir: Option<PathBuf>,
    pub metrics: RenderMetrics,
    pub introspection: bool,
    /// Trusted reverse proxies in front of this process.
    pub proxies: usize,
}

/// The end of what the router holds open.
pub struct Transports {
    sockets: Arc<Sockets<Graph>>,
    draining: Arc<AtomicBool>,
}

impl Transports {
    /// Says "not ready" to load balancers, then closes every socket, spread over a few seconds.
    pub async fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.sockets.drain().await;
    }
}

pub fn router(app: App, config: Config) -> (Router, Transports) {
    let limits = Limits {
        introspection: config.introspection,
        ..Limits::default()
    };
    let schema = limits
        .apply(schema::build())
        .data(app.clone())
        .data(RefreshCookies::for_public_url(&config.public_url))
        .finish();
    let gate: Arc<dyn Gate> = Arc::new(gate::AppGate::new(app.clone()));
    let log: Arc<dyn EventLog> = Arc::new(log::AppLog(app.clone()));
    let hub = Hub::new(
        schema.clone(),
        log,
        Arc::clone(&gate),
        live::Settings::default(),
    );
    let endpoint = Arc::new(Endpoint {
        schema,
        gate: Arc::clone(&gate),
        limits,
        proxies: config.proxies,
    });
    let sockets = Sockets::new(
        Arc::clone(&endpoint),
        hub,
        Arc::clone(&app.clock),
        graphql_ws::Settings::default(),
    );
    let draining = Arc::new(AtomicBool::new(false));
    let readiness = readiness::AppReadiness::new(app.clone(), Arc::clone(&draining));
    let files = Arc::new(files::AppFiles(app.clone()));
    let web = config.web_dir.map_or(WebApp::Embedded, WebApp::Folder);
    let router = Router::new()
        .merge(crate::router::graphql(endpoint, Arc::clone(&sockets)))
        .merge(oauth::routes(app.clone()))
        .merge(webhooks::routes(Arc::new(entrance::AppEntrance(app))))
        .merge(media::routes(files, gate))
        .merge(health::routes(Arc::new(readiness), config.metrics))
        .merge(assets::routes(web));
    (outer::wrap(router), Transports { sockets, draining })
}

/// The contract as it is served, for `graphql/schema.graphql`.
pub fn sdl() -> String {
    schema::build().finish().sdl()
}
