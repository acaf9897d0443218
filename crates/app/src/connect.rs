//! Connections that channel sessions ask for: WebSockets here, streams of bytes in `stream`.
//!
//! Invariants: the host passes the same guard as every request; handshake, writes and silence
//! have time limits and messages a size limit, so a bad peer costs one closed connection. What a
//! peer sends is handed up as it is; nothing of it, nor of the URL's query, reaches a log.

mod stream;

pub use stream::{Connection, Stream, encrypted};

use crate::outbound::guard::{Guard, Trust};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderName, HeaderValue};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
const PING_EVERY: Duration = Duration::from_secs(20);
/// Three pings without any sign of life.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// The library's 128 KiB would be held for each inbox.
const READ_BUFFER_BYTES: usize = 4096;

/// The connection did not come up, or broke. `status`: the HTTP answer that refused it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ConnectError {
    pub status: Option<u16>,
    pub reason: String,
}

impl ConnectError {
    pub(crate) fn new(reason: impl ToString) -> Self {
        Self {
            status: None,
            reason: reason.to_string(),
        }
    }
}

impl From<WsError> for ConnectError {
    fn from(error: WsError) -> Self {
        match error {
            WsError::Http(answer) => Self {
                status: Some(answer.status().as_u16()),
                reason: format!("the server answered {}", answer.status()),
            },
            other => Self::new(other),
        }
    }
}

/// What arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    Text(String),
    Binary(Bytes),
    /// A ping or pong: no content, but the server lives.
    Alive,
    /// The last frame, always.
    Closed {
        reason: String,
    },
}

/// An open WebSocket.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pings: Interval,
    heard_at: Instant,
}

/// Opens a WebSocket to a host that an administrator configured.
pub async fn open(
    guard: &Guard,
    url: &str,
    headers: &[(&'static str, String)],
) -> Result<Socket, ConnectError> {
    let checked = guard
        .check(url, Trust::Configured)
        .map_err(ConnectError::new)?;
    if !matches!(checked.scheme(), "ws" | "wss") {
        return Err(ConnectError::new("only ws and wss URLs are allowed"));
    }
    let (Some(host), Some(port)) = (checked.host_str(), checked.port_or_known_default()) else {
        return Err(ConnectError::new("the URL is malformed"));
    };
    let mut request = checked.as_str().into_client_request()?;
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(ConnectError::new)?;
        let mut value = HeaderValue::from_str(value).map_err(ConnectError::new)?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    let tcp = guard
        .connect(host, port, Trust::Configured, CONNECT_TIMEOUT)
        .await
        .map_err(ConnectError::new)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let handshake = client_async_tls_with_config(request, tcp, Some(config), None);
    let (stream, _) = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake)
        .await
        .map_err(|_| ConnectError::new("the handshake took too long"))??;
    let now = Instant::now();
    let mut pings = tokio::time::interval_at(now + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Ok(Socket {
        stream,
        pings,
        heard_at: now,
    })
}

impl Socket {
    /// The next frame. Cancel-safe. After `Closed` it is always `Closed`.
    pub async fn receive(&mut self) -> Frame {
        loop {
            tokio::select! {
                message = self.stream.next() => {
                    self.heard_at = Instant::now();
                    if let Some(frame) = frame_of(message) {
                        return frame;
                    }
                }
                _ = self.pings.tick() => {
                    if self.heard_at.elapsed() >= SILENCE_MAX {
                        return closed("the server fell silent");
                    }
                    if let Err(error) = self.ping().await {
                        return closed(error);
                    }
                }
            }
        }
    }

    pub async fn send_text(&mut self, text: String) -> Result<(), ConnectError> {
        self.send(Message::text(text)).await
    }

    pub async fn send_binary(&mut self, bytes: impl Into<Bytes>) -> Result<(), ConnectError> {
        self.send(Message::binary(bytes.into())).await
    }

    pub async fn ping(&mut self) -> Result<(), ConnectError> {
        self.send(Message::Ping(Bytes::new())).await
    }

    /// Says goodbye; does not wait for the peer's.
    pub async fn close(mut self) {
        // A peer that does not take it is dropped with the socket.
        let _ = tokio::time::timeout(WRITE_TIMEOUT, self.stream.close(None)).await;
    }

    async fn send(&mut self, message: Message) -> Result<(), ConnectError> {
        tokio::time::timeout(WRITE_TIMEOUT, self.stream.send(message))
            .await
            .map_err(|_| ConnectError::new("the server does not read"))?
            .map_err(ConnectError::from)
    }
}

fn closed(reason: impl ToString) -> Frame {
    Frame::Closed {
        reason: reason.to_string(),
    }
}

/// `None` for what is no frame of its own. The library answers pings itself.
fn frame_of(message: Option<Result<Message, WsError>>) -> Option<Frame> {
    match message {
        None => Some(closed("the connection ended")),
        Some(Err(error)) => Some(closed(ConnectError::from(error))),
        Some(Ok(Message::Text(text))) => Some(Frame::Text(text.as_str().to_owned())),
        Some(Ok(Message::Binary(bytes))) => Some(Frame::Binary(bytes)),
        Some(Ok(Message::Close(Some(frame)))) => Some(closed(format!(
            "the server closed with {}: {}",
            u16::from(frame.code),
            frame.reason
        ))),
        Some(Ok(Message::Close(None))) => Some(closed("the server closed")),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Some(Frame::Alive),
        Some(Ok(Message::Frame(_))) => None,
    }
}

#[cfg(test)]
mod tests;
