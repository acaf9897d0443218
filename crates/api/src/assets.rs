//! The web app: embedded in release builds, read from `web/dist` in development, or from `--web-dir`.
//!
//! Building never needs the web app; without it a plain page says so. Files under `/assets/` carry a
//! hash in their name and never change; everything else is asked for again each time. Unknown paths are
//! the app's own routes and get its index, except where only files live.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Embedded;

/// Where the web app is taken from.
#[derive(Debug, Clone)]
pub enum WebApp {
    Embedded,
    Folder(PathBuf),
}

/// Scripts, styles and connections of our own only; nobody may frame the app.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self' ws: wss:; \
    object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const PERMISSIONS: &str = "microphone=(self), speaker-selection=(self)";
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Meari</title>\
    <h1>The web app is not built</h1><p>This server was built without it. Run \
    <code>scripts/web.sh build</code> and build again, or start with <code>--web-dir</code>. The API at <code>/graphql</code> works.</p>";

/// Below these only files or other transports live: what is not found there is not found.
const NO_PAGES: [&str; 9] = [
    "assets", "locales", "graphql", "webhooks", "media", "m", "healthz", "readyz", "metrics",
];

struct Found {
    bytes: Bytes,
    etag: String,
    encoding: Option<&'static str>,
}

pub fn routes(app: WebApp) -> Router {
    Router::new().fallback(serve).with_state(Arc::new(app))
}

async fn serve(State(app): State<Arc<WebApp>>, request: Request<Body>) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let allowed = [(ALLOW, HeaderValue::from_static("GET, HEAD"))];
        return (StatusCode::METHOD_NOT_ALLOWED, allowed).into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let headers = request.headers();
    if !path.is_empty()
        && let Some(found) = app.find(path, headers).await
    {
        return send(path, found, headers);
    }
    let first = path.split('/').next().unwrap_or_default();
    if NO_PAGES.contains(&first) {
        return StatusCode::NOT_FOUND.into_response();
    }
    match app.find("index.html", headers).await {
        Some(found) => send("index.html", found, headers),
        None => {
            let found = Found {
                bytes: Bytes::from_static(NOT_BUILT.as_bytes()),
                etag: "\"not-built\"".to_owned(),
                encoding: None,
            };
            send("index.html", found, headers)
        }
    }
}

impl WebApp {
    /// The file, or the variant of it that was compressed at build time.
    async fn find(&self, path: &str, headers: &HeaderMap) -> Option<Found> {
        let accepted = headers
            .get(ACCEPT_ENCODING)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        for (name, suffix) in [("br", ".br"), ("gzip", ".gz")] {
            let takes = accepted
                .split(',')
                .any(|one| one.split(';').next().unwrap_or_default().trim() == name);
            if takes && let Some((bytes, etag)) = self.read(&format!("{path}{suffix}")).await {
                return Some(Found {
                    bytes,
                    etag,
                    encoding: Some(name),
                });
            }
        }
        let (bytes, etag) = self.read(path).await?;
        Some(Found {
            bytes,
            etag,
            encoding: None,
        })
    }

    async fn read(&self, path: &str) -> Option<(Bytes, String)> {
        let plain = Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !plain || path.contains(['\\', '\0', '%']) {
            return None;
        }
        match self {
            Self::Embedded => {
                let file = Embedded::get(path)?;
                let hash = file.metadata.sha256_hash();
                let etag = hash.iter().take(12).map(|byte| format!("{byte:02x}"));
                let etag = format!("\"{}\"", etag.collect::<String>());
                Some((Bytes::from(file.data.into_owned()), etag))
            }
            Self::Folder(folder) => {
                let file = folder.join(path);
                let metadata = tokio::fs::metadata(&file).await.ok()?;
                if !metadata.is_file() {
                    return None;
                }
                let modified = metadata.modified().ok()?;
                let age = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
                let etag = format!("\"{:x}-{:x}\"", age.as_micros(), metadata.len());
                Some((Bytes::from(tokio::fs::read(&file).await.ok()?), etag))
            }
        }
    }
}

fn send(path: &str, found: Found, asked: &HeaderMap) -> Response {
    let cache = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let etag = HeaderValue::from_str(&found.etag).unwrap_or(HeaderValue::from_static("\"\""));
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(ETAG, etag.clone());
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(PERMISSIONS_POLICY, HeaderValue::from_static(PERMISSIONS));
    let known = asked.get_all(IF_NONE_MATCH).iter().any(|value| {
        let value = value.to_str().unwrap_or_default();
        value
            .split(',')
            .any(|one| one.trim().trim_start_matches("W/") == found.etag)
    });
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    if let Some(encoding) = found.encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    (headers, found.bytes).into_response()
}

/// The kinds of file that a web build makes.
fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "wasm" => "application/wasm",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "wav" => "audio/wav",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
