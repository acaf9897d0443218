//! Promises of the demo's past, on a fresh SQLite database with a clock that was set back.

use super::cast::Stage;
use super::*;
use crate::testing::{self, TestApp};
use crate::{Reader, jobs};
use domain::Time;
use domain::ticket::Ticket;
use std::collections::{BTreeMap, BTreeSet};
use store::counters::{self, CountDelta};
use store::queries::{contacts, tickets};
use store::testing::TestDb;

/// Small enough for a test, large enough for every kind of thing.
fn plan(end: Time) -> Plan {
    Plan {
        events: 200,
        ..Plan::usual(end)
    }
}

struct Lived {
    app: TestApp,
    stage: Stage,
    plan: Plan,
    story: Story,
    tickets: Vec<Ticket>,
}

async fn lived(db: &TestDb) -> Lived {
    let app = testing::app(db).await;
    let begin = app.now();
    let plan = plan(begin + chrono::TimeDelta::days(Plan::usual(begin).days));
    let story = live_through(&app, &db.clock, plan, &|_| {})
        .await
        .expect("the past is lived");
    let stage = Stage::find(&app)
        .await
        .expect("the rows are read")
        .expect("the shop is there");
    let mut all = Vec::new();
    while let Some(ticket) = tickets::by_number(&app.read(), stage.tenant, all.len() as i64 + 1)
        .await
        .expect("tickets are read")
    {
        all.push(ticket);
    }
    Lived {
        app,
        stage,
        plan,
        story,
        tickets: all,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_past_is_believable_and_leaves_nothing_undone() {
    let db = TestDb::sqlite().await;
    let Lived {
        app,
        stage,
        plan,
        tickets,
        ..
    } = lived(&db).await;
    let distinct = |f: fn(&Ticket) -> String| tickets.iter().map(f).collect::<BTreeSet<_>>();
    assert!(tickets.len() > 40, "only {} tickets", tickets.len());
    assert_eq!(distinct(|t| t.status.to_string()).len(), 4, "every status");
    assert_eq!(distinct(|t| t.queue_id.to_string()).len(), 5, "every queue");
    assert!(distinct(|t| t.priority.to_string()).len() >= 3);
    assert!(tickets.iter().any(|t| !t.tags.is_empty()));
    assert!(
        tickets
            .iter()
            .all(|t| t.created_at <= plan.end && t.created_at >= plan.begin())
    );
    assert!(
        tickets
            .iter()
            .any(|t| t.assignee_id.is_none() && t.waiting_since.is_some())
    );

    let ids: Vec<_> = tickets.iter().map(|t| t.contact_id).collect();
    let people = contacts::by_ids(&app.read(), stage.tenant, &ids)
        .await
        .expect("contacts");
    let locales: BTreeSet<_> = people.iter().filter_map(|c| c.locale.as_deref()).collect();
    assert_eq!(locales, BTreeSet::from(["en", "ko"]));

    let dead = store::jobs::dead_letters(&app.read(), stage.tenant, None, 10)
        .await
        .expect("jobs");
    assert!(dead.is_empty(), "{dead:?}");
    assert_eq!(
        jobs::run_due(&app).await.expect("a round"),
        0,
        "no due job is left"
    );

    let mut counted: BTreeMap<_, i64> = BTreeMap::new();
    for ticket in &tickets {
        for delta in CountDelta::of_change(None, Some(ticket)) {
            *counted
                .entry((delta.queue, delta.assignee, delta.status))
                .or_default() += delta.n;
        }
    }
    let kept = counters::counts(&app.read(), stage.tenant)
        .await
        .expect("counters");
    let kept: BTreeMap<_, i64> = kept
        .into_iter()
        .map(|c| ((c.queue, c.assignee, c.status), c.n))
        .collect();
    assert_eq!(kept, counted, "the counters are what a recount says");

    let reader = Reader::new(app.clone(), stage.owner.clone());
    let agents = reader.agents().await.expect("agents");
    assert_eq!(agents.len(), 7);
}

/// What a run tells, without ids.
fn told(lived: &Lived) -> BTreeSet<String> {
    let queue = |t: &Ticket| {
        lived
            .stage
            .queues
            .iter()
            .find(|(_, q)| q.id == t.queue_id)
            .map(|(t, _)| *t)
    };
    let line = |t: &Ticket| {
        let ago = lived.plan.end - t.last_message_at;
        format!(
            "{} {} {:?} {:?} {} {} {}",
            t.subject,
            t.status,
            queue(t),
            t.tags,
            t.priority,
            t.message_head,
            ago
        )
    };
    lived.tickets.iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_seed_lives_the_same_past() {
    let (first, second) = (TestDb::sqlite().await, TestDb::sqlite().await);
    let (first, second) = (lived(&first).await, lived(&second).await);
    assert_eq!(first.story, second.story);
    assert_eq!(told(&first), told(&second));
}
