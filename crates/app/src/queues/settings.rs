//! How one queue routes: its own selection, what it asks for as time passes, its hours, where it
//! overflows to, and for whom it keeps returning customers.

use super::{check_skills, in_range};
use crate::{Error, Result};
use domain::QueueId;
use domain::hours::Hours;
use domain::permission::Actor;
use domain::policy::Select;
use domain::queue::{Overflow, Queue, Sticky};
use domain::work_item::CriteriaStep;
use std::collections::BTreeSet;
use store::Db;

const STEPS_MAX: usize = 10;
const WAIT_S: std::ops::RangeInclusive<i64> = 0..=604_800;
const OVERFLOW_S: std::ops::RangeInclusive<i64> = 1..=604_800;
const STICKY_WITHIN_S: std::ops::RangeInclusive<i64> = 60..=7_776_000;
const STICKY_WAIT_S: std::ops::RangeInclusive<i64> = 0..=3_600;

/// Absent fields stay as they are; `Some(None)` takes a setting away.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub select: Option<Option<Select>>,
    pub relax: Option<Vec<CriteriaStep>>,
    pub hours: Option<Option<Hours>>,
    pub overflow: Option<Option<Overflow>>,
    pub sticky: Option<Option<Sticky>>,
}

/// Puts what was sent into the queue, or says what is wrong with it. `all` are the tenant's.
pub(super) async fn apply(
    db: &impl Db,
    actor: &Actor,
    all: &[Queue],
    queue: &mut Queue,
    settings: &Settings,
) -> Result<()> {
    if let Some(select) = settings.select {
        queue.routing.select = select;
    }
    if let Some(steps) = &settings.relax {
        check_steps(db, actor, steps).await?;
        queue.routing.relax.clone_from(steps);
    }
    if let Some(hours) = &settings.hours {
        if let Some(fault) = hours.as_ref().and_then(Hours::fault) {
            return Err(Error::invalid("hours", fault));
        }
        queue.routing.hours.clone_from(hours);
    }
    if let Some(overflow) = settings.overflow {
        queue.routing.overflow = overflow;
        check_overflow(all, queue)?;
    }
    if let Some(sticky) = settings.sticky {
        in_range("sticky", &STICKY_WITHIN_S, sticky.map(|s| s.within_s))?;
        in_range("sticky", &STICKY_WAIT_S, sticky.map(|s| s.wait_s))?;
        queue.routing.sticky = sticky;
    }
    Ok(())
}

async fn check_steps(db: &impl Db, actor: &Actor, steps: &[CriteriaStep]) -> Result<()> {
    let field = "relax";
    if steps.len() > STEPS_MAX {
        let rule = format!("a queue has at most {STEPS_MAX} steps");
        return Err(Error::invalid(field, rule));
    }
    let mut instants = BTreeSet::new();
    for step in steps {
        in_range(field, &WAIT_S, Some(step.after_s))?;
        if !instants.insert(step.after_s) {
            let rule = format!("two steps begin after {} seconds", step.after_s);
            return Err(Error::invalid(field, rule));
        }
        check_skills(db, actor, field, &step.skills).await?;
    }
    Ok(())
}

fn check_overflow(all: &[Queue], queue: &Queue) -> Result<()> {
    let field = "overflow";
    let Some(overflow) = queue.routing.overflow else {
        return Ok(());
    };
    in_range(field, &OVERFLOW_S, overflow.after_s)?;
    if overflow.after_s.is_none() && !overflow.when_closed && !overflow.when_unstaffed {
        let rule = "name at least one condition: afterSeconds, whenClosed or whenUnstaffed";
        return Err(Error::invalid(field, rule));
    }
    let there = all.iter().find(|q| q.id == overflow.to);
    if there.is_none_or(|q| q.archived_at.is_some()) {
        return Err(Error::invalid(field, "the other queue does not exist"));
    }
    match circle(all, queue) {
        Some(names) => {
            let rule = format!("work would go round in a circle: {}", names.join(" → "));
            Err(Error::invalid(field, rule))
        }
        None => Ok(()),
    }
}

/// The names along the way, when overflow leads back to where it began.
fn circle(all: &[Queue], first: &Queue) -> Option<Vec<String>> {
    let stored = |id: QueueId| all.iter().find(|q| q.id == id);
    let mut names = vec![first.name.clone()];
    let mut next = first.routing.overflow.map(|o| o.to);
    // No way without a circle is longer than there are queues.
    while let Some(id) = next.filter(|_| names.len() <= all.len() + 1) {
        if id == first.id {
            names.push(first.name.clone());
            return Some(names);
        }
        let queue = stored(id)?;
        names.push(queue.name.clone());
        next = queue.routing.overflow.map(|o| o.to);
    }
    None
}
