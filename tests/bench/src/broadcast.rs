//! The floor of the fan-out: tokio-tungstenite and a broadcast channel, nothing else.
//!
//! `POST`-free on purpose: one byte on a plain connection says "now". Every subscriber gets the
//! same prepared text, as Meari's subscribers of one document do.

use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use std::net::SocketAddr;
use std::process::ExitCode;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

const WAITING_MAX: usize = 64;

/// `ADDRESS OF SUBSCRIBERS` `ADDRESS OF THE TRIGGER`: each line on the latter goes to all of the former.
pub async fn serve(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let [subscribers, trigger] = arguments else {
        anyhow::bail!("two addresses are needed");
    };
    let subscribers = TcpListener::bind(subscribers.parse::<SocketAddr>()?).await?;
    let trigger = TcpListener::bind(trigger.parse::<SocketAddr>()?).await?;
    let (events, _) = broadcast::channel::<Utf8Bytes>(WAITING_MAX);
    let told = events.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = subscribers.accept().await {
            tokio::spawn(subscriber(stream, told.subscribe()));
        }
    });
    let (stream, _) = trigger.accept().await?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        events.send(line.into()).ok().context("nobody listens")?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn subscriber(
    stream: TcpStream,
    mut events: broadcast::Receiver<Utf8Bytes>,
) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(4 << 10);
    let socket = accept_async_with_config(stream, Some(config)).await?;
    let (mut sink, mut words) = socket.split();
    loop {
        tokio::select! {
            event = events.recv() => sink.send(Message::Text(event?)).await?,
            word = words.next() => match word {
                Some(Ok(_)) => {}
                _ => return Ok(()),
            },
        }
    }
}
