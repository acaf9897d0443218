//! The one timer of loops.

use std::time::Duration;
use tokio::time::Sleep;

/// For `select!` against a stop or a wake: nothing may wait for time alone.
#[expect(
    clippy::disallowed_methods,
    reason = "the only place; every caller selects it against its stop signal or bounds it by a few seconds"
)]
pub(crate) fn after(time: Duration) -> Sleep {
    tokio::time::sleep(time)
}
