//! Connected accounts: what channels see of them, and the use cases around connecting.
//!
//! Invariants: nothing is stored before the provider said that the credentials work; secrets are
//! sealed rows and never leave this floor; one account of a tenant is one inbox for ever, so its
//! history survives disconnects and dead tokens.

mod check;
mod connect;
mod disconnect;
mod form;
mod kinds;
mod live;
pub mod oauth;
mod seal;
mod trial;
mod view;

pub use check::check;
pub(crate) use check::{check_all, job as check_job};
pub use connect::{Connecting, NewInbox, connect, reconnect};
pub(crate) use disconnect::job as disconnect_job;
pub use disconnect::{disconnect, update};
pub(crate) use form::{checked as checked_form, checked_secrets, checked_settings};
pub use kinds::{Kind, KindField, KindLimits, kinds};
pub(crate) use live::policy;
pub(crate) use seal::{Owner, put as put_secrets};
pub use view::{app_view, open_app, view, view_without_secrets};

use crate::{App, Error, Result, rows};
use domain::InboxId;
use domain::inbox::Inbox;
use domain::permission::{Actor, Permission};
use serde_json::Value;
use store::Tx;
use store::queries::inboxes;

/// Among the settings: since when these credentials are used. A verdict on older ones is void.
const CONNECTED_AT: &str = "connected_at";

pub(crate) fn credentials_mark(inbox: &Inbox) -> Option<&str> {
    inbox.settings.get(CONNECTED_AT).and_then(Value::as_str)
}

/// Every member sees the inboxes: agents must know why they cannot answer.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Inbox>> {
    actor.may(Permission::Read)?;
    Ok(inboxes::all(&app.read(), actor.tenant_id).await?)
}

pub async fn find(app: &App, actor: &Actor, id: InboxId) -> Result<Option<Inbox>> {
    actor.may(Permission::Read)?;
    Ok(inboxes::find(&app.read(), actor.tenant_id, id).await?)
}

/// Where the provider must send what is new; `None` for channels without a webhook. Whoever knows
/// it still needs the signing secret, but it is for administrators only.
pub async fn webhook_url(app: &App, actor: &Actor, inbox: &Inbox) -> Result<Option<String>> {
    let channel = connect::channel_of(inbox)?;
    if !channel.manifest().uses_webhook || actor.may(Permission::Administer).is_err() {
        return Ok(None);
    }
    Ok(Some(entrance(app, &app.read(), inbox).await?))
}

async fn entrance(app: &App, db: &impl store::Db, inbox: &Inbox) -> Result<String> {
    let key = inboxes::webhook_key(db, inbox.tenant_id, inbox.id).await?;
    Ok(format!(
        "{}/webhooks/{}/{key}",
        app.config.public_url, inbox.channel
    ))
}

/// The settings of the form, for the people who may change them: what the provider told us is
/// nobody's business.
pub fn shown_settings(actor: &Actor, inbox: &Inbox) -> Value {
    let shown = |name: &String| {
        channels::by_kind(&inbox.channel).is_some_and(|channel| {
            let fields = channel.manifest().fields;
            fields.iter().any(|f| f.name == name && !f.secret)
        })
    };
    if actor.may(Permission::Administer).is_err() {
        return Value::Object(serde_json::Map::new());
    }
    let settings = inbox.settings.as_object().into_iter().flatten();
    Value::Object(
        settings
            .filter(|(name, _)| shown(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

/// The provider refuses our credentials: the composer is blocked, everybody is told, messages
/// wait. A check follows, because credentials that rotate may only have to be renewed.
pub(crate) async fn credentials_died(app: &App, inbox: &Inbox, reason: String) -> Result<()> {
    let mut tx = app.begin(inbox.tenant_id, "credentials_died").await?;
    let fresh = inboxes::get(&tx, inbox.tenant_id, inbox.id).await?;
    if credentials_mark(&fresh) != credentials_mark(inbox) || !fresh.state.may_send() {
        return Ok(());
    }
    lose_credentials(&mut tx, fresh, reason).await?;
    app.commit(tx, ()).await
}

/// The same inside a transaction, for an inbox that is in use.
pub(crate) async fn lose_credentials(
    tx: &mut Tx,
    mut inbox: Inbox,
    reason: String,
) -> Result<Inbox> {
    inbox.state = inbox.state.credentials_died()?;
    inbox.problem = Some(reason);
    inbox.session_problem = None;
    let inbox = rows::put_inbox(tx, inbox).await?;
    tx.enqueue(connect::check_job(inbox.id));
    metrics::counter!("meari_inbox_credentials_died_total").increment(1);
    Ok(inbox)
}

/// How the long-lived connection of an inbox in use is; `None`: well. Never touches what is wrong
/// with the account itself, and nothing else touches this.
pub(crate) async fn set_session_problem(
    app: &App,
    inbox: &Inbox,
    problem: Option<String>,
) -> Result<()> {
    crate::race::again(|| {
        let problem = problem.clone();
        async move {
            let mut tx = app.begin(inbox.tenant_id, "session_problem").await?;
            let mut fresh = inboxes::get(&tx, inbox.tenant_id, inbox.id).await?;
            if !fresh.state.may_send() || fresh.session_problem == problem {
                return Ok::<_, Error>(());
            }
            fresh.session_problem = problem;
            rows::put_inbox(&mut tx, fresh).await?;
            app.commit(tx, ()).await
        }
    })
    .await
}
