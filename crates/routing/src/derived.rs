//! What an agent is doing, as colleagues see it: never stored, always a function of the rows.

use crate::rule::lost_at;
use domain::Time;
use domain::agent_state::{AgentPresence, AgentState, AgentStatus, NOT_RESPONDING};
use domain::image::Presence;
use domain::work_item::{WorkItem, WorkItemState};

/// `held` is what is in her hands: items that are offered to her or assigned.
pub fn derived_presence<'a>(
    agent: &AgentState,
    presence: Option<&Presence>,
    held: impl IntoIterator<Item = &'a WorkItem>,
    now: Time,
) -> AgentPresence {
    match agent.status {
        AgentStatus::Offline => return AgentPresence::Offline,
        AgentStatus::NotReady if agent.reason.as_deref() == Some(NOT_RESPONDING) => {
            return AgentPresence::NotResponding;
        }
        AgentStatus::NotReady => return AgentPresence::NotReady,
        AgentStatus::Available if lost_at(presence).is_some_and(|at| at <= now) => {
            return AgentPresence::Lost;
        }
        AgentStatus::Available => {}
    }
    // The most urgent thing in her hands names her.
    let urgency = |item: &WorkItem| match item.state() {
        WorkItemState::Offered => (3, AgentPresence::Offered),
        WorkItemState::WrappingUp => (1, AgentPresence::WrapUp),
        _ => (2, AgentPresence::OnContact),
    };
    held.into_iter()
        .map(urgency)
        .max_by_key(|(rank, _)| *rank)
        .map_or(AgentPresence::Idle, |(_, presence)| presence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{OfferId, QueueId, TenantId, TicketId, UserId};

    fn agent() -> AgentState {
        let now = Time::default();
        AgentState::offline(UserId::new(now), TenantId::new(now), now)
    }

    fn seen(agent: &AgentState, connected: bool) -> Presence {
        let gone_at = (!connected).then(Time::default);
        Presence {
            user_id: agent.user_id,
            connected,
            gone_at,
        }
    }

    fn item(agent: &AgentState) -> WorkItem {
        let now = Time::default();
        let (ticket, queue) = (TicketId::new(now), QueueId::new(now));
        WorkItem::queued(agent.tenant_id, ticket, queue, "sandbox".into(), 0, now)
    }

    #[test]
    fn an_available_agent_is_named_by_the_most_urgent_thing_in_her_hands() {
        let now = Time::default();
        let agent = agent().become_available(now);
        let here = seen(&agent, true);
        let offered = item(&agent).offer(OfferId::new(now), agent.user_id);
        let assigned = item(&agent).assign(agent.user_id);
        let held: Vec<WorkItem> = [offered, assigned].into_iter().flatten().collect();
        let derive = |held: &[WorkItem]| derived_presence(&agent, Some(&here), held, now);
        assert_eq!(derive(&held), AgentPresence::Offered);
        assert_eq!(derive(&held[1..]), AgentPresence::OnContact);
        assert_eq!(derive(&[]), AgentPresence::Idle);
    }

    #[test]
    fn she_counts_as_lost_half_a_minute_after_her_last_browser_went() {
        let now = Time::default();
        let agent = agent().become_available(now);
        let gone = seen(&agent, false);
        let after =
            |s| derived_presence(&agent, Some(&gone), [], now + chrono::TimeDelta::seconds(s));
        assert_eq!(after(29), AgentPresence::Idle);
        assert_eq!(after(30), AgentPresence::Lost);
    }

    #[test]
    fn a_break_and_an_unanswered_offer_look_different() {
        let now = Time::default();
        let derive = |agent: &AgentState| derived_presence(agent, None, [], now);
        let on_break = agent().become_not_ready(Some("lunch".into()), now);
        assert_eq!(derive(&on_break), AgentPresence::NotReady);
        let missed = agent().become_available(now).did_not_respond(now);
        assert!(missed.is_ok_and(|a| derive(&a) == AgentPresence::NotResponding));
    }
}
