//! Colleagues: invited by mail, as people are.

use crate::graphql::Client;
use crate::server::{OWNER_PASSWORD, Server};
use crate::wait;
use anyhow::Context;
use serde_json::json;

const INVITE: &str = "mutation($email: String!, $role: Role!) {
    invite(email: $email, role: $role) { problem { code message } }
}";

const ACCEPT: &str = "mutation($token: String!, $password: String!) {
    acceptInvitation(token: $token, name: \"Colleague\", password: $password) {
        problem { code message } accessToken
    }
}";

/// A new colleague, signed in.
pub async fn join(
    server: &Server,
    owner: &Client,
    email: &str,
    role: &str,
) -> anyhow::Result<Client> {
    owner
        .done(INVITE, json!({ "email": email, "role": role }))
        .await?;
    let token = invitation(server, email).await?;
    let variables = json!({ "token": token, "password": OWNER_PASSWORD });
    let joined = server.client().done(ACCEPT, variables).await?;
    let access = joined["accessToken"].as_str();
    Ok(server.client().with_token(access.context("a session")?))
}

pub async fn id(client: &Client) -> anyhow::Result<String> {
    let data = client.data("{ viewer { id } }", json!({})).await?;
    let id = data["viewer"]["id"].as_str();
    Ok(id.context("a viewer has an id")?.to_owned())
}

/// The token of the mail to `email`, from the folder where mails go without a mail server.
async fn invitation(server: &Server, email: &str) -> anyhow::Result<String> {
    let folder = server.data_dir().join("mail");
    let (folder, to) = (&folder, format!("To: {email}"));
    let to = &to;
    wait::until("the invitation", || async move {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_none_or(|name| name != "eml") {
                continue;
            }
            let mail = std::fs::read_to_string(path)?;
            if mail.contains(to.as_str()) {
                return Ok(Some(token_in(&mail).context("a link with a token")?));
            }
        }
        Ok(None)
    })
    .await
}

/// Links are longer than a line of a mail, which breaks them with `=`.
fn token_in(mail: &str) -> Option<String> {
    let text = mail.replace("=\r\n", "").replace("=\n", "");
    let (_, rest) = text.split_once("/invitation#")?;
    let is_token = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    Some(rest.chars().take_while(|c| is_token(*c)).collect())
}
