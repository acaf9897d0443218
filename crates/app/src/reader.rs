//! The only read door of the API: reads that already know who asks.
//!
//! Invariants: every answer is cut to the viewer's tenant and scope in SQL; what she may not see is
//! `NotFound` or absent, so that existence leaks nothing. Cheap to clone; clones share the
//! viewer's queues, inboxes and ticket counters, which are read once per request.

mod cases;
mod lists;
mod people;

pub use store::queries::read_cursors::Reading;

pub use lists::{COUNTED_MAX, OFFSET_MAX, TicketList, TicketPage, Total};

use crate::{App, Result};
use domain::inbox::Inbox;
use domain::permission::Actor;
use domain::queue::Queue;
use domain::{QueueId, TenantId, Time};
use routing::Snapshot;
use std::sync::Arc;
use store::Read;
use store::counters::Count;
use store::queries::scope::Scope;
use store::queries::{counts, inboxes, queues};
use tokio::sync::OnceCell;

/// Scoped reads of one request.
#[derive(Clone)]
pub struct Reader(Arc<Inner>);

struct Inner {
    app: App,
    read: Read,
    actor: Actor,
    queues: OnceCell<Vec<Queue>>,
    inboxes: OnceCell<Vec<Inbox>>,
    scope: OnceCell<Scope>,
    counts: OnceCell<Vec<Count>>,
    staff: OnceCell<Snapshot>,
}

impl Reader {
    pub fn new(app: App, actor: Actor) -> Self {
        Self(Arc::new(Inner {
            read: app.read(),
            app,
            actor,
            queues: OnceCell::new(),
            inboxes: OnceCell::new(),
            scope: OnceCell::new(),
            counts: OnceCell::new(),
            staff: OnceCell::new(),
        }))
    }

    pub fn actor(&self) -> &Actor {
        &self.0.actor
    }

    pub fn app(&self) -> &App {
        &self.0.app
    }

    pub fn now(&self) -> Time {
        self.0.app.now()
    }

    pub fn tenant_id(&self) -> TenantId {
        self.0.actor.tenant_id
    }

    /// For use-case modules that add their own reads to this type.
    pub(crate) fn db(&self) -> &Read {
        &self.0.read
    }

    /// For `explain`.
    pub(crate) fn staff_cell(&self) -> &OnceCell<Snapshot> {
        &self.0.staff
    }

    /// All queues of the tenant, archived ones too.
    pub async fn queues(&self) -> Result<&[Queue]> {
        let read = || async { queues::all(self.db(), self.tenant_id()).await };
        Ok(self.0.queues.get_or_try_init(read).await?)
    }

    pub async fn queue(&self, id: QueueId) -> Result<Option<Queue>> {
        Ok(self.queues().await?.iter().find(|q| q.id == id).cloned())
    }

    /// All connected accounts: everybody sees how they are.
    pub async fn inboxes(&self) -> Result<&[Inbox]> {
        let read = || async { inboxes::all(self.db(), self.tenant_id()).await };
        Ok(self.0.inboxes.get_or_try_init(read).await?)
    }

    pub(crate) async fn scope(&self) -> Result<&Scope> {
        let actor = self.actor();
        let find = || async {
            if actor.sees_whole_tenant() {
                return Ok::<_, crate::Error>(Scope::Tenant);
            }
            let mine = |q: &&Queue| q.members.iter().any(|m| m.user_id == actor.user_id);
            let queues = self
                .queues()
                .await?
                .iter()
                .filter(mine)
                .map(|q| q.id)
                .collect();
            Ok(Scope::Agent {
                user: actor.user_id,
                queues,
            })
        };
        self.0.scope.get_or_try_init(find).await
    }

    /// The ticket counters that the viewer sees: a list's total and every view's are one moment's.
    pub(crate) async fn count_cells(&self) -> Result<&[Count]> {
        let scope = self.scope().await?;
        let read = || async { counts::visible(self.db(), self.tenant_id(), scope).await };
        Ok(self.0.counts.get_or_try_init(read).await?)
    }

    /// The queues whose tickets the viewer sees, without archived ones.
    pub(crate) async fn queues_in_scope(&self) -> Result<Vec<QueueId>> {
        let scope = self.scope().await?;
        let hers = |q: &&Queue| match scope {
            Scope::Tenant => true,
            Scope::Agent { queues, .. } => queues.contains(&q.id),
        };
        let live = |q: &&Queue| q.archived_at.is_none();
        Ok(self
            .queues()
            .await?
            .iter()
            .filter(live)
            .filter(hers)
            .map(|q| q.id)
            .collect())
    }
}
