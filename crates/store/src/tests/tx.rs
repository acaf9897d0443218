//! Promises of a transaction: sequences, rollback, grouping, overdue turns, a machine that stalls.

use super::{count, run, tenant};
use crate::db::Sealed;
use crate::testing::TestDb;
use crate::{NewJob, Options, Store, StoreError, Tx, Url, for_each_backend};
use domain::clock::SystemClock;
use domain::event::{NewEvent, ScopeKey};
use domain::image::{Image, Presence};
use domain::job::Job;
use domain::{InboxId, TenantId, UserId};
use sea_orm::Statement;
use std::sync::Arc;
use std::time::Duration;

fn event() -> NewEvent {
    NewEvent {
        scope: vec![ScopeKey::Tenant],
        image: Image::Presence(Presence {
            user_id: UserId::from_uuid(uuid::Uuid::nil()),
            connected: true,
            gone_at: None,
        }),
    }
}

pub(super) async fn note(tx: &Tx, name: &str) -> Result<(), StoreError> {
    run(
        tx,
        "INSERT INTO meta (name, value) VALUES ($1, '')",
        vec![name.into()],
    )
    .await
}

pub(super) const NOTES: &str = "SELECT COUNT(*) FROM meta WHERE name <> 'schema_version'";

for_each_backend! {
    async fn sequences_are_gap_free_and_in_commit_order_under_many_writers(db) {
        let tenant = tenant(&db.store).await;
        let writers: Vec<_> = (0..16).map(|w| {
            let store = db.store.clone();
            tokio::spawn(async move {
                let mut seqs = Vec::new();
                for n in 0..10 {
                    let mut tx = store.begin(tenant, "test.write").await.expect("begins");
                    note(&tx, &format!("{w}.{n}")).await.expect("writes");
                    tx.emit(event());
                    tx.emit(event());
                    if n % 3 == 2 {
                        drop(tx);
                        continue;
                    }
                    seqs.push(tx.commit(()).await.expect("commits").seq.expect("it emitted"));
                }
                seqs
            })
        }).collect();
        let mut all = Vec::new();
        for writer in writers {
            let seqs = writer.await.expect("the writer lives");
            assert!(seqs.is_sorted(), "a writer saw its own commits out of order");
            all.extend(seqs);
        }
        all.sort_unstable();
        let expected: Vec<i64> = (1..=16 * 7).map(|n| n * 2).collect();
        assert_eq!(all, expected, "each transaction took the next two numbers");
        assert_eq!(count(&db.store, "SELECT COUNT(DISTINCT seq) FROM events").await, 16 * 14);
        assert_eq!(count(&db.store, NOTES).await, 16 * 7);
    }

    async fn a_dropped_transaction_leaves_nothing(db) {
        let tenant = tenant(&db.store).await;
        let mut tx = db.store.begin(tenant, "test.drop").await.expect("begins");
        note(&tx, "gone").await.expect("writes");
        tx.emit(event());
        tx.enqueue(NewJob::new(Job::CheckInbox { inbox: InboxId::new(tx.now()) }, "lane"));
        drop(tx);
        // The next turn proves that the dropped one is over.
        let tx = db.store.begin(tenant, "test.next").await.expect("begins");
        let committed = tx.commit(()).await.expect("commits");
        assert_eq!((committed.seq, committed.touched), (None, vec![]));
        assert_eq!(count(&db.store, NOTES).await, 0);
        assert_eq!(count(&db.store, "SELECT COUNT(*) FROM events").await, 0);
        assert_eq!(count(&db.store, "SELECT COUNT(*) FROM jobs").await, 0);
    }

    async fn a_failed_statement_dooms_its_own_transaction_only(db) {
        let tenant = tenant(&db.store).await;
        let first = db.store.begin(tenant, "test.first").await.expect("begins");
        note(&first, "kept").await.expect("writes");
        first.commit(()).await.expect("commits");
        let mut tx = db.store.begin(tenant, "test.doomed").await.expect("begins");
        note(&tx, "lost").await.expect("writes");
        tx.emit(event());
        let twice = note(&tx, "kept").await.expect_err("the name is taken");
        assert!(twice.is_conflict(), "{twice}");
        note(&tx, "after").await.expect_err("nothing runs after a failure");
        tx.commit(()).await.expect_err("and nothing commits");
        assert_eq!(count(&db.store, NOTES).await, 1);
        let mut tx = db.store.begin(tenant, "test.after").await.expect("begins");
        tx.emit(event());
        assert_eq!(tx.commit(()).await.expect("commits").seq, Some(1));
    }

    async fn an_event_for_an_unknown_tenant_commits_nothing(db) {
        let mut tx = db.store.begin_global("test.unknown").await.expect("begins");
        note(&tx, "lost").await.expect("writes");
        tx.emit_for(TenantId::new(tx.now()), event());
        tx.commit(()).await.expect_err("there is no such tenant");
        assert_eq!(count(&db.store, NOTES).await, 0);
    }

    async fn a_global_transaction_refuses_events_without_a_tenant(db) {
        let mut tx = db.store.begin_global("test.global").await.expect("begins");
        note(&tx, "lost").await.expect("writes");
        tx.emit(event());
        tx.commit(()).await.expect_err("an event belongs to a tenant");
        assert_eq!(count(&db.store, NOTES).await, 0);
    }

    async fn the_reader_cannot_write(db) {
        let read = db.store.read();
        read.conn()
            .query(Statement::from_string(
                read.conn().backend(),
                "INSERT INTO meta (name, value) VALUES ('x', '') RETURNING name",
            ))
            .await
            .err()
            .expect("SELECT only");
    }

    async fn the_schema_is_checked_once_and_opens_again(db) {
        Store::migrate(&db.url).await.expect("nothing to do");
        let second = db.reopen().await;
        assert_eq!(count(&second, "SELECT COUNT(*) FROM meta WHERE name = 'schema_version'").await, 1);
    }
}

#[tokio::test]
async fn turns_that_queue_behind_each_other_share_one_commit() {
    let db = TestDb::sqlite().await;
    let before = db.store.group_commits();
    let first = db.store.begin_global("test.first").await.expect("begins");
    // Each future is polled once here and so takes its place in the queue before `first` ends.
    let mut others: Vec<_> = (0..50)
        .map(|n| {
            let store = db.store.clone();
            Box::pin(async move {
                let tx = store.begin_global("test.other").await?;
                note(&tx, &format!("{n}")).await?;
                tx.commit(()).await
            })
        })
        .collect();
    for other in &mut others {
        assert!(futures_util::poll!(other.as_mut()).is_pending());
    }
    let (first, others) = tokio::join!(first.commit(()), futures_util::future::join_all(others));
    first.expect("commits");
    assert!(others.iter().all(Result::is_ok));
    assert_eq!(count(&db.store, NOTES).await, 50);
    assert_eq!(db.store.group_commits(), before.map(|n| n + 1));
}

#[tokio::test]
async fn a_failed_commit_fails_every_turn_of_its_group_and_no_other() {
    let db = TestDb::sqlite().await;
    let tx = db.store.begin_global("test.tables").await.expect("begins");
    // A deferred reference is checked by COMMIT only: a fault no single turn can see.
    for table in [
        "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
        "CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)",
    ] {
        run(&tx, table, vec![]).await.expect("creates");
    }
    tx.commit(()).await.expect("commits");
    let good = db.store.begin_global("test.good").await.expect("begins");
    note(&good, "good").await.expect("writes");
    let store = db.store.clone();
    let mut bad = Box::pin(async move {
        let tx = store.begin_global("test.bad").await?;
        run(&tx, "INSERT INTO child (id) VALUES (7)", vec![]).await?;
        tx.commit(()).await
    });
    assert!(futures_util::poll!(bad.as_mut()).is_pending());
    let (good, bad) = tokio::join!(good.commit(()), bad);
    assert!(good.is_err() && bad.is_err());
    assert_eq!(count(&db.store, NOTES).await, 0);
    let next = db.store.begin_global("test.next").await.expect("begins");
    note(&next, "next").await.expect("writes");
    next.commit(())
        .await
        .expect("the next group is whole again");
    assert_eq!(count(&db.store, NOTES).await, 1);
}

#[tokio::test]
async fn a_caller_cancelled_in_the_middle_leaves_nothing_and_blocks_nobody() {
    let db = TestDb::sqlite().await;
    let store = db.store.clone();
    let (reached, mark) = tokio::sync::oneshot::channel();
    let caller = tokio::spawn(async move {
        let tx = store.begin_global("test.cancelled").await.expect("begins");
        note(&tx, "gone").await.expect("writes");
        let _ = reached.send(());
        std::future::pending::<()>().await;
        drop(tx);
    });
    mark.await.expect("it got there");
    let mut waiting = Box::pin(db.store.begin_global("test.waiting"));
    assert!(futures_util::poll!(waiting.as_mut()).is_pending());
    drop(waiting);
    caller.abort();
    let tx = db.store.begin_global("test.next").await.expect("begins");
    note(&tx, "kept").await.expect("writes");
    tx.commit(()).await.expect("commits");
    assert_eq!(count(&db.store, NOTES).await, 1);
}

/// A store whose use cases may hold the writer idle for a moment only.
async fn impatient() -> (Store, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let url = Url::Sqlite {
        path: dir.path().join("meari.db"),
    };
    let options = Options {
        turn_max: IDLE_MAX,
        ..Options::new(url, Arc::new(SystemClock))
    };
    (Store::open(&options).await.expect("opens"), dir)
}

const IDLE_MAX: Duration = Duration::from_millis(20);

#[tokio::test]
async fn a_turn_that_holds_the_writer_too_long_is_rolled_back_and_named() {
    let (store, _dir) = impatient().await;
    let slow = store.begin_global("test.slow").await.expect("begins");
    note(&slow, "lost").await.expect("writes");
    // This turn is granted only once the slow one was thrown out.
    let next = store.begin_global("test.next").await.expect("begins");
    next.commit(()).await.expect("commits");
    let late = note(&slow, "late").await.expect_err("its time ran out");
    assert!(matches!(late, StoreError::Unavailable { .. }), "{late}");
    let error = slow.commit(()).await.expect_err("its time ran out");
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("test.slow"), "{error}");
    assert_eq!(count(&store, NOTES).await, 0);
}

/// One thread runs everything here, so what stops it stops the whole process, as a paused machine does.
#[tokio::test(flavor = "current_thread")]
async fn a_machine_that_stands_still_in_the_middle_of_a_turn_costs_nobody_her_work() {
    let (store, _dir) = impatient().await;
    let tx = store.begin_global("test.paused").await.expect("begins");
    note(&tx, "before").await.expect("writes");
    let (_never, nothing) = std::sync::mpsc::channel::<()>();
    nothing
        .recv_timeout(IDLE_MAX * 10)
        .expect_err("nothing comes");
    note(&tx, "after").await.expect("its turn goes on");
    tx.commit(()).await.expect("commits");
    assert_eq!(count(&store, NOTES).await, 2);
}

#[tokio::test]
async fn a_slow_statement_is_not_held_against_its_use_case() {
    let (store, _dir) = impatient().await;
    let tx = store.begin_global("test.slow_disk").await.expect("begins");
    note(&tx, "kept").await.expect("writes");
    let slow = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 500000) \
                SELECT COUNT(*) FROM n";
    let began = tokio::time::Instant::now();
    let slow = Statement::from_string(tx.conn().backend(), slow);
    tx.conn().query(slow).await.expect("runs");
    assert!(began.elapsed() > IDLE_MAX * 2, "it was not slow");
    tx.commit(()).await.expect("commits");
    assert_eq!(count(&store, NOTES).await, 1);
}

#[tokio::test]
async fn one_server_owns_a_data_directory_while_commands_may_open_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let url = Url::Sqlite {
        path: dir.path().join("meari.db"),
    };
    let options = Options::new(url, Arc::new(SystemClock));
    let server = Store::open(&options.clone().exclusive())
        .await
        .expect("opens");
    assert!(Store::open(&options.clone().exclusive()).await.is_err());
    let command = Store::open(&options).await.expect("a command opens it");
    let tx = command.begin_global("test.command").await.expect("begins");
    note(&tx, "from the command").await.expect("writes");
    tx.commit(()).await.expect("commits");
    assert_eq!(count(&server, NOTES).await, 1);
    drop(server);
    Store::open(&options.exclusive())
        .await
        .expect("the lock is free again");
}

#[tokio::test]
async fn an_older_schema_is_backed_up_and_a_newer_one_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("meari.db");
    let options = Options::new(Url::Sqlite { path: path.clone() }, Arc::new(SystemClock));
    let set = async |version: &str| {
        let store = Store::open(&options).await.expect("opens");
        let tx = store.begin_global("test.version").await.expect("begins");
        run(
            &tx,
            "UPDATE meta SET value = $1 WHERE name = 'schema_version'",
            vec![version.into()],
        )
        .await
        .expect("updates");
        tx.commit(()).await.expect("commits");
    };
    set("0").await;
    set("99").await;
    assert!(dir.path().join("meari.db.schema-0.backup").exists());
    assert!(Store::open(&options).await.is_err());
}
