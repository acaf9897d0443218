//! Statements that run on the thread of their task must not keep it.

use super::count;
use super::tx::{NOTES, note};
use crate::db::Sealed;
use crate::testing::TestDb;
use sea_orm::{DbBackend, Statement};

/// Takes SQLite some hundred milliseconds.
const LONG: &str = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 2000000) \
                    SELECT COUNT(*) FROM n";

/// One thread, so that whoever keeps it is noticed.
#[tokio::test(flavor = "current_thread")]
async fn a_long_read_is_answered_and_holds_up_no_other_task() {
    let db = TestDb::sqlite().await;
    let long = count(&db.store, LONG);
    let short = async {
        // Begins when the long one has given way.
        tokio::task::yield_now().await;
        count(&db.store, "SELECT 1").await;
        tokio::time::Instant::now()
    };
    let long = async { (long.await, tokio::time::Instant::now()) };
    let ((counted, long), short) = tokio::join!(long, short);
    assert_eq!(counted, 2_000_000);
    assert!(short < long, "the short read waited for the long one");
    db.close().await;
}

/// Another process (a command) that writes is waited for, and readers are not.
#[tokio::test(flavor = "current_thread")]
async fn a_foreign_writer_holds_up_writers_only() {
    let db = TestDb::sqlite().await;
    let command = db.reopen().await;
    let foreign = command.begin_global("test.foreign").await.expect("begins");
    note(&foreign, "theirs").await.expect("writes");
    let ours = async {
        let tx = db.store.begin_global("test.ours").await.expect("begins");
        note(&tx, "ours").await.expect("writes");
        tx.commit(()).await.expect("commits");
    };
    let theirs = async {
        tokio::task::yield_now().await;
        assert_eq!(count(&db.store, NOTES).await, 0);
        foreign.commit(()).await.expect("commits");
    };
    tokio::join!(ours, theirs);
    assert_eq!(count(&db.store, NOTES).await, 2);
    db.close().await;
}

#[tokio::test]
async fn numbered_values_are_bound_by_their_number() {
    let db = TestDb::sqlite().await;
    let sql = "SELECT $2 - $1 AS less, $2 + $1 AS more";
    let values = [2i64.into(), 5i64.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
    let rows = db.store.read().conn().query(statement).await.expect("runs");
    let (less, more): (i64, i64) = (rows[0].get("less").unwrap(), rows[0].get("more").unwrap());
    assert_eq!((less, more), (3, 7));
    db.close().await;
}
