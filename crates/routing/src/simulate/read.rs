//! From the text of a file to a scenario, or to everything that is wrong with it.

use super::json::{Faults, Fields, Node, Range};
use super::random::{Interval, Law};
use super::scenario::{
    ClassSpec, GroupSpec, MembershipSpec, OfferSpec, QueueSpec, Scenario, StepSpec,
};
use super::times::{intervals, law};
use domain::policy::{Order, Select};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

const CONTACTS: i64 = 200_000;
const WARMUP_CONTACTS: i64 = 2_000;
const CONTACTS_MAX: i64 = 100_000_000;
const AGENTS_MAX: i64 = 100_000;
/// Ten years of a simulated clock, so that no sum of times leaves the calendar.
const SECONDS_MAX: i64 = 315_360_000;
/// Levels may be fractions; the engine counts in thousandths.
const LEVEL: f64 = 1000.0;

/// Queues and classes by name, to look up who is named.
struct Names<'a> {
    queues: Vec<&'a str>,
    classes: Vec<&'a str>,
}

impl FromStr for Scenario {
    type Err = Vec<String>;

    /// The faults are one line each and name the path in the file.
    fn from_str(text: &str) -> Result<Self, Vec<String>> {
        let file: Value = serde_json::from_str(text).map_err(|e| vec![format!("(file): {e}")])?;
        let mut faults = Faults::default();
        let scenario = scenario(&Node::root(&file), &mut faults);
        match scenario {
            Some(scenario) if faults.0.is_empty() => Ok(scenario),
            _ => Err(faults.0),
        }
    }
}

fn scenario(file: &Node<'_>, faults: &mut Faults) -> Option<Scenario> {
    let known = [
        "seed",
        "contacts",
        "warmup_contacts",
        "horizon_s",
        "order",
        "select",
        "queues",
        "classes",
        "agents",
        "offer",
    ];
    let fields = faults.object(file, &known);
    let queues = some_of(faults, &fields, "queues");
    let classes = some_of(faults, &fields, "classes");
    let groups = some_of(faults, &fields, "agents");
    let names = Names {
        queues: ids(faults, &queues),
        classes: ids(faults, &classes),
    };
    ids(faults, &groups);
    let contacts = match fields.get("contacts") {
        Some(node) if node.value.is_null() => None,
        node => Some(faults.whole(node, 1, CONTACTS_MAX).unwrap_or(CONTACTS)),
    };
    let horizon_s = faults.number(fields.set("horizon_s"), Range::Positive);
    if contacts.is_none() && fields.set("horizon_s").is_none() {
        faults.add(
            "contacts",
            "must be set when horizon_s is null, or arrivals never stop",
        );
    }
    let warmup = faults.whole(fields.set("warmup_contacts"), 0, CONTACTS_MAX);
    let scenario = Scenario {
        seed: seed(faults, &fields),
        contacts: contacts.map(i64::unsigned_abs),
        horizon_s,
        warmup_contacts: warmup.unwrap_or(WARMUP_CONTACTS).unsigned_abs(),
        order: word(faults, &fields, "order", Order::ALL).unwrap_or(Order::Deadline),
        select: select(faults, &fields),
        queues: queues.iter().map(|n| queue(faults, n)).collect(),
        classes: classes
            .iter()
            .filter_map(|n| class(faults, n, &names))
            .collect(),
        groups: groups
            .iter()
            .filter_map(|n| group(faults, n, &names))
            .collect(),
        offer: offer(faults, fields.get("offer")),
    };
    if faults.0.is_empty() && !scenario.queues.iter().any(|q| q.share > 0.0) {
        faults.add("queues[0].share", "one share must be above 0");
    }
    Some(scenario)
}

/// A required list that may not be empty.
fn some_of<'a>(faults: &mut Faults, fields: &Fields<'a>, name: &str) -> Vec<Node<'a>> {
    let node = faults.required(fields, name);
    let is_list = node.as_ref().is_some_and(|n| n.value.is_array());
    let nodes = faults.list(node);
    if is_list && nodes.is_empty() {
        faults.add(&fields.child(name), "must not be empty");
    }
    nodes
}

/// The ids of a list, in its order; each must be there and be the only one.
fn ids<'a>(faults: &mut Faults, nodes: &[Node<'a>]) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    let mut ids = Vec::new();
    for node in nodes {
        let path = format!("{}.id", node.path);
        let id = match node.value.get("id") {
            // What is no object is told where the whole of it is read.
            None if !node.value.is_object() => None,
            None => {
                faults.add(&path, "missing");
                None
            }
            Some(id) => id.as_str().or_else(|| {
                faults.add(&path, "must be a text");
                None
            }),
        };
        if id.is_some_and(|id| !seen.insert(id)) {
            faults.add(
                &path,
                format!("{:?} is there twice", id.unwrap_or_default()),
            );
        }
        ids.push(id.unwrap_or_default());
    }
    ids
}

fn seed(faults: &mut Faults, fields: &Fields<'_>) -> u64 {
    let Some(node) = fields.get("seed") else {
        return 1;
    };
    node.value.as_u64().unwrap_or_else(|| {
        faults.add("seed", "must be a whole number that is not negative");
        1
    })
}

/// One of these words.
fn word<T: Copy + FromStr + std::fmt::Display>(
    faults: &mut Faults,
    fields: &Fields<'_>,
    name: &str,
    all: &[T],
) -> Option<T> {
    let node = fields.get(name)?;
    let path = node.path.clone();
    let text = faults.text(Some(node))?;
    let known = text.parse().ok();
    if known.is_none() {
        let all: Vec<_> = all.iter().map(T::to_string).collect();
        faults.add(&path, format!("{text:?} is not one of {}", all.join(", ")));
    }
    known
}

/// Every selection but the one that looks at all channels together.
fn select(faults: &mut Faults, fields: &Fields<'_>) -> Select {
    let all = Select::ALL.iter().copied();
    let known: Vec<_> = all.filter(|s| *s != Select::LeastLoaded).collect();
    match word(faults, fields, "select", &known) {
        Some(Select::LeastLoaded) => {
            faults.add("select", "\"least_loaded\" is not simulated");
            Select::LongestIdle
        }
        other => other.unwrap_or(Select::LongestIdle),
    }
}

fn queue(faults: &mut Faults, node: &Node<'_>) -> QueueSpec {
    let known = ["id", "target_s", "short_abandon_s", "max_waiting", "share"];
    let fields = faults.object(node, &known);
    let max = faults.whole(fields.set("max_waiting"), 0, CONTACTS_MAX);
    QueueSpec {
        id: text_of(&fields, "id"),
        target_s: faults
            .whole(fields.get("target_s"), 0, SECONDS_MAX)
            .unwrap_or(20),
        short_abandon_s: faults
            .number(fields.get("short_abandon_s"), Range::NotNegative)
            .unwrap_or(5.0),
        max_waiting: max.and_then(|n| usize::try_from(n).ok()),
        share: faults
            .number(fields.get("share"), Range::NotNegative)
            .unwrap_or(1.0),
    }
}

fn text_of(fields: &Fields<'_>, name: &str) -> String {
    let node = fields.get(name);
    let text = node.and_then(|n| n.value.as_str());
    text.unwrap_or_default().to_owned()
}

fn class(faults: &mut Faults, node: &Node<'_>, names: &Names<'_>) -> Option<ClassSpec> {
    let known = [
        "id",
        "queue",
        "channel",
        "weight",
        "priority",
        "arrivals",
        "handle_s",
        "patience_s",
        "requires",
        "relax",
    ];
    let fields = faults.object(node, &known);
    let queue = named(faults, &fields, "queue", "queue", &names.queues);
    let channel = faults
        .text(fields.get("channel"))
        .unwrap_or("voice")
        .to_owned();
    let weight = faults
        .whole(fields.get("weight"), 1, 1_000_000)
        .unwrap_or(1);
    let priority = faults.whole(fields.get("priority"), -1_000_000, 1_000_000);
    let arrivals = faults.required(&fields, "arrivals");
    let arrivals = arrivals.and_then(|n| super::times::arrivals(faults, &n));
    let handle = faults.required(&fields, "handle_s");
    let handle = handle.and_then(|n| law(faults, &n));
    let patience = fields.set("patience_s").map(|n| law(faults, &n));
    let first = StepSpec {
        after_s: 0,
        requires: requires(faults, fields.get("requires")),
    };
    let relax = faults.list(fields.get("relax")).into_iter();
    let relax: Vec<_> = relax.map(|n| step(faults, &n)).collect();
    Some(ClassSpec {
        id: text_of(&fields, "id"),
        queue: queue?,
        channel,
        weight,
        priority: priority.and_then(|n| i32::try_from(n).ok()).unwrap_or(0),
        arrivals: arrivals?,
        handle: handle?,
        patience: match patience {
            None => None,
            Some(patience) => Some(patience?),
        },
        steps: [first].into_iter().chain(relax).collect(),
    })
}

/// The place of what a field names.
fn named(
    faults: &mut Faults,
    fields: &Fields<'_>,
    field: &str,
    noun: &str,
    names: &[&str],
) -> Option<usize> {
    let node = faults.required(fields, field)?;
    let path = node.path.clone();
    let text = faults.text(Some(node))?;
    let place = names.iter().position(|name| *name == text);
    if place.is_none() {
        faults.add(&path, format!("there is no {noun} {text:?}"));
    }
    place
}

fn step(faults: &mut Faults, node: &Node<'_>) -> StepSpec {
    let fields = faults.object(node, &["after_s", "requires"]);
    StepSpec {
        after_s: faults
            .whole(fields.get("after_s"), 0, SECONDS_MAX)
            .unwrap_or(30),
        requires: requires(faults, fields.get("requires")),
    }
}

fn requires(faults: &mut Faults, node: Option<Node<'_>>) -> Vec<(String, i32)> {
    let mut all = Vec::new();
    for node in faults.list(node) {
        let fields = faults.object(&node, &["skill", "level"]);
        let skill = faults.required(&fields, "skill");
        let skill = faults.text(skill).unwrap_or_default().to_owned();
        let level = level(faults, fields.get("level")).unwrap_or(1000);
        all.push((skill, level));
    }
    all
}

fn level(faults: &mut Faults, node: Option<Node<'_>>) -> Option<i32> {
    let path = node.as_ref().map(|n| n.path.clone())?;
    let level = faults.number(node, Range::NotNegative)?;
    if level > 1000.0 {
        faults.add(&path, "must be between 0 and 1000");
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most a million")]
    let thousandths = (level * LEVEL).round() as i32;
    Some(thousandths)
}

fn group(faults: &mut Faults, node: &Node<'_>, names: &Names<'_>) -> Option<GroupSpec> {
    let known = [
        "id",
        "count",
        "queues",
        "skills",
        "capacity",
        "handle_s",
        "speed_by_load",
        "wrap_up_s",
    ];
    let fields = faults.object(node, &known);
    let count = faults.required(&fields, "count");
    let count = count.and_then(|n| count_of(faults, n));
    let queues = some_of(faults, &fields, "queues");
    let memberships: Vec<_> = queues
        .iter()
        .map(|n| membership(faults, n, names))
        .collect();
    let wrap_up = fields.get("wrap_up_s").map(|n| law(faults, &n));
    Some(GroupSpec {
        id: text_of(&fields, "id"),
        count: count.unwrap_or_default(),
        memberships: memberships.into_iter().flatten().collect(),
        skills: entries(faults, fields.get("skills"), |f, n| level(f, Some(n))),
        capacity: match fields.get("capacity") {
            None => [("voice".to_owned(), 1)].into(),
            node => entries(faults, node, |f, n| f.whole(Some(n), 0, 1_000_000)),
        },
        handle: handling(faults, fields.get("handle_s"), names),
        speed_by_load: speeds(faults, fields.set("speed_by_load")),
        wrap_up: wrap_up.flatten().unwrap_or(Law::Fixed(0.0)),
    })
}

/// How many agents: a number, or a shift plan.
fn count_of(faults: &mut Faults, node: Node<'_>) -> Option<Vec<Interval<u32>>> {
    let heads = |faults: &mut Faults, node: Option<Node<'_>>| {
        let n = faults.whole(node, 0, AGENTS_MAX)?;
        u32::try_from(n).ok()
    };
    if node.value.is_object() {
        let fields = faults.object(&node, &["intervals"]);
        let list = faults.required(&fields, "intervals")?;
        return intervals(faults, list, "count", heads);
    }
    let value = heads(faults, Some(node))?;
    Some(vec![Interval {
        length_s: f64::INFINITY,
        value,
    }])
}

fn membership(faults: &mut Faults, node: &Node<'_>, names: &Names<'_>) -> Option<MembershipSpec> {
    let fields = faults.object(node, &["queue", "priority", "delay_s"]);
    let queue = named(faults, &fields, "queue", "queue", &names.queues);
    let priority = faults.whole(fields.get("priority"), -1_000_000, 1_000_000);
    let delay = faults.whole(fields.get("delay_s"), 0, SECONDS_MAX);
    Some(MembershipSpec {
        queue: queue?,
        priority: priority.and_then(|n| i32::try_from(n).ok()).unwrap_or(1),
        delay_s: delay.unwrap_or(0),
    })
}

fn entries<T>(
    faults: &mut Faults,
    node: Option<Node<'_>>,
    read: impl Fn(&mut Faults, Node<'_>) -> Option<T>,
) -> BTreeMap<String, T> {
    let mut all = BTreeMap::new();
    let fields = node.map(|n| faults.map(&n));
    for (name, node) in fields.iter().flat_map(Fields::entries) {
        all.extend(read(faults, node).map(|value| (name.to_owned(), value)));
    }
    all
}

fn handling(
    faults: &mut Faults,
    node: Option<Node<'_>>,
    names: &Names<'_>,
) -> BTreeMap<usize, Law> {
    let mut all = BTreeMap::new();
    let fields = node.map(|n| faults.map(&n));
    for (name, node) in fields.iter().flat_map(Fields::entries) {
        match names.classes.iter().position(|class| *class == name) {
            Some(class) => all.extend(law(faults, &node).map(|law| (class, law))),
            None => faults.add(&node.path, format!("there is no class {name:?}")),
        }
    }
    all
}

fn speeds(faults: &mut Faults, node: Option<Node<'_>>) -> Option<Vec<f64>> {
    let path = node.as_ref()?.path.clone();
    let nodes = faults.list(node);
    if nodes.is_empty() {
        faults.add(&path, "must be null or a list that is not empty");
    }
    let speeds = nodes.into_iter();
    let speeds = speeds.filter_map(|n| faults.number(Some(n), Range::Positive));
    Some(speeds.collect())
}

fn offer(faults: &mut Faults, node: Option<Node<'_>>) -> OfferSpec {
    let known = [
        "ring_s",
        "answer_s",
        "answer_probability",
        "after_no_answer_s",
    ];
    let empty = Value::Object(serde_json::Map::new());
    let node = node.unwrap_or_else(|| Node::root(&empty));
    let fields = faults.object(&node, &known);
    let answer = fields.get("answer_s").map(|n| law(faults, &n));
    let probability = faults.number(fields.get("answer_probability"), Range::Part);
    let ring_s = faults.number(fields.get("ring_s"), Range::NotNegative);
    let after = faults.number(fields.get("after_no_answer_s"), Range::NotNegative);
    let offer = OfferSpec {
        ring_s: ring_s.unwrap_or(15.0),
        answer: answer.flatten().unwrap_or(Law::Fixed(0.0)),
        answer_probability: probability.unwrap_or(1.0),
        after_no_answer_s: after.unwrap_or(60.0),
    };
    let always = offer.answer == Law::Fixed(0.0) && offer.answer_probability >= 1.0;
    if !always && offer.ring_s + offer.after_no_answer_s <= 0.0 {
        let fault = "must be above 0 when after_no_answer_s is 0, or time stands still";
        faults.add("offer.ring_s", fault);
    }
    offer
}
