//! Errors as the public API shows them: every one carries `extensions.code`, and nothing internal
//! leaves the process. What a resolver did not mean to say is logged once under an id, and the
//! caller sees that id only.

use async_graphql::{ErrorExtensionValues, Response, ServerError};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// The codes of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    BadUserInput,
    RateLimited,
    Internal,
    Unavailable,
}

impl Code {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::RateLimited => "RATE_LIMITED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
        }
    }
}

/// An error that a resolver means to show. Return it with `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub code: Code,
    pub message: String,
    pub field: Option<String>,
}

impl Fault {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
        }
    }

    pub fn unauthenticated() -> Self {
        Self::new(Code::Unauthenticated, "Sign in first.")
    }

    /// The same fault as a GraphQL error without a path, for refusals before execution.
    pub fn to_server_error(&self) -> ServerError {
        let mut error = ServerError::new(self.message.clone(), None);
        show(&mut error, self);
        error
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Gives each error its code and hides what was not meant to be seen.
pub fn finish(response: &mut Response) {
    for error in &mut response.errors {
        finish_error(error);
    }
}

pub fn finish_error(error: &mut ServerError) {
    if let Some(fault) = error.source::<Fault>().cloned() {
        show(error, &fault);
    } else if let Some(fault) = error.source::<app::Error>().and_then(expected) {
        show(error, &fault);
    } else if error.source.is_some() {
        mask(error);
    } else if code_of(error).is_none() {
        set(error, "code", Code::BadUserInput.as_str());
    }
}

/// How an error of a use case is shown; `None` when it is internal.
pub fn expected(error: &app::Error) -> Option<Fault> {
    use app::Error as App;
    let (code, field) = match error {
        App::Invalid { field, .. } => (Code::BadUserInput, Some((*field).to_owned())),
        App::Forbidden => (Code::Forbidden, None),
        App::NotFound { .. } => (Code::NotFound, None),
        App::Conflict { .. } => (Code::Conflict, None),
        App::RateLimited { .. } => (Code::RateLimited, None),
        App::Unavailable { .. } => (Code::Unavailable, None),
        App::Internal(_) => return None,
    };
    Some(Fault {
        code,
        message: error.to_string(),
        field,
    })
}

fn code_of(error: &ServerError) -> Option<&async_graphql::Value> {
    error.extensions.as_ref()?.get("code")
}

fn set(error: &mut ServerError, name: &str, value: &str) {
    error
        .extensions
        .get_or_insert_with(ErrorExtensionValues::default)
        .set(name, value);
}

fn show(error: &mut ServerError, fault: &Fault) {
    error.message.clone_from(&fault.message);
    set(error, "code", fault.code.as_str());
    if let Some(field) = &fault.field {
        set(error, "field", field);
    }
    error.source = None;
}

/// Logs the error under a new id and leaves only that id in the answer.
fn mask(error: &mut ServerError) {
    let id = next_id();
    let cause = error.source::<app::Error>().map(causes).unwrap_or_default();
    tracing::error!(
        error.id = %id,
        error.path = ?error.path,
        "a request failed inside: {}{cause}", error.message
    );
    error.message = format!("Something went wrong here. It is logged as {id}.");
    error.extensions = None;
    set(error, "code", Code::Internal.as_str());
    set(error, "id", &id);
    error.source = None;
}

/// The chain below an error, for the log.
fn causes(error: &app::Error) -> String {
    let mut text = String::new();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// Unique within the process; only needs to be found again in the log of its time.
fn next_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("e{:x}-{n}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn an_internal_error_shows_only_its_id() {
        let mut error = ServerError::new("no such table: users", None);
        error.source = Some(Arc::new(std::io::Error::other("no such table: users")));
        finish_error(&mut error);
        let shown = serde_json::to_string(&error).unwrap();
        assert!(!shown.contains("users"), "{shown}");
        assert!(
            shown.contains("INTERNAL") && shown.contains("logged as e"),
            "{shown}"
        );
    }

    #[test]
    fn a_fault_keeps_its_message_code_and_field() {
        let mut error = ServerError::new("x", None);
        error.source = Some(Arc::new(Fault {
            code: Code::Conflict,
            message: "taken".into(),
            field: Some("email".into()),
        }));
        finish_error(&mut error);
        let shown = serde_json::to_value(&error).unwrap();
        assert_eq!(shown["message"], "taken");
        assert_eq!(shown["extensions"]["code"], "CONFLICT");
        assert_eq!(shown["extensions"]["field"], "email");
    }

    #[test]
    fn a_validation_error_is_the_callers_fault() {
        let mut error = ServerError::new("Unknown field \"x\".", None);
        finish_error(&mut error);
        assert_eq!(
            serde_json::to_value(&error).unwrap()["extensions"]["code"],
            "BAD_USER_INPUT"
        );
    }
}
