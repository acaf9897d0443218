//! A `graphql-transport-ws` client that hides nothing: tests see every frame that matters.

use crate::wait::DEADLINE;
use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::VecDeque;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const PROTOCOL: &str = "graphql-transport-ws";

/// What the server did.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// `next`, `error`, `complete`, `connection_ack` …
    Message(Value),
    Closed {
        code: u16,
        reason: String,
    },
    /// The connection broke without a close frame.
    Broken,
}

#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Frames of other operations, read while waiting for one of them.
    set_aside: VecDeque<Value>,
    operations: u32,
}

impl Socket {
    pub async fn connect(url: &str) -> anyhow::Result<Self> {
        let mut request = url.into_client_request()?;
        request
            .headers_mut()
            .insert("sec-websocket-protocol", PROTOCOL.parse()?);
        let (stream, response) = connect_async(request)
            .await
            .with_context(|| url.to_owned())?;
        let chosen = response.headers().get("sec-websocket-protocol");
        anyhow::ensure!(
            chosen.is_some_and(|p| p == PROTOCOL),
            "the server chose {chosen:?}"
        );
        Ok(Self {
            stream,
            set_aside: VecDeque::new(),
            operations: 0,
        })
    }

    /// `connection_init` and its acknowledgement.
    pub async fn init(&mut self, token: Option<&str>) -> anyhow::Result<()> {
        let payload = token.map_or(json!({}), |token| json!({ "accessToken": token }));
        self.send(json!({ "type": "connection_init", "payload": payload }))
            .await?;
        match self.frame().await? {
            Frame::Message(message) if message["type"] == "connection_ack" => Ok(()),
            other => anyhow::bail!("instead of connection_ack: {other:?}"),
        }
    }

    pub async fn send(&mut self, message: Value) -> anyhow::Result<()> {
        Ok(self.stream.send(Message::text(message.to_string())).await?)
    }

    /// Starts an operation and answers its id.
    pub async fn subscribe(&mut self, document: &str, variables: Value) -> anyhow::Result<String> {
        self.operations += 1;
        let id = format!("op{}", self.operations);
        let payload = json!({ "query": document, "variables": variables });
        self.send(json!({ "id": id, "type": "subscribe", "payload": payload }))
            .await?;
        Ok(id)
    }

    pub async fn complete(&mut self, id: &str) -> anyhow::Result<()> {
        self.send(json!({ "id": id, "type": "complete" })).await
    }

    /// `data` of the operation's next result.
    pub async fn next(&mut self, id: &str) -> anyhow::Result<Value> {
        let message = self.message_of(id).await?;
        anyhow::ensure!(message["type"] == "next", "instead of a result: {message}");
        let errors = &message["payload"]["errors"];
        anyhow::ensure!(errors.is_null(), "the operation failed: {errors}");
        Ok(message["payload"]["data"].clone())
    }

    /// Next message that carries this operation's id, whatever its type.
    pub async fn message_of(&mut self, id: &str) -> anyhow::Result<Value> {
        if let Some(at) = self.set_aside.iter().position(|m| m["id"] == id) {
            return self.set_aside.remove(at).context("it was there");
        }
        loop {
            match self.frame().await? {
                Frame::Message(message) if message["id"] == id => return Ok(message),
                Frame::Message(message) => self.set_aside.push_back(message),
                closed => anyhow::bail!("while waiting for {id}: {closed:?}"),
            }
        }
    }

    /// Runs a query or mutation over the socket.
    pub async fn data(&mut self, document: &str, variables: Value) -> anyhow::Result<Value> {
        let id = self.subscribe(document, variables).await?;
        let data = self.next(&id).await?;
        let end = self.message_of(&id).await?;
        anyhow::ensure!(end["type"] == "complete", "instead of complete: {end}");
        Ok(data)
    }

    /// Next protocol message or the end. Pings are answered and not shown.
    pub async fn frame(&mut self) -> anyhow::Result<Frame> {
        loop {
            let read = timeout(DEADLINE, self.stream.next()).await;
            match read.context("the server is silent")? {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(text.as_str())?;
                    if message["type"] == "ping" {
                        self.send(json!({ "type": "pong" })).await?;
                    } else {
                        return Ok(Frame::Message(message));
                    }
                }
                Some(Ok(Message::Close(Some(close)))) => {
                    let (code, reason) = (close.code.into(), close.reason.to_string());
                    return Ok(Frame::Closed { code, reason });
                }
                Some(Ok(Message::Close(None)) | Err(_)) | None => return Ok(Frame::Broken),
                // Control frames are answered by the library.
                Some(Ok(_)) => {}
            }
        }
    }

    /// Reads to the end and answers the close code; `None` when it broke without one.
    pub async fn close_code(&mut self) -> anyhow::Result<Option<u16>> {
        loop {
            match self.frame().await? {
                Frame::Message(_) => {}
                Frame::Closed { code, .. } => return Ok(Some(code)),
                Frame::Broken => return Ok(None),
            }
        }
    }
}
