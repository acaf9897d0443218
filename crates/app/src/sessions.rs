//! Long-lived connections of inboxes: one task per connected inbox whose channel wants one.
//!
//! Invariants: an inbox is read by the one node that holds its lease, and everything a session
//! stores checks that lease in the same transaction; where reading goes on is saved together with
//! what was read, so a crash at any instant neither loses nor doubles a message. Starting and
//! stopping follow the rows: every hint may be lost, the next look finds the same work.

mod task;
#[cfg(test)]
mod tests;

use crate::{App, Result, inboxes};
use channels::Outcome;
use chrono::Duration;
use domain::inbox::Inbox;
use domain::{InboxId, Time};
use std::collections::BTreeMap;
use store::leases;
use store::queries::inboxes as rows;
use task::Ended;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const TICK: std::time::Duration = std::time::Duration::from_secs(1);
/// Hints come by the hundred when messages do; this often is often enough.
const LOOK_AT_MOST_EVERY: std::time::Duration = std::time::Duration::from_millis(100);
const LEASE: Duration = Duration::seconds(10);
const BACKOFF_MAX_S: i64 = 60;
/// A session that lived this long has earned a fresh count of failures.
const STABLE: Duration = Duration::minutes(1);
/// Saying goodbye may take this long.
const GOODBYE: std::time::Duration = std::time::Duration::from_secs(5);

struct Running {
    /// With which credentials it was started.
    mark: Option<String>,
    epoch: i64,
    since: Time,
    stop: CancellationToken,
    task: JoinHandle<Ended>,
}

/// Why an inbox that should run does not.
struct Rest {
    mark: Option<String>,
    failures: u32,
    /// `None`: until its credentials change.
    until: Option<Time>,
}

struct Sessions {
    app: App,
    running: BTreeMap<InboxId, Running>,
    resting: BTreeMap<InboxId, Rest>,
}

/// Runs until `stop`; then every session says goodbye.
pub async fn run(app: App, stop: CancellationToken) {
    let mut wakes = app.bus.wakes();
    let mut sessions = Sessions {
        app,
        running: BTreeMap::new(),
        resting: BTreeMap::new(),
    };
    while !stop.is_cancelled() {
        if let Err(error) = sessions.look().await {
            tracing::warn!(error = %error, "sessions could not look at their inboxes, trying again");
        }
        tokio::select! {
            () = stop.cancelled() => break,
            _ = wakes.next() => crate::wait::after(LOOK_AT_MOST_EVERY).await,
            () = crate::wait::after(TICK) => {}
        }
    }
    sessions.stop_all().await;
}

impl Sessions {
    /// Compares what runs with what should run.
    async fn look(&mut self) -> Result<()> {
        self.reap().await;
        let wanted = wanted(&self.app).await?;
        let held = leases::inboxes_of(&self.app.read(), self.app.config.node).await?;
        for (id, running) in &self.running {
            let stays = wanted.get(id).is_some_and(|inbox| {
                running.mark == mark(inbox) && held.get(id) == Some(&running.epoch)
            });
            if !stays {
                running.stop.cancel();
            }
        }
        self.resting.retain(|id, _| wanted.contains_key(id));
        for (id, inbox) in wanted {
            if !self.running.contains_key(&id) && !self.rests(&inbox) {
                self.start(inbox).await?;
            }
        }
        Ok(())
    }

    fn rests(&self, inbox: &Inbox) -> bool {
        self.resting.get(&inbox.id).is_some_and(|rest| {
            rest.mark == mark(inbox) && rest.until.is_none_or(|until| until > self.app.now())
        })
    }

    async fn start(&mut self, inbox: Inbox) -> Result<()> {
        let tx = self.app.store.begin_global("take_inbox").await?;
        let until = tx.now() + LEASE;
        let taken = leases::take_inbox(&tx, inbox.id, self.app.config.node, until).await;
        let taken = match taken {
            // Another node was faster.
            Err(error) if error.is_conflict() => return Ok(()),
            taken => taken?,
        };
        let Some(epoch) = self.app.commit(tx, taken).await? else {
            return Ok(());
        };
        let stop = CancellationToken::new();
        let (id, mark) = (inbox.id, mark(&inbox));
        let task = task::run(self.app.clone(), inbox, epoch, stop.clone());
        let running = Running {
            mark,
            epoch,
            since: self.app.now(),
            stop,
            task: tokio::spawn(task),
        };
        self.running.insert(id, running);
        metrics::gauge!("meari_inbox_sessions").set(self.running.len() as f64);
        Ok(())
    }

    /// Takes note of sessions that ended.
    async fn reap(&mut self) {
        let ended: Vec<InboxId> = self
            .running
            .iter()
            .filter(|(_, running)| running.task.is_finished())
            .map(|(id, _)| *id)
            .collect();
        for id in ended {
            if let Some(running) = self.running.remove(&id) {
                self.ended(id, running).await;
            }
        }
        metrics::gauge!("meari_inbox_sessions").set(self.running.len() as f64);
    }

    async fn ended(&mut self, id: InboxId, running: Running) {
        let lived = self.app.now() - running.since;
        let ended = running.task.await.unwrap_or_else(|panic| {
            tracing::error!(inbox.id = %id, error = %panic, "a session task died");
            Ended::Failed("the session broke on our side".into())
        });
        let until = match ended {
            Ended::Stopped | Ended::LeaseLost => {
                self.release(id).await;
                self.resting.remove(&id);
                return;
            }
            Ended::Over(Outcome::Retry { after, .. }) => {
                let after = after.and_then(|after| Duration::from_std(after).ok());
                Some(after.unwrap_or(Duration::seconds(BACKOFF_MAX_S)))
            }
            Ended::Over(_) => None,
            Ended::Failed(reason) => {
                tracing::warn!(inbox.id = %id, reason, "a session ended, starting it again");
                Some(Duration::zero())
            }
        };
        let known = self.resting.remove(&id).map_or(0, |rest| rest.failures);
        let failures = if lived > STABLE { 1 } else { known + 1 };
        let backoff = Duration::seconds(BACKOFF_MAX_S.min(1 << failures.min(6)) / 2);
        let rest = Rest {
            mark: running.mark,
            failures,
            until: until.map(|after| self.app.now() + after.max(backoff)),
        };
        self.resting.insert(id, rest);
    }

    /// Lets another node have it at once.
    async fn release(&self, id: InboxId) {
        let release = async {
            let tx = self.app.store.begin_global("release_inbox").await?;
            leases::release_inbox(&tx, id, self.app.config.node).await?;
            self.app.commit(tx, ()).await
        };
        if let Err(error) = release.await {
            tracing::warn!(error = %error, "the lease of an inbox runs out by itself");
        }
    }

    async fn stop_all(mut self) {
        for running in self.running.values() {
            running.stop.cancel();
        }
        for (id, mut running) in std::mem::take(&mut self.running) {
            if tokio::time::timeout(GOODBYE, &mut running.task)
                .await
                .is_err()
            {
                running.task.abort();
            }
            self.release(id).await;
        }
    }
}

/// Connected inboxes of channels with a session, of all tenants.
async fn wanted(app: &App) -> Result<BTreeMap<InboxId, Inbox>> {
    let mut wanted = BTreeMap::new();
    for channel in channels::ALL {
        let manifest = channel.manifest();
        if !manifest.uses_session {
            continue;
        }
        for inbox in rows::of_channel(&app.read(), manifest.kind).await? {
            if inbox.state.may_send() {
                wanted.insert(inbox.id, inbox);
            }
        }
    }
    Ok(wanted)
}

fn mark(inbox: &Inbox) -> Option<String> {
    inboxes::credentials_mark(inbox).map(str::to_owned)
}
