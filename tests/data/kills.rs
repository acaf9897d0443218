//! `kill -9` at random moments, while customers write and an agent works: every message that was
//! answered with 2xx is there once, the work agrees with the offers, and a screen that resumes
//! misses nothing.
//!
//! `MEARI_KILLS` sets how often, `MEARI_SEED` repeats a run.

use super::{consistency, stored};
use anyhow::Context;
use serde_json::Value;
use std::time::Duration;
use support::desk;
use support::follower::{self, Follower};
use support::graphql::Client;
use support::postgres::Database;
use support::sandbox::{self, Inbox};
use support::seed::{self, Seed};
use support::server::Server;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

const KILLS_VARIABLE: &str = "MEARI_KILLS";
/// As many as fit into a run of all tests; the long run sets 200.
const KILLS: u64 = 12;
/// 5,000 webhooks at 200 kills.
const POSTS_PER_KILL: u64 = 25;
const SENDERS: usize = 8;
const CUSTOMERS: u64 = 40;
/// One in ten is an earlier one again.
const REPEATED_ONE_IN: u64 = 10;
const LIFE_MAX: Duration = Duration::from_millis(800);
/// Some servers do not live long enough to be ready.
const START_MAX: Duration = Duration::from_millis(400);
/// On PostgreSQL a claim outlives its killed holder by a minute.
const CALM: Duration = Duration::from_secs(150);
const LAST_WORDS: &str = "the last message";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_by_kills_on_sqlite() -> anyhow::Result<()> {
    let (server, owner) = Server::with_owner().await?;
    survive(server, owner, kills()?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_by_kills_on_postgres() -> anyhow::Result<()> {
    let database = Database::new().await?;
    let (server, owner) = Server::with_owner_on(&database).await?;
    survive(server, owner, kills()?.div_ceil(4)).await
}

fn kills() -> anyhow::Result<u64> {
    Ok(match std::env::var(KILLS_VARIABLE) {
        Ok(text) => text.parse()?,
        Err(_) => KILLS,
    })
}

async fn survive(server: Server, owner: Client, kills: u64) -> anyhow::Result<()> {
    let seed = Seed::of_this_run()?;
    let told = format!("{}={} {KILLS_VARIABLE}={kills}", seed::VARIABLE, seed.start);
    story(server, owner, kills, seed).await.context(told)
}

async fn story(
    mut server: Server,
    owner: Client,
    kills: u64,
    mut seed: Seed,
) -> anyhow::Result<()> {
    let inbox = Inbox::connect_alone(&owner).await?;
    let mut screen = Follower::start(&owner, None).await?;
    let began_at = screen.cursor.clone();
    desk::available(&owner, 20).await?;
    let mut agent = JoinSet::new();
    agent.spawn(work(owner.clone()));
    let watching = tokio::spawn(async move {
        screen.find(|change| change["text"] == LAST_WORDS).await?;
        anyhow::Ok(screen)
    });

    let mut posted = kill_while_posting(&mut server, &inbox, kills, &mut seed).await?;
    desk::worked_off(&owner, CALM).await?;
    agent.shutdown().await;
    let last = sandbox::message("last", "last", LAST_WORDS);
    inbox.deliver(&last).await?;
    let screen = timeout(CALM, watching)
        .await
        .context("the screen never saw the last message")???;
    desk::worked_off(&owner, CALM).await?;

    posted.push(last);
    stored::once(&owner, &posted).await?;
    consistency::offers_agree(&owner).await?;
    let (log, _) = follower::log(&owner, began_at).await?;
    saw_everything(&screen, &log)
}

/// Answers what was posted; all of it was accepted in the end.
async fn kill_while_posting(
    server: &mut Server,
    inbox: &Inbox,
    kills: u64,
    seed: &mut Seed,
) -> anyhow::Result<Vec<Value>> {
    let mut posts = JoinSet::new();
    let mut posted = Vec::new();
    for _ in 0..kills {
        let events = plan(&mut posted, seed);
        for part in events.chunks(events.len().div_ceil(SENDERS)) {
            let (inbox, part) = (inbox.clone(), part.to_vec());
            posts.spawn(async move {
                for event in part {
                    inbox.deliver(&event).await?;
                }
                anyhow::Ok(())
            });
        }
        server.live_for(seed.moment_below(LIFE_MAX)).await?;
        server.kill().await?;
        if seed.below(4) == 0 {
            server.relaunch()?;
            server.live_for(seed.moment_below(START_MAX)).await?;
            server.kill().await?;
        }
        server.restart().await?;
    }
    while let Some(done) = posts.join_next().await {
        done??;
    }
    Ok(posted)
}

/// The events of one life; `posted` learns the new ones.
fn plan(posted: &mut Vec<Value>, seed: &mut Seed) -> Vec<Value> {
    let mut events = Vec::new();
    for _ in 0..POSTS_PER_KILL {
        let earlier = u64::try_from(posted.len()).unwrap_or(0);
        if seed.below(REPEATED_ONE_IN) == 0 && earlier > 0 {
            let again = usize::try_from(seed.below(earlier)).unwrap_or(0);
            events.push(posted[again].clone());
            continue;
        }
        let id = format!("m{earlier}");
        let customer = format!("customer-{}", seed.below(CUSTOMERS));
        let event = sandbox::message(&id, &customer, &id);
        posted.push(event.clone());
        events.push(event);
    }
    events
}

/// An agent who takes what she is asked, declines some, finishes some, and never minds an outage.
async fn work(agent: Client) {
    let mut ticks = interval(Duration::from_millis(50));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut choice = Seed::of(7);
    loop {
        ticks.tick().await;
        for offer in desk::offers(&agent).await.unwrap_or_default() {
            match choice.below(4) {
                0 => drop(desk::decline(&agent, &offer).await),
                1 => drop(desk::accept(&agent, &offer).await),
                _ => {
                    if let Ok(ticket) = desk::accept(&agent, &offer).await {
                        drop(desk::close(&agent, &ticket).await);
                    }
                }
            }
        }
    }
}

/// What the screen was shown is the beginning of the log, in order.
fn saw_everything(screen: &Follower, log: &[Value]) -> anyhow::Result<()> {
    anyhow::ensure!(screen.resyncs == 0, "{} resyncs", screen.resyncs);
    anyhow::ensure!(screen.connects > 1, "the screen was never cut off");
    let differs = screen
        .seen
        .iter()
        .zip(log)
        .position(|(seen, kept)| seen != kept);
    if let Some(at) = differs {
        let around = |list: &[Value]| format!("{:#?}", &list[at..list.len().min(at + 3)]);
        anyhow::bail!(
            "at change {at} the screen saw {} where the log holds {}",
            around(&screen.seen),
            around(log)
        );
    }
    anyhow::ensure!(
        screen.seen.len() <= log.len(),
        "the screen saw {} changes, the log holds {}",
        screen.seen.len(),
        log.len()
    );
    Ok(())
}
