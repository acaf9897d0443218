//! The orders: of waiting items, of items against agents, and of agents. Both the reference and the
//! engine are built from these, so that they differ in search only.

use crate::decision::Score;
use crate::rule::later;
use domain::policy::{MemberPriority, Order, Policy, Select};
use domain::queue::Queue;
use domain::work_item::WorkItem;
use domain::{QueueId, Time, UserId, WorkItemId};

/// One step of priority is worth a minute of waiting.
const PRIORITY_STEP_S: i64 = 60;

/// A target of zero would make every wait infinitely late and all of them equal.
const TARGET_MIN_S: f64 = 0.001;

/// Order of items that no clock can change: inside one queue always, across queues when the order
/// does not compare heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ItemKey {
    /// Higher priorities first, where they are strict.
    rank: i64,
    pub at: Time,
    pub eligible_since: Time,
    pub id: WorkItemId,
}

impl ItemKey {
    pub(crate) fn of(item: &WorkItem, queue: &Queue, order: Order) -> Self {
        let since = item.eligible_since;
        let priority = i64::from(item.priority);
        let (rank, at) = match order {
            Order::Strict => (-priority, since),
            Order::Deadline => {
                let offset = queue.target_s.saturating_sub(priority * PRIORITY_STEP_S);
                (0, later(since, offset))
            }
            Order::Fifo | Order::WaitOverTarget | Order::Fqr | Order::Gcmu => (0, since),
        };
        Self {
            rank,
            at,
            eligible_since: since,
            id: item.id,
        }
    }
}

/// Order of items at the moment of deciding; the lowest goes first. `queue` breaks ties of the
/// orders that compare heads: the queue that was made first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FrontKey {
    member_priority: i32,
    urgency: Descending,
    queue: Option<QueueId>,
    pub item: ItemKey,
}

/// Numbers, the largest first.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Descending(f64);

impl Eq for Descending {}

impl PartialOrd for Descending {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Descending {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.0.total_cmp(&self.0)
    }
}

/// How many items wait: in one queue and in all queues in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Waiting {
    pub here: usize,
    pub all: usize,
    /// This queue's share of all, as a part of 1.
    pub share: Share,
}

/// A part of 1 that can be compared for equality: both sides computed it the same way.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Share(pub f64);

impl Eq for Share {}

/// What is known when an item is weighed against an agent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Front<'a> {
    pub item: &'a WorkItem,
    pub queue: &'a Queue,
    pub member_priority: i32,
    /// Her mean handling time of such items.
    pub handling_s: f64,
    pub waiting: Waiting,
}

impl FrontKey {
    pub(crate) fn of(front: &Front<'_>, policy: &Policy, now: Time) -> Self {
        let member_priority = match policy.member_priority {
            MemberPriority::RanksAgents => 0,
            MemberPriority::RanksQueues => front.member_priority,
        };
        Self {
            member_priority,
            urgency: Descending(urgency(front, policy.order, now)),
            queue: policy.order.compares_heads().then_some(front.queue.id),
            item: ItemKey::of(front.item, front.queue, policy.order),
        }
    }
}

fn urgency(front: &Front<'_>, order: Order, now: Time) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a target of 285 million years")]
    let target_s = (front.queue.target_s as f64).max(TARGET_MIN_S);
    let wait_s = waited_s(front.item.eligible_since, now);
    match order {
        Order::Fifo | Order::Deadline | Order::Strict => 0.0,
        Order::WaitOverTarget => wait_s / target_s,
        Order::Fqr => {
            #[expect(clippy::cast_precision_loss, reason = "counts of items in memory")]
            let (here, all) = (front.waiting.here as f64, front.waiting.all as f64);
            here - front.waiting.share.0 * all
        }
        Order::Gcmu => wait_s / (target_s * target_s) / front.handling_s,
    }
}

/// Order of agents, the best first. What `rank` and `since` hold depends on [`Select`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AgentKey {
    pub member_priority: i32,
    pub rank: i64,
    pub since: Time,
    pub id: UserId,
}

/// An agent who may be asked: her place among the others, and what people are shown of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Seat {
    pub key: AgentKey,
    pub score: Score,
}

/// What ranks an agent, whatever she is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    /// Σ weights of the work in her hands.
    pub load: i64,
    /// Slots in use and in all, of the pool that the item takes from.
    pub used: i64,
    pub slots: i64,
    pub tier: i64,
    pub released_at: Time,
}

impl Standing {
    /// The part of an agent's rank that does not depend on the item, and by what ties are broken.
    pub(crate) fn rank(&self, select: Select) -> (i64, Time) {
        match select {
            Select::LeastLoaded => (self.load, self.released_at),
            Select::LeastOccupied => (self.occupied(), self.released_at),
            Select::TopDown => (self.tier, self.released_at),
            Select::LongestIdle | Select::BestSkill => (0, self.released_at),
            // Nobody is equal to anybody: the lot or the turn decides.
            Select::Random | Select::RoundRobin => (0, Time::MIN_UTC),
        }
    }

    /// Used ÷ slots, so fine that equal fractions are equal and different ones differ.
    fn occupied(&self) -> i64 {
        let parts = (i128::from(self.used) << 32) / i128::from(self.slots.max(1));
        i64::try_from(parts).unwrap_or(i64::MAX)
    }
}

/// What an item and its queue add to an agent's rank.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub policy: &'a Policy,
    pub select: Select,
    pub item: &'a WorkItem,
    /// Whom the queue asked last.
    pub turn: Option<UserId>,
}

impl Asked<'_> {
    /// Her rank for this item, by her [`Standing::rank`] and the sum of her levels.
    pub(crate) fn rank(&self, standing: i64, levels: i64, user: UserId) -> i64 {
        match self.select {
            Select::BestSkill => -levels,
            Select::RoundRobin => i64::from(self.turn.is_some_and(|last| user <= last)),
            Select::Random => self.lot(user),
            _ => standing,
        }
    }

    pub(crate) fn member_priority(&self, priority: i32) -> i32 {
        match self.policy.member_priority {
            MemberPriority::RanksAgents => priority,
            MemberPriority::RanksQueues => 0,
        }
    }

    /// A draw that the same rows repeat and the next offer of the item does not.
    fn lot(&self, user: UserId) -> i64 {
        let words = |id: uuid::Uuid| id.as_u64_pair();
        let ((a, b), (c, d)) = (words(self.item.id.uuid()), words(user.uuid()));
        let count = self.item.offer_count.cast_unsigned();
        let drawn = [a, b, c, d, count]
            .into_iter()
            .fold(self.policy.seed, |state, word| mix(state ^ mix(word)));
        // One bit less: ranks are compared as signed numbers.
        (drawn >> 1).cast_signed()
    }
}

/// Steele, Lea and Flood's finaliser of SplitMix64.
pub(crate) const fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Seconds from `since` to `now`, not below 0.
fn waited_s(since: Time, now: Time) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds of any wait fit 52 bits"
    )]
    let micros = (now - since).num_microseconds().unwrap_or(i64::MAX) as f64;
    (micros / 1e6).max(0.0)
}
