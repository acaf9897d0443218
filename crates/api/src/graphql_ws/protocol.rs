//! The messages and close codes of graphql-transport-ws.

use async_graphql::{ServerError, Variables};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use serde::Deserialize;
use serde_json::value::RawValue;

pub const SUBPROTOCOL: &str = "graphql-transport-ws";

/// Ids are chosen by clients, usually UUIDs.
const ID_BYTES_MAX: usize = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// The client is welcome to come back at once.
    Restart,
    TooBig,
    TryLater,
    BadRequest,
    Unauthorized,
    Forbidden,
    TokenExpired,
    Revoked,
    BadSubprotocol,
    InitTimeout,
    DuplicateSubscriber,
    TooManyInits,
}

impl Close {
    pub const fn code(self) -> u16 {
        match self {
            Self::Restart => 1012,
            Self::TooBig => 1009,
            Self::TryLater => 1013,
            Self::BadRequest => 4400,
            Self::Unauthorized => 4401,
            Self::Forbidden | Self::TokenExpired | Self::Revoked => 4403,
            Self::BadSubprotocol => 4406,
            Self::InitTimeout => 4408,
            Self::DuplicateSubscriber => 4409,
            Self::TooManyInits => 4429,
        }
    }

    /// At most 123 bytes: a longer reason is an invalid frame and clients would see 1006.
    const fn reason(self) -> &'static str {
        match self {
            Self::Restart => "Service restart",
            Self::TooBig => "Message too big",
            Self::TryLater => "Try again later",
            Self::BadRequest => "Invalid message",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::TokenExpired => "Token expired",
            Self::Revoked => "Session revoked",
            Self::BadSubprotocol => "Subprotocol not acceptable",
            Self::InitTimeout => "Connection initialisation timeout",
            Self::DuplicateSubscriber => "Subscriber already exists",
            Self::TooManyInits => "Too many initialisation requests",
        }
    }

    pub fn message(self) -> Message {
        Message::Close(Some(CloseFrame {
            code: self.code(),
            reason: Utf8Bytes::from_static(self.reason()),
        }))
    }
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Incoming {
    ConnectionInit {
        #[serde(default)]
        payload: Option<InitPayload>,
    },
    Ping {},
    Pong {},
    Subscribe {
        id: String,
        payload: SubscribePayload,
    },
    Complete {
        id: String,
    },
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitPayload {
    access_token: Option<String>,
}

impl std::fmt::Debug for InitPayload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InitPayload(…)")
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubscribePayload {
    query: String,
    #[serde(default)]
    operation_name: Option<String>,
    #[serde(default)]
    variables: Option<Variables>,
    #[serde(default)]
    extensions: Option<std::collections::HashMap<String, async_graphql::Value>>,
}

/// A valid message of the client.
pub enum ClientMessage {
    Init {
        token: Option<String>,
    },
    Ping,
    Pong,
    Subscribe {
        id: String,
        request: Box<async_graphql::Request>,
    },
    Complete {
        id: String,
    },
}

impl ClientMessage {
    /// `None`: not a message of this protocol.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match serde_json::from_str(text).ok()? {
            Incoming::ConnectionInit { payload } => Self::Init {
                token: payload.unwrap_or_default().access_token,
            },
            Incoming::Ping {} => Self::Ping,
            Incoming::Pong {} => Self::Pong,
            Incoming::Complete { id } => Self::Complete { id },
            Incoming::Subscribe { id, payload } => {
                if id.is_empty() || id.len() > ID_BYTES_MAX {
                    return None;
                }
                let mut request = async_graphql::Request::new(payload.query)
                    .variables(payload.variables.unwrap_or_default());
                request.operation_name = payload.operation_name;
                request.extensions.0 = payload.extensions.unwrap_or_default();
                Self::Subscribe {
                    id,
                    request: Box::new(request),
                }
            }
        })
    }
}

pub const PING: Utf8Bytes = Utf8Bytes::from_static(r#"{"type":"ping"}"#);
pub const PONG: Utf8Bytes = Utf8Bytes::from_static(r#"{"type":"pong"}"#);

/// The server's clock lets screens show timers right on machines whose clock is wrong.
pub fn ack(now: domain::Time) -> Utf8Bytes {
    let now = now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    format!(r#"{{"type":"connection_ack","payload":{{"serverTime":"{now}"}}}}"#).into()
}

/// A message of an operation.
pub struct Outgoing {
    pub text: Utf8Bytes,
    /// After it the id is free again.
    pub last: bool,
}

/// Writes the messages of one operation. The part in front of a payload is made once.
pub struct Writer {
    next: Box<str>,
    id: Box<str>,
}

impl Writer {
    pub fn new(id: &str) -> Self {
        let id = serde_json::Value::from(id).to_string();
        Self {
            next: format!(r#"{{"id":{id},"type":"next","payload":"#).into(),
            id: id.into(),
        }
    }

    /// `payload` is a rendered JSON object, often shared by many sockets.
    pub fn next(&self, payload: &str) -> Outgoing {
        let mut text = String::with_capacity(self.next.len() + payload.len() + 1);
        text.push_str(&self.next);
        text.push_str(payload);
        text.push('}');
        Outgoing {
            text: text.into(),
            last: false,
        }
    }

    pub fn error(&self, errors: &[ServerError]) -> Outgoing {
        let errors = serde_json::to_string(errors)
            .ok()
            .and_then(|text| RawValue::from_string(text).ok());
        let errors = errors.as_deref().map_or("[]", RawValue::get);
        last(format!(
            r#"{{"id":{},"type":"error","payload":{errors}}}"#,
            self.id
        ))
    }

    pub fn complete(&self) -> Outgoing {
        last(format!(r#"{{"id":{},"type":"complete"}}"#, self.id))
    }
}

fn last(text: String) -> Outgoing {
    Outgoing {
        text: text.into(),
        last: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_break_out_of_its_string() {
        let writer = Writer::new(r#"a","type":"evil"#);
        let next: serde_json::Value = serde_json::from_str(&writer.next("{}").text).unwrap();
        assert_eq!(next["type"], "next");
        assert_eq!(next["id"], r#"a","type":"evil"#);
    }

    #[test]
    fn what_is_not_the_protocol_is_not_a_message() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"type":"start"}"#,
            r#"{"type":"subscribe"}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":1,"payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1","payload":{}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":[]}}"#,
            r#"{"type":"connection_init","payload":"x"}"#,
        ] {
            assert!(ClientMessage::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_close_reason_fits_into_its_frame() {
        for close in [
            Close::Restart,
            Close::BadRequest,
            Close::TooManyInits,
            Close::InitTimeout,
        ] {
            assert!(close.reason().len() <= 123);
        }
    }
}
