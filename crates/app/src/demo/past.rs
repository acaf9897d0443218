//! The past of the demo, lived instead of forged: the clock is set back and moved forward, and at
//! each stop customers write, the worker works and colleagues act, all through the usual doors.
//! So every row, counter, event and audit entry is what it would be, and backdated.
//!
//! The caller gives an [`App`] whose clock (and whose store's clock) is `clock`.

use super::cast::{self, Stage};
use super::desk::{self, Desk, unless_lost};
use super::dice::Dice;
use super::network::{self, Posting, Story};
use crate::{App, Result, agents, jobs, tickets};
use chrono::TimeDelta;
use domain::agent_state::AgentStatus;
use domain::clock::{ManualClock, from_micros};
use domain::message::Message;
use domain::ticket::{Ticket, TicketStatus};
use domain::{TicketId, Time};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::collections::BTreeSet;
use store::queries::tickets as ticket_rows;
use store::routing as stored;

/// What the past shall be.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub seed: u64,
    /// Where the past ends: now.
    pub end: Time,
    pub days: i64,
    /// Things that customers do in it.
    pub events: u64,
}

impl Plan {
    /// About 200 tickets.
    pub const fn usual(end: Time) -> Self {
        Self {
            seed: 20_261_120,
            end,
            days: 16,
            events: 680,
        }
    }

    pub fn begin(&self) -> Time {
        self.end - TimeDelta::days(self.days)
    }

    /// When event `n` happens. The nearer to now, the more happens, so that there is always
    /// something from the last minutes.
    fn at(&self, n: u64) -> Time {
        let left = self.events.saturating_sub(n);
        // Nearly squares, in whole numbers: exact, and the same everywhere.
        let near = |n: u64| u128::from(n) * u128::from(n + 30);
        let (left, of) = (near(left), near(self.events.max(1)));
        let span = TimeDelta::days(self.days).num_microseconds().unwrap_or(0);
        let span = u128::try_from(span).unwrap_or(0);
        let back = i64::try_from(span * left / of).unwrap_or(0);
        from_micros(self.end.timestamp_micros() - back) - LAST_EVENT_AGO
    }
}

/// The newest message of the past is this old.
const LAST_EVENT_AGO: TimeDelta = TimeDelta::minutes(2);
/// Events between two stops of the clock.
const STOP: u64 = 8;
/// The newest events have a stop each, so that lists do not show many of the same minute.
const ONE_BY_ONE: u64 = 40;
/// Deeds under way at once, so that they share commits.
const PARALLEL: usize = 16;
/// In the last hours many things are still open.
const RECENT: TimeDelta = TimeDelta::hours(12);

/// How far the past is lived, for whoever waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done: u64,
    pub of: u64,
}

/// Sets up the shop and lives its past. Ends at `plan.end`.
pub async fn live_through(
    app: &App,
    clock: &ManualClock,
    plan: Plan,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Story> {
    let stage = cast::set_up(app).await?;
    let mut past = Past {
        app,
        clock,
        plan,
        stage,
        dice: Dice::new(plan.seed),
        story: Story::begin(plan.seed),
        sorted: BTreeSet::new(),
        unread: Vec::new(),
    };
    while past.story.told < plan.events {
        past.stop().await?;
        progress(Progress {
            done: past.story.told.min(plan.events),
            of: plan.events,
        });
    }
    past.come_home().await?;
    Ok(past.story)
}

struct Past<'a> {
    app: &'a App,
    clock: &'a ManualClock,
    plan: Plan,
    stage: Stage,
    dice: Dice,
    story: Story,
    sorted: BTreeSet<TicketId>,
    /// Sent and not read by the customer yet.
    unread: Vec<Message>,
}

impl Past<'_> {
    async fn stop(&mut self) -> Result<()> {
        let mut postings = Vec::new();
        let left = self.plan.events.saturating_sub(self.story.told);
        for _ in 0..if left > ONE_BY_ONE { STOP } else { 1 } {
            let at = self.plan.at(self.story.told);
            self.advance_to(at);
            postings.extend(self.story.next(&self.stage, at));
        }
        postings.extend(self.receipts().await?);
        network::post(self.app, &self.stage, postings).await?;
        self.settle().await?;
        let work = stored::live_work_items(&self.app.read(), self.stage.tenant).await?;
        let new: BTreeSet<TicketId> = work
            .iter()
            .map(|item| item.ticket_id)
            .filter(|id| self.sorted.insert(*id))
            .collect();
        let ids: Vec<TicketId> = work.iter().map(|item| item.ticket_id).collect();
        let desks = Desk::read_all(self.app, &self.stage, &ids).await?;
        let sent: Vec<Option<Message>> = stream::iter(desks)
            .map(|desk| self.act(new.contains(&desk.ticket.id), desk))
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        self.unread.extend(sent.into_iter().flatten());
        self.settle().await
    }

    fn advance_to(&self, at: Time) {
        let by = at - self.app.now();
        if by > TimeDelta::zero() {
            self.clock.advance(by);
        }
    }

    /// Lets the worker finish all that is due.
    async fn settle(&self) -> Result<()> {
        while jobs::run_due(self.app).await? > 0 {}
        Ok(())
    }

    /// Customers read what was written to them, most of them.
    async fn receipts(&mut self) -> Result<Vec<Posting>> {
        let mut postings = Vec::new();
        for message in std::mem::take(&mut self.unread) {
            let whom = message.text.clone();
            let state = if self.dice.falls(85, "reads", &whom) {
                "read"
            } else {
                "delivered"
            };
            postings.extend(desk::receipt(self.app, &message, state).await?);
        }
        Ok(postings)
    }

    /// What becomes of one open ticket at this stop.
    async fn act(&self, is_new: bool, desk: Desk) -> Result<Option<Message>> {
        let (app, stage, dice) = (self.app, &self.stage, self.dice);
        let is_recent = app.now() > self.plan.end - RECENT;
        // Earlier, who did not act thinks again at the next stop; what is undone lately stays so.
        let stop = if is_recent { 0 } else { self.story.told };
        let key = format!("{}|{}|{stop}", desk.key(), desk.ticket.message_head);
        if is_new {
            desk::sort(app, stage, dice, &desk).await?;
        }
        let Some(agent) = desk.ticket.assignee_id else {
            if !(is_recent && dice.falls(60, "waits", &key)) {
                desk::hand_over(app, stage, dice, &desk).await?;
            }
            return Ok(None);
        };
        let by = if agent == stage.owner.user_id {
            Some(&stage.owner)
        } else {
            stage.colleague(agent)
        };
        let Some(by) = by else { return Ok(None) };
        if desk.ticket.message_head <= 2 && dice.falls(14, "notes", &desk.key()) {
            desk::note(app, stage, by, dice, &desk).await?;
        }
        if desk.ticket.waiting_since.is_some() {
            let lets_wait = if is_recent { 65 } else { 15 };
            if dice.falls(lets_wait, "answers later", &key) {
                return Ok(None);
            }
            let desk = Desk::read(app, stage, desk.ticket.id).await?;
            return desk::answer(app, by, &desk).await;
        }
        self.put_away(&desk, &key, is_recent).await?;
        Ok(None)
    }

    /// Answered: closed, or waiting for the customer, or for another day.
    async fn put_away(&self, desk: &Desk, key: &str, is_recent: bool) -> Result<()> {
        let (status, until) = match self.dice.bits("put away", key) % 100 {
            0..18 if is_recent => {
                let hours = self.dice.between(3, 60, "snooze", key);
                let until = self.plan.end + TimeDelta::hours(hours);
                (TicketStatus::Snoozed, Some(until))
            }
            18..35 if is_recent => (TicketStatus::Pending, None),
            0..8 => (TicketStatus::Pending, None),
            8..55 if !is_recent => (TicketStatus::Closed, None),
            60..70 => (TicketStatus::Closed, None),
            _ => return Ok(()),
        };
        self.set_status(desk.ticket.id, status, until).await
    }

    async fn set_status(
        &self,
        id: TicketId,
        status: TicketStatus,
        until: Option<Time>,
    ) -> Result<()> {
        let by = &self.stage.supervisor;
        unless_lost(tickets::set_status(self.app, by, id, status, until).await)?;
        Ok(())
    }

    /// The clock comes to now. The owner has read what is old, and not what is new.
    async fn come_home(&mut self) -> Result<()> {
        let receipts = self.receipts().await?;
        network::post(self.app, &self.stage, receipts).await?;
        self.settle().await?;
        self.advance_to(self.plan.end);
        self.settle().await?;
        // So that her status does not count from the beginning of the past.
        let away = AgentStatus::Offline;
        agents::set_state(self.app, &self.stage.owner, None, away, None).await?;
        let all = self.all_tickets().await?;
        let (app, owner) = (self.app, &self.stage.owner);
        let read = all.iter().filter(|ticket| self.was_read(ticket));
        let marks =
            read.map(|ticket| tickets::mark_read(app, owner, ticket.id, ticket.message_head));
        let marks: Vec<_> = stream::iter(marks).buffered(PARALLEL).collect().await;
        for mark in marks {
            unless_lost(mark)?;
        }
        self.settle().await
    }

    fn was_read(&self, ticket: &Ticket) -> bool {
        let age = self.plan.end - ticket.last_message_at;
        ticket.status == TicketStatus::Closed
            || age > RECENT
            || !ticket.last_message_inbound
            || self.dice.falls(35, "owner read", &ticket.subject)
    }

    /// Numbers are given without a gap.
    async fn all_tickets(&self) -> Result<Vec<Ticket>> {
        let read = self.app.read();
        let mut all = Vec::new();
        while let Some(ticket) =
            ticket_rows::by_number(&read, self.stage.tenant, all.len() as i64 + 1).await?
        {
            all.push(ticket);
        }
        Ok(all)
    }
}
