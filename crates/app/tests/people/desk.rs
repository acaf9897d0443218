//! What every test of people begins with.

use app::access::authenticate;
use app::auth::{self, SignedIn};
use app::testing::{TestApp, client, set_up};
use app::{App, Error, audit};
use secrecy::{ExposeSecret, SecretString};

pub const MINA: &str = "mina@example.com";
pub const NEW_PASSWORD: &str = "seven lanterns by the sea";

pub fn secret(text: &str) -> SecretString {
    text.to_owned().into()
}

pub fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    match result {
        Err(Error::Conflict { code, .. }) => code,
        Err(Error::RateLimited { .. }) => "RATE_LIMITED",
        Err(Error::Forbidden) => "FORBIDDEN",
        Err(Error::NotFound { .. }) => "NOT_FOUND",
        Err(Error::Invalid { .. }) => "INVALID",
        other => panic!("expected a refusal, got {other:?}"),
    }
}

pub async fn sign_in(app: &App, email: &str, password: &str) -> Result<SignedIn, Error> {
    auth::sign_in(app, &client("192.0.2.7"), email, secret(password)).await
}

pub async fn refresh(app: &App, token: &SecretString) -> Result<SignedIn, Error> {
    auth::refresh(app, &client("192.0.2.7"), token.expose_secret()).await
}

pub async fn is_valid(app: &App, signed_in: &SignedIn) -> bool {
    authenticate(app, signed_in.access.token.expose_secret())
        .await
        .unwrap()
        .is_some()
}

pub async fn actions(app: &App, owner: &SignedIn) -> Vec<String> {
    let entries = audit::list(app, &owner.actor, None, 100).await.unwrap();
    entries.into_iter().map(|entry| entry.action).collect()
}

pub async fn start(db: &store::testing::TestDb) -> (TestApp, SignedIn) {
    let app = app::testing::app(db).await;
    let owner = set_up(&app).await;
    (app, owner)
}
