//! The one error of every use case.
//!
//! Invariants: all variants but `Unavailable` and `Internal` are expected outcomes and safe to
//! show; `Internal` keeps its `source()` chain for the log and shows nothing of it to callers.

use std::time::Duration;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A cause from a lower floor or a library, kept for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input breaks a rule; `field` is the argument's name in the API.
    #[error("{field}: {message}")]
    Invalid {
        field: &'static str,
        message: String,
    },
    #[error("you may not do this")]
    Forbidden,
    /// Also the answer for things of another tenant: their existence is nobody's business.
    #[error("this {kind} does not exist")]
    NotFound { kind: &'static str },
    /// The world moved on, or the noun's state machine refuses. `code` is stable, for programs.
    #[error("{message}")]
    Conflict { code: &'static str, message: String },
    #[error("too many attempts, try again in {} seconds", after.as_secs().max(1))]
    RateLimited { after: Duration },
    /// Not our caller's fault and likely to pass: disk full, database away, queue overfull.
    #[error("{reason}")]
    Unavailable { reason: String },
    #[error("an internal error happened")]
    Internal(#[source] Cause),
}

impl Error {
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            message: message.into(),
        }
    }

    pub const fn not_found(kind: &'static str) -> Self {
        Self::NotFound { kind }
    }

    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict {
            code,
            message: message.into(),
        }
    }

    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable {
            reason: reason.into(),
        }
    }

    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }
}

impl From<store::StoreError> for Error {
    fn from(error: store::StoreError) -> Self {
        use store::StoreError as Store;
        match error {
            Store::NotFound { noun } => Self::not_found(noun),
            Store::Conflict { what } => Self::conflict("CONFLICT", what),
            Store::Unavailable { .. } => {
                // The caller hears only that it will pass; the cause would be lost here.
                tracing::warn!(error = %error, "the database is unavailable");
                Self::unavailable("the database is not available now")
            }
            Store::Corrupt { .. } | Store::Internal { .. } => Self::internal(error),
        }
    }
}

impl From<domain::permission::Denied> for Error {
    fn from(_: domain::permission::Denied) -> Self {
        Self::Forbidden
    }
}

impl From<domain::InvalidTransition> for Error {
    fn from(refused: domain::InvalidTransition) -> Self {
        Self::conflict("INVALID_TRANSITION", refused.to_string())
    }
}

impl From<domain::UnknownWord> for Error {
    fn from(unknown: domain::UnknownWord) -> Self {
        Self::invalid(unknown.kind, unknown.to_string())
    }
}

impl From<domain::ids::InvalidId> for Error {
    fn from(invalid: domain::ids::InvalidId) -> Self {
        Self::invalid(invalid.kind, invalid.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn an_internal_error_hides_its_cause_but_keeps_it_for_the_log() {
        let error = Error::internal("disk sector 7 is bad");
        assert!(!error.to_string().contains("sector"));
        let cause = error.source().map(ToString::to_string);
        assert_eq!(cause.as_deref(), Some("disk sector 7 is bad"));
    }
}
