//! Promises of the bulk webhook path.

use super::{count, run, tenant};
use crate::testing::TestDb;
use crate::{Accepted, NewDelivery, for_each_backend, jobs};
use domain::{InboxId, NodeId, TenantId, Time};

/// Text both databases can be made to refuse: Postgres does by itself.
const BAD: &str = "bad\0account";

fn delivery(inbox: Option<(TenantId, InboxId)>, account: &str, dedupe: &str) -> NewDelivery {
    NewDelivery {
        inbox,
        channel: "sandbox".into(),
        account: account.into(),
        dedupe: dedupe.into(),
        lane: format!("peer:{account}"),
        body: dedupe.as_bytes().to_vec(),
        received_at: Time::default(),
    }
}

fn word(accepted: &Accepted) -> &'static str {
    match accepted {
        Accepted::Stored(_) => "stored",
        Accepted::Duplicate => "duplicate",
        Accepted::Unrouted(_) => "unrouted",
        Accepted::Refused(_) => "refused",
    }
}

fn words(accepted: &[Accepted]) -> Vec<&'static str> {
    accepted.iter().map(word).collect()
}

async fn home(db: &TestDb) -> Option<(TenantId, InboxId)> {
    let tenant = tenant(&db.store).await;
    Some((tenant, InboxId::new(db.store.now())))
}

for_each_backend! {
    async fn duplicates_are_dropped_within_and_across_calls(db) {
        let home = home(db).await;
        let first = vec![delivery(home, "a", "1"), delivery(home, "a", "2"), delivery(home, "a", "1")];
        let answer = db.store.accept(first).await;
        assert_eq!(words(&answer), ["stored", "stored", "duplicate"]);
        let second = vec![delivery(home, "a", "2"), delivery(home, "b", "2")];
        assert_eq!(words(&db.store.accept(second).await), ["duplicate", "stored"]);
        assert_eq!(count(&db.store, "SELECT COUNT(*) FROM jobs").await, 3);
        assert_eq!(count(&db.store, "SELECT COUNT(*) FROM webhook_deliveries").await, 3);
    }

    async fn a_bad_row_is_refused_alone(db) {
        let home = home(db).await;
        if db.store.is_sqlite() {
            let tx = db.store.begin_global("test.trigger").await.expect("begins");
            run(&tx, "CREATE TRIGGER bad BEFORE INSERT ON webhook_deliveries \
                 WHEN instr(NEW.account, char(0)) > 0 BEGIN SELECT RAISE(ABORT, 'bad'); END", vec![])
                .await
                .expect("creates");
            tx.commit(()).await.expect("commits");
        }
        let batch = (0..33)
            .map(|n| delivery(home, if n == 20 { BAD } else { "a" }, &n.to_string()))
            .collect();
        let answer = words(&db.store.accept(batch).await);
        let refused: Vec<_> = (0..33).filter(|n| answer[*n] == "refused").collect();
        assert_eq!(refused, [20]);
        assert_eq!(answer.iter().filter(|w| **w == "stored").count(), 32);
        assert_eq!(count(&db.store, "SELECT COUNT(*) FROM jobs").await, 32);
    }

    async fn an_unrouted_delivery_is_kept_without_a_job(db) {
        let answer = db.store.accept(vec![delivery(None, "nobody", "1")]).await;
        assert_eq!(words(&answer), ["unrouted"]);
        let kept = crate::queries::deliveries::unrouted(&db.store.read(), 10).await.expect("reads");
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].body, b"1");
        assert_eq!(count(&db.store, "SELECT COUNT(*) FROM jobs").await, 0);
    }

    async fn concurrent_callers_each_get_their_own_answer(db) {
        let home = home(db).await;
        let callers: Vec<_> = (0..64).map(|n| {
            let store = db.store.clone();
            tokio::spawn(async move {
                let new = delivery(home, "a", &format!("own {n}"));
                let shared = delivery(home, "a", "shared");
                words(&store.accept(vec![new, shared]).await)
            })
        }).collect();
        let mut shared = 0;
        for caller in callers {
            let answer = caller.await.expect("the caller lives");
            assert_eq!(answer[0], "stored");
            shared += usize::from(answer[1] == "stored");
        }
        assert_eq!(shared, 1, "one caller stored the shared delivery, the others met it");
        assert_eq!(count(&db.store, "SELECT COUNT(*) FROM jobs").await, 65);
    }

    async fn parts_of_one_lane_are_worked_in_the_order_they_came(db) {
        let home = home(db).await;
        let batch = (0..5).map(|n| delivery(home, "a", &n.to_string())).collect();
        let stored = db.store.accept(batch).await;
        let node = NodeId::new(db.store.now());
        let mut worked = Vec::new();
        for _ in 0..5 {
            let tx = db.store.begin_global("test.work").await.expect("begins");
            let claimed = jobs::claim(&tx, jobs::Which::All, node, 10, tx.now()).await.expect("claims");
            assert_eq!(claimed.len(), 1, "one at a time");
            jobs::finish(&tx, &claimed[0]).await.expect("finishes");
            worked.push(claimed[0].job.clone());
            tx.commit(()).await.expect("commits");
        }
        let expected: Vec<_> = stored.iter().map(|accepted| match accepted {
            Accepted::Stored(delivery) => domain::job::Job::ProcessInbound { delivery: *delivery },
            other => panic!("not stored: {other:?}"),
        }).collect();
        assert_eq!(worked, expected);
    }
}

#[tokio::test]
async fn callers_that_wait_together_share_one_commit() {
    let db = TestDb::sqlite().await;
    let home = home(&db).await;
    let before = db.store.group_commits();
    // Holding the writer makes all 64 wait behind the first batch.
    let holder = db.store.begin_global("test.hold").await.expect("begins");
    let mut calls: Vec<_> = (0..64)
        .map(|n| Box::pin(db.store.accept(vec![delivery(home, "a", &n.to_string())])))
        .collect();
    for call in &mut calls {
        assert!(futures_util::poll!(call.as_mut()).is_pending());
    }
    let (held, answers) = tokio::join!(holder.commit(()), futures_util::future::join_all(calls));
    held.expect("commits");
    assert!(answers.iter().all(|answer| words(answer) == ["stored"]));
    let commits = db
        .store
        .group_commits()
        .zip(before)
        .map(|(now, then)| now - then);
    assert!(commits <= Some(3), "64 callers took {commits:?} commits");
}

#[tokio::test]
async fn a_webhook_waits_for_the_turn_under_way_and_not_for_those_in_line() {
    let db = TestDb::sqlite().await;
    let home = home(&db).await;
    let holder = db.store.begin_global("test.hold").await.expect("begins");
    let mut line: Vec<_> = (0..8)
        .map(|_| Box::pin(db.store.begin_global("test.line")))
        .collect();
    for turn in &mut line {
        assert!(futures_util::poll!(turn.as_mut()).is_pending());
    }
    let mut accept = Box::pin(db.store.accept(vec![delivery(home, "a", "1")]));
    assert!(futures_util::poll!(accept.as_mut()).is_pending());
    // Lets the task behind `accept` ask for its turn.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    // Those in line keep their turns: behind one of them the webhook would wait for ever.
    let (held, answer) = tokio::join!(holder.commit(()), accept);
    held.expect("commits");
    assert_eq!(words(&answer), ["stored"]);
    for turn in line {
        turn.await.expect("has its turn after all");
    }
}
