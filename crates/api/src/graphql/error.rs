//! The one place where `app::Error` becomes GraphQL: expected outcomes are payload data
//! (`Problem`), refusals and faults are errors with `extensions.code`.

use async_graphql::{Enum, Error, ErrorExtensions, SimpleObject};

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

pub fn coded(code: &'static str, message: impl Into<String>) -> Error {
    Error::new(message.into()).extend_with(|_, e| e.set("code", code))
}

pub fn unauthenticated() -> Error {
    coded("UNAUTHENTICATED", "sign in first, or send an API token")
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
        app::Error::Invalid { field, message } => Ok(Err(problem(
            ProblemCode::Invalid,
            message,
            Some(field),
        ))),
        app::Error::NotFound { .. } => Ok(Err(problem(ProblemCode::NotFound, message, None))),
        app::Error::Conflict { code, message } => Ok(Err(problem(
            ProblemCode::of_conflict(code),
            message,
            None,
        ))),
        app::Error::RateLimited { .. } => Ok(Err(problem(ProblemCode::RateLimited, message, None))),
        fault @ (app::Error::Forbidden
        | app::Error::Unavailable { .. }
        | app::Error::Internal(_)) => Err(fault_error(fault)),
    }
}

/// For queries: `NotFound` is `None`, everything else is an error.
pub fn found<T>(result: app::Result<T>) -> async_graphql::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(app::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(fault_error(error)),
    }
}

/// For fields where every failure is an error.
pub fn must<T>(result: app::Result<T>) -> async_graphql::Result<T> {
    result.map_err(fault_error)
}

fn fault_error(error: app::Error) -> Error {
    let message = error.to_string();
    match error {
        app::Error::Invalid { field, .. } => {
            coded("BAD_USER_INPUT", message).extend_with(|_, e| e.set("field", field))
        }
        app::Error::Forbidden => coded("FORBIDDEN", message),
        app::Error::NotFound { .. } => coded("NOT_FOUND", message),
        app::Error::Conflict { code, .. } => {
            coded("CONFLICT", message).extend_with(|_, e| e.set("reason", code))
        }
        app::Error::RateLimited { after } => coded("RATE_LIMITED", message)
            .extend_with(|_, e| e.set("retryAfterSeconds", after.as_secs().max(1))),
        app::Error::Unavailable { .. } => coded("UNAVAILABLE", message),
        app::Error::Internal(source) => internal(&*source),
    }
}

/// Logged once here with an id; the id is all that leaves the house.
fn internal(source: &(dyn std::error::Error + 'static)) -> Error {
    let id = uuid::Uuid::now_v7().simple().to_string();
    let mut chain = source.to_string();
    let mut next = source.source();
    while let Some(cause) = next {
        chain.push_str(": ");
        chain.push_str(&cause.to_string());
        next = cause.source();
    }
    tracing::error!(error.id = %id, error.chain = %chain, "a request failed inside");
    coded("INTERNAL", format!("something broke on our side; quote {id} when you ask for help"))
        .extend_with(|_, e| e.set("id", id.clone()))
}
