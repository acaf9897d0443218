//! Promises of graphql-transport-ws that the npm client does not look at. The client here is bare
//! tungstenite, so that it can misbehave.

use super::toy::{self, MemoryLog, Toy};
use api::graphql_ws::{Settings, Sockets};
use domain::Clock;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

type Shared = Arc<Sockets<toy::ToySchema>>;

struct Server {
    toy: Toy,
    sockets: Shared,
    url: String,
}

async fn serve(settings: Settings) -> Server {
    let live = api::live::Settings {
        tick: Duration::from_millis(20),
        ..api::live::Settings::default()
    };
    let toy = toy::toy(
        MemoryLog::default(),
        live,
        api::operation::Limits::default(),
    );
    toy.tokens.add("alice", toy::tenant(), None);
    let sockets = toy.sockets(settings);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/graphql", listener.local_addr().unwrap());
    let router = api::router::graphql(Arc::clone(&toy.endpoint), Arc::clone(&sockets));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Server { toy, sockets, url }
}

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

#[derive(Debug, PartialEq)]
enum Got {
    Json(Value),
    Closed(u16),
}

impl Client {
    async fn connect(server: &Server) -> Self {
        let mut request = server.url.as_str().into_client_request().unwrap();
        request.headers_mut().insert(
            "sec-websocket-protocol",
            "graphql-transport-ws".parse().unwrap(),
        );
        let (socket, response) = tokio_tungstenite::connect_async(request).await.unwrap();
        assert_eq!(
            response.headers()["sec-websocket-protocol"],
            "graphql-transport-ws"
        );
        Self(socket)
    }

    async fn acknowledged(server: &Server) -> Self {
        let mut client = Self::connect(server).await;
        client
            .send(json!({"type": "connection_init", "payload": {"accessToken": "alice"}}))
            .await;
        let Got::Json(ack) = client.next().await else {
            panic!("closed")
        };
        assert_eq!(ack["type"], "connection_ack");
        assert!(ack["payload"]["serverTime"].is_string());
        client
    }

    async fn send(&mut self, message: Value) {
        self.0
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({"type": "subscribe", "id": id, "payload": {"query": query}}))
            .await;
    }

    async fn next(&mut self) -> Got {
        let message = tokio::time::timeout(Duration::from_secs(10), self.0.next());
        match message.await.expect("a message in time") {
            Some(Ok(Message::Text(text))) => Got::Json(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(Some(frame)))) => Got::Closed(frame.code.into()),
            _ => Got::Closed(0),
        }
    }
}

async fn closes_with(message: impl Into<Message>) -> Got {
    let server = serve(Settings::default()).await;
    let mut client = Client::acknowledged(&server).await;
    client.0.send(message.into()).await.unwrap();
    client.next().await
}

#[tokio::test]
async fn what_is_not_the_protocol_closes_4400() {
    for text in [
        "nonsense",
        r#"{"type":"start"}"#,
        r#"{"type":"subscribe","id":"1"}"#,
    ] {
        assert_eq!(
            closes_with(Message::text(text)).await,
            Got::Closed(4400),
            "{text}"
        );
    }
    assert_eq!(
        closes_with(Message::binary(vec![1, 2])).await,
        Got::Closed(4400)
    );
    // The type of a foreign message must not end up in the close reason: it would be too long a frame.
    let long = json!({"type": "x".repeat(500)}).to_string();
    assert_eq!(closes_with(Message::text(long)).await, Got::Closed(4400));
}

#[tokio::test]
async fn a_message_over_the_bound_closes_1009() {
    let server = serve(Settings {
        message_bytes_max: 1000,
        ..Settings::default()
    })
    .await;
    let mut client = Client::acknowledged(&server).await;
    client.subscribe("1", &"x".repeat(2000)).await;
    assert_eq!(client.next().await, Got::Closed(1009));
}

#[tokio::test]
async fn an_id_is_free_again_as_soon_as_its_operation_ended() {
    let server = serve(Settings::default()).await;
    let mut client = Client::acknowledged(&server).await;
    for _ in 0..50 {
        client.subscribe("1", "{ __typename }").await;
        let Got::Json(next) = client.next().await else {
            panic!("closed")
        };
        assert_eq!(next["type"], "next");
        let Got::Json(complete) = client.next().await else {
            panic!("closed")
        };
        assert_eq!(complete, json!({"type": "complete", "id": "1"}));
    }
    client.subscribe("1", "{ nope }").await;
    let Got::Json(error) = client.next().await else {
        panic!("closed")
    };
    assert_eq!(
        (&error["type"], &error["payload"][0]["extensions"]["code"]),
        (&json!("error"), &json!("BAD_USER_INPUT"))
    );
    client.subscribe("1", "{ __typename }").await;
    assert!(matches!(client.next().await, Got::Json(_)));
}

#[tokio::test]
async fn operations_on_a_socket_are_bounded_and_the_socket_lives_on() {
    let server = serve(Settings {
        subscriptions_max: 2,
        ..Settings::default()
    })
    .await;
    let mut client = Client::acknowledged(&server).await;
    for id in ["1", "2", "3"] {
        client.subscribe(id, "subscription { forever }").await;
    }
    let Got::Json(error) = client.next().await else {
        panic!("closed")
    };
    assert_eq!(
        (&error["id"], &error["payload"][0]["extensions"]["code"]),
        (&json!("3"), &json!("RATE_LIMITED"))
    );
    client.send(json!({"type": "complete", "id": "1"})).await;
    client.subscribe("4", "{ __typename }").await;
    let Got::Json(next) = client.next().await else {
        panic!("closed")
    };
    assert_eq!((&next["id"], &next["type"]), (&json!("4"), &json!("next")));
}

#[tokio::test]
async fn a_peer_silent_for_two_pings_is_gone_and_one_that_answers_stays() {
    let server = serve(Settings {
        ping_every: Duration::from_millis(40),
        ..Settings::default()
    })
    .await;
    let mut silent = Client::acknowledged(&server).await;
    let mut alive = Client::acknowledged(&server).await;
    let mut pings = 0;
    while let Got::Json(ping) = silent.next().await {
        assert_eq!(ping, json!({"type": "ping"}));
        pings += 1;
        alive.send(json!({"type": "pong"})).await;
    }
    assert_eq!(pings, 2);
    for _ in 0..4 {
        let Got::Json(ping) = alive.next().await else {
            panic!("closed")
        };
        assert_eq!(ping["type"], "ping");
        alive.send(json!({"type": "pong"})).await;
    }
}

#[tokio::test]
async fn revocation_closes_at_once() {
    let server = serve(Settings::default()).await;
    let actor = server.toy.tokens.sessions.lock().unwrap()["alice"]
        .actor
        .clone();
    let mut client = Client::acknowledged(&server).await;
    client.subscribe("1", "subscription { forever }").await;
    server.toy.tokens.revoke(actor.user_id);
    assert_eq!(client.next().await, Got::Closed(4403));
}

#[tokio::test]
async fn a_token_of_another_session_does_not_renew_the_socket() {
    let server = serve(Settings::default()).await;
    server.toy.tokens.add("mallory", toy::tenant(), None);
    let mut client = Client::acknowledged(&server).await;
    client
        .subscribe(
            "1",
            r#"mutation { renewSocket(accessToken: "mallory") { problem { code } } }"#,
        )
        .await;
    let Got::Json(next) = client.next().await else {
        panic!("closed")
    };
    assert_eq!(
        next["payload"]["errors"][0]["extensions"]["code"],
        "UNAUTHENTICATED"
    );
}

#[tokio::test]
async fn an_expired_token_closes_after_its_grace_unless_renewed() {
    let server = serve(Settings {
        expiry_grace: Duration::from_millis(100),
        ..Settings::default()
    })
    .await;
    let alice = server.toy.tokens.sessions.lock().unwrap()["alice"]
        .actor
        .clone();
    let soon = domain::SystemClock.now() + chrono::Duration::milliseconds(100);
    server.toy.tokens.add_for("alice", &alice, Some(soon));
    server
        .toy
        .tokens
        .add_for("renewed", &alice, Some(soon + chrono::Duration::hours(1)));
    let mut renews = Client::acknowledged(&server).await;
    let mut expires = Client::acknowledged(&server).await;
    renews
        .subscribe(
            "1",
            r#"mutation { renewSocket(accessToken: "renewed") { problem { code } } }"#,
        )
        .await;
    assert_eq!(expires.next().await, Got::Closed(4403));
    assert!(domain::SystemClock.now() >= soon + chrono::Duration::milliseconds(100));
    for _ in 0..2 {
        assert!(matches!(renews.next().await, Got::Json(_)));
    }
    renews.subscribe("2", "{ __typename }").await;
    assert!(
        matches!(renews.next().await, Got::Json(_)),
        "the renewed socket lives on"
    );
}

#[tokio::test]
async fn a_drain_closes_every_socket_1012_and_waits_for_them() {
    let server = serve(Settings {
        drain_spread: Duration::from_millis(200),
        ..Settings::default()
    })
    .await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(Client::acknowledged(&server).await);
    }
    let sockets = Arc::clone(&server.sockets);
    let drained = tokio::spawn(async move { sockets.drain().await });
    for client in &mut clients {
        assert_eq!(client.next().await, Got::Closed(1012));
        // tungstenite answers the close when polled again.
        client.next().await;
    }
    tokio::time::timeout(Duration::from_secs(5), drained)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(server.sockets.open_count(), 0);
    let seen = server.toy.tokens.sockets.lock().unwrap().clone();
    for wanted in [true, false] {
        assert_eq!(seen.iter().filter(|(_, on)| *on == wanted).count(), 5);
    }
}

#[tokio::test]
async fn a_foreign_page_is_refused_before_the_upgrade() {
    let server = serve(Settings::default()).await;
    let mut request = server.url.as_str().into_client_request().unwrap();
    request
        .headers_mut()
        .insert("origin", "https://evil.example".parse().unwrap());
    let Err(error) = tokio_tungstenite::connect_async(request).await else {
        panic!("connected")
    };
    assert!(error.to_string().contains("403"), "{error}");
}

#[tokio::test]
async fn another_subprotocol_closes_4406() {
    let server = serve(Settings::default()).await;
    let (socket, _) = tokio_tungstenite::connect_async(server.url.as_str())
        .await
        .unwrap();
    assert_eq!(Client(socket).next().await, Got::Closed(4406));
}

#[tokio::test]
async fn a_peer_that_reads_nothing_holds_no_memory_and_gets_everything_later() {
    let server = serve(Settings::default()).await;
    let tenant = server.toy.tokens.sessions.lock().unwrap()["alice"]
        .actor
        .tenant_id;
    let mut client = Client::acknowledged(&server).await;
    client
        .subscribe(
            "1",
            "subscription { changes { cursor changes { ... on SkillImage { name } } } }",
        )
        .await;
    assert!(matches!(client.next().await, Got::Json(_)));
    // Far more than socket buffers and queues hold.
    for i in 0..4000 {
        let name = format!("{i:>1000}");
        server.toy.log.push(
            toy::skill(tenant, &name),
            vec![domain::event::ScopeKey::Tenant],
        );
        if i % 64 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let mut seen = 0;
    while seen < 4000 {
        let Got::Json(message) = client.next().await else {
            panic!("closed")
        };
        for change in message["payload"]["data"]["changes"]["changes"]
            .as_array()
            .unwrap()
        {
            let name: usize = change["name"].as_str().unwrap().trim().parse().unwrap();
            assert_eq!(name, seen);
            seen += 1;
        }
    }
}
