//! Waiting for facts. Nothing here waits for time to pass for its own sake.

use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Long enough for a debug build on a busy machine with two cores.
pub const DEADLINE: Duration = Duration::from_secs(30);

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Looks until `look` finds something. The error says what was waited for, for how long, and
/// what the last look saw.
pub async fn until<T, F>(what: &str, look: impl Fn() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<Option<T>>>,
{
    within(DEADLINE, what, look).await
}

pub async fn within<T, F>(deadline: Duration, what: &str, look: impl Fn() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<Option<T>>>,
{
    let started = Instant::now();
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = anyhow::anyhow!("it was never seen");
    while started.elapsed() < deadline {
        ticks.tick().await;
        match timeout(deadline.saturating_sub(started.elapsed()), look()).await {
            Ok(Ok(Some(found))) => return Ok(found),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => last = error,
            Err(_) => last = last.context("the last look did not end; before it"),
        }
    }
    Err(last.context(format!("waited {deadline:?} for {what}")))
}
