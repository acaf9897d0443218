//! A use case that lost a race reads again: the second look says what really happened, such as
//! "taken by a colleague", instead of "something changed".

use crate::{Error, Result};
use std::future::Future;

const ATTEMPTS: usize = 4;

/// Runs a use case until it wins or fails for a reason of its own. Each run is a new transaction.
pub(crate) async fn again<T, F>(mut use_case: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    for _ in 1..ATTEMPTS {
        match use_case().await {
            Err(Error::Conflict {
                code: "CONFLICT", ..
            }) => {}
            done => return done,
        }
    }
    use_case().await
}
