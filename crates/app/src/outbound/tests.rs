//! Against a real socket: a tiny HTTP peer that answers, hangs up or keeps silent on demand.

use super::guard::{GuardConfig, HostRule};
use super::*;
use channels::{Body, FormPart, Upload};
use domain::SystemClock;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

struct Peer {
    address: SocketAddr,
    /// Whole requests, head and body, as they arrived.
    requests: mpsc::UnboundedReceiver<String>,
    _task: AbortOnDropHandle<()>,
}

impl Peer {
    /// Answers every request with `answer`; an empty answer hangs up, `None` keeps silent.
    async fn start(answer: Option<String>) -> Self {
        Self::on("127.0.0.1:0", answer).await
    }

    async fn on(bind: &str, answer: Option<String>) -> Self {
        let listener = TcpListener::bind(bind).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, requests) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(request) = read_request(&mut stream).await else {
                    continue;
                };
                seen.send(request).ok();
                match &answer {
                    Some(text) => {
                        stream.write_all(text.as_bytes()).await.ok();
                        stream.shutdown().await.ok();
                    }
                    None => open.push(stream),
                }
            }
        });
        Self {
            address,
            requests,
            _task: AbortOnDropHandle::new(task),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn request(&mut self) -> String {
        self.requests.recv().await.unwrap()
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, n)| n.parse().unwrap());
            if body.len() >= length {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn answer(status: &str, headers: &str, body: &str) -> Option<String> {
    let length = body.len();
    Some(format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    ))
}

struct House {
    _folder: tempfile::TempDir,
    blobs: Blobs,
    outbound: Outbound,
}

async fn house(allowed: &[&str]) -> House {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open_folder(folder.path()).await.unwrap();
    let guard = Guard::new(GuardConfig {
        allow_private_hosts: allowed
            .iter()
            .map(|rule| rule.parse::<HostRule>().unwrap())
            .collect(),
        configured_may_be_private: true,
    });
    let clock = Arc::new(SystemClock);
    let outbound = Outbound::new(guard, "Meari/test", blobs.clone(), clock).unwrap();
    House {
        _folder: folder,
        blobs,
        outbound,
    }
}

fn policy() -> Policy {
    Policy::of_account("inbox")
}

fn get(url: String, reach: Reach) -> HttpRequest {
    HttpRequest {
        reach,
        ..HttpRequest::new(Method::GET, url)
    }
}

async fn blob_of(blobs: &Blobs, content: &'static [u8]) -> channels::Blob {
    let chunk = Ok::<_, std::io::Error>(bytes::Bytes::from_static(content));
    blobs
        .put(futures_util::stream::iter([chunk]), 1000)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_request_arrives_whole_and_its_answer_comes_back() {
    let house = house(&[]).await;
    let mut peer = Peer::start(answer("201 Created", "X-Id: 7\r\n", r#"{"ok":true}"#)).await;
    let request = HttpRequest::new(Method::POST, peer.url("/send?x=1"))
        .header("authorization", "Bearer secret")
        .body(Body::Json(serde_json::json!({"text": "안녕"})));
    let response = house.outbound.execute(&request, &policy()).await.unwrap();
    assert_eq!(response.status, 201);
    assert_eq!(response.header("x-id"), Some("7"));
    assert_eq!(response.body, br#"{"ok":true}"#);
    let seen = peer.request().await;
    assert!(seen.starts_with("POST /send?x=1 HTTP/1.1"));
    assert!(seen.contains("authorization: Bearer secret"));
    assert!(seen.contains("user-agent: Meari/test"));
    assert!(seen.ends_with(r#"{"text":"안녕"}"#));
}

#[tokio::test]
async fn what_never_left_is_not_sent() {
    let house = house(&[]).await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = nobody.local_addr().unwrap();
    drop(nobody);
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain_address = plain.local_addr().unwrap();
    let _no_tls = AbortOnDropHandle::new(tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            stream.write_all(b"this is no TLS\r\n\r\n").await.ok();
        }
    }));
    for url in [
        format!("http://{closed}/?token=secret"),
        // A label too long for any name server: fails without asking one.
        format!("http://{}.test/?token=secret", "x".repeat(64)),
        format!("https://{plain_address}/?token=secret"),
    ] {
        let request = HttpRequest::new(Method::POST, url.clone());
        let error = house
            .outbound
            .execute(&request, &policy())
            .await
            .unwrap_err();
        assert!(
            matches!(error, ExecuteError::NotSent { .. }),
            "{url}: {error:?}"
        );
        assert!(!format!("{error}{error:?}").contains("secret"));
    }
}

#[tokio::test]
async fn what_may_have_arrived_is_never_called_unsent() {
    let house = house(&[]).await;
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\ncut",
        "nonsense\r\n\r\n",
    ] {
        let mut peer = Peer::start(Some(answer.to_owned())).await;
        let request = HttpRequest::new(Method::POST, peer.url("/?token=secret"));
        let error = house
            .outbound
            .execute(&request, &policy())
            .await
            .unwrap_err();
        assert!(matches!(error, ExecuteError::MaybeSent { .. }), "{error:?}");
        assert!(!format!("{error}{error:?}").contains("secret"));
        peer.request().await;
    }
}

#[tokio::test]
async fn a_silent_provider_may_have_the_message() {
    let house = house(&[]).await;
    let mut peer = Peer::start(None).await;
    let request = HttpRequest::new(Method::POST, peer.url("/"));
    let policy = policy();
    let soon = tokio::time::Instant::now() + Duration::from_millis(300);
    let (result, _) = tokio::join!(
        house.outbound.follow(&request, &policy, soon),
        peer.request()
    );
    assert!(matches!(result, Err(ExecuteError::MaybeSent { .. })));
}

#[tokio::test]
async fn a_strangers_url_into_our_network_is_refused_before_anything_is_sent() {
    let house = house(&[]).await;
    let mut peer = Peer::start(answer("200 OK", "", "inside")).await;
    let port = peer.address.port();
    for url in [
        peer.url("/"),
        format!("http://localhost:{port}/"),
        "http://localhost/".into(),
    ] {
        let result = house
            .outbound
            .execute(&get(url, Reach::Public), &policy())
            .await;
        assert!(
            matches!(result, Err(ExecuteError::Refused { .. })),
            "{result:?}"
        );
    }
    assert!(peer.requests.try_recv().is_err());
    // The inbox's own host and port are as trusted as the inbox.
    let own = Policy {
        base_url: Some(peer.url("/api")),
        ..policy()
    };
    let result = house
        .outbound
        .execute(&get(peer.url("/"), Reach::Public), &own)
        .await;
    assert!(result.is_ok());
}

#[tokio::test]
async fn a_redirect_into_our_network_is_refused() {
    let house = house(&["127.0.0.1"]).await;
    let mut inside = Peer::on("127.0.0.2:0", answer("200 OK", "", "inside")).await;
    let location = format!("location: {}\r\n", inside.url("/"));
    let outside = Peer::start(answer("302 Found", &location, "")).await;
    let request = get(outside.url("/"), Reach::Public);
    let result = house.outbound.execute(&request, &policy()).await;
    assert!(
        matches!(result, Err(ExecuteError::Refused { .. })),
        "{result:?}"
    );
    assert!(inside.requests.try_recv().is_err());
}

#[tokio::test]
async fn a_redirect_elsewhere_carries_no_credentials_and_is_never_followed_for_writes() {
    let house = house(&["127.0.0.1"]).await;
    let mut target = Peer::start(answer("200 OK", "", "moved")).await;
    let location = format!("location: {}\r\n", target.url("/file"));
    let first = Peer::start(answer("302 Found", &location, "")).await;

    let read = get(first.url("/"), Reach::Public).header("authorization", "Bearer secret");
    let response = house.outbound.execute(&read, &policy()).await.unwrap();
    assert_eq!(response.body, b"moved");
    assert!(!target.request().await.contains("secret"));

    let write = HttpRequest::new(Method::POST, first.url("/"));
    let own_host_only = get(first.url("/"), Reach::Configured);
    for request in [write, own_host_only] {
        let response = house.outbound.execute(&request, &policy()).await.unwrap();
        assert_eq!(response.status, 302);
    }
    assert!(target.requests.try_recv().is_err());
}

#[tokio::test]
async fn endless_redirects_end() {
    let house = house(&["127.0.0.1"]).await;
    let mut peer = Peer::start(answer("302 Found", "location: /again\r\n", "")).await;
    let result = house
        .outbound
        .execute(&get(peer.url("/"), Reach::Configured), &policy())
        .await;
    assert!(matches!(result, Err(ExecuteError::Refused { .. })));
    let mut seen = 0;
    while peer.requests.try_recv().is_ok() {
        seen += 1;
    }
    assert_eq!(seen, REDIRECTS_MAX + 1);
}

#[tokio::test]
async fn files_are_streamed_out_with_their_length() {
    let house = house(&[]).await;
    let blob = blob_of(&house.blobs, b"GIF89a picture").await;
    let mut peer = Peer::start(answer("200 OK", "", "")).await;
    let raw = Body::Blob {
        content_type: "image/gif".to_owned(),
        blob: blob.id.clone(),
    };
    let upload = Upload {
        blob: blob.id.clone(),
        name: "고양이.gif".to_owned(),
        media_type: "image/gif".to_owned(),
        size_bytes: blob.size_bytes,
        description: None,
        link: None,
    };
    let form = Body::Multipart(vec![
        ("text".to_owned(), FormPart::Text("look".to_owned())),
        ("file".to_owned(), FormPart::File(upload)),
    ]);
    for body in [raw, form] {
        let request = HttpRequest::new(Method::POST, peer.url("/")).body(body);
        house.outbound.execute(&request, &policy()).await.unwrap();
        let seen = peer.request().await;
        assert!(
            seen.contains("content-length: ") && seen.contains("GIF89a picture"),
            "{seen}"
        );
    }
    let gone = Body::Blob {
        content_type: "image/gif".to_owned(),
        blob: "0".repeat(32),
    };
    let request = HttpRequest::new(Method::POST, peer.url("/")).body(gone);
    let result = house.outbound.execute(&request, &policy()).await;
    assert!(matches!(result, Err(ExecuteError::Refused { .. })));
}

#[tokio::test]
async fn a_downloaded_file_lands_in_the_blob_store_within_its_limit() {
    let house = house(&[]).await;
    let peer = Peer::start(answer(
        "200 OK",
        "content-type: text/html\r\n",
        "GIF89a....",
    ))
    .await;
    let fetch = |bytes_max| HttpRequest {
        answer: Answer::Blob { bytes_max },
        ..HttpRequest::new(Method::GET, peer.url("/"))
    };
    let response = house.outbound.execute(&fetch(10), &policy()).await.unwrap();
    let blob = response.blob.unwrap();
    assert_eq!(
        (blob.media_type.as_str(), blob.size_bytes),
        ("image/gif", 10)
    );
    assert!(house.blobs.open(&blob.id).await.is_ok());
    let result = house.outbound.execute(&fetch(9), &policy()).await;
    assert!(matches!(
        result,
        Err(ExecuteError::AnswerTooLarge { bytes_max: 9 })
    ));
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let house = house(&[]).await;
    let body = "x".repeat(ANSWER_BYTES_MAX + 1);
    let peer = Peer::start(answer("200 OK", "", &body)).await;
    let request = HttpRequest::new(Method::GET, peer.url("/"));
    let result = house.outbound.execute(&request, &policy()).await;
    assert!(matches!(result, Err(ExecuteError::AnswerTooLarge { .. })));
}

#[tokio::test]
async fn retry_after_of_one_answer_holds_the_next_request_of_the_account() {
    let house = house(&[]).await;
    let mut peer = Peer::start(answer("429 Too Many Requests", "Retry-After: 60\r\n", "")).await;
    let request = HttpRequest::new(Method::POST, peer.url("/"));
    let response = house.outbound.execute(&request, &policy()).await.unwrap();
    assert_eq!(response.status, 429);
    peer.request().await;
    let held = house.outbound.execute(&request, &policy()).await;
    assert!(matches!(held, Err(ExecuteError::Limited { after }) if after.as_secs() >= 50));
    assert!(peer.requests.try_recv().is_err());
    let other = Policy::of_account("another inbox");
    assert!(house.outbound.execute(&request, &other).await.is_ok());
}

#[test]
fn retry_after_is_understood_in_both_forms() {
    let now = "2026-11-20T12:00:00Z".parse::<Time>().unwrap();
    let later = now + chrono::TimeDelta::seconds(90);
    assert_eq!(retry_at(" 90 ", now), Some(later));
    assert_eq!(retry_at("Fri, 20 Nov 2026 12:01:30 GMT", now), Some(later));
    for nonsense in [
        "",
        "-1",
        "soon",
        "Fri, 20 Nov 2020 12:01:30 GMT",
        "99999999999",
    ] {
        assert_eq!(retry_at(nonsense, now), None, "{nonsense}");
    }
}
