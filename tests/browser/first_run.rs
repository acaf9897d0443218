//! Who opens a fresh server in a browser is led into the inbox, and nothing is refused on the way.

use support::browser;
use support::server::Options;

#[tokio::test]
async fn a_fresh_server_is_set_up_in_the_browser() -> anyhow::Result<()> {
    let server = Options::new()?.start().await?;
    browser::run("first_run", &server.url(""), &[]).await?;
    Ok(())
}

#[tokio::test]
async fn a_folder_without_a_web_app_is_refused_at_start() -> anyhow::Result<()> {
    let empty = tempfile::tempdir()?;
    let folder = empty.path().display().to_string();
    let options = Options::new()?.argument("--web-dir").argument(folder);
    let refused = options
        .start()
        .await
        .err()
        .map(|error| format!("{error:?}"));
    let said = refused.as_deref().unwrap_or("it started");
    assert!(said.contains("holds no index.html"), "{said}");
    Ok(())
}

#[tokio::test]
async fn the_binary_brings_the_web_app_with_it() -> anyhow::Result<()> {
    let server = Options::new()?.start().await?;
    let answer = reqwest::get(server.url("/inbox/1")).await?;
    let policy = answer.headers().get("content-security-policy").cloned();
    assert!(policy.is_some_and(|policy| policy.as_bytes().starts_with(b"default-src 'self'")));
    let page = answer.text().await?;
    assert!(page.contains("<div id=\"root\">"), "{page}");
    let tags: Vec<String> = reqwest::get(server.url("/locales/index.json"))
        .await?
        .json()
        .await?;
    assert_eq!(tags, ["en", "ko"]);
    Ok(())
}
