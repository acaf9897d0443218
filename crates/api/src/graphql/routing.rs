//! Routing: the tenant's settings, and its answers to why, who and what if.

use super::context::{actor_who_may, app, reader};
use super::error::{found, payload};
use super::queue::QueueInput;
use super::words::{id, int, parse};
use app::explain;
use app::routing_policy::{self, SavePolicy};
use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use domain::permission::Permission;
use domain::policy::Policy;
use domain::{QueueId, Time, UserId};

/// Which waiting ticket goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::policy::Order")]
pub enum RoutingOrder {
    Fifo,
    Deadline,
    Strict,
    WaitOverTarget,
    Fqr,
    Gcmu,
}

/// Which agent is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::policy::Select")]
pub enum AgentSelect {
    LeastLoaded,
    LongestIdle,
    LeastOccupied,
    BestSkill,
    Random,
    RoundRobin,
    TopDown,
}

/// What the priority of a queue's member means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::policy::MemberPriority")]
pub enum MemberPriority {
    RanksAgents,
    RanksQueues,
}

/// Why an agent is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "app::explain::Ineligible")]
pub enum Ineligible {
    QueueArchived,
    Closed,
    NotMember,
    Offline,
    NotReady,
    Disconnected,
    Finishing,
    NotResponding,
    ChannelOff,
    Skill,
    Capacity,
    Delay,
    Reserved,
    Excluded,
}

/// What a waiting ticket waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "app::explain::WaitReason")]
pub enum WaitReason {
    Offered,
    QueueArchived,
    Closed,
    NoMembers,
    SkillNobodyHas,
    NoCapacity,
    NobodySignedIn,
    NobodyReady,
    AllAtCapacity,
    Delay,
    Reserved,
    Excluded,
    Overflow,
    Next,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "app::explain::FaultKind")]
pub enum RoutingFaultKind {
    QueueWithoutMembers,
    SkillNobodyHas,
    SkillsNobodyJoins,
    NoCapacity,
    NeverOpen,
    OverflowLeadsNowhere,
}

#[derive(SimpleObject)]
pub struct RoutingSettings {
    pub order: RoutingOrder,
    /// For queues that name none of their own.
    pub select: AgentSelect,
    pub member_priority: MemberPriority,
    /// For the order FQR: how much of all waiting work each queue may hold; 1 where not named.
    pub queue_shares: Vec<QueueShare>,
    /// For the order GCMU: mean handling time by channel; one second where not named.
    pub handling_seconds: Vec<ChannelSeconds>,
    /// Slots that new work of a channel takes; 1 where not named.
    pub weights: Vec<ChannelWeight>,
    /// For the selection TOP_DOWN: lower tiers are asked first; 0 where not named.
    pub tiers: Vec<AgentTier>,
    /// Who declined or missed a ticket is not asked for it again this long for each offer of it …
    pub exclusion_seconds: i32,
    /// … and never longer.
    pub exclusion_max_seconds: i32,
}

#[derive(SimpleObject, InputObject)]
#[graphql(input_name = "QueueShareInput")]
pub struct QueueShare {
    pub queue_id: ID,
    pub share: f64,
}

#[derive(SimpleObject, InputObject)]
#[graphql(input_name = "ChannelSecondsInput")]
pub struct ChannelSeconds {
    pub channel: String,
    pub seconds: f64,
}

#[derive(SimpleObject, InputObject)]
#[graphql(input_name = "ChannelWeightInput")]
pub struct ChannelWeight {
    pub channel: String,
    pub slots: i32,
}

#[derive(SimpleObject, InputObject)]
#[graphql(input_name = "AgentTierInput")]
pub struct AgentTier {
    pub user_id: ID,
    pub tier: i32,
}

impl From<Policy> for RoutingSettings {
    fn from(policy: Policy) -> Self {
        let shares = policy.shares.into_iter();
        let handling = policy.handling_s.into_iter();
        let weights = policy.weights.into_iter();
        let agents = policy.agents.into_iter();
        Self {
            order: policy.order.into(),
            select: policy.select.into(),
            member_priority: policy.member_priority.into(),
            queue_shares: shares
                .map(|(queue, share)| QueueShare {
                    queue_id: id(queue),
                    share,
                })
                .collect(),
            handling_seconds: handling
                .map(|(channel, seconds)| ChannelSeconds { channel, seconds })
                .collect(),
            weights: weights
                .map(|(channel, slots)| ChannelWeight {
                    channel,
                    slots: int(slots),
                })
                .collect(),
            tiers: agents
                .map(|(user, rule)| AgentTier {
                    user_id: id(user),
                    tier: int(rule.tier),
                })
                .collect(),
            exclusion_seconds: int(policy.exclusion_s),
            exclusion_max_seconds: int(policy.exclusion_max_s),
        }
    }
}

/// Absent fields stay as they are; lists are replaced whole.
#[derive(InputObject)]
pub struct RoutingSettingsInput {
    order: Option<RoutingOrder>,
    select: Option<AgentSelect>,
    member_priority: Option<MemberPriority>,
    queue_shares: Option<Vec<QueueShare>>,
    handling_seconds: Option<Vec<ChannelSeconds>>,
    weights: Option<Vec<ChannelWeight>>,
    tiers: Option<Vec<AgentTier>>,
    exclusion_seconds: Option<i32>,
    exclusion_max_seconds: Option<i32>,
}

impl QueueShare {
    fn read(&self) -> Result<(QueueId, f64)> {
        Ok((parse(&self.queue_id)?, self.share))
    }
}

impl AgentTier {
    fn read(&self) -> Result<(UserId, i64)> {
        Ok((parse(&self.user_id)?, self.tier.into()))
    }
}

impl RoutingSettingsInput {
    fn read(self) -> Result<SavePolicy> {
        let shares = self
            .queue_shares
            .map(|list| list.iter().map(QueueShare::read).collect());
        let tiers = self
            .tiers
            .map(|list| list.iter().map(AgentTier::read).collect());
        let shares: Option<Result<Vec<_>>> = shares;
        let tiers: Option<Result<Vec<_>>> = tiers;
        let seconds = |s: ChannelSeconds| (s.channel, s.seconds);
        let weight = |w: ChannelWeight| (w.channel, w.slots.into());
        let handling = self
            .handling_seconds
            .map(|l| l.into_iter().map(seconds).collect());
        Ok(SavePolicy {
            order: self.order.map(Into::into),
            select: self.select.map(Into::into),
            member_priority: self.member_priority.map(Into::into),
            shares: shares.transpose()?,
            handling_s: handling,
            weights: self
                .weights
                .map(|list| list.into_iter().map(weight).collect()),
            tiers: tiers.transpose()?,
            exclusion_s: self.exclusion_seconds.map(Into::into),
            exclusion_max_s: self.exclusion_max_seconds.map(Into::into),
        })
    }
}

/// Somebody who would be asked, or why not.
#[derive(SimpleObject)]
pub struct RoutingCandidate {
    pub user_id: ID,
    /// Slots in use, offers included; `null` for who is not asked.
    pub load: Option<i32>,
    pub idle_since: Option<Time>,
    pub why_not: Option<Ineligible>,
}

impl From<explain::Candidate> for RoutingCandidate {
    fn from(candidate: explain::Candidate) -> Self {
        Self {
            user_id: id(candidate.user_id),
            load: candidate.score.map(|s| int(s.load)),
            idle_since: candidate.score.map(|s| s.idle_since),
            why_not: candidate.why_not.map(Into::into),
        }
    }
}

/// Why a ticket still waits.
#[derive(SimpleObject)]
pub struct WaitingReason {
    pub reason: WaitReason,
    /// When time alone changes the answer next.
    pub until: Option<Time>,
    /// How many members of the queue cannot be asked, and why.
    pub excluded: Vec<ExcludedMembers>,
}

#[derive(SimpleObject)]
pub struct ExcludedMembers {
    pub why: Ineligible,
    pub count: i32,
}

impl From<explain::Waiting> for WaitingReason {
    fn from(waiting: explain::Waiting) -> Self {
        let excluded = waiting
            .excluded
            .into_iter()
            .map(|(why, n)| ExcludedMembers {
                why: why.into(),
                count: i32::try_from(n).unwrap_or(i32::MAX),
            });
        Self {
            reason: waiting.reason.into(),
            until: waiting.until,
            excluded: excluded.collect(),
        }
    }
}

/// Settings by which work of a queue would wait for ever.
#[derive(SimpleObject)]
pub struct RoutingFault {
    pub kind: RoutingFaultKind,
    pub queue_id: ID,
    pub skill_id: Option<ID>,
}

/// Where waiting tickets would go now, with the settings as they are and with those sent. Open
/// offers count as not made in both.
#[derive(SimpleObject)]
pub struct RoutingPreview {
    pub waiting: i32,
    pub offered_before: i32,
    pub offered_after: i32,
    /// Those for which it makes a difference, the oldest 100 of them.
    pub changes: Vec<RoutingPreviewTicket>,
}

#[derive(SimpleObject)]
pub struct RoutingPreviewTicket {
    pub ticket_id: ID,
    pub before: RoutingFate,
    pub after: RoutingFate,
}

#[derive(SimpleObject)]
pub struct RoutingFate {
    /// `null`: it waits on.
    pub offered_to: Option<ID>,
    /// The how manyth of all offers.
    pub turn: Option<i32>,
    pub overflows_to: Option<ID>,
}

impl From<explain::Fate> for RoutingFate {
    fn from(fate: explain::Fate) -> Self {
        Self {
            offered_to: fate.offered_to.map(id),
            turn: fate.turn.map(count),
            overflows_to: fate.overflows_to.map(id),
        }
    }
}

const CHANGES_MAX: usize = 100;

impl From<Vec<explain::Rehearsed>> for RoutingPreview {
    fn from(all: Vec<explain::Rehearsed>) -> Self {
        let offered = |fate: fn(&explain::Rehearsed) -> explain::Fate| {
            let offered = all.iter().filter(|r| fate(r).offered_to.is_some());
            count(offered.count())
        };
        let changes = all.iter().filter(|r| r.before != r.after).take(CHANGES_MAX);
        Self {
            waiting: count(all.len()),
            offered_before: offered(|r| r.before),
            offered_after: offered(|r| r.after),
            changes: changes
                .map(|r| RoutingPreviewTicket {
                    ticket_id: id(r.ticket_id),
                    before: r.before.into(),
                    after: r.after.into(),
                })
                .collect(),
        }
    }
}

fn count(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

payload!(RoutingSettingsPayload, settings: RoutingSettings);
payload!(RoutingPreviewPayload, preview: RoutingPreview);

#[derive(Default)]
pub struct RoutingQuery;

#[Object]
impl RoutingQuery {
    async fn routing_settings(&self, ctx: &Context<'_>) -> Result<RoutingSettings> {
        Ok(reader(ctx)?.routing_policy().await?.into())
    }

    /// Who would get a new contact of this queue and channel now: the first one first, then the
    /// other members, each with the reason.
    async fn queue_candidates(
        &self,
        ctx: &Context<'_>,
        queue_id: ID,
        channel: String,
    ) -> Result<Option<Vec<RoutingCandidate>>> {
        actor_who_may(ctx, Permission::Supervise)?;
        let reader = reader(ctx)?;
        let all = reader.queue_candidates(parse(&queue_id)?, &channel).await;
        Ok(found(all)?.map(|list| list.into_iter().map(Into::into).collect()))
    }

    /// The same for a waiting ticket; nobody when it does not wait.
    async fn ticket_candidates(
        &self,
        ctx: &Context<'_>,
        ticket_id: ID,
    ) -> Result<Option<Vec<RoutingCandidate>>> {
        actor_who_may(ctx, Permission::Supervise)?;
        let all = reader(ctx)?.ticket_candidates(parse(&ticket_id)?).await;
        Ok(found(all)?.map(|list| list.into_iter().map(Into::into).collect()))
    }

    /// Queues that nobody could ever serve as they are set up.
    async fn routing_faults(&self, ctx: &Context<'_>) -> Result<Vec<RoutingFault>> {
        actor_who_may(ctx, Permission::Supervise)?;
        let faults = reader(ctx)?.routing_faults().await?;
        let fault = |fault: explain::Fault| RoutingFault {
            kind: fault.kind.into(),
            queue_id: id(fault.queue_id),
            skill_id: fault.skill_id.map(id),
        };
        Ok(faults.into_iter().map(fault).collect())
    }

    /// Changes nothing: where waiting tickets would go with these settings, of the tenant, of one
    /// queue, or of both.
    async fn routing_preview(
        &self,
        ctx: &Context<'_>,
        settings: Option<RoutingSettingsInput>,
        queue: Option<QueueInput>,
    ) -> Result<RoutingPreviewPayload> {
        actor_who_may(ctx, Permission::Administer)?;
        let settings = settings.map(RoutingSettingsInput::read).transpose()?;
        let queue = queue.map(QueueInput::read).transpose()?;
        RoutingPreviewPayload::of(reader(ctx)?.rehearse(settings, queue).await)
    }
}

#[derive(Default)]
pub struct RoutingMutation;

#[Object]
impl RoutingMutation {
    /// Takes effect at once; whoever waits keeps her place.
    async fn save_routing_settings(
        &self,
        ctx: &Context<'_>,
        input: RoutingSettingsInput,
    ) -> Result<RoutingSettingsPayload> {
        let actor = actor_who_may(ctx, Permission::Administer)?;
        RoutingSettingsPayload::of(routing_policy::save(app(ctx)?, actor, input.read()?).await)
    }
}
