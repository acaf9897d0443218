//! The bulk path for webhooks: many deliveries and their jobs, one commit.
//! Sessions bring theirs by [`deliver`], inside a transaction of their own.
//!
//! One task gathers whatever callers bring while the last commit was under way, so 64 connections
//! share one fsync on both databases. A delivery seen before is dropped by its unique key. If a
//! batch fails, it is halved until the bad row is alone: it alone is refused. Emits no events.

use crate::db::Sealed;
use crate::error::StoreError;
use crate::jobs::NewJob;
use crate::open::Begin;
use crate::tables::deliveries as table;
use crate::tx::Tx;
use crate::writer::Rank;
use domain::job::Job;
use domain::{DeliveryId, InboxId, TenantId, Time};
use sea_orm::sea_query::{InsertStatement, OnConflict, Query};
use std::collections::BTreeSet;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Callers in one batch.
const CALLERS_MAX: usize = 256;
/// Callers that may wait; beyond that they wait to wait.
const QUEUE_MAX: usize = 4_096;
const COLUMNS: usize = 9;

/// One part of a webhook request, checked and split but not parsed.
#[derive(Clone)]
pub struct NewDelivery {
    /// Whose it is; `None` for an account nobody connected: kept for a day as unrouted, no job.
    pub inbox: Option<(TenantId, InboxId)>,
    pub channel: String,
    pub account: String,
    /// The provider's own id of the event, unique per channel and account.
    pub dedupe: String,
    /// Parts of one lane are processed in order.
    pub lane: String,
    pub body: Vec<u8>,
    pub received_at: Time,
}

/// What became of one delivery.
#[derive(Debug, Clone)]
pub enum Accepted {
    Stored(DeliveryId),
    /// It was here before: answer as if it were new.
    Duplicate,
    Unrouted(DeliveryId),
    /// Not stored. Other deliveries of the call may be.
    Refused(StoreError),
}

struct Call {
    deliveries: Vec<NewDelivery>,
    answer: oneshot::Sender<Vec<Accepted>>,
}

#[derive(Clone)]
pub(crate) struct Acceptor {
    calls: mpsc::Sender<Call>,
}

impl Acceptor {
    /// Starts the task; it ends when the store is dropped.
    pub fn start(begin: Begin) -> Self {
        let (calls, queue) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(run(queue, begin));
        Self { calls }
    }

    pub async fn accept(&self, deliveries: Vec<NewDelivery>) -> Vec<Accepted> {
        let amount = deliveries.len();
        let (answer, accepted) = oneshot::channel();
        let sent = self.calls.send(Call { deliveries, answer }).await;
        match (sent, accepted.await) {
            (Ok(()), Ok(accepted)) => accepted,
            _ => vec![Accepted::Refused(StoreError::unavailable("the store stopped")); amount],
        }
    }
}

async fn run(mut queue: mpsc::Receiver<Call>, begin: Begin) {
    let mut calls = Vec::new();
    while queue.recv_many(&mut calls, CALLERS_MAX).await > 0 {
        let mut deliveries = Vec::new();
        let mut askers = Vec::new();
        for call in calls.drain(..) {
            askers.push((call.deliveries.len(), call.answer));
            deliveries.extend(call.deliveries);
        }
        let mut accepted = store_all(&begin, deliveries).await.into_iter();
        for (amount, answer) in askers {
            // A caller that gave up still has its deliveries stored; the provider repeats.
            let _ = answer.send(accepted.by_ref().take(amount).collect());
        }
    }
}

/// Stores the batch, halving it on error. Written with a stack: async recursion would box.
async fn store_all(begin: &Begin, deliveries: Vec<NewDelivery>) -> Vec<Accepted> {
    let mut accepted = Vec::with_capacity(deliveries.len());
    let mut rest = vec![deliveries.as_slice()];
    while let Some(batch) = rest.pop() {
        match store_batch(begin, batch).await {
            Ok(stored) => accepted.extend(stored),
            // Halving cannot help when the database is away.
            Err(error @ StoreError::Unavailable { .. }) => {
                accepted.extend(batch.iter().map(|_| Accepted::Refused(error.clone())));
            }
            Err(error) if batch.len() == 1 => {
                tracing::warn!(%error, "a webhook delivery was refused by the database");
                accepted.push(Accepted::Refused(error));
            }
            Err(_) => {
                let (left, right) = batch.split_at(batch.len() / 2);
                rest.push(right);
                rest.push(left);
            }
        }
    }
    accepted
}

async fn store_batch(begin: &Begin, batch: &[NewDelivery]) -> Result<Vec<Accepted>, StoreError> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = begin.tx(Rank::Urgent, None, "accept").await?;
    let accepted = deliver(&mut tx, batch).await?;
    tx.commit(accepted).await.map(|committed| committed.value)
}

/// Parts and their jobs; whatever else the caller writes (a long-lived connection the place where
/// reading goes on) commits with them.
pub async fn deliver(tx: &mut Tx, deliveries: &[NewDelivery]) -> Result<Vec<Accepted>, StoreError> {
    let ids: Vec<DeliveryId> = deliveries
        .iter()
        .map(|_| DeliveryId::new(tx.now()))
        .collect();
    let new = insert(tx, deliveries, &ids).await?;
    let mut accepted = Vec::with_capacity(deliveries.len());
    for (delivery, id) in deliveries.iter().zip(ids) {
        accepted.push(match delivery.inbox {
            _ if !new.contains(&id.uuid()) => Accepted::Duplicate,
            None => Accepted::Unrouted(id),
            Some((tenant, _)) => {
                let job = NewJob::new(Job::ProcessInbound { delivery: id }, &delivery.lane);
                tx.enqueue_for(tenant, job);
                Accepted::Stored(id)
            }
        });
    }
    Ok(accepted)
}

/// Returns the ids that were not there before.
async fn insert(
    tx: &Tx,
    deliveries: &[NewDelivery],
    ids: &[DeliveryId],
) -> Result<BTreeSet<Uuid>, StoreError> {
    let rows_max = tx.conn().rows_per_insert(COLUMNS);
    let mut new = BTreeSet::new();
    for (deliveries, ids) in deliveries.chunks(rows_max).zip(ids.chunks(rows_max)) {
        let insert = insert_rows(deliveries, ids)?;
        for row in tx.conn().rows(&insert).await? {
            new.insert(row.get("id")?);
        }
    }
    Ok(new)
}

fn insert_rows(
    deliveries: &[NewDelivery],
    ids: &[DeliveryId],
) -> Result<InsertStatement, StoreError> {
    use table::Column;
    let mut insert = Query::insert();
    insert.into_table(table::Entity).columns([
        Column::Id,
        Column::TenantId,
        Column::InboxId,
        Column::Channel,
        Column::Account,
        Column::Dedupe,
        Column::Body,
        Column::State,
        Column::ReceivedAt,
    ]);
    for (new, id) in deliveries.iter().zip(ids) {
        let (tenant, inbox) = new.inbox.unzip();
        let state = if inbox.is_some() {
            "stored"
        } else {
            "unrouted"
        };
        insert
            .values([
                id.uuid().into(),
                tenant.map(Uuid::from).into(),
                inbox.map(Uuid::from).into(),
                new.channel.as_str().into(),
                new.account.as_str().into(),
                new.dedupe.as_str().into(),
                new.body.clone().into(),
                state.into(),
                new.received_at.into(),
            ])
            .map_err(StoreError::internal)?;
    }
    let key = OnConflict::columns([Column::Channel, Column::Account, Column::Dedupe])
        .do_nothing()
        .to_owned();
    insert.on_conflict(key).returning_col(Column::Id);
    Ok(insert)
}
