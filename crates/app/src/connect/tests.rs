//! Against a real tokio-tungstenite server on loopback.

use super::*;
use crate::outbound::guard::GuardConfig;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_util::task::AbortOnDropHandle;

const SOON: Duration = Duration::from_secs(10);

fn guard(own_box: bool) -> Guard {
    Guard::new(GuardConfig {
        configured_may_be_private: own_box,
        ..GuardConfig::default()
    })
}

struct Server {
    url: String,
    _task: AbortOnDropHandle<()>,
}

/// Refuses without the right token; echoes texts, closes on "bye", floods on "flood".
async fn server() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/stream?x=1", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(serve(tcp));
        }
    });
    Server {
        url,
        _task: AbortOnDropHandle::new(task),
    }
}

#[expect(
    clippy::result_large_err,
    reason = "the callback's type is the library's"
)]
fn admit(
    request: &Request,
    response: Response,
) -> Result<Response, http::Response<Option<String>>> {
    match request.headers().get("authorization") {
        Some(token) if token == "Bearer right" => Ok(response),
        _ => {
            let mut refused = http::Response::new(None);
            *refused.status_mut() = http::StatusCode::UNAUTHORIZED;
            Err(refused)
        }
    }
}

async fn serve(tcp: TcpStream) {
    let Ok(mut socket) = accept_hdr_async(tcp, admit).await else {
        return;
    };
    while let Some(Ok(message)) = socket.next().await {
        let answer = match message.to_text() {
            Ok("bye") => Message::Close(Some(CloseFrame {
                code: CloseCode::Away,
                reason: "restart".into(),
            })),
            Ok("flood") => Message::binary(vec![0; MESSAGE_BYTES_MAX + 1]),
            _ if message.is_text() || message.is_binary() => message,
            _ => continue,
        };
        if socket.send(answer).await.is_err() {
            return;
        }
    }
}

fn token(text: &str) -> Vec<(&'static str, String)> {
    vec![("authorization", format!("Bearer {text}"))]
}

async fn connected(server: &Server) -> Socket {
    open(&guard(true), &server.url, &token("right"))
        .await
        .unwrap()
}

async fn next(socket: &mut Socket) -> Frame {
    timeout(SOON, socket.receive()).await.unwrap()
}

#[tokio::test]
async fn frames_go_both_ways_and_a_close_tells_its_reason() {
    let server = server().await;
    let mut socket = connected(&server).await;
    socket.send_text("산울림".to_owned()).await.unwrap();
    assert_eq!(next(&mut socket).await, Frame::Text("산울림".to_owned()));
    socket.send_binary(vec![1, 2]).await.unwrap();
    assert_eq!(
        next(&mut socket).await,
        Frame::Binary(Bytes::from_static(&[1, 2]))
    );
    socket.send_text("bye".to_owned()).await.unwrap();
    let reason = "the server closed with 1001: restart".to_owned();
    assert_eq!(next(&mut socket).await, Frame::Closed { reason });
    assert!(matches!(next(&mut socket).await, Frame::Closed { .. }));
}

#[tokio::test]
async fn a_refused_handshake_tells_its_status_and_no_secret() {
    let server = server().await;
    let error = open(&guard(true), &server.url, &token("wrong-secret"))
        .await
        .unwrap_err();
    assert_eq!(error.status, Some(401));
    assert!(!format!("{error:?}").contains("secret"));
}

#[tokio::test]
async fn a_message_beyond_the_limit_closes_instead_of_filling_memory() {
    let server = server().await;
    let mut socket = connected(&server).await;
    socket.send_text("flood".to_owned()).await.unwrap();
    assert!(matches!(next(&mut socket).await, Frame::Closed { .. }));
}

#[tokio::test]
async fn the_guard_holds_for_sockets_too() {
    let server = server().await;
    let refused = open(&guard(false), &server.url, &token("right")).await;
    assert!(refused.unwrap_err().reason.contains("allow_private_hosts"));
    for url in ["http://example.com/", "ws://u:p@example.com/", "nonsense"] {
        assert!(open(&guard(true), url, &[]).await.is_err(), "{url}");
    }
}

#[tokio::test]
async fn a_peer_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    // Time may jump from the moment the peer holds the connection: nothing else is awaited.
    let accept = async {
        let held = listener.accept().await.unwrap();
        tokio::time::pause();
        held
    };
    let own = guard(true);
    let (held, refused) = tokio::join!(accept, open(&own, &url, &[]));
    assert_eq!(refused.unwrap_err().reason, "the handshake took too long");
    drop(held);
}
