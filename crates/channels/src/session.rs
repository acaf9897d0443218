//! Long-lived connections, sans-IO: `app::sessions` owns the socket and the clock, the channel
//! decides. One session per inbox, under the inbox's lease.
//!
//! Invariants: a session never assumes that a delivered part is stored until `Stored` says so;
//! the cursor given with a part is saved in the transaction that stores the part, and a session
//! started from that cursor misses nothing after it.

use crate::action::{Action, HttpRequest, Outcome, Response};
use crate::inbound::Part;
use domain::Time;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

const BACK_OFF_MAX_MS: u64 = 60_000;

/// Where reading goes on; opaque outside the channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// What to connect to.
#[derive(Clone, PartialEq, Eq)]
pub enum Endpoint {
    WebSocket {
        url: String,
        headers: Vec<(&'static str, String)>,
    },
    Tcp {
        host: String,
        port: u16,
    },
    Tls {
        host: String,
        port: u16,
    },
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WebSocket { url, .. } => {
                write!(
                    f,
                    "WebSocket({})",
                    url.split(['?', '#']).next().unwrap_or_default()
                )
            }
            Self::Tcp { host, port } => write!(f, "Tcp({host}:{port})"),
            Self::Tls { host, port } => write!(f, "Tls({host}:{port})"),
        }
    }
}

#[derive(Debug)]
pub enum Input {
    /// First input, once.
    Start,
    Opened,
    /// Bytes of the stream, or one text or binary message of a WebSocket.
    Received(Vec<u8>),
    /// The connection ended or never came up. `status`: the HTTP answer that refused it.
    Closed {
        status: Option<u16>,
        reason: String,
    },
    /// The instant of the last `TimerAt` has come.
    Timer,
    /// The other side answered a ping.
    Pong,
    /// The answer to `Output::Call` with this id; `None`: no answer arrived.
    Answered {
        call: u64,
        response: Option<Response>,
    },
    /// Do this over the connection and say `Done` with the same `job`.
    Perform {
        job: String,
        action: Box<Action>,
    },
    /// The part delivered with this cursor, and everything before it, is committed.
    Stored(Cursor),
    /// The house closes: say goodbye.
    Stop,
}

#[derive(Debug)]
pub enum Output {
    /// Replaces the connection if one is open.
    Open(Endpoint),
    /// Speak TLS with this host from here on; `Opened` or `Closed` follows. For a stream that
    /// began in clear text and whose server has just agreed.
    Encrypt {
        host: String,
    },
    Write(Vec<u8>),
    /// A WebSocket text message.
    WriteText(String),
    WritePing,
    /// Replaces the earlier timer; there is one.
    TimerAt(Time),
    Call {
        call: u64,
        request: Box<HttpRequest>,
    },
    /// Store this part together with the cursor, then answer `Stored(cursor)`.
    Deliver {
        part: Part,
        cursor: Cursor,
    },
    /// Nothing to store, but reading may go on after here.
    Advance(Cursor),
    Done {
        job: String,
        outcome: Outcome,
    },
    Close,
    /// The session is over and must not be started again until something changes.
    Ended(Outcome),
    /// How the connection is, for the health page. Changes only.
    Health {
        live: bool,
        note: String,
    },
}

/// Sans-IO state of one connection. Deterministic: time is an argument, jitter comes from the
/// nonce of the inbox view it was made from.
pub trait Session: Send {
    fn handle(&mut self, input: Input, now: Time) -> Vec<Output>;
}

/// How long to wait before connecting again: 1 s, 2 s, 4 s … 60 s, each moved by up to a quarter,
/// because a thousand sessions that lost the same server must not come back in the same second.
pub fn back_off(nonce: &str, failures: u32) -> Duration {
    let full = (500u64 << failures.min(7)).clamp(1000, BACK_OFF_MAX_MS);
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in nonce.bytes().chain(failures.to_le_bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    Duration::from_millis(full - full / 4 + (hash >> 16) % (full / 2).max(1))
}
