//! Time as a parameter. Only `SystemClock` reads the machine's clock.

use crate::Time;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Source of "now". The second implementation is [`ManualClock`], used by tests and simulation.
pub trait Clock: Send + Sync + std::fmt::Debug {
    fn now(&self) -> Time;
}

/// The machine's clock, cut to microseconds because that is what both databases keep.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    fn now(&self) -> Time {
        truncate_to_micros(chrono::Utc::now())
    }
}

/// A clock that moves only when told to.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    pub fn at(start: Time) -> Self {
        Self(Arc::new(AtomicI64::new(start.timestamp_micros())))
    }

    pub fn advance(&self, by: chrono::Duration) {
        self.0
            .fetch_add(by.num_microseconds().unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// The instant `micros` after the Unix epoch; out-of-range values become the epoch.
pub fn from_micros(micros: i64) -> Time {
    chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

fn truncate_to_micros(t: Time) -> Time {
    from_micros(t.timestamp_micros())
}
