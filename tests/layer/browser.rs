//! Chromium starts, runs a page and reports a failure.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use support::browser;

const PAGE: &str = "<!doctype html><title>메아리</title><h1>Echo</h1>";

#[tokio::test]
async fn a_page_is_opened_and_read() -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        axum::serve(
            listener,
            Router::new().route("/", get(|| async { Html(PAGE) })),
        )
        .await
    });
    let printed = browser::run("title", &url, &[]).await?;
    assert_eq!(printed.trim(), "메아리 / Echo");
    let failed = browser::run("title", &format!("{url}/absent"), &[]).await;
    assert!(
        failed.is_err(),
        "a page without a heading fails: {failed:?}"
    );
    Ok(())
}
