//! Disconnecting an account: at once here, as well as possible at the provider. Conversations and
//! history stay; the account can be connected again.

use super::connect::{channel_of, lane, usable_queue};
use super::{live, view};
use crate::jobs::{End, finish};
use crate::people::checked_name;
use crate::{App, Result, audit, rows};
use channels::{Action, Outcome};
use domain::inbox::{Inbox, InboxState};
use domain::job::{ATTEMPTS_MAX, Job};
use domain::permission::{Actor, Permission};
use domain::{InboxId, QueueId};
use serde_json::{Value, json};
use store::queries::{inboxes, secrets};
use store::{NewJob, StoredJob};

pub async fn disconnect(app: &App, actor: &Actor, id: InboxId) -> Result<Inbox> {
    actor.may(Permission::Administer)?;
    let mut tx = app.begin(actor.tenant_id, "disconnect_inbox").await?;
    let mut inbox = inboxes::get(&tx, actor.tenant_id, id).await?;
    if inbox.state == InboxState::Disconnected {
        return Ok(inbox);
    }
    inbox.state = inbox.state.disconnected()?;
    inbox.problem = None;
    inbox.session_problem = None;
    let inbox = rows::put_inbox(&mut tx, inbox).await?;
    tx.enqueue(NewJob::new(Job::DisconnectInbox { inbox: id }, lane(id)));
    audit::record(&tx, actor, "inbox.disconnect", id, Value::Null).await?;
    app.commit(tx, inbox).await
}

/// The `DisconnectInbox` job: says goodbye with the old secrets, then deletes them. Whoever
/// connected the account again meanwhile keeps hers.
pub(crate) async fn job(app: &App, job: &StoredJob, id: InboxId) -> Result<End> {
    let inbox = inboxes::get(&app.read(), job.tenant_id, id).await?;
    if inbox.state == InboxState::Disconnected {
        let seen = view(app, &app.read(), &inbox).await?;
        let outcome = live::perform(app, channel_of(&inbox)?, &seen, &Action::Disconnect).await?;
        if let Outcome::Retry { reason, .. } = outcome
            && job.attempts < i64::from(ATTEMPTS_MAX)
        {
            return Ok(End::Retry {
                after: None,
                error: reason,
            });
        }
    }
    let tx = app.begin(job.tenant_id, "forget_secrets").await?;
    let inbox = inboxes::get(&tx, job.tenant_id, id).await?;
    if inbox.state == InboxState::Disconnected {
        secrets::delete_of(&tx, Some(job.tenant_id), id.uuid()).await?;
    }
    finish(app, tx, job).await
}

pub async fn update(
    app: &App,
    actor: &Actor,
    id: InboxId,
    name: Option<&str>,
    queue: Option<QueueId>,
) -> Result<Inbox> {
    actor.may(Permission::Administer)?;
    let mut tx = app.begin(actor.tenant_id, "update_inbox").await?;
    let mut inbox = inboxes::get(&tx, actor.tenant_id, id).await?;
    if let Some(name) = name {
        inbox.name = checked_name("name", name, 100)?;
    }
    if let Some(queue) = queue {
        usable_queue(&tx, actor.tenant_id, queue).await?;
        inbox.queue_id = queue;
    }
    let inbox = rows::put_inbox(&mut tx, inbox).await?;
    let detail = json!({ "name": inbox.name, "queue": inbox.queue_id });
    audit::record(&tx, actor, "inbox.update", id, detail).await?;
    app.commit(tx, inbox).await
}
