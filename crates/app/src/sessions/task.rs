//! One session: the channel's sans-IO state with a socket, a clock and a transaction around it.

use crate::connect::{ConnectError, Connection, Frame, Stream};
use crate::inbound::refused;
use crate::outbound::{ExecuteError, Policy};
use crate::{App, Error, Result, connect, inbound, inboxes};
use channels::{
    Channel, Cursor, Endpoint, HttpRequest, Input, Outcome, Output, Part, Response, Session,
};
use domain::Time;
use domain::inbox::Inbox;
use std::collections::VecDeque;
use std::time::Duration;
use store::leases;
use store::queries::inboxes as rows;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The database is away: how often storing is tried again. Meanwhile nothing more is read.
const STORE_AGAIN: Duration = Duration::from_secs(1);
/// A clock that is set by hand is looked at this often.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// Parts of one transaction.
const BATCH_MAX: usize = 50;
const LIMITED_TRIES: usize = 5;

/// How a session ended.
pub(super) enum Ended {
    /// It was told to.
    Stopped,
    /// Another node reads this inbox now.
    LeaseLost,
    /// The channel says it is over.
    Over(Outcome),
    Failed(String),
}

enum Work {
    /// Of which attempt to open, so that a late one is recognised.
    Opened(u64, Box<Result<Connection, ConnectError>>),
    Answered(u64, Option<Response>),
}

struct Task {
    app: App,
    inbox: Inbox,
    channel: &'static dyn Channel,
    epoch: i64,
    stop: CancellationToken,
    policy: Policy,
    socket: Option<Connection>,
    opening: u64,
    work: JoinSet<Work>,
    timer: Option<Time>,
}

pub(super) async fn run(app: App, inbox: Inbox, epoch: i64, stop: CancellationToken) -> Ended {
    match start(app, inbox, epoch, stop).await {
        Ok((mut task, Some(session))) => task.run(session).await,
        Ok((_, None)) => Ended::Over(Outcome::Unsupported),
        Err(error) => Ended::Failed(error.to_string()),
    }
}

async fn start(
    app: App,
    inbox: Inbox,
    epoch: i64,
    stop: CancellationToken,
) -> Result<(Task, Option<Box<dyn Session>>)> {
    let channel = crate::reply::channel_of(&inbox)?;
    let read = app.read();
    let view = inboxes::view(&app, &read, &inbox).await?;
    let cursor = rows::session_cursor(&read, inbox.tenant_id, inbox.id).await?;
    let session = channel.session(&view, cursor.map(Cursor).as_ref());
    let task = Task {
        policy: inboxes::policy(channel, &view),
        app,
        inbox,
        channel,
        epoch,
        stop,
        socket: None,
        opening: 0,
        work: JoinSet::new(),
        timer: None,
    };
    Ok((task, session))
}

/// A session of a test's own making, in the place of the channel's.
#[cfg(test)]
pub(super) async fn run_session(
    app: App,
    inbox: Inbox,
    epoch: i64,
    stop: CancellationToken,
    session: Box<dyn Session>,
) -> Ended {
    match start(app, inbox, epoch, stop).await {
        Ok((mut task, _)) => task.run(session).await,
        Err(error) => Ended::Failed(error.to_string()),
    }
}

impl Task {
    async fn run(&mut self, mut session: Box<dyn Session>) -> Ended {
        let mut inputs = VecDeque::from([Input::Start]);
        loop {
            while let Some(input) = inputs.pop_front() {
                let last = matches!(input, Input::Stop);
                let outputs = session.handle(input, self.app.now());
                if let Err(ended) = self.carry_out(outputs, &mut inputs).await {
                    self.close();
                    return ended;
                }
                if last {
                    return Ended::Stopped;
                }
            }
            inputs.extend(self.next_input().await);
        }
    }

    /// Waits for whatever happens first. `None`: it was of no interest.
    async fn next_input(&mut self) -> Option<Input> {
        let sleep = self.until_timer();
        tokio::select! {
            () = self.stop.cancelled() => Some(Input::Stop),
            frame = receive(&mut self.socket) => self.received(frame),
            Some(done) = self.work.join_next() => self.done(done.ok()?),
            () = crate::wait::after(sleep.unwrap_or_default()), if sleep.is_some() => {
                let due = self.timer.take_if(|at| *at <= self.app.now());
                due.map(|_| Input::Timer)
            }
        }
    }

    fn until_timer(&self) -> Option<Duration> {
        let left = (self.timer? - self.app.now()).to_std().unwrap_or_default();
        Some(left.min(SLEEP_MAX))
    }

    fn received(&mut self, frame: Frame) -> Option<Input> {
        Some(match frame {
            Frame::Text(text) => Input::Received(text.into_bytes()),
            Frame::Binary(bytes) => Input::Received(bytes.to_vec()),
            Frame::Alive => Input::Pong,
            Frame::Closed { reason } => {
                self.socket = None;
                Input::Closed {
                    status: None,
                    reason,
                }
            }
        })
    }

    fn done(&mut self, done: Work) -> Option<Input> {
        match done {
            Work::Answered(call, response) => Some(Input::Answered { call, response }),
            // The session wanted another connection meanwhile.
            Work::Opened(opening, _) if opening != self.opening => None,
            Work::Opened(_, opened) => Some(match *opened {
                Ok(socket) => {
                    self.socket = Some(socket);
                    Input::Opened
                }
                Err(error) => closed(error),
            }),
        }
    }

    async fn carry_out(
        &mut self,
        outputs: Vec<Output>,
        inputs: &mut VecDeque<Input>,
    ) -> Result<(), Ended> {
        let mut unstored: Vec<(Option<Part>, Cursor)> = Vec::new();
        for output in outputs {
            match output {
                Output::Deliver { part, cursor } => unstored.push((Some(part), cursor)),
                Output::Advance(cursor) => unstored.push((None, cursor)),
                other => {
                    self.store_all(&mut unstored, inputs).await?;
                    self.act(other, inputs).await?;
                }
            }
        }
        self.store_all(&mut unstored, inputs).await
    }

    async fn act(&mut self, output: Output, inputs: &mut VecDeque<Input>) -> Result<(), Ended> {
        let sent = match output {
            Output::Open(endpoint) => {
                self.open(endpoint);
                Ok(())
            }
            Output::Encrypt { host } => {
                self.encrypt(host);
                Ok(())
            }
            Output::Call { call, request } => {
                let call_up = answer(self.app.clone(), self.policy.clone(), request);
                self.work
                    .spawn(async move { Work::Answered(call, call_up.await) });
                Ok(())
            }
            Output::TimerAt(at) => {
                self.timer = Some(at);
                Ok(())
            }
            Output::Close => {
                self.close();
                Ok(())
            }
            Output::Health { live, note } => {
                let problem = (!live).then_some(note);
                if let Err(error) =
                    inboxes::set_session_problem(&self.app, &self.inbox, problem).await
                {
                    tracing::warn!(error = %error, "the health of an inbox could not be stored");
                }
                Ok(())
            }
            Output::Ended(outcome) => return Err(self.over(outcome).await),
            Output::Done { .. } => {
                tracing::warn!(inbox.id = %self.inbox.id, "a session answered a job nobody gave it");
                Ok(())
            }
            Output::Write(bytes) => match &mut self.socket {
                Some(socket) => socket.send(bytes).await,
                None => Ok(()),
            },
            Output::WriteText(text) => match &mut self.socket {
                Some(socket) => socket.send_text(text).await,
                None => Ok(()),
            },
            Output::WritePing => match &mut self.socket {
                Some(socket) => socket.ping().await,
                None => Ok(()),
            },
            // Taken out by the caller.
            Output::Deliver { .. } | Output::Advance(_) => Ok(()),
        };
        if let Err(error) = sent {
            self.socket = None;
            inputs.push_back(closed(error));
        }
        Ok(())
    }

    fn open(&mut self, endpoint: Endpoint) {
        self.close();
        self.opening += 1;
        let (opening, guard) = (self.opening, self.app.outbound.guard().clone());
        match endpoint {
            Endpoint::WebSocket { url, headers } => {
                self.work.spawn(async move {
                    let opened = connect::open(&guard, &url, &headers).await;
                    let opened = opened.map(|socket| Connection::WebSocket(Box::new(socket)));
                    Work::Opened(opening, Box::new(opened))
                });
            }
            Endpoint::Tcp { host, port } => self.open_stream(host, port, false),
            Endpoint::Tls { host, port } => self.open_stream(host, port, true),
        }
    }

    fn open_stream(&mut self, host: String, port: u16, tls: bool) {
        let (opening, guard) = (self.opening, self.app.outbound.guard().clone());
        self.work.spawn(async move {
            let opened = Stream::open(&guard, &host, port, tls).await;
            let opened = opened.map(|stream| Connection::Stream(Box::new(stream)));
            Work::Opened(opening, Box::new(opened))
        });
    }

    /// Goes on over TLS; until then nothing is read or written.
    fn encrypt(&mut self, host: String) {
        if let Some(connection) = self.socket.take() {
            let opening = self.opening;
            self.work.spawn(async move {
                Work::Opened(opening, Box::new(connection.encrypt(&host).await))
            });
        }
    }

    /// The goodbye may be slow; nobody waits for it.
    fn close(&mut self) {
        if let Some(socket) = self.socket.take() {
            tokio::spawn(socket.close());
        }
    }

    async fn over(&self, outcome: Outcome) -> Ended {
        let told = match &outcome {
            Outcome::CredentialsDied { reason } => {
                inboxes::credentials_died(&self.app, &self.inbox, reason.clone()).await
            }
            Outcome::Rejected { reason, .. }
            | Outcome::Retry { reason, .. }
            | Outcome::Unknown { reason } => {
                inboxes::set_session_problem(&self.app, &self.inbox, Some(reason.clone())).await
            }
            _ => Ok(()),
        };
        match told {
            Ok(()) => Ended::Over(outcome),
            // Not told means not over: it starts again and says the same.
            Err(error) => Ended::Failed(error.to_string()),
        }
    }

    /// Empties `unstored` into the database, however long that is away.
    async fn store_all(
        &self,
        unstored: &mut Vec<(Option<Part>, Cursor)>,
        inputs: &mut VecDeque<Input>,
    ) -> Result<(), Ended> {
        while !unstored.is_empty() {
            let batch: Vec<_> = unstored.drain(..unstored.len().min(BATCH_MAX)).collect();
            self.store_until_done(&batch).await?;
            let last = batch.into_iter().rev().find(|(part, _)| part.is_some());
            inputs.extend(last.map(|(_, cursor)| Input::Stored(cursor)));
        }
        Ok(())
    }

    async fn store_until_done(&self, batch: &[(Option<Part>, Cursor)]) -> Result<(), Ended> {
        if let Err(error) = self.store_or_wait(batch, Keys::AsTheyCame).await? {
            tracing::warn!(inbox.id = %self.inbox.id, error = %error, "parts of a session were refused, storing them one by one");
            for one in batch.chunks(1) {
                self.store_alone(one).await?;
            }
        }
        Ok(())
    }

    /// The session goes on whatever one part is like.
    async fn store_alone(&self, one: &[(Option<Part>, Cursor)]) -> Result<(), Ended> {
        for keys in [Keys::AsTheyCame, Keys::Ours] {
            if self.store_or_wait(one, keys).await?.is_ok() {
                return Ok(());
            }
        }
        let kind = self.channel.manifest().kind;
        let target = Some((self.inbox.tenant_id, self.inbox.id));
        let passed: Vec<_> = one
            .iter()
            .map(|(_, cursor)| (None, cursor.clone()))
            .collect();
        match self.store_or_wait(&passed, Keys::AsTheyCame).await? {
            Ok(()) => {}
            Err(error) => return Err(Ended::Failed(error.to_string())),
        }
        for part in one.iter().filter_map(|(part, _)| part.clone()) {
            let delivery = inbound::delivery(kind, target, self.app.now(), part);
            refused::given_up(&delivery, &Error::internal("refused twice"));
        }
        Ok(())
    }

    /// `Ok(Err)`: the database is there and refuses this.
    async fn store_or_wait(
        &self,
        batch: &[(Option<Part>, Cursor)],
        keys: Keys,
    ) -> Result<Result<()>, Ended> {
        loop {
            match self.store(batch, keys).await {
                Err(Error::Conflict { code: LOST, .. }) => return Err(Ended::LeaseLost),
                Err(Error::Unavailable { .. } | Error::Conflict { .. }) => {}
                done => return Ok(done),
            }
            tokio::select! {
                // What is not stored comes again: the cursor has not moved.
                () = self.stop.cancelled() => return Err(Ended::Stopped),
                () = crate::wait::after(STORE_AGAIN) => {}
            }
        }
    }

    /// Parts, their jobs and the cursor, under the lease, in one transaction.
    async fn store(&self, batch: &[(Option<Part>, Cursor)], keys: Keys) -> Result<()> {
        let Some((_, cursor)) = batch.last() else {
            return Ok(());
        };
        let (tenant, id) = (self.inbox.tenant_id, self.inbox.id);
        let mut tx = self.app.begin(tenant, "session_deliver").await?;
        let node = self.app.config.node;
        match leases::check_inbox(&tx, id, node, self.epoch).await {
            Err(error) if error.is_conflict() => {
                return Err(Error::conflict(LOST, "another node reads this inbox now"));
            }
            checked => checked?,
        }
        let kind = self.channel.manifest().kind;
        let parts = batch.iter().filter_map(|(part, _)| part.clone());
        let deliveries: Vec<_> = parts
            .map(|part| inbound::delivery(kind, Some((tenant, id)), tx.now(), part))
            .map(|delivery| match keys {
                Keys::AsTheyCame => delivery,
                Keys::Ours => refused::renamed(delivery),
            })
            .collect();
        store::deliver(&mut tx, &deliveries).await?;
        rows::set_session_cursor(&tx, tenant, id, &cursor.0).await?;
        self.app.commit(tx, ()).await
    }
}

/// Under which keys a part is stored.
#[derive(Clone, Copy)]
enum Keys {
    AsTheyCame,
    Ours,
}

const LOST: &str = "LEASE_LOST";

fn closed(error: ConnectError) -> Input {
    Input::Closed {
        status: error.status,
        reason: error.reason,
    }
}

/// The next frame; waits for ever without a socket.
async fn receive(socket: &mut Option<Connection>) -> Frame {
    match socket {
        Some(socket) => socket.receive().await,
        None => std::future::pending().await,
    }
}

/// `None`: no answer came. Our own rate limit only delays.
async fn answer(app: App, policy: Policy, request: Box<HttpRequest>) -> Option<Response> {
    for _ in 0..LIMITED_TRIES {
        match app.outbound.execute(&request, &policy).await {
            Ok(response) => return Some(response),
            Err(ExecuteError::Limited { after }) => crate::wait::after(after).await,
            Err(error) => {
                tracing::debug!(error = %error, "a session's request got no answer");
                return None;
            }
        }
    }
    None
}
