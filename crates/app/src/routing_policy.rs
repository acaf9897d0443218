//! How a tenant routes as a whole: the order of waiting work, the choice of agents, what work weighs,
//! and how long a missed item is kept from who missed it. The router follows the stored row's image.

use crate::{App, Error, Reader, Result, audit, race};
use domain::permission::{Actor, Permission};
use domain::policy::{AgentRule, MemberPriority, Order, Policy, Select};
use domain::{QueueId, UserId};
use serde_json::json;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use store::queries::{memberships, queues};
use store::{Db, routing as stored};

const ENTRIES_MAX: usize = 2_000;
const SHARE: RangeInclusive<f64> = 0.001..=1_000_000.0;
const HANDLING_S: RangeInclusive<f64> = 1.0..=86_400.0;
const WEIGHT: RangeInclusive<i64> = 1..=100;
const TIER: RangeInclusive<i64> = 0..=1_000;
const EXCLUSION_S: RangeInclusive<i64> = 0..=3_600;
const EXCLUSION_MAX_S: RangeInclusive<i64> = 0..=86_400;

/// Absent fields stay as they are; lists are replaced whole.
#[derive(Debug, Clone, Default)]
pub struct SavePolicy {
    pub order: Option<Order>,
    pub select: Option<Select>,
    pub member_priority: Option<MemberPriority>,
    pub shares: Option<Vec<(QueueId, f64)>>,
    /// Mean seconds by channel.
    pub handling_s: Option<Vec<(String, f64)>>,
    /// Slots by channel.
    pub weights: Option<Vec<(String, i64)>>,
    pub tiers: Option<Vec<(UserId, i64)>>,
    pub exclusion_s: Option<i64>,
    pub exclusion_max_s: Option<i64>,
}

pub async fn save(app: &App, actor: &Actor, input: SavePolicy) -> Result<Policy> {
    actor.may(Permission::Administer)?;
    race::again(|| save_once(app, actor, &input)).await
}

async fn save_once(app: &App, actor: &Actor, input: &SavePolicy) -> Result<Policy> {
    let tenant = actor.tenant_id;
    let mut tx = app.begin(tenant, "save_routing").await?;
    let before = stored::policy(&tx, tenant).await?;
    let policy = edited(&tx, actor, before, input).await?;
    let policy = stored::put_policy(&mut tx, tenant, policy).await?;
    let detail = json!({ "order": policy.order, "select": policy.select });
    audit::record(&tx, actor, "routing.save", tenant, detail).await?;
    app.commit(tx, policy).await
}

/// What the policy would be with this input, or what is wrong with it.
pub(crate) async fn edited(
    db: &impl Db,
    actor: &Actor,
    mut policy: Policy,
    input: &SavePolicy,
) -> Result<Policy> {
    policy.order = input.order.unwrap_or(policy.order);
    policy.select = input.select.unwrap_or(policy.select);
    policy.member_priority = input.member_priority.unwrap_or(policy.member_priority);
    if let Some(shares) = &input.shares {
        policy.shares = once_each("queueShares", shares, &SHARE)?;
        let known = queues::all(db, actor.tenant_id).await?;
        if !policy
            .shares
            .keys()
            .all(|id| known.iter().any(|q| q.id == *id))
        {
            return Err(Error::invalid("queueShares", "a queue does not exist"));
        }
    }
    if let Some(handling) = &input.handling_s {
        policy.handling_s = once_each("handlingSeconds", handling, &HANDLING_S)?;
        are_channels("handlingSeconds", policy.handling_s.keys())?;
    }
    if let Some(weights) = &input.weights {
        policy.weights = once_each("weights", weights, &WEIGHT)?;
        are_channels("weights", policy.weights.keys())?;
    }
    if let Some(tiers) = &input.tiers {
        policy.agents = tiers_of(db, actor, tiers).await?;
    }
    policy.exclusion_s = input.exclusion_s.unwrap_or(policy.exclusion_s);
    policy.exclusion_max_s = input.exclusion_max_s.unwrap_or(policy.exclusion_max_s);
    within("exclusionSeconds", policy.exclusion_s, &EXCLUSION_S)?;
    within(
        "exclusionMaxSeconds",
        policy.exclusion_max_s,
        &EXCLUSION_MAX_S,
    )?;
    if policy.exclusion_max_s < policy.exclusion_s {
        let rule = "this must not be less than exclusionSeconds";
        return Err(Error::invalid("exclusionMaxSeconds", rule));
    }
    Ok(policy)
}

async fn tiers_of(
    db: &impl Db,
    actor: &Actor,
    tiers: &[(UserId, i64)],
) -> Result<BTreeMap<UserId, AgentRule>> {
    let tiers = once_each("tiers", tiers, &TIER)?;
    let members = memberships::list(db, actor.tenant_id).await?;
    if !tiers
        .keys()
        .all(|id| members.iter().any(|m| m.user.id == *id))
    {
        return Err(Error::invalid("tiers", "somebody is no member"));
    }
    let rule = |tier| AgentRule {
        tier,
        ..AgentRule::default()
    };
    Ok(tiers
        .into_iter()
        .map(|(id, tier)| (id, rule(tier)))
        .collect())
}

fn once_each<K: Ord + Clone, V: PartialOrd + Copy + std::fmt::Display>(
    field: &'static str,
    list: &[(K, V)],
    range: &RangeInclusive<V>,
) -> Result<BTreeMap<K, V>> {
    if list.len() > ENTRIES_MAX {
        return Err(Error::invalid(
            field,
            format!("at most {ENTRIES_MAX} entries"),
        ));
    }
    for (_, value) in list {
        within(field, *value, range)?;
    }
    let map: BTreeMap<K, V> = list.iter().cloned().collect();
    if map.len() < list.len() {
        return Err(Error::invalid(field, "something is named twice"));
    }
    Ok(map)
}

fn within<V: PartialOrd + std::fmt::Display>(
    field: &'static str,
    value: V,
    range: &RangeInclusive<V>,
) -> Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    let rule = format!("this must be {} to {}", range.start(), range.end());
    Err(Error::invalid(field, rule))
}

fn are_channels<'a>(field: &'static str, kinds: impl Iterator<Item = &'a String>) -> Result<()> {
    for kind in kinds {
        if channels::by_kind(kind).is_none() {
            let rule = format!("there is no channel {}", kind.escape_debug());
            return Err(Error::invalid(field, rule));
        }
    }
    Ok(())
}

impl Reader {
    pub async fn routing_policy(&self) -> Result<Policy> {
        Ok(stored::policy(self.db(), self.tenant_id()).await?)
    }
}
