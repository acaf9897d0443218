//! What Meari takes when nothing happens: memory at rest, memory of a subscription, time to start.

use crate::fan_out;
use crate::numbers::{median, resident_kb};
use crate::table::{Goal, Table};
use anyhow::Context;
use std::time::Duration;
use support::server::{OWNER_EMAIL, Options, Server};
use tokio::time::{Instant, interval};

const SUBSCRIPTIONS: usize = 1_000;
const STARTS: usize = 5;

pub async fn measure(table: &mut Table) -> anyhow::Result<()> {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let options = Options::new()?;
        let began = Instant::now();
        let server = options.start().await?;
        starts.push(began.elapsed().as_secs_f64());
        drop(server);
    }
    table.plain(
        "ready on an empty database",
        "s",
        median(starts),
        Goal::AtMost(1.0),
    );

    let options = Options::new()?;
    options.set_up().await?;
    let token = options
        .run(&["token", "create", "--user", OWNER_EMAIL, "--name", "bench"])
        .await?;
    let server = options.start().await?;
    let idle = at_rest(&server).await?;
    table.plain("memory at rest", "MB", idle / 1e3, Goal::AtMost(60.0));

    let mut sockets = Vec::new();
    for _ in 0..SUBSCRIPTIONS {
        sockets.push(fan_out::follow(&server, token.trim()).await?);
    }
    let grown = (at_rest(&server).await? - idle) / SUBSCRIPTIONS as f64;
    drop(sockets);
    table.plain("memory of a subscription", "kB", grown, Goal::AtMost(25.0));
    Ok(())
}

/// In kB (of 1,000 bytes), when it no longer grows.
async fn at_rest(server: &Server) -> anyhow::Result<f64> {
    let pid = server.pid().context("it runs")?;
    let mut looks = interval(Duration::from_secs(1));
    let mut highest: f64 = 0.0;
    for _ in 0..5 {
        looks.tick().await;
        highest = highest.max(resident_kb(pid)? * 1.024);
    }
    Ok(highest)
}
