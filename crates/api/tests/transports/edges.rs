//! Promises of webhooks, media, assets, health and what surrounds every request.

use super::toy::{self, MemoryLog};
use api::assets::WebApp;
use api::health::Readiness;
use api::media::{Chunks, File, Files, MediaFault};
use api::webhooks::{Delivery, Entrance, Outcome};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response, StatusCode};
use domain::permission::Actor;
use futures_util::StreamExt;
use std::sync::{Arc, Mutex};
use tower::ServiceExt;

async fn ask(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.unwrap()
}

async fn get(router: &Router, path: &str) -> Response<Body> {
    ask(router, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn text(response: Response<Body>) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 22)
        .await
        .unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

struct Provider {
    outcome: Outcome,
    seen: Mutex<Vec<Delivery>>,
}

#[async_trait::async_trait]
impl Entrance for Provider {
    async fn accept(&self, delivery: Delivery) -> Outcome {
        self.seen.lock().unwrap().push(delivery);
        self.outcome.clone()
    }
}

fn provider(outcome: Outcome) -> (Arc<Provider>, Router) {
    let provider = Arc::new(Provider {
        outcome,
        seen: Mutex::default(),
    });
    let router = api::webhooks::routes(Arc::clone(&provider) as _);
    (provider, router)
}

#[tokio::test]
async fn a_webhook_arrives_byte_for_byte_whatever_its_method_and_type() {
    let (provider, router) = provider(Outcome::Accepted);
    let body = b"{\"a\" : 1}\n\xff\x00".to_vec();
    let request = Request::put("/webhooks/sandbox/k1?x=%20y")
        .header("X-Signature", "v1,abc")
        .body(Body::from(body.clone()))
        .unwrap();
    assert_eq!(ask(&router, request).await.status(), StatusCode::OK);
    let seen = provider.seen.lock().unwrap();
    let delivery = &seen[0];
    assert_eq!(
        (
            &delivery.channel[..],
            &delivery.key[..],
            &delivery.method[..]
        ),
        ("sandbox", "k1", "PUT")
    );
    assert_eq!(
        (&delivery.path[..], &delivery.query[..]),
        ("/webhooks/sandbox/k1", "x=%20y")
    );
    assert_eq!(delivery.body, body);
    assert!(
        delivery
            .headers
            .contains(&("x-signature".to_owned(), b"v1,abc".to_vec()))
    );
    assert!(
        !format!("{delivery:?}").contains("k1"),
        "the key is a capability"
    );
}

#[tokio::test]
async fn each_outcome_has_its_status() {
    let challenge = Outcome::Challenge {
        status: 200,
        content_type: "text/plain",
        body: b"42".to_vec(),
    };
    for (outcome, status) in [
        (Outcome::Accepted, 200),
        (challenge.clone(), 200),
        (Outcome::Rejected, 401),
        (Outcome::Unknown, 404),
        (Outcome::Unavailable, 503),
    ] {
        let (_, router) = provider(outcome);
        assert_eq!(get(&router, "/webhooks/a/b").await.status(), status);
    }
    let (_, router) = provider(challenge);
    assert_eq!(
        text(get(&router, "/webhooks/a/b?hub.challenge=42").await).await,
        "42"
    );
}

#[tokio::test]
async fn a_webhook_over_a_megabyte_or_with_a_strange_name_does_not_reach_the_use_case() {
    let (provider, router) = provider(Outcome::Accepted);
    let big = Request::post("/webhooks/a/b")
        .body(Body::from(vec![0; (1 << 20) + 1]))
        .unwrap();
    assert_eq!(
        ask(&router, big).await.status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let long = format!("/webhooks/a/{}", "x".repeat(65));
    for path in ["/webhooks/a/%2e%2e", "/webhooks/a/b%00", long.as_str()] {
        assert_eq!(
            get(&router, path).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    assert!(provider.seen.lock().unwrap().is_empty());
}

struct Shelf(Mutex<Vec<u8>>);

fn file(media_type: &str) -> File {
    let bytes = Bytes::from_static(b"bytes");
    File {
        name: "a b.bin".into(),
        media_type: media_type.into(),
        size_bytes: 5,
        chunks: futures_util::stream::iter([Ok(bytes)]).boxed(),
    }
}

#[async_trait::async_trait]
impl Files for Shelf {
    async fn fill(&self, _: &Actor, _: &str, mut chunks: Chunks) -> Result<(), MediaFault> {
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| MediaFault::Refused)?;
            self.0.lock().unwrap().extend_from_slice(&chunk);
        }
        Ok(())
    }
    async fn open(&self, _: &Actor, attachment: &str) -> Result<File, MediaFault> {
        match attachment {
            "png" => Ok(file("image/png")),
            "svg" => Ok(file("image/svg+xml")),
            "html" => Ok(file("text/html")),
            _ => Err(MediaFault::NotFound),
        }
    }
    async fn open_link(&self, token: &str) -> Result<File, MediaFault> {
        if token == "good" {
            Ok(file("image/png"))
        } else {
            Err(MediaFault::NotFound)
        }
    }
}

fn media() -> (Arc<Shelf>, Router) {
    let toy = toy::toy(
        MemoryLog::default(),
        api::live::Settings::default(),
        api::operation::Limits::default(),
    );
    toy.tokens.add("alice", toy::tenant(), None);
    let shelf = Arc::new(Shelf(Mutex::default()));
    let router = api::media::routes(Arc::clone(&shelf) as _, Arc::clone(&toy.tokens) as _);
    (shelf, router)
}

fn as_alice(request: axum::http::request::Builder) -> axum::http::request::Builder {
    request.header("authorization", "Bearer alice")
}

#[tokio::test]
async fn only_raster_images_and_media_are_shown_in_place_and_nothing_may_run() {
    let (_, router) = media();
    for (id, kind) in [
        ("png", "inline"),
        ("svg", "attachment"),
        ("html", "attachment"),
    ] {
        let request = as_alice(Request::get(format!("/media/{id}")))
            .body(Body::empty())
            .unwrap();
        let response = ask(&router, request).await;
        let headers = response.headers();
        assert!(
            headers["content-disposition"]
                .to_str()
                .unwrap()
                .starts_with(kind),
            "{id}"
        );
        assert_eq!(
            headers["content-security-policy"],
            "default-src 'none'; sandbox"
        );
        assert_eq!(headers["content-length"], "5");
    }
}

#[tokio::test]
async fn media_needs_a_proof_or_a_link_that_lives() {
    let (shelf, router) = media();
    assert_eq!(
        get(&router, "/media/png").await.status(),
        StatusCode::UNAUTHORIZED
    );
    let upload = Request::put("/media/uploads/u1")
        .body(Body::from("x"))
        .unwrap();
    assert_eq!(
        ask(&router, upload).await.status(),
        StatusCode::UNAUTHORIZED
    );
    assert!(shelf.0.lock().unwrap().is_empty());
    assert_eq!(get(&router, "/m/good").await.status(), StatusCode::OK);
    assert_eq!(
        get(&router, "/m/forged").await.status(),
        StatusCode::NOT_FOUND
    );
    let upload = as_alice(Request::put("/media/uploads/u1"))
        .body(Body::from("x"))
        .unwrap();
    assert_eq!(ask(&router, upload).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(*shelf.0.lock().unwrap(), b"x");
}

fn web() -> (tempfile::TempDir, Router) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("assets")).unwrap();
    for (path, content) in [
        ("index.html", "<title>app</title>"),
        ("favicon.svg", "<svg/>"),
        ("assets/app-1a2b.js", "plain"),
        ("assets/app-1a2b.js.br", "brotli"),
    ] {
        std::fs::write(folder.path().join(path), content).unwrap();
    }
    let router = api::assets::routes(WebApp::Folder(folder.path().to_owned()));
    (folder, router)
}

#[tokio::test]
async fn hashed_assets_never_change_and_the_index_is_asked_for_again() {
    let (_folder, router) = web();
    let asset = get(&router, "/assets/app-1a2b.js").await;
    assert_eq!(
        asset.headers()["cache-control"],
        "public, max-age=31536000, immutable"
    );
    assert_eq!(
        asset.headers()["content-type"],
        "text/javascript; charset=utf-8"
    );
    let index = get(&router, "/").await;
    assert_eq!(index.headers()["cache-control"], "no-cache");
    let policy = index.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"));
    let again = Request::get("/").header("if-none-match", &index.headers()["etag"]);
    assert_eq!(
        ask(&router, again.body(Body::empty()).unwrap())
            .await
            .status(),
        StatusCode::NOT_MODIFIED
    );
}

#[tokio::test]
async fn unknown_app_paths_get_the_index_and_unknown_files_do_not() {
    let (_folder, router) = web();
    for path in ["/inbox/mine", "/settings/queues", "/t/12"] {
        assert_eq!(
            text(get(&router, path).await).await,
            "<title>app</title>",
            "{path}"
        );
    }
    for path in [
        "/assets/app-old.js",
        "/locales/xx/a.json",
        "/webhooks/only-two",
        "/media/a/b",
    ] {
        assert_eq!(
            get(&router, path).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let post = Request::post("/inbox").body(Body::empty()).unwrap();
    assert_eq!(
        ask(&router, post).await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn an_asset_compressed_at_build_time_is_sent_as_it_is() {
    let (_folder, router) = web();
    let request = Request::get("/assets/app-1a2b.js").header("accept-encoding", "gzip, br");
    let response = ask(&router, request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()["content-encoding"], "br");
    assert_eq!(
        response.headers()["content-type"],
        "text/javascript; charset=utf-8"
    );
    assert_eq!(text(response).await, "brotli");
}

#[tokio::test]
async fn no_path_leaves_the_folder_of_the_web_app() {
    let (folder, router) = web();
    let outside = folder.path().parent().unwrap().join("outside.txt");
    for path in [
        "/../outside.txt",
        "/assets/../../outside.txt",
        "/%2e%2e/outside.txt",
        "//etc/passwd",
        "/assets/..%2f..%2foutside.txt",
    ] {
        let body = text(get(&router, path).await).await;
        assert!(
            body.is_empty() || body.contains("<title>app"),
            "{path} gave {body} ({})",
            outside.display()
        );
    }
}

#[tokio::test]
async fn without_a_built_web_app_a_page_says_so() {
    let empty = tempfile::tempdir().unwrap();
    let router = api::assets::routes(WebApp::Folder(empty.path().to_owned()));
    let response = get(&router, "/").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(text(response).await.contains("not built"));
}

struct Checks(Vec<String>);

#[async_trait::async_trait]
impl Readiness for Checks {
    async fn problems(&self) -> Vec<String> {
        self.0.clone()
    }
}

#[tokio::test]
async fn readiness_names_its_problems_and_health_does_not_depend_on_them() {
    let health = |problems: Vec<String>| {
        api::health::routes(Arc::new(Checks(problems)), Arc::new(|| "a 1\n".to_owned()))
    };
    assert_eq!(
        get(&health(Vec::new()), "/readyz").await.status(),
        StatusCode::OK
    );
    let red = health(vec!["the database is away".into()]);
    let answer = get(&red, "/readyz").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(text(answer).await.contains("the database is away"));
    assert_eq!(get(&red, "/healthz").await.status(), StatusCode::OK);
    assert_eq!(text(get(&red, "/metrics").await).await, "a 1\n");
}

#[tokio::test]
async fn a_panic_is_a_500_with_an_id_and_the_safe_headers() {
    async fn breaks() -> &'static str {
        panic!("secret of the stack")
    }
    let router = api::outer::wrap(Router::new().route("/", axum::routing::get(breaks)));
    let response = get(&router, "/").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert!(response.headers().contains_key("x-request-id"));
    assert!(text(response).await.is_empty());
}
