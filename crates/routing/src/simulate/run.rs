//! The simulation itself: events in the order of time, each told to the engine, whose decisions are
//! carried out at once.

use super::measure::{GroupTally, Measures, Meter, Micros, Report, Tally, Thresholds};
use super::measure::{littles_law_residual, measures, micros, seconds};
use super::random::{ArrivalProcess, Purpose, Stream};
use super::rows::{Router, contacts, instant, snapshot};
use super::scenario::Scenario;
use super::staff::{Plan, Worker};
use domain::offer::Offer;
use domain::work_item::WorkItem;
use sha2::{Digest, Sha256};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fmt::Write;

/// Contacts that nobody can ever answer are waited for this much longer than arrivals lasted.
const PATIENCE_OF_THE_END: i64 = 10;
const DAY: Micros = 86_400_000_000;
/// Arrivals so rare that they take longer are not waited for.
const CALENDAR_END: Micros = 36_500 * DAY;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// The horizon: nobody comes any more.
    Stop,
    Shift(usize),
    Arrival(usize),
    GivesUp(u64),
    /// The contact and the number of its offer.
    Answer(u64, i64),
    /// Agent, class (for its channel) and the state of her desk.
    Finish(usize, usize, u64),
    WrapUpEnds(u64),
    PauseEnds(usize),
    /// Something that the engine waits for.
    Wake,
}

#[derive(Debug)]
pub(super) struct Contact {
    pub number: u64,
    pub class: usize,
    pub arrived: Micros,
    pub measured: bool,
    pub item: WorkItem,
    pub offer: Option<Offer>,
    /// Place of the agent who has or is asked for it.
    pub agent: Option<usize>,
}

pub(super) struct Simulation<'a> {
    pub scenario: &'a Scenario,
    pub now: Micros,
    pub router: Router,
    pub contacts: BTreeMap<u64, Contact>,
    pub workers: Vec<Worker>,
    pub plans: Vec<Plan>,
    pub tallies: Vec<Tally>,
    pub groups: Vec<GroupTally>,
    pub handling: Stream,
    pub wrap_up: Stream,
    pub answers: Stream,
    pub decisions: u64,
    patience: Stream,
    arrivals: Vec<ArrivalProcess>,
    blueprints: Vec<WorkItem>,
    events: BinaryHeap<Reverse<(Micros, u64, Event)>>,
    planned: u64,
    wake: Option<Micros>,
    arrived: u64,
    measured_open: u64,
    window: (Micros, Option<Micros>),
    digest: Sha256,
    /// As JSON texts, for the log.
    class_names: Vec<String>,
    agent_names: Vec<String>,
    line: String,
    log: &'a mut dyn FnMut(&str),
}

/// Runs the scenario. Each decision is told to `log` as one line of JSON. The time that the run
/// took is left to the caller, who has a clock.
pub fn simulate(scenario: &Scenario, log: &mut dyn FnMut(&str)) -> Report {
    let mut simulation = Simulation::new(scenario, log);
    simulation.begin();
    while simulation.step() {}
    simulation.report()
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn nth(names: &[String], place: usize) -> &str {
    names.get(place).map_or("", String::as_str)
}

impl<'a> Simulation<'a> {
    fn new(scenario: &'a Scenario, log: &'a mut dyn FnMut(&str)) -> Self {
        let stream = |purpose| Stream::new(scenario.seed, purpose);
        let rows = snapshot(scenario);
        let mut people = rows.agents.clone().into_iter();
        let mut workers = Vec::new();
        for (place, group) in scenario.groups.iter().enumerate() {
            let rows = people.by_ref().take(group.largest() as usize);
            workers.extend((1..).zip(rows).map(|(n, row)| Worker::new(row, place, n)));
        }
        let group_of = |w: &Worker| scenario.groups.get(w.group).map_or("", |g| g.id.as_str());
        let names = workers.iter();
        let names = names.map(|w| json_text(&format!("{}#{}", group_of(w), w.number)));
        let agent_names = names.collect();
        let processes = scenario.classes.iter().enumerate();
        Self {
            scenario,
            now: 0,
            router: Router::new(rows),
            contacts: BTreeMap::new(),
            workers,
            plans: scenario
                .groups
                .iter()
                .map(|g| Plan::new(g.count.clone()))
                .collect(),
            tallies: vec![Tally::default(); scenario.classes.len()],
            groups: vec![GroupTally::default(); scenario.groups.len()],
            handling: stream(Purpose::Handling),
            wrap_up: stream(Purpose::WrapUp),
            answers: stream(Purpose::Answers),
            decisions: 0,
            patience: stream(Purpose::Patience),
            arrivals: processes
                .map(|(n, c)| ArrivalProcess::new(&c.arrivals, stream(Purpose::Arrivals(n))))
                .collect(),
            blueprints: contacts(scenario),
            events: BinaryHeap::new(),
            planned: 0,
            wake: None,
            arrived: 0,
            measured_open: 0,
            window: (0, None),
            digest: Sha256::new(),
            class_names: scenario.classes.iter().map(|c| json_text(&c.id)).collect(),
            agent_names,
            line: String::new(),
            log,
        }
    }

    fn begin(&mut self) {
        if let Some(horizon) = self.scenario.horizon_s {
            self.plan(micros(horizon), Event::Stop);
        }
        for group in 0..self.plans.len() {
            self.change_shift(group);
            if let Some(at) = self.plans.get(group).and_then(Plan::next_change) {
                self.plan(at, Event::Shift(group));
            }
        }
        for class in 0..self.arrivals.len() {
            self.plan_arrival(class);
        }
    }

    pub fn plan(&mut self, at: Micros, event: Event) {
        self.planned += 1;
        self.events.push(Reverse((at, self.planned, event)));
    }

    fn plan_arrival(&mut self, class: usize) {
        let next = self
            .arrivals
            .get_mut(class)
            .and_then(ArrivalProcess::next_s);
        if let Some(at) = next {
            self.plan(micros(at), Event::Arrival(class));
        }
    }

    /// Whether the simulation goes on.
    fn step(&mut self) -> bool {
        let Some(Reverse((at, _, event))) = self.events.pop() else {
            return false;
        };
        if at > CALENDAR_END {
            return false;
        }
        self.now = at;
        match event {
            Event::Stop => self.stop(),
            Event::Shift(group) => self.shift_ends(group),
            Event::Arrival(class) => self.arrives(class),
            Event::GivesUp(contact) => self.gives_up(contact),
            Event::Answer(contact, offer) => self.answer_comes(contact, offer),
            Event::Finish(agent, class, change) => self.finishes(agent, class, change),
            Event::WrapUpEnds(contact) => self.wrap_up_ends(contact),
            Event::PauseEnds(agent) => self.pause_ends(agent),
            Event::Wake => {
                self.wake = self.wake.filter(|wake| *wake > at);
                self.route();
            }
        }
        match self.window.1 {
            Some(end) => {
                self.measured_open > 0 && self.now < end.saturating_mul(PATIENCE_OF_THE_END) + DAY
            }
            None => true,
        }
    }

    fn stop(&mut self) {
        if self.window.1.is_none() {
            self.window.1 = Some(self.now);
            let now = self.now;
            self.each_meter(|meter| meter.stop(now));
        }
    }

    fn each_meter(&mut self, mut change: impl FnMut(&mut Meter)) {
        let groups = self.groups.iter_mut().flat_map(GroupTally::meters);
        let classes = self.tallies.iter_mut().map(|t| &mut t.waiting);
        groups.chain(classes).for_each(&mut change);
    }

    fn arrives(&mut self, class: usize) {
        if self.window.1.is_some() {
            return;
        }
        let scenario = self.scenario;
        let (number, now) = (self.arrived, self.now);
        self.arrived += 1;
        let measured = number >= scenario.warmup_contacts;
        if self.arrived == scenario.warmup_contacts {
            self.window.0 = now;
            self.each_meter(|meter| meter.start(now));
        }
        if let Some(item) = self.blueprints.get(class) {
            let mut item = item.clone();
            item.id = super::rows::item_id(number);
            item.eligible_since = instant(now);
            item.created_at = item.eligible_since;
            self.router.put_item(&mut item);
            let contact = Contact {
                number,
                class,
                arrived: now,
                measured,
                item,
                offer: None,
                agent: None,
            };
            self.contacts.insert(number, contact);
        }
        if let Some(tally) = self.tallies.get_mut(class) {
            tally.waiting.add(1, now);
        }
        self.measured_open += u64::from(measured);
        if let Some(law) = scenario.classes.get(class).and_then(|c| c.patience) {
            let patience = micros(law.draw_s(&mut self.patience));
            self.plan(now.saturating_add(patience), Event::GivesUp(number));
        }
        self.plan_arrival(class);
        self.route();
        self.block_if_full(number);
        if scenario.contacts == Some(self.arrived) {
            self.stop();
        }
    }

    /// The contact is answered or gone: nobody waits for it any more.
    pub fn settled(&mut self, contact: &Contact, keep: impl FnOnce(&mut Tally, Micros)) {
        let wait = self.now - contact.arrived;
        if let Some(tally) = self.tallies.get_mut(contact.class) {
            tally.waiting.add(-1, self.now);
            if contact.measured {
                keep(tally, wait);
            }
        }
        self.measured_open -= u64::from(contact.measured);
    }

    /// Carries out what the engine decides until it has no more wishes.
    pub fn route(&mut self) {
        loop {
            let decisions = self.router.engine.decide(instant(self.now));
            if decisions.is_empty() {
                self.plan_wake(decisions.next_wake);
                return;
            }
            for ending in decisions.expiries.iter().chain(&decisions.withdrawals) {
                self.rings_out(super::rows::place(ending.item_id.uuid()) as u64);
            }
            for offer in &decisions.offers {
                self.offers(offer);
            }
        }
    }

    fn plan_wake(&mut self, at: Option<domain::Time>) {
        let Some(at) = at.map(super::rows::micros_of) else {
            return;
        };
        // One planned wake is enough: it asks again.
        if self.wake.is_none_or(|planned| at < planned) {
            self.wake = Some(at);
            self.plan(at, Event::Wake);
        }
    }

    /// One line of the log, hashed whether or not somebody reads it.
    pub fn note(&mut self, contact: &Contact, agent: usize, reason: &crate::Reason) {
        self.decisions += 1;
        self.line.clear();
        // Writing to a String cannot fail.
        let _ = writeln!(
            self.line,
            "{{\"at_us\":{},\"contact\":{},\"class\":{},\"waited_us\":{},\"agent\":{},\"rule\":\"{}\"}}",
            self.now,
            contact.number,
            nth(&self.class_names, contact.class),
            self.now - contact.arrived,
            nth(&self.agent_names, agent),
            reason.rule,
        );
        self.digest.update(self.line.as_bytes());
        (self.log)(&self.line);
    }

    fn report(mut self) -> Report {
        self.stop();
        let (from, to) = (self.window.0, self.window.1.unwrap_or(self.now));
        let window_s = seconds(to - from);
        let all = |holds: &dyn Fn(usize) -> bool| -> Measures {
            let classes = self.scenario.classes.iter().enumerate();
            let chosen = classes.filter(|(n, _)| holds(*n)).filter_map(|(n, class)| {
                let queue = self.scenario.queues.get(class.queue)?;
                let thresholds = Thresholds {
                    target: queue.target_s * 1_000_000,
                    short_abandon: micros(queue.short_abandon_s),
                };
                Some((self.tallies.get(n)?, thresholds))
            });
            measures(chosen, window_s)
        };
        let of_queue = |queue: usize| {
            let in_it = |n: usize| {
                self.scenario
                    .classes
                    .get(n)
                    .is_some_and(|c| c.queue == queue)
            };
            all(&in_it)
        };
        let total = all(&|_| true);
        let classes = self.scenario.classes.iter().enumerate();
        let queues = self.scenario.queues.iter().enumerate();
        let groups = self.scenario.groups.iter().zip(&self.groups);
        let digest = self.digest.clone().finalize();
        Report {
            contacts: self.arrived,
            virtual_s: seconds(self.now),
            wall_ms: 0,
            decisions: self.decisions,
            decision_log_sha256: digest
                .iter()
                .fold(String::new(), |text, b| text + &format!("{b:02x}")),
            littles_law_residual: littles_law_residual(&total, window_s),
            classes: classes
                .map(|(n, c)| (c.id.clone(), all(&|m| m == n)))
                .collect(),
            queues: queues.map(|(n, q)| (q.id.clone(), of_queue(n))).collect(),
            agents: groups.map(|(g, t)| (g.id.clone(), t.measures())).collect(),
            total,
        }
    }
}
