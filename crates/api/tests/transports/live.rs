//! Promises of the fan-out: each event of the viewer's scope exactly once, in order, whatever happens.

use super::toy::{self, MemoryLog, Toy};
use api::auth::{Caller, Session};
use api::live::{Frame, Settings};
use async_graphql::{Request, ServerError, Variables};
use domain::event::ScopeKey;
use domain::permission::Actor;
use domain::{QueueId, TenantId, Time};
use futures_util::{Stream, StreamExt};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

const DOCUMENT: &str = "subscription S($after: String) { changes(after: $after) { cursor resync changes { __typename ... on SkillImage { name } } } }";

type Frames = Pin<Box<dyn Stream<Item = Result<Frame, Vec<ServerError>>> + Send>>;

fn quick() -> Settings {
    Settings {
        tick: Duration::from_millis(20),
        keep_alive: Duration::from_millis(50),
        ..Settings::default()
    }
}

fn toy(settings: Settings) -> Toy {
    toy::toy(
        MemoryLog::default(),
        settings,
        api::operation::Limits::default(),
    )
}

fn subscribe(toy: &Toy, actor: &Actor, document: &str, after: Option<&str>) -> Frames {
    let session = Session {
        actor: actor.clone(),
        expires_at: None,
    };
    let request = Request::new(document)
        .variables(Variables::from_json(json!({ "after": after })))
        .data(Caller(Some(session)));
    Box::pin(toy.hub.subscribe(actor.clone(), request))
}

async fn next(frames: &mut Frames) -> Value {
    let frame = tokio::time::timeout(Duration::from_secs(10), frames.next());
    let frame = frame.await.expect("a frame in time").unwrap().unwrap();
    let payload: Value = serde_json::from_str(&frame.payload).unwrap();
    payload["data"]["changes"].clone()
}

fn names(batch: &Value) -> Vec<String> {
    let changes = batch["changes"].as_array().unwrap().iter();
    changes
        .map(|change| change["name"].as_str().unwrap_or("?").to_owned())
        .collect()
}

/// Reads until `count` changes came; checks that cursors never go back.
async fn collect(frames: &mut Frames, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    let mut last = 0;
    while all.len() < count {
        let batch = next(frames).await;
        assert_eq!(batch["resync"], false);
        let cursor: domain::event::Cursor = batch["cursor"].as_str().unwrap().parse().unwrap();
        assert!(cursor.seq >= last);
        last = cursor.seq;
        all.extend(names(&batch));
    }
    all
}

fn push(toy: &Toy, tenant: TenantId, name: &str, key: ScopeKey) -> i64 {
    toy.log.push(toy::skill(tenant, name), vec![key])
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|i| i.to_string()).collect()
}

#[tokio::test]
async fn a_subscriber_that_reads_nothing_for_long_loses_and_repeats_nothing() {
    let toy = toy(Settings {
        queue_frames: 2,
        ..quick()
    });
    let tenant = toy::tenant();
    let actor = toy.tokens.add("a", tenant, None);
    let mut frames = subscribe(&toy, &actor, DOCUMENT, None);
    assert!(names(&next(&mut frames).await).is_empty());
    let mut reader = subscribe(&toy, &actor, DOCUMENT, None);
    next(&mut reader).await;
    for name in numbers(0..3000) {
        push(&toy, tenant, &name, ScopeKey::Tenant);
        tokio::task::yield_now().await;
    }
    assert_eq!(collect(&mut reader, 3000).await, numbers(0..3000));
    assert_eq!(collect(&mut frames, 3000).await, numbers(0..3000));
    push(&toy, tenant, "after", ScopeKey::Tenant);
    assert_eq!(collect(&mut frames, 1).await, ["after"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn subscribers_that_join_while_events_pour_in_see_each_once() {
    let toy = std::sync::Arc::new(toy(Settings {
        queue_frames: 3,
        replay_page: 7,
        ..quick()
    }));
    let tenant = toy::tenant();
    let actor = toy.tokens.add("a", tenant, None);
    let writer = {
        let toy = std::sync::Arc::clone(&toy);
        tokio::spawn(async move {
            for name in numbers(0..2000) {
                push(&toy, tenant, &name, ScopeKey::Tenant);
                tokio::task::yield_now().await;
            }
        })
    };
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let (toy, actor) = (std::sync::Arc::clone(&toy), actor.clone());
            tokio::spawn(async move {
                let mut frames = subscribe(&toy, &actor, DOCUMENT, Some("1.0"));
                collect(&mut frames, 2000).await
            })
        })
        .collect();
    writer.await.unwrap();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), numbers(0..2000));
    }
}

#[tokio::test]
async fn events_of_other_scopes_never_arrive_but_the_cursor_passes_them() {
    let toy = toy(quick());
    let tenant = toy::tenant();
    let actor = toy.tokens.add("a", tenant, None);
    let mut frames = subscribe(&toy, &actor, DOCUMENT, None);
    next(&mut frames).await;
    let foreign = ScopeKey::Queue(QueueId::new(Time::default()));
    let seq = (0..3)
        .map(|_| push(&toy, tenant, "secret", foreign.clone()))
        .max()
        .unwrap();
    let batch = next(&mut frames).await;
    assert_eq!(
        batch,
        json!({"cursor": format!("1.{seq}"), "resync": false, "changes": []})
    );
    push(&toy, tenant, "mine", ScopeKey::User(actor.user_id));
    assert_eq!(names(&next(&mut frames).await), ["mine"]);
}

#[tokio::test]
async fn a_lost_wake_costs_a_tick_and_no_event() {
    let mut log = MemoryLog::default();
    log.silent = true;
    let toy = toy::toy(log, quick(), api::operation::Limits::default());
    let tenant = toy::tenant();
    let actor = toy.tokens.add("a", tenant, None);
    let mut frames = subscribe(&toy, &actor, DOCUMENT, None);
    next(&mut frames).await;
    push(&toy, tenant, "found", ScopeKey::Tenant);
    assert_eq!(collect(&mut frames, 1).await, ["found"]);
}

#[tokio::test]
async fn a_subscriber_who_knows_more_than_the_tail_is_told_nothing_twice() {
    let mut log = MemoryLog::default();
    log.silent = true;
    let late = Settings {
        tick: Duration::from_millis(300),
        keep_alive: Duration::from_secs(60),
        ..Settings::default()
    };
    let toy = toy::toy(log, late, api::operation::Limits::default());
    let tenant = toy::tenant();
    let actor = toy.tokens.add("a", tenant, None);
    let mut first = subscribe(&toy, &actor, DOCUMENT, None);
    next(&mut first).await;
    let waiting = tokio::spawn(async move { collect(&mut first, 4).await });
    joined(&toy, 1).await;
    for name in numbers(0..3) {
        push(&toy, tenant, &name, ScopeKey::Tenant);
    }
    // The tail has not looked yet, but this client has seen all three on another node.
    let mut second = subscribe(&toy, &actor, DOCUMENT, Some("1.3"));
    assert!(names(&next(&mut second).await).is_empty());
    push(&toy, tenant, "3", ScopeKey::Tenant);
    assert_eq!(collect(&mut second, 1).await, ["3"]);
    assert_eq!(waiting.await.unwrap(), numbers(0..4));
}

#[tokio::test]
async fn equal_documents_are_rendered_once_whatever_their_cursors() {
    let toy = toy(Settings {
        keep_alive: Duration::from_secs(60),
        ..quick()
    });
    let tenant = toy::tenant();
    for i in 0..5 {
        push(&toy, tenant, &i.to_string(), ScopeKey::Tenant);
    }
    let mut all = Vec::new();
    for i in 0..20 {
        let actor = toy.tokens.add(&format!("t{i}"), tenant, None);
        let after = format!("1.{}", i % 5);
        let mut frames = subscribe(&toy, &actor, DOCUMENT, Some(&after));
        collect(&mut frames, 5 - i % 5).await;
        all.push(frames);
    }
    let mut news = Vec::new();
    for frames in &mut all {
        // Polled once, so that every subscriber has joined and waits.
        news.push(tokio::spawn(
            std::mem::replace(frames, Box::pin(futures_util::stream::empty())).into_future(),
        ));
    }
    joined(&toy, 20).await;
    let before = toy.renders.0.load(Ordering::SeqCst);
    push(&toy, tenant, "news", ScopeKey::Tenant);
    let mut payloads = BTreeSet::new();
    for waiting in news {
        let (frame, _rest) = tokio::time::timeout(Duration::from_secs(5), waiting)
            .await
            .unwrap()
            .unwrap();
        payloads.insert(frame.unwrap().unwrap().payload.as_ptr() as usize);
    }
    assert_eq!(toy.renders.0.load(Ordering::SeqCst) - before, 1);
    assert_eq!(payloads.len(), 1, "the same bytes for all");
}

/// Waits until that many subscribers stand in the fan-out.
async fn joined(toy: &Toy, count: usize) {
    let waited = tokio::time::timeout(Duration::from_secs(5), async {
        while toy.hub.subscriber_count() < count {
            tokio::task::yield_now().await;
        }
    });
    waited.await.expect("all joined");
}

#[tokio::test]
async fn resume_starts_right_after_the_cursor() {
    let toy = toy(quick());
    let tenant = toy::tenant();
    let actor = toy.tokens.add("a", tenant, None);
    for name in numbers(0..10) {
        push(&toy, tenant, &name, ScopeKey::Tenant);
    }
    let mut frames = subscribe(&toy, &actor, DOCUMENT, Some("1.4"));
    assert_eq!(collect(&mut frames, 6).await, numbers(4..10));
}

#[tokio::test]
async fn a_cursor_the_log_does_not_cover_asks_for_a_resync() {
    let toy = toy(quick());
    let tenant = toy::tenant();
    let actor = toy.tokens.add("a", tenant, None);
    for name in numbers(0..10) {
        push(&toy, tenant, &name, ScopeKey::Tenant);
    }
    toy.log.cut(6);
    for stale in ["2.3", "1.4", "1.99", "1.-1", "nonsense", ""] {
        let mut frames = subscribe(&toy, &actor, DOCUMENT, Some(stale));
        let batch = next(&mut frames).await;
        assert_eq!(
            (&batch["resync"], &batch["cursor"]),
            (&json!(true), &json!("1.10")),
            "{stale}"
        );
    }
    let mut frames = subscribe(&toy, &actor, DOCUMENT, Some("1.5"));
    assert_eq!(collect(&mut frames, 5).await, numbers(5..10));
}

#[tokio::test]
async fn a_new_epoch_resyncs_those_who_are_connected() {
    let toy = toy(quick());
    let tenant = toy::tenant();
    let actor = toy.tokens.add("a", tenant, None);
    let mut frames = subscribe(&toy, &actor, DOCUMENT, None);
    next(&mut frames).await;
    *toy.log.epoch.lock().unwrap() = 2;
    let batch = next(&mut frames).await;
    assert_eq!(
        (&batch["resync"], &batch["cursor"]),
        (&json!(true), &json!("2.0"))
    );
    push(&toy, tenant, "after", ScopeKey::Tenant);
    assert_eq!(collect(&mut frames, 1).await, ["after"]);
}

#[tokio::test]
async fn an_agent_who_loses_a_queue_sees_nothing_of_it_from_that_very_event_on() {
    let toy = toy(quick());
    let tenant = toy::tenant();
    let actor = toy.tokens.add("a", tenant, None);
    let queue = ScopeKey::Queue(QueueId::new(Time::default()));
    let own = BTreeSet::from([ScopeKey::Tenant, queue.clone()]);
    toy.tokens.scopes.lock().unwrap().insert(actor.user_id, own);
    let mut frames = subscribe(&toy, &actor, DOCUMENT, None);
    next(&mut frames).await;
    push(&toy, tenant, "before", queue.clone());
    assert_eq!(names(&next(&mut frames).await), ["before"]);
    toy.tokens
        .scopes
        .lock()
        .unwrap()
        .insert(actor.user_id, BTreeSet::from([ScopeKey::Tenant]));
    // One wake for all three: the tail reads them as one page.
    let team = domain::image::Image::Team(Box::new(team(tenant)));
    toy.log.push(
        domain::event::Event {
            image: team,
            ..toy::skill(tenant, "")
        },
        vec![ScopeKey::Tenant],
    );
    push(&toy, tenant, "secret", queue);
    push(&toy, tenant, "open", ScopeKey::Tenant);
    let mut seen = Vec::new();
    let mut resynced = false;
    while !resynced {
        let batch = next(&mut frames).await;
        resynced = batch["resync"] == true;
        seen.extend(names(&batch));
    }
    push(&toy, tenant, "later", ScopeKey::Tenant);
    while seen.last().is_none_or(|name| name != "later") {
        seen.extend(names(&next(&mut frames).await));
    }
    assert!(!seen.contains(&"secret".to_owned()), "{seen:?}");
}

fn team(tenant_id: TenantId) -> domain::people::Team {
    domain::people::Team {
        id: domain::TeamId::new(Time::default()),
        tenant_id,
        name: "t".into(),
        members: Vec::new(),
    }
}

#[tokio::test]
async fn an_invalid_document_is_refused_when_it_opens() {
    let toy = toy(quick());
    let actor = toy.tokens.add("a", toy::tenant(), None);
    for (document, code) in [
        ("subscription { changes { nope } }", "BAD_USER_INPUT"),
        ("subscription { changes { cursor } }", "UNAUTHENTICATED"),
    ] {
        let anonymous = Request::new(document).data(Caller(None));
        let mut frames = toy.hub.subscribe(actor.clone(), anonymous);
        let Some(Err(errors)) = frames.next().await else {
            panic!("opened")
        };
        let errors = serde_json::to_value(&errors).unwrap();
        assert_eq!(errors[0]["extensions"]["code"], code);
        assert!(frames.next().await.is_none(), "nothing follows a refusal");
    }
}
