//! Routing in words for people: why it still waits, who would get it, what is wrong with the
//! settings, and where waiting work would go with others. Nothing here changes anything.

pub use routing::reference::Candidate;
pub use routing::{Fault, FaultKind, Ineligible, Score, WaitReason, Waiting};

use crate::queues::{SaveQueue, edited as edited_queue};
use crate::routing_policy::{SavePolicy, edited as edited_policy};
use crate::{Error, Reader, Result};
use domain::permission::Permission;
use domain::work_item::WorkItem;
use domain::{QueueId, TicketId, UserId};
use routing::{Decisions, Explainer, Snapshot};
use std::collections::BTreeMap;
use store::routing as stored;

/// One waiting ticket, with the settings as they are and as they would be. Offers that are open
/// now count as not made in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    pub ticket_id: TicketId,
    pub before: Fate,
    pub after: Fate,
}

/// What would happen to a waiting ticket now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fate {
    /// Who would be asked, and as the how manyth of all offers; it waits when nobody is.
    pub offered_to: Option<UserId>,
    pub turn: Option<usize>,
    /// The queue it would go on to.
    pub overflows_to: Option<QueueId>,
}

impl Reader {
    /// Everything routing knows but the work that waits, read once per request.
    pub(crate) async fn staff(&self) -> Result<&Snapshot> {
        let read = || stored::staff(self.db(), self.tenant_id(), self.now());
        Ok(self.staff_cell().get_or_try_init(read).await?)
    }

    /// Why this work of a visible ticket still waits; `None` when it does not.
    pub async fn why_waiting(&self, item: &WorkItem) -> Result<Option<Waiting>> {
        if !item.state().is_waiting() {
            return Ok(None);
        }
        Ok(Explainer::of(self.staff().await?, self.now()).waiting(item))
    }

    /// Who would be asked for a new contact of this channel now, the first one first; then the
    /// other members, each with the reason.
    pub async fn queue_candidates(&self, queue: QueueId, channel: &str) -> Result<Vec<Candidate>> {
        self.actor().may(Permission::Supervise)?;
        if self.queue(queue).await?.is_none() {
            return Err(Error::not_found("queue"));
        }
        if channels::by_kind(channel).is_none() {
            let rule = format!("there is no channel {}", channel.escape_debug());
            return Err(Error::invalid("channel", rule));
        }
        let (tenant, now) = (self.tenant_id(), self.now());
        let ticket = TicketId::new(now);
        let mut item = WorkItem::queued(tenant, ticket, queue, channel.to_owned(), 0, now);
        item.weight = self.staff().await?.policy.weight(channel);
        self.candidates(&item).await
    }

    /// The same for a ticket that waits; for others nobody.
    pub async fn ticket_candidates(&self, ticket: TicketId) -> Result<Vec<Candidate>> {
        self.actor().may(Permission::Supervise)?;
        let ticket = self.ticket(ticket).await?;
        let items = self.work_items_of(&[ticket.id]).await?;
        match items.into_iter().find(|i| i.state().is_waiting()) {
            Some(item) => self.candidates(&item).await,
            None => Ok(Vec::new()),
        }
    }

    async fn candidates(&self, item: &WorkItem) -> Result<Vec<Candidate>> {
        let explainer = Explainer::of(self.staff().await?, self.now());
        let mut all = explainer.candidates(item).unwrap_or_default();
        all.retain(|c| c.why_not != Some(Ineligible::NotMember));
        Ok(all)
    }

    /// Settings by which work would wait for ever.
    pub async fn routing_faults(&self) -> Result<Vec<Fault>> {
        self.actor().may(Permission::Supervise)?;
        Ok(routing::faults(self.staff().await?, self.now()))
    }

    /// Where waiting tickets would go with these settings. Checked as if they were saved.
    pub async fn rehearse(
        &self,
        policy: Option<SavePolicy>,
        queue: Option<SaveQueue>,
    ) -> Result<Vec<Rehearsed>> {
        self.actor().may(Permission::Administer)?;
        let (db, actor, now) = (self.db(), self.actor(), self.now());
        let (is, _) = stored::snapshot(db, self.tenant_id(), now).await?;
        let mut would_be = is.clone();
        if let Some(input) = policy {
            would_be.policy = edited_policy(db, actor, is.policy.clone(), &input).await?;
        }
        if let Some(input) = queue {
            let queue = edited_queue(db, actor, &is.queues, &input, now).await?;
            would_be.queues.retain(|q| q.id != queue.id);
            would_be.queues.push(queue);
        }
        let waiting = is.work_items.iter().filter(|i| i.state().is_waiting());
        let waiting: Vec<_> = waiting.map(|i| (i.id, i.ticket_id)).collect();
        let mut before = fates(&routing::rehearse(is.clone(), now));
        let mut after = fates(&routing::rehearse(would_be, now));
        let rehearsed = waiting.into_iter().map(|(item, ticket_id)| Rehearsed {
            ticket_id,
            before: before.remove(&item).unwrap_or_default(),
            after: after.remove(&item).unwrap_or_default(),
        });
        Ok(rehearsed.collect())
    }
}

fn fates(decisions: &Decisions) -> BTreeMap<domain::WorkItemId, Fate> {
    let offers = decisions.offers.iter().enumerate().map(|(n, offer)| {
        let fate = Fate {
            offered_to: Some(offer.user_id),
            turn: Some(n + 1),
            overflows_to: None,
        };
        (offer.item_id, fate)
    });
    let overflows = decisions.overflows.iter().map(|overflow| {
        let fate = Fate {
            overflows_to: Some(overflow.to),
            ..Fate::default()
        };
        (overflow.item_id, fate)
    });
    offers.chain(overflows).collect()
}
