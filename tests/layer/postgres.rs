//! Every test has a database of its own.

use support::postgres::Database;

#[tokio::test]
async fn two_databases_share_nothing() -> anyhow::Result<()> {
    let (first, second) = (Database::new().await?, Database::new().await?);
    assert_ne!(first.url, second.url);
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
    assert_eq!(
        (first.number(tables).await?, second.number(tables).await?),
        (0, 0)
    );
    Ok(())
}
