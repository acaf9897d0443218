//! Connecting through the provider's own consent page (code flow with PKCE).
//!
//! Invariants: what we must remember between leaving and coming back is one sealed row that opens
//! for ten minutes and only once; its name is the unguessable `state`. The person who comes back
//! must still be an administrator of the tenant she left from.

use super::connect::{By, Connecting, Draft, draft_view, store, verified};
use super::form::Form;
use super::seal::{self, Owner};
use super::{app_view, live};
use crate::{App, Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use channels::{Action, Channel, Connect, Outcome, Secrets};
use chrono::Duration;
use domain::inbox::{Inbox, ProviderApp};
use domain::people::Role;
use domain::permission::Actor;
use domain::{ProviderAppId, Time, UserId};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::queries::{memberships, provider_apps, secrets};
use uuid::Uuid;

const FLOW: &str = "oauth_flow";
const FLOW_LIVES: Duration = Duration::minutes(10);
/// Of an app that registered itself: it answers to this address only.
const REDIRECT_URI: &str = "redirect_uri";

/// What the provider's page sends back.
#[derive(Clone, Default)]
pub struct Callback {
    pub state: String,
    pub code: Option<String>,
    /// The person said no, or the provider did.
    pub error: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Flow {
    inbox: Inbox,
    is_new: bool,
    settings: Map<String, Value>,
    user: UserId,
    redirect_uri: String,
    verifier: String,
    expires_at: Time,
}

/// Answers where to send the person.
pub(super) async fn begin(
    app: &App,
    actor: &Actor,
    channel: &'static dyn Channel,
    mut draft: Draft,
) -> Result<String> {
    let redirect_uri = redirect_uri(app, channel.manifest().kind);
    let mut view = draft_view(app, &draft).await?;
    if view.app.is_none()
        && let Some(known) = registered(app, &view, &draft.inbox, &redirect_uri).await?
    {
        view.app = Some(app_view(app, &app.read(), actor.tenant_id, known).await?);
        draft.inbox.provider_app_id = Some(known);
    }
    let state = Uuid::from_u128(rand::random());
    let verifier = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let stage = Connect::Begin {
        redirect_uri: redirect_uri.clone(),
        state: state.simple().to_string(),
        verifier: verifier.clone(),
    };
    let outcome = live::perform(app, channel, &view, &Action::Connect(stage)).await?;
    let Outcome::Authorize {
        url,
        app_settings,
        app_secrets,
    } = outcome
    else {
        verified(outcome)?;
        return Err(Error::conflict(
            "UNSUPPORTED",
            "this channel has no consent page",
        ));
    };
    let tx = app.begin(actor.tenant_id, "begin_oauth").await?;
    if !app_settings.is_empty() || !app_secrets.is_empty() {
        let made = register(
            app,
            &tx,
            &view,
            &draft.inbox,
            &redirect_uri,
            app_settings,
            &app_secrets,
        );
        draft.inbox.provider_app_id = Some(made.await?);
    }
    let flow = Flow {
        inbox: draft.inbox,
        is_new: draft.is_new,
        settings: draft.form.settings,
        user: actor.user_id,
        redirect_uri,
        verifier,
        expires_at: tx.now() + FLOW_LIVES,
    };
    let text = serde_json::to_string(&flow).map_err(Error::internal)?;
    let plain = Secrets::from_iter([(FLOW, text)]);
    seal::put(app, &tx, flow_owner(state), state, &plain).await?;
    app.commit(tx, url).await
}

/// The person is back. The answer is for her browser, which has no session here: it only says
/// where the screens show the result.
pub async fn finish(app: &App, kind: &str, callback: Callback) -> Result<Connecting> {
    let flow = take(app, &callback.state).await?;
    let channel = channels::by_kind(kind)
        .filter(|channel| channel.manifest().kind == flow.inbox.channel)
        .ok_or_else(lost)?;
    let Some(code) = callback.code.filter(|_| callback.error.is_none()) else {
        return Err(Error::conflict(
            "PROVIDER_REFUSED",
            "the connection was not allowed on the provider's page",
        ));
    };
    let tenant = flow.inbox.tenant_id;
    let member = memberships::find(&app.read(), tenant, flow.user).await?;
    if member.is_none_or(|member| member.role < Role::Admin) {
        return Err(Error::Forbidden);
    }
    let draft = Draft {
        inbox: flow.inbox,
        form: Form {
            settings: flow.settings,
            secrets: Secrets::default(),
        },
        is_new: flow.is_new,
    };
    let view = draft_view(app, &draft).await?;
    let stage = Connect::Finish {
        redirect_uri: flow.redirect_uri,
        code,
        verifier: flow.verifier,
    };
    let outcome = live::perform(app, channel, &view, &Action::Connect(stage)).await?;
    let inbox = store(
        app,
        By::Person(tenant, flow.user),
        draft,
        verified(outcome)?,
    )
    .await?;
    Ok(Connecting::Connected(Box::new(inbox)))
}

/// Where the browser goes after [`finish`]: a path of the web app, never a provider's words.
pub fn landing(result: &Result<Connecting>) -> String {
    let problem = match result {
        Ok(Connecting::Connected(inbox)) => {
            return format!("/settings/inboxes?connected={}", inbox.id);
        }
        Ok(Connecting::Authorize { .. }) => "unfinished",
        Err(Error::Conflict { code, .. }) => code,
        Err(Error::Forbidden) => "FORBIDDEN",
        Err(_) => "FAILED",
    };
    format!("/settings/inboxes?problem={problem}")
}

fn redirect_uri(app: &App, kind: &str) -> String {
    format!("{}/oauth/{kind}/callback", app.config.public_url)
}

fn flow_owner(state: Uuid) -> Owner {
    Owner {
        tenant: None,
        table: FLOW,
        row: state,
    }
}

fn lost() -> Error {
    Error::conflict(
        "EXPIRED",
        "this sign-in has run out or was used already; start connecting again",
    )
}

/// Opens the flow and removes it: the second browser that comes with the same state finds nothing.
async fn take(app: &App, state: &str) -> Result<Flow> {
    let state = Uuid::try_parse(state).map_err(|_| lost())?;
    let tx = app.store.begin_global("finish_oauth").await?;
    let found = secrets::of_owner(&tx, None, state).await?;
    let sealed = found
        .into_iter()
        .find(|secret| secret.name == FLOW)
        .ok_or_else(lost)?;
    secrets::delete_of(&tx, None, state).await?;
    let now = tx.now();
    app.commit(tx, ()).await?;
    let place = crate::secrets::Place {
        table: FLOW,
        column: "secret",
        row: &seal::place_row(state, FLOW),
    };
    let plain = app
        .vault
        .installation()
        .open(place, &sealed.sealed)
        .map_err(Error::internal)?;
    let flow: Flow = serde_json::from_slice(plain.expose_secret()).map_err(Error::internal)?;
    if flow.expires_at <= now {
        return Err(lost());
    }
    Ok(flow)
}

/// The app that registered itself at this provider earlier, for the same way back.
async fn registered(
    app: &App,
    view: &channels::Inbox,
    inbox: &Inbox,
    redirect_uri: &str,
) -> Result<Option<ProviderAppId>> {
    let Some(base_url) = live::base_url(view) else {
        return Ok(None);
    };
    let all = provider_apps::all(&app.read(), inbox.tenant_id).await?;
    let fits = |row: &&ProviderApp| {
        row.channel == inbox.channel
            && row.base_url.as_deref() == Some(base_url.as_str())
            && row.settings.get(REDIRECT_URI).and_then(Value::as_str) == Some(redirect_uri)
    };
    Ok(all.iter().find(fits).map(|row| row.id))
}

async fn register(
    app: &App,
    tx: &store::Tx,
    view: &channels::Inbox,
    inbox: &Inbox,
    redirect_uri: &str,
    mut settings: Map<String, Value>,
    secrets: &Secrets,
) -> Result<ProviderAppId> {
    let base_url = live::base_url(view);
    settings.insert(REDIRECT_URI.into(), redirect_uri.into());
    let row = ProviderApp {
        id: ProviderAppId::new(tx.now()),
        tenant_id: Some(inbox.tenant_id),
        channel: inbox.channel.clone(),
        name: base_url.clone().unwrap_or_else(|| inbox.channel.clone()),
        base_url,
        settings: Value::Object(settings),
        created_at: tx.now(),
    };
    let key = format!("{:032x}", rand::random::<u128>());
    provider_apps::insert(tx, &row, &key).await?;
    crate::provider_apps::put_secrets(app, tx, &row, secrets).await?;
    Ok(row.id)
}

/// Flows nobody came back from.
pub(crate) async fn forget_abandoned(tx: &store::Tx) -> Result<u64> {
    Ok(secrets::prune(tx, FLOW, tx.now() - FLOW_LIVES).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_is_sent_to_our_own_pages_only() {
        let refused = Err(Error::conflict("PROVIDER_REFUSED", "https://evil.example"));
        assert_eq!(
            landing(&refused),
            "/settings/inboxes?problem=PROVIDER_REFUSED"
        );
        let broken = Err(Error::internal("a secret detail"));
        assert_eq!(landing(&broken), "/settings/inboxes?problem=FAILED");
    }
}
