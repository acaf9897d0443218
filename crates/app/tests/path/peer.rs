//! A provider of one test: answers over a real socket, as scripted for each route, and remembers
//! what it was asked. Unscripted it behaves well.

use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

#[derive(Debug, Clone)]
pub enum Answer {
    Json(u16, Value),
    /// A refusal that names the seconds to wait.
    Later(u16, u32),
    Bytes(&'static str, Vec<u8>),
    /// The request arrived, and its answer never comes.
    HangUp,
    /// A message is stored, and its answer never comes.
    StoreAndHangUp,
    /// A message is stored, and its answer waits for [`Peer::release`].
    StoreAndHold,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Method and path.
    pub route: String,
    pub query: String,
    pub head: String,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

#[derive(Default)]
struct State {
    script: BTreeMap<String, VecDeque<Answer>>,
    asked: Vec<Asked>,
    stored: Vec<Value>,
    at_once: usize,
    at_once_max: usize,
}

pub struct Peer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    held: Arc<Semaphore>,
    release: Arc<Semaphore>,
    _task: AbortOnDropHandle<()>,
}

impl Peer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let (held, release) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let shared = (state.clone(), held.clone(), release.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, held, release) = shared.clone();
                tokio::spawn(async move { serve(stream, &state, &held, &release).await });
            }
        });
        Self {
            address,
            state,
            held,
            release,
            _task: AbortOnDropHandle::new(task),
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What happens to the next requests of a route, in this order.
    pub fn script(&self, route: &str, answers: impl IntoIterator<Item = Answer>) {
        let mut state = lock(&self.state);
        state
            .script
            .entry(route.into())
            .or_default()
            .extend(answers);
    }

    pub fn asked(&self, route: &str) -> Vec<Asked> {
        let state = lock(&self.state);
        let fits = |asked: &&Asked| asked.route == route;
        state.asked.iter().filter(fits).cloned().collect()
    }

    /// Messages the customer has.
    pub fn stored(&self) -> Vec<Value> {
        lock(&self.state).stored.clone()
    }

    /// The most requests that were under way at the same time.
    pub fn at_once_max(&self) -> usize {
        lock(&self.state).at_once_max
    }

    pub async fn until_held(&self) {
        self.held.acquire().await.unwrap().forget();
    }

    pub fn release(&self) {
        self.release.add_permits(1);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap()
}

async fn serve(mut stream: TcpStream, state: &Mutex<State>, held: &Semaphore, go: &Semaphore) {
    let Some(asked) = read(&mut stream).await else {
        return;
    };
    let answer = {
        let mut state = lock(state);
        state.at_once += 1;
        state.at_once_max = state.at_once_max.max(state.at_once);
        state.asked.push(asked.clone());
        let queue = state.script.get_mut(&asked.route);
        queue.and_then(VecDeque::pop_front)
    };
    let answer = match answer {
        Some(Answer::StoreAndHold) => {
            let stored = store(state, &asked);
            held.add_permits(1);
            go.acquire().await.unwrap().forget();
            Some(stored)
        }
        Some(Answer::StoreAndHangUp) => {
            store(state, &asked);
            None
        }
        Some(Answer::HangUp) => None,
        Some(other) => Some(other),
        None => Some(usual(state, &asked)),
    };
    if let Some(answer) = answer {
        stream.write_all(&written(answer)).await.ok();
        stream.shutdown().await.ok();
    }
    lock(state).at_once -= 1;
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |n| n.parse().unwrap());
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let first = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut words = first.split_whitespace();
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Some(Asked {
        route: format!("{method} {path}"),
        query: query.to_owned(),
        head,
        body: bytes[end + 4..].to_vec(),
    })
}

/// Once per idempotency key, like a provider that honours the header.
fn store(state: &Mutex<State>, asked: &Asked) -> Answer {
    let mut state = lock(state);
    let message = asked.json();
    let keyed = asked.head.contains("idempotency-key: ");
    let same = |m: &Value| keyed && m["client_id"] == message["client_id"];
    let known = state.stored.iter().position(same);
    let at = known.unwrap_or(state.stored.len());
    if known.is_none() {
        state.stored.push(message);
    }
    Answer::Json(200, json!({ "id": format!("out-{}", at + 1) }))
}

fn usual(state: &Mutex<State>, asked: &Asked) -> Answer {
    match asked.route.as_str() {
        "POST /messages" => store(state, asked),
        "GET /messages" => {
            let state = lock(state);
            let wanted = |m: &Value| {
                let id = m["client_id"].as_str().unwrap_or_default();
                asked.query == format!("client_id={id}")
            };
            match state.stored.iter().position(wanted) {
                Some(at) => Answer::Json(200, json!({ "id": format!("out-{}", at + 1) })),
                None => Answer::Json(404, json!({})),
            }
        }
        "GET /account" => Answer::Json(200, json!({ "account": "moa", "address": "@moa" })),
        "POST /media" => Answer::Json(200, json!({ "id": "uploaded" })),
        _ => Answer::Json(200, json!({})),
    }
}

fn written(answer: Answer) -> Vec<u8> {
    let (status, kind, extra, body) = match answer {
        Answer::Json(status, value) => {
            let body = value.to_string().into_bytes();
            (status, "application/json", String::new(), body)
        }
        Answer::Later(status, seconds) => {
            let extra = format!("retry-after: {seconds}\r\n");
            (status, "application/json", extra, b"{}".to_vec())
        }
        Answer::Bytes(kind, bytes) => (200, kind, String::new(), bytes),
        _ => unreachable!("these have no answer"),
    };
    let mut bytes = format!(
        "HTTP/1.1 {status} -\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
         connection: close\r\n{extra}\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend(body);
    bytes
}
