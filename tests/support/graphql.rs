//! A GraphQL client over HTTP, as a program of a customer would write it.

use crate::socket::Socket;
use crate::wait;
use anyhow::Context;
use serde_json::{Value, json};

const SIGN_IN: &str = "mutation($email: String!, $password: String!) {
    signIn(email: $email, password: $password) { problem { code message } accessToken }
}";

#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Client {
    /// `base` is scheme, host and port.
    pub fn new(base: String) -> Self {
        Self {
            http: reqwest::Client::new(),
            base,
            token: None,
        }
    }

    /// Sends `token` (an access token or an API token) with every request.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> anyhow::Result<Self> {
        let data = self
            .data(SIGN_IN, json!({ "email": email, "password": password }))
            .await?;
        let token = data["signIn"]["accessToken"].as_str();
        let token = token.with_context(|| format!("sign-in was refused: {data}"))?;
        Ok(self.clone().with_token(token))
    }

    /// The whole answer, errors included.
    pub async fn answer(&self, document: &str, variables: Value) -> anyhow::Result<Value> {
        let mut request = self
            .http
            .post(format!("{}/graphql", self.base))
            .header("accept", "application/graphql-response+json")
            .json(&json!({ "query": document, "variables": variables }));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await?;
        let status = response.status();
        let text = response.text().await?;
        serde_json::from_str(&text).with_context(|| format!("{status}: not JSON: {text}"))
    }

    /// `data` of an answer without errors. `UNAVAILABLE` says that nothing was done, so the
    /// client comes again.
    pub async fn data(&self, document: &str, variables: Value) -> anyhow::Result<Value> {
        let away = |answer: &Value| answer["errors"][0]["extensions"]["code"] == "UNAVAILABLE";
        let variables = &variables;
        let answered = wait::until("the server to be available", || async move {
            let answered = self.answer(document, variables.clone()).await;
            Ok(Some(answered).filter(|answered| !answered.as_ref().is_ok_and(away)))
        });
        let mut answer = answered.await??;
        anyhow::ensure!(
            answer.get("errors").is_none(),
            "{document}\nanswered {answer}"
        );
        Ok(answer["data"].take())
    }

    /// Payload of the only field of a mutation, whose `problem` must be null or absent.
    pub async fn done(&self, document: &str, variables: Value) -> anyhow::Result<Value> {
        let data = self.data(document, variables).await?;
        let payload = data
            .as_object()
            .and_then(|fields| fields.values().next())
            .cloned();
        let payload = payload.context("a mutation answers one field")?;
        anyhow::ensure!(
            payload["problem"].is_null(),
            "{document}\nanswered {payload}"
        );
        Ok(payload)
    }

    /// `extensions.code` of the first error, if there is one.
    pub async fn error_code(
        &self,
        document: &str,
        variables: Value,
    ) -> anyhow::Result<Option<String>> {
        let answer = self.answer(document, variables).await?;
        Ok(answer["errors"][0]["extensions"]["code"]
            .as_str()
            .map(str::to_owned))
    }

    /// A live socket under this client's token, acknowledged.
    pub async fn socket(&self) -> anyhow::Result<Socket> {
        let url = format!("{}/graphql", self.base.replacen("http", "ws", 1));
        let mut socket = Socket::connect(&url).await?;
        socket.init(self.token.as_deref()).await?;
        Ok(socket)
    }
}
