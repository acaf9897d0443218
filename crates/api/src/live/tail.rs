//! The tail of one tenant's log: reads each event once, renders once per document and visible set.
//!
//! Which sockets see which events of a page is decided under the lock in the same breath as the
//! position moves, so a socket that joins during rendering starts behind the page and reads it itself.

use super::{Batch, Document, Frame, Head, Hub, LogAway};
use async_graphql::Executor;
use domain::TenantId;
use domain::event::{Cursor, Event, ScopeKey};
use domain::image::Image;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

/// A page is at most as long as a mask has bits.
const PAGE: usize = 64;

pub struct Tail {
    tenant: TenantId,
    state: Mutex<State>,
}

struct State {
    epoch: i64,
    seq: i64,
    next_member: u64,
    members: HashMap<u64, Member>,
    by_key: HashMap<ScopeKey, BTreeSet<u64>>,
}

struct Member {
    document: Arc<Document>,
    keys: Vec<ScopeKey>,
    frames: mpsc::Sender<Frame>,
    /// The last cursor this member was sent.
    sent: i64,
}

/// A socket's place in the fan-out. Leaving is dropping it.
pub struct Joined {
    pub epoch: i64,
    /// Frames carry what comes after this position.
    pub seq: i64,
    /// Ends when the socket was too slow, or must look at its keys again.
    pub frames: mpsc::Receiver<Frame>,
    tail: Arc<Tail>,
    member: u64,
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.tail.state().remove(self.member);
    }
}

/// Events the router alone follows are no change for a screen.
fn is_shown(event: &Event) -> bool {
    !matches!(
        event.image,
        Image::WorkItem(_) | Image::Policy(_) | Image::Turn(_)
    )
}

/// After these, somebody's keys may be others.
fn changes_keys(event: &Event) -> bool {
    matches!(
        event.image,
        Image::Member(_) | Image::Queue(_) | Image::Team(_)
    )
}

/// What holders of these keys see of a page.
pub fn visible(page: Vec<Arc<Event>>, keys: &BTreeSet<ScopeKey>) -> Vec<Arc<Event>> {
    page.into_iter()
        .filter(|event| is_shown(event) && event.scope.iter().any(|key| keys.contains(key)))
        .collect()
}

impl Tail {
    pub fn new(tenant: TenantId, head: Head) -> Self {
        Self {
            tenant,
            state: Mutex::new(State {
                epoch: head.epoch,
                seq: head.seq,
                next_member: 0,
                members: HashMap::new(),
                by_key: HashMap::new(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn len(&self) -> usize {
        self.state().members.len()
    }

    pub fn join(
        tail: &Arc<Self>,
        document: &Arc<Document>,
        keys: &BTreeSet<ScopeKey>,
        known: i64,
        queue_frames: usize,
    ) -> Joined {
        let (sender, frames) = mpsc::channel(queue_frames);
        let mut state = tail.state();
        let member = state.next_member;
        state.next_member += 1;
        for key in keys {
            state.by_key.entry(key.clone()).or_default().insert(member);
        }
        let seq = state.seq;
        let joined = Member {
            document: Arc::clone(document),
            keys: keys.iter().cloned().collect(),
            frames: sender,
            sent: seq.max(known),
        };
        state.members.insert(member, joined);
        Joined {
            epoch: state.epoch,
            seq,
            frames,
            tail: Arc::clone(tail),
            member,
        }
    }
}

/// Members that get the same bytes: one document, and the events of the page in `mask`.
struct Group {
    document: Arc<Document>,
    mask: u64,
    ids: Vec<u64>,
}

#[derive(Default)]
struct Groups(HashMap<(usize, u64), Group>);

impl Groups {
    fn add(&mut self, document: &Arc<Document>, mask: u64, id: u64) {
        let address = Arc::as_ptr(document) as usize;
        let group = self.0.entry((address, mask)).or_insert_with(|| Group {
            document: Arc::clone(document),
            mask,
            ids: Vec::new(),
        });
        group.ids.push(id);
    }

    fn into_vec(self) -> Vec<Group> {
        self.0.into_values().collect()
    }
}

impl State {
    fn remove(&mut self, id: u64) {
        let Some(member) = self.members.remove(&id) else {
            return;
        };
        for key in &member.keys {
            if let Some(ids) = self.by_key.get_mut(key) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.by_key.remove(key);
                }
            }
        }
    }

    /// Groups members by document and by which events of the page they see; moves the position.
    fn advance(&mut self, page: &[Arc<Event>]) -> Vec<Group> {
        let mut masks: HashMap<u64, u64> = HashMap::new();
        let shown = page.iter().enumerate().filter(|(_, event)| is_shown(event));
        for (bit, event) in shown {
            let ids = event.scope.iter().filter_map(|key| self.by_key.get(key));
            for id in ids.flatten() {
                *masks.entry(*id).or_default() |= 1 << bit;
            }
        }
        let mut groups = Groups::default();
        for (id, mask) in masks {
            if let Some(member) = self.members.get(&id) {
                // A member that read the head before the tail did already has the first events.
                let known = page.partition_point(|event| event.seq <= member.sent);
                let mask = mask & u64::MAX.checked_shl(known as u32).unwrap_or(0);
                if mask != 0 {
                    groups.add(&member.document, mask, id);
                }
            }
        }
        if let Some(last) = page.last() {
            self.seq = last.seq;
        }
        groups.into_vec()
    }

    /// Members whose cursor stands behind, by document.
    fn behind(&self) -> Vec<Group> {
        let mut groups = Groups::default();
        for (id, member) in self.members.iter().filter(|(_, m)| m.sent < self.seq) {
            groups.add(&member.document, 0, *id);
        }
        groups.into_vec()
    }

    /// Queues a frame; a member without room is forgotten and reads the log itself.
    fn send(&mut self, ids: &[u64], frame: &Frame) {
        for id in ids {
            let Some(member) = self.members.get_mut(id) else {
                continue;
            };
            if member.frames.try_send(frame.clone()).is_ok() {
                member.sent = frame.seq;
            } else {
                metrics::counter!("meari_live_overruns_total").increment(1);
                self.remove(*id);
            }
        }
    }

    /// Ends every member's queue, so that each looks at its keys and at the log again.
    fn recheck_all(&mut self) {
        self.members.clear();
        self.by_key.clear();
    }
}

impl<E: Executor> Hub<E> {
    /// Follows the log while anybody listens.
    pub(super) async fn run_tail(self: Arc<Self>, tail: Arc<Tail>) {
        let mut wakes = self.log.wakes(tail.tenant);
        let mut keep_alive_at = Instant::now() + self.settings.keep_alive;
        loop {
            // Seen before reading: what is committed during the read wakes us again.
            wakes.borrow_and_update();
            let read = self.deliver_new(&tail).await;
            if let Err(error) = &read {
                tracing::warn!(tenant.id = %tail.tenant, "the tail waits: {error}");
            }
            if Instant::now() >= keep_alive_at {
                keep_alive_at = Instant::now() + self.settings.keep_alive;
                self.keep_alive(&tail).await;
                if self.retire(&tail) {
                    return;
                }
            }
            if matches!(read, Ok(true)) {
                continue;
            }
            let rest = keep_alive_at.saturating_duration_since(Instant::now());
            let closed = match timeout(self.settings.tick.min(rest), wakes.changed()).await {
                Ok(changed) => changed.is_err(),
                Err(_) => false,
            };
            if closed {
                wakes = self.log.wakes(tail.tenant);
            }
        }
    }

    /// Delivers one page; `true` when there may be another.
    async fn deliver_new(&self, tail: &Tail) -> Result<bool, LogAway> {
        let seq = tail.state().seq;
        let mut page = self.log.after(tail.tenant, seq, PAGE).await?;
        let full = page.len() == PAGE;
        if page.first().is_some_and(|event| event.seq != seq + 1) {
            // The log was cut or replaced under us; everybody reads its head again.
            self.restart(tail).await?;
            return Ok(true);
        }
        // Nothing after a change of keys is shown under the old ones.
        let cut = page.iter().position(|event| changes_keys(event));
        if let Some(at) = cut {
            page.truncate(at + 1);
        }
        let (epoch, groups) = {
            let mut state = tail.state();
            (state.epoch, state.advance(&page))
        };
        for Group {
            document,
            mask,
            ids,
        } in groups
        {
            let events: Vec<_> = page
                .iter()
                .enumerate()
                .filter(|(bit, _)| mask & (1 << bit) != 0)
                .map(|(_, event)| Arc::clone(event))
                .collect();
            let seq = page.last().map_or(seq, |event| event.seq);
            let cursor = Cursor { epoch, seq };
            let batch = Batch {
                cursor,
                events,
                resync: false,
            };
            let frame = self.frame(&document, batch).await;
            tail.state().send(&ids, &frame);
        }
        if cut.is_some() {
            tail.state().recheck_all();
        }
        Ok(full || cut.is_some())
    }

    async fn restart(&self, tail: &Tail) -> Result<(), LogAway> {
        let head = self.log.head(tail.tenant).await?;
        let mut state = tail.state();
        (state.epoch, state.seq) = (head.epoch, head.seq);
        state.recheck_all();
        Ok(())
    }

    /// Sends the cursor to those who saw nothing lately, and notices a new epoch.
    async fn keep_alive(&self, tail: &Tail) {
        let Ok(head) = self.log.head(tail.tenant).await else {
            return;
        };
        let (epoch, seq) = {
            let state = tail.state();
            (state.epoch, state.seq)
        };
        if head.epoch != epoch || head.seq < seq {
            if let Err(error) = self.restart(tail).await {
                tracing::warn!(tenant.id = %tail.tenant, "the tail waits: {error}");
            }
            return;
        }
        let groups = tail.state().behind();
        for Group { document, ids, .. } in groups {
            let cursor = Cursor { epoch, seq };
            let batch = Batch {
                cursor,
                events: Vec::new(),
                resync: false,
            };
            let frame = self.frame(&document, batch).await;
            tail.state().send(&ids, &frame);
        }
    }

    /// Ends the tail when nobody listens. Joining holds the same lock, so nobody joins a dead tail.
    fn retire(&self, tail: &Tail) -> bool {
        let mut tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = tail.state().members.is_empty();
        if idle {
            tails.remove(&tail.tenant);
        }
        idle
    }
}
