//! Connecting and reconnecting an account: first the live check at the provider, outside any
//! transaction, then one transaction for the inbox, its secrets, audit and event.
//!
//! Invariants: what fails the live check stores nothing; one account is one inbox, so connecting
//! an account again after it was disconnected goes on with its old inbox and history.

use super::form::{self, Form};
use super::seal::{self, Owner};
use super::{CONNECTED_AT, app_view, live, oauth, view, view_without_secrets};
use crate::people::checked_name;
use crate::{App, Error, Result, audit, rows};
use channels::{Action, Channel, Connect, Outcome, Secrets};
use domain::inbox::{Inbox, InboxState};
use domain::job::Job;
use domain::permission::{Actor, Permission};
use domain::{InboxId, ProviderAppId, QueueId, TenantId, UserId};
use serde_json::{Map, Value, json};
use store::queries::{inboxes, provider_apps, queues};
use store::{Db, NewJob, Tx};

const NAME_CHARS_MAX: usize = 100;

/// What the form says.
#[derive(Debug, Clone)]
pub struct NewInbox {
    pub channel: String,
    pub name: String,
    pub queue_id: QueueId,
    pub provider_app_id: Option<ProviderAppId>,
    pub settings: Value,
    pub secrets: Option<Value>,
}

/// How far connecting came.
#[derive(Debug, Clone)]
pub enum Connecting {
    Connected(Box<Inbox>),
    /// The person has to agree on this page of the provider first.
    Authorize {
        url: String,
    },
}

/// An inbox that is not stored yet, or a stored one that gets new credentials.
pub(super) struct Draft {
    pub inbox: Inbox,
    pub form: Form,
    pub is_new: bool,
}

/// What the provider says about the credentials.
pub(super) struct Verified {
    pub account: String,
    pub address: String,
    pub settings: Map<String, Value>,
    pub secrets: Secrets,
}

/// Who connects: a request, or a person who came back from the provider's page.
pub(super) enum By<'a> {
    Actor(&'a Actor),
    Person(TenantId, UserId),
}

pub async fn connect(app: &App, actor: &Actor, new: NewInbox) -> Result<Connecting> {
    actor.may(Permission::Administer)?;
    let channel = channels::by_kind(&new.channel)
        .ok_or_else(|| Error::invalid("channel", "there is no such channel"))?;
    let manifest = channel.manifest();
    let name = checked_name("name", &new.name, NAME_CHARS_MAX)?;
    let form = form::checked(manifest.fields, &new.settings, new.secrets.as_ref())?;
    let read = app.read();
    usable_queue(&read, actor.tenant_id, new.queue_id).await?;
    usable_app(&read, actor.tenant_id, channel, new.provider_app_id).await?;
    let now = app.now();
    let inbox = Inbox {
        id: InboxId::new(now),
        tenant_id: actor.tenant_id,
        channel: manifest.kind.to_owned(),
        name,
        provider_app_id: new.provider_app_id,
        account: String::new(),
        address: String::new(),
        queue_id: new.queue_id,
        settings: Value::Object(form.settings.clone()),
        state: InboxState::Connecting,
        problem: None,
        session_problem: None,
        last_inbound_at: None,
        last_outbound_at: None,
        created_at: now,
        version: 1,
    };
    let draft = Draft {
        inbox,
        form,
        is_new: true,
    };
    run(app, actor, channel, draft).await
}

/// New credentials for the same inbox: conversations stay, waiting messages go out.
pub async fn reconnect(
    app: &App,
    actor: &Actor,
    id: InboxId,
    secrets: &Value,
) -> Result<Connecting> {
    actor.may(Permission::Administer)?;
    let inbox = inboxes::get(&app.read(), actor.tenant_id, id).await?;
    let channel = channel_of(&inbox)?;
    let secrets = form::checked_secrets(channel.manifest().fields, Some(secrets))?;
    let draft = Draft {
        inbox,
        form: Form {
            settings: Map::new(),
            secrets,
        },
        is_new: false,
    };
    run(app, actor, channel, draft).await
}

pub fn channel_of(inbox: &Inbox) -> Result<&'static dyn Channel> {
    crate::reply::channel_of(inbox)
}

async fn run(
    app: &App,
    actor: &Actor,
    channel: &'static dyn Channel,
    draft: Draft,
) -> Result<Connecting> {
    if channel.manifest().uses_oauth && draft.form.secrets.is_empty() {
        let url = oauth::begin(app, actor, channel, draft).await?;
        return Ok(Connecting::Authorize { url });
    }
    let view = draft_view(app, &draft).await?;
    let outcome = live::perform(app, channel, &view, &Action::Connect(Connect::Form)).await?;
    let verified = verified(outcome)?;
    let inbox = store(app, By::Actor(actor), draft, verified).await?;
    Ok(Connecting::Connected(Box::new(inbox)))
}

/// The draft as channel code sees it: typed secrets over the stored ones.
pub(super) async fn draft_view(app: &App, draft: &Draft) -> Result<channels::Inbox> {
    let read = app.read();
    let mut seen = if draft.is_new {
        view_without_secrets(app, &draft.inbox)
    } else {
        view(app, &read, &draft.inbox).await?
    };
    for (name, value) in draft.form.secrets.iter() {
        seen.secrets.set(name, value);
    }
    if let Some(id) = draft.inbox.provider_app_id {
        seen.app = Some(app_view(app, &read, draft.inbox.tenant_id, id).await?);
    }
    Ok(seen)
}

/// Anything but `Connected` is a refusal in words for the person at the form.
pub(super) fn verified(outcome: Outcome) -> Result<Verified> {
    let refused = |reason: String| Err(Error::conflict("PROVIDER_REFUSED", reason));
    match outcome {
        Outcome::Connected {
            account,
            address,
            settings,
            secrets,
        } if !account.is_empty() => Ok(Verified {
            account,
            address,
            settings,
            secrets,
        }),
        Outcome::Rejected { reason, .. }
        | Outcome::CredentialsDied { reason }
        | Outcome::Retry { reason, .. }
        | Outcome::Unknown { reason } => refused(reason),
        Outcome::Unsupported => refused("this channel cannot be connected this way".into()),
        _ => refused("the provider did not say which account this is".into()),
    }
}

/// The one transaction of connecting.
pub(super) async fn store(
    app: &App,
    by: By<'_>,
    draft: Draft,
    verified: Verified,
) -> Result<Inbox> {
    let tenant = draft.inbox.tenant_id;
    let mut tx = app.begin(tenant, "connect_inbox").await?;
    let known = inboxes::of_account(&tx, tenant, &draft.inbox.channel, &verified.account).await?;
    let (known, is_new) = match known {
        Some(known) if draft.is_new && known.state != InboxState::Disconnected => {
            return Err(already_connected(&known));
        }
        Some(known) if !draft.is_new && known.id != draft.inbox.id => {
            return Err(already_connected(&known));
        }
        Some(known) => (known, false),
        None if draft.is_new => (draft.inbox.clone(), true),
        None => return Err(other_account(&draft.inbox)),
    };
    let mut inbox = Inbox {
        settings: merged(&known, &draft.form, &verified, tx.now()),
        address: verified.address,
        account: verified.account,
        state: known.state.connected()?,
        problem: None,
        session_problem: None,
        ..known
    };
    if draft.is_new {
        // A form that meets a disconnected inbox means that inbox, as the form now says.
        inbox.name = draft.inbox.name;
        inbox.queue_id = draft.inbox.queue_id;
        inbox.provider_app_id = draft.inbox.provider_app_id;
    }
    let inbox = if is_new {
        rows::insert_inbox(&mut tx, inbox, &fresh_webhook_key()).await?
    } else {
        rows::put_inbox(&mut tx, inbox).await?
    };
    for secrets in [&draft.form.secrets, &verified.secrets] {
        put_secrets(app, &tx, &inbox, secrets).await?;
    }
    note(&tx, &by, &inbox, draft.is_new).await?;
    gate_opened(&mut tx, &inbox).await?;
    app.commit(tx, inbox).await
}

/// Form and provider over what was known. The mark tells apart what older credentials still say.
fn merged(known: &Inbox, form: &Form, verified: &Verified, now: domain::Time) -> Value {
    let mut settings = known.settings.as_object().cloned().unwrap_or_default();
    settings.extend(form.settings.clone());
    settings.extend(verified.settings.clone());
    settings.insert(CONNECTED_AT.into(), now.to_rfc3339().into());
    Value::Object(settings)
}

pub(super) async fn put_secrets(
    app: &App,
    tx: &Tx,
    inbox: &Inbox,
    secrets: &Secrets,
) -> Result<()> {
    let owner = Owner {
        tenant: Some(inbox.tenant_id),
        table: "inboxes",
        row: inbox.id.uuid(),
    };
    seal::put(app, tx, owner, inbox.id, secrets).await
}

async fn note(tx: &Tx, by: &By<'_>, inbox: &Inbox, is_new: bool) -> Result<()> {
    let action = if is_new {
        "inbox.connect"
    } else {
        "inbox.reconnect"
    };
    let detail = json!({ "channel": inbox.channel, "account": inbox.account });
    match by {
        By::Actor(actor) => audit::record(tx, actor, action, inbox.id, detail).await,
        By::Person(tenant, user) => {
            audit::record_person(tx, *tenant, *user, "", action, inbox.id).await
        }
    }
}

/// What waits for this inbox may go now; the provider is told where to send what is new.
pub(super) async fn gate_opened(tx: &mut Tx, inbox: &Inbox) -> Result<()> {
    let kinds = ["deliver_message", "edit_message", "delete_message"];
    let latest = tx.now() + crate::jobs::GATE_CLOSED;
    store::jobs::hurry(tx, inbox.tenant_id, &kinds, latest).await?;
    tx.enqueue(check_job(inbox.id));
    Ok(())
}

pub(super) fn check_job(inbox: InboxId) -> NewJob {
    NewJob::new(Job::CheckInbox { inbox }, lane(inbox))
}

/// What changes an inbox's credentials runs one at a time: refresh tokens that rotate survive
/// only one use.
pub(super) fn lane(inbox: InboxId) -> String {
    format!("inbox:{inbox}")
}

fn already_connected(known: &Inbox) -> Error {
    Error::conflict(
        "ALREADY_CONNECTED",
        format!("{} is connected already as {:?}", known.address, known.name),
    )
}

fn other_account(inbox: &Inbox) -> Error {
    Error::conflict(
        "OTHER_ACCOUNT",
        format!(
            "these credentials belong to another account than {}; connect that one as a new inbox",
            inbox.address
        ),
    )
}

fn fresh_webhook_key() -> String {
    format!("{:032x}", rand::random::<u128>())
}

pub(super) async fn usable_queue(db: &impl Db, tenant: TenantId, id: QueueId) -> Result<()> {
    match queues::find(db, tenant, id).await? {
        Some(queue) if queue.archived_at.is_none() => Ok(()),
        Some(_) => Err(Error::invalid("queueId", "this queue is archived")),
        None => Err(Error::not_found("queue")),
    }
}

async fn usable_app(
    db: &impl Db,
    tenant: TenantId,
    channel: &'static dyn Channel,
    id: Option<ProviderAppId>,
) -> Result<()> {
    let manifest = channel.manifest();
    let invalid = |message| Err(Error::invalid("providerAppId", message));
    match id {
        None if manifest.uses_provider_app => invalid("choose an app of this provider"),
        None => Ok(()),
        Some(id) => match provider_apps::get(db, tenant, id).await {
            Ok(found) if found.channel == manifest.kind => Ok(()),
            Ok(_) => invalid("this app belongs to another channel"),
            Err(error) => Err(error.into()),
        },
    }
}
