//! Customers who do not exist, in English and Korean, as pure data.
//!
//! Invariant: the same seed and the same counter give the same events, so a demo, a training and
//! a load test can be repeated and a failure can be told by its seed. Nobody here is a real
//! person; handles end in `.example` so that they can never be one.

use super::script::{FAMILY_KO, GIVEN_EN, GIVEN_KO, ITEMS, SURNAMES_EN, TOPICS, Topic};
use domain::Time;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Visits that go on at the same time.
const LIVE_MAX: usize = 12;

/// Which customers are in the middle of a visit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    visits_begun: u64,
    live: Vec<Visit>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Visit {
    number: u64,
    step: u8,
}

/// A customer of the simulated network. Some come back: several visits, one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    pub id: String,
    pub handle: String,
    pub name: String,
    pub locale: &'static str,
}

/// Well-mixed bits of (seed, what, n); the same everywhere and forever.
fn mix(seed: u64, what: u64, n: u64) -> u64 {
    let mut z = seed
        .wrapping_add(what.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_add(n.wrapping_mul(0xbf58_476d_1ce4_e5b9));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn pick<T>(list: &[T], bits: u64) -> Option<&T> {
    let count = u64::try_from(list.len()).ok()?;
    let index = bits.checked_rem(count)?;
    list.get(usize::try_from(index).ok()?)
}

/// The `n`-th customer of this world.
pub fn customer(seed: u64, n: u64) -> Customer {
    let bits = |what| mix(seed, what, n);
    let word = |list: &[&'static str], what| pick(list, bits(what)).copied().unwrap_or("x");
    if bits(1) % 2 == 0 {
        let (given, surname) = (word(GIVEN_EN, 2), word(SURNAMES_EN, 3));
        let number = bits(4) % 90 + 10;
        Customer {
            id: format!("person-{seed:x}-{n}"),
            handle: format!("@{}_{number}@tidewater.example", given.to_lowercase()),
            name: format!("{given} {surname}"),
            locale: "en",
        }
    } else {
        let (family, (given, roman)) = (
            word(FAMILY_KO, 2),
            pick(GIVEN_KO, bits(3))
                .copied()
                .unwrap_or(("하늘", "haneul")),
        );
        let number = bits(4) % 90 + 10;
        Customer {
            id: format!("person-{seed:x}-{n}"),
            handle: format!("@{roman}{number}@maru.example"),
            name: format!("{family}{given}"),
            locale: "ko",
        }
    }
}

/// The next thing that happens in this world, in the form that the webhook entrance takes.
pub fn next_event(state: &State, seed: u64, n: u64, at: Time) -> (State, Value) {
    let mut next = state.clone();
    let dice = mix(seed, 10, n);
    let begin = next.live.is_empty() || (next.live.len() < LIVE_MAX && dice % 5 < 2);
    let index = if begin {
        next.live.push(Visit {
            number: next.visits_begun,
            step: 0,
        });
        next.visits_begun += 1;
        next.live.len() - 1
    } else {
        usize::try_from(mix(seed, 11, n)).unwrap_or(0) % next.live.len()
    };
    let event = step(seed, n, &next.live[index], at);
    next.live[index].step += 1;
    if next.live[index].step >= steps_of(seed, next.live[index].number) {
        next.live.remove(index);
    }
    (next, event)
}

/// Most people write three or four times, a few only once.
fn steps_of(seed: u64, visit: u64) -> u8 {
    match mix(seed, 20, visit) % 8 {
        0 => 1,
        1 | 2 => 3,
        3..=5 => 4,
        _ => 5,
    }
}

/// Every fifth visit is by somebody who was here before.
fn person_of(seed: u64, visit: u64) -> u64 {
    match mix(seed, 21, visit) {
        bits if bits % 5 == 0 && visit > 0 => bits / 5 % visit,
        _ => visit,
    }
}

fn step(seed: u64, n: u64, visit: &Visit, at: Time) -> Value {
    let who = customer(seed, person_of(seed, visit.number));
    let bits = |what| mix(seed, what, visit.number);
    let Some(topic) = pick(TOPICS, bits(22)) else {
        return Value::Null;
    };
    let korean = who.locale == "ko";
    let item = pick(ITEMS, bits(23)).map_or("", |(en, ko)| if korean { ko } else { en });
    let order = format!("{}", bits(24) % 900_000 + 100_000);
    let message_id = |step: u8| format!("m-{seed:x}-{}-{step}", visit.number);
    let opening = line(topic, korean, 0, bits(25), item, &order);
    let (kind, about, text) = match visit.step {
        0 => ("message", message_id(0), opening),
        // One in four corrects the first message instead of adding to it.
        1 if bits(26) % 4 == 0 => {
            let text = if korean {
                format!("{opening} (주문번호 {order}입니다)")
            } else {
                format!("{opening} (order number is {order})")
            };
            ("edit", message_id(0), text)
        }
        4 => (
            "message",
            message_id(4),
            line(topic, korean, 3, bits(27), item, &order),
        ),
        step => {
            let part = usize::from(step.min(3));
            (
                "message",
                message_id(step),
                line(topic, korean, part, bits(28), item, &order),
            )
        }
    };
    json!({
        "id": format!("e-{seed:x}-{n}"),
        "type": kind,
        "at": at,
        "from": { "id": who.id, "handle": who.handle, "name": who.name, "locale": who.locale },
        "message_id": about,
        "text": text,
    })
}

/// Part 0 opens, 1 and 2 add details, 3 thanks.
fn line(topic: &Topic, korean: bool, part: usize, bits: u64, item: &str, order: &str) -> String {
    let script = if korean { &topic.ko } else { &topic.en };
    let lines: &[&str] = match part {
        0 => script.openings,
        1 => script.details,
        2 => script.follow_ups,
        _ => script.thanks,
    };
    pick(lines, bits)
        .copied()
        .unwrap_or_default()
        .replace("{item}", item)
        .replace("{order}", order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::inbox;
    use crate::{Channel, Inbound};

    fn run(seed: u64, count: u64) -> Vec<Value> {
        let mut state = State::default();
        (0..count)
            .map(|n| {
                let (next, event) = next_event(&state, seed, n, Time::default());
                state = next;
                event
            })
            .collect()
    }

    #[test]
    fn the_same_seed_tells_the_same_story() {
        assert_eq!(run(7, 300), run(7, 300));
        assert_ne!(run(7, 300), run(8, 300));
    }

    #[test]
    fn every_event_is_one_the_channel_understands() {
        let channel = &super::super::CHANNEL;
        let inbox = inbox(channel);
        let (mut english, mut korean, mut edits) = (0, 0, 0);
        for event in run(42, 2000) {
            let part = crate::events::part("shop", &event).expect("part");
            match channel.parse(&inbox, &part).expect("facts").as_slice() {
                [Inbound::Message(message)] => {
                    assert!(!message.text.is_empty() && !message.text.contains('{'));
                    match message.peer.locale.as_deref() {
                        Some("ko") => korean += 1,
                        _ => english += 1,
                    }
                }
                [Inbound::Edit { .. }] => edits += 1,
                other => panic!("unexpected {other:?}"),
            }
        }
        assert!(
            english > 300 && korean > 300 && edits > 20,
            "{english} {korean} {edits}"
        );
    }

    #[test]
    fn event_and_message_ids_never_repeat() {
        let events = run(3, 2000);
        let mut ids: Vec<_> = events.iter().map(|e| e["id"].to_string()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), events.len());
    }
}
