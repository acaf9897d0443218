//! A disk without room: SQLite rolls back by itself what the writer still believes open.

use super::{count, run, tenant};
use crate::db::Sealed;
use crate::testing::TestDb;
use crate::{Store, StoreError};
use domain::TenantId;
use sea_orm::Statement;
use std::time::Duration;

/// The writer takes no page more than the file has (the least that SQLite takes for an answer),
/// or as many as it likes.
async fn leave_room(store: &Store, pages: u32) {
    let tx = store.begin_global("test.room").await.expect("begins");
    let backend = tx.conn().backend();
    let pragma = Statement::from_string(backend, format!("PRAGMA max_page_count = {pages}"));
    tx.conn().query(pragma).await.expect("is set");
    tx.commit(()).await.expect("commits");
}

async fn write(store: &Store, tenant: TenantId, name: String) -> Result<(), StoreError> {
    let tx = store.begin(tenant, "test.write").await?;
    let sql = "INSERT INTO meta (name, value) VALUES ($1, $2)";
    run(&tx, sql, vec![name.into(), "x".repeat(20_000).into()]).await?;
    tx.commit(()).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_after_a_full_disk_is_stored() {
    let db = TestDb::sqlite().await;
    let tenant = tenant(&db.store).await;
    leave_room(&db.store, 1).await;
    let mut stored = 0;
    for round in 0..8 {
        if round == 6 {
            leave_room(&db.store, 1_000_000).await;
        }
        let writers = (0..16).map(|n| write(&db.store, tenant, format!("{round}.{n}")));
        let all = futures_util::future::join_all(writers);
        let ended = tokio::time::timeout(Duration::from_secs(20), all).await;
        let results = ended.expect("nobody waits for ever");
        let fine = results.iter().filter(|result| result.is_ok()).count();
        assert!(round > 0 || fine < 16, "there was room");
        assert!(round < 6 || fine == 16, "it does not recover: {results:?}");
        stored += fine;
    }
    let sql = "SELECT COUNT(*) FROM meta WHERE name <> 'schema_version'";
    assert_eq!(count(&db.store, sql).await, stored as i64);
    db.close().await;
}
