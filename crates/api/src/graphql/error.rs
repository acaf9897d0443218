//! Expected outcomes of a mutation are payload data (`Problem`). Refusals and faults stay errors:
//! `crate::fault` gives them their `extensions.code` and hides what is internal.

use crate::fault::{Code, Fault};
use async_graphql::{Enum, Error, SimpleObject};

/// Why a mutation did nothing, in words for the person who asked.
#[derive(Debug, Clone, SimpleObject)]
pub struct Problem {
    pub code: ProblemCode,
    pub message: String,
    /// The argument at fault.
    pub field: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ProblemCode {
    Invalid,
    NotFound,
    Conflict,
    Forbidden,
    WrongPassword,
    RateLimited,
    Expired,
    AlreadyTaken,
    OverCapacity,
    NewerMessages,
    WindowClosed,
    NeedsReconnect,
    Disconnected,
    TooLong,
    Unsupported,
    ProviderRefused,
}

/// The caller's mistake in an argument.
pub fn bad_input(message: impl Into<String>) -> Error {
    Fault::new(Code::BadUserInput, message).into()
}

impl ProblemCode {
    /// Codes that `app` puts into `Conflict`; every other one is a plain conflict.
    fn of_conflict(code: &str) -> Self {
        match code {
            "WRONG_PASSWORD" => Self::WrongPassword,
            "EXPIRED" => Self::Expired,
            "ALREADY_TAKEN" => Self::AlreadyTaken,
            "OVER_CAPACITY" => Self::OverCapacity,
            "NEWER_MESSAGES" => Self::NewerMessages,
            "WINDOW_CLOSED" => Self::WindowClosed,
            "NEEDS_RECONNECT" => Self::NeedsReconnect,
            "DISCONNECTED" => Self::Disconnected,
            "TOO_LONG" => Self::TooLong,
            "UNSUPPORTED" => Self::Unsupported,
            "PROVIDER_REFUSED" => Self::ProviderRefused,
            _ => Self::Conflict,
        }
    }
}

/// For mutations: `Ok(Ok(value))` is done, `Ok(Err(problem))` goes into the payload, `Err` is a
/// transport-level error (refused, faulty, unavailable).
pub fn outcome<T>(result: app::Result<T>) -> async_graphql::Result<Result<T, Problem>> {
    let problem = |code, message: String, field: Option<&str>| Problem {
        code,
        message,
        field: field.map(str::to_owned),
    };
    let error = match result {
        Ok(value) => return Ok(Ok(value)),
        Err(error) => error,
    };
    let message = error.to_string();
    match error {
        app::Error::Invalid { field, message } => {
            Ok(Err(problem(ProblemCode::Invalid, message, Some(field))))
        }
        app::Error::NotFound { .. } => Ok(Err(problem(ProblemCode::NotFound, message, None))),
        app::Error::Conflict { code, message } => {
            Ok(Err(problem(ProblemCode::of_conflict(code), message, None)))
        }
        app::Error::RateLimited { .. } => Ok(Err(problem(ProblemCode::RateLimited, message, None))),
        fault @ (app::Error::Forbidden
        | app::Error::Unavailable { .. }
        | app::Error::Internal(_)) => Err(fault.into()),
    }
}

/// The payload of mutations that only succeed or not.
#[derive(SimpleObject, Default)]
pub struct DonePayload {
    pub problem: Option<Problem>,
}

impl DonePayload {
    pub fn of(result: app::Result<()>) -> async_graphql::Result<Self> {
        Ok(Self {
            problem: outcome(result)?.err(),
        })
    }
}

/// For queries: what does not exist, or may not be seen, is `null`.
pub fn found<T>(result: app::Result<T>) -> async_graphql::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(app::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Declares a payload with one node and its making from a use case's result.
macro_rules! payload {
    ($payload:ident, $field:ident: $node:ty) => {
        #[derive(async_graphql::SimpleObject)]
        pub struct $payload {
            pub problem: Option<$crate::graphql::error::Problem>,
            pub $field: Option<$node>,
        }

        impl $payload {
            pub fn of<T: Into<$node>>(result: app::Result<T>) -> async_graphql::Result<Self> {
                Ok(match $crate::graphql::error::outcome(result)? {
                    Ok(node) => Self {
                        problem: None,
                        $field: Some(node.into()),
                    },
                    Err(problem) => Self {
                        problem: Some(problem),
                        $field: None,
                    },
                })
            }
        }
    };
}

pub(crate) use payload;
