//! A short connection that shows whether an account can be read, before anything about it is stored.

use crate::App;
use crate::connect::{ConnectError, Connection, Frame, Stream};
use channels::{Endpoint, Input, Outcome, Output, Session};
use std::collections::VecDeque;
use std::time::Duration;

/// A person waits at the form.
const TRIAL_MAX: Duration = Duration::from_secs(25);

pub async fn run(app: &App, session: Box<dyn Session>) -> Outcome {
    match tokio::time::timeout(TRIAL_MAX, play(app, session)).await {
        Ok(outcome) => outcome,
        Err(_) => Outcome::Retry {
            after: None,
            reason: "the server that is read from does not answer".into(),
        },
    }
}

async fn play(app: &App, mut session: Box<dyn Session>) -> Outcome {
    let mut connection: Option<Connection> = None;
    let mut inputs = VecDeque::from([Input::Start]);
    loop {
        let input = match inputs.pop_front() {
            Some(input) => input,
            None => received(&mut connection).await,
        };
        for output in session.handle(input, app.now()) {
            let changed = match output {
                Output::Ended(outcome) => return outcome,
                Output::Open(endpoint) => open(app, endpoint).await,
                Output::Encrypt { host } => match connection.take() {
                    Some(clear) => clear.encrypt(&host).await,
                    None => continue,
                },
                Output::Write(bytes) => {
                    if let Some(open) = &mut connection
                        && let Err(error) = open.send(bytes).await
                    {
                        inputs.push_back(closed(error));
                    }
                    continue;
                }
                _ => continue,
            };
            match changed {
                Ok(open) => {
                    connection = Some(open);
                    inputs.push_back(Input::Opened);
                }
                Err(error) => inputs.push_back(closed(error)),
            }
        }
    }
}

async fn open(app: &App, endpoint: Endpoint) -> Result<Connection, ConnectError> {
    let (host, port, tls) = match endpoint {
        Endpoint::Tcp { host, port } => (host, port, false),
        Endpoint::Tls { host, port } => (host, port, true),
        Endpoint::WebSocket { .. } => return Err(ConnectError::new("only streams are tried")),
    };
    let stream = Stream::open(app.outbound.guard(), &host, port, tls).await?;
    Ok(Connection::Stream(Box::new(stream)))
}

async fn received(connection: &mut Option<Connection>) -> Input {
    let Some(open) = connection else {
        return closed(ConnectError::new("the connection ended"));
    };
    match open.receive().await {
        Frame::Text(text) => Input::Received(text.into_bytes()),
        Frame::Binary(bytes) => Input::Received(bytes.to_vec()),
        Frame::Alive => Input::Pong,
        Frame::Closed { reason } => {
            *connection = None;
            closed(ConnectError::new(reason))
        }
    }
}

fn closed(error: ConnectError) -> Input {
    Input::Closed {
        status: error.status,
        reason: error.reason,
    }
}
