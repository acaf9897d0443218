//! How long a use case may hold the writer.
//!
//! Wall time would punish it for a machine that stands still: a paused process, a slow disk, too
//! many programs. So its time is counted in ticks, of which a standstill costs one however long it
//! was, and none is counted while the database works for it: what is left is a use case that
//! waits for something else with the writer in its hands.

use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

const TICKS: u32 = 20;

/// The holder let its time pass.
pub(crate) struct Overdue;

/// Waits for the end of a turn whose holder may be idle for `max`.
pub(crate) async fn within<T>(
    max: Duration,
    database_works: impl Fn() -> bool,
    ended: impl Future<Output = T>,
) -> Result<T, Overdue> {
    let tick = max / TICKS;
    let mut ticks = interval_at(Instant::now() + tick, tick);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut left = TICKS;
    let mut ended = std::pin::pin!(ended);
    while left > 0 {
        tokio::select! {
            biased;
            end = &mut ended => return Ok(end),
            _ = ticks.tick() => left -= u32::from(!database_works()),
        }
    }
    Err(Overdue)
}
