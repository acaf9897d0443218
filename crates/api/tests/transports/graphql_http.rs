//! Promises of GraphQL over HTTP that the npm audit does not look at.

use super::toy;

use api::graphql_http::Endpoint;
use api::operation::Limits;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: Value,
}

async fn read(response: Response<Body>) -> Answer {
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 24).await.unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    }
}

fn endpoint_with(limits: Limits) -> Arc<Endpoint<toy::ToySchema>> {
    let toy = toy::toy(
        toy::MemoryLog::default(),
        api::live::Settings::default(),
        limits,
    );
    toy.tokens.add("alice", toy::tenant(), None);
    toy.endpoint
}

fn endpoint() -> Arc<Endpoint<toy::ToySchema>> {
    endpoint_with(Limits::default())
}

async fn post(body: impl ToString) -> Answer {
    post_as(None, body).await
}

async fn post_as(token: Option<&str>, body: impl ToString) -> Answer {
    let mut request = Request::post("/graphql").header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Body::from(body.to_string())).unwrap();
    read(endpoint().answer(request).await).await
}

fn message(answer: &Answer) -> &str {
    answer.body["errors"][0]["message"]
        .as_str()
        .unwrap_or_default()
}

#[tokio::test]
async fn an_internal_error_never_leaves_the_process() {
    let answer = post(json!({"query": "{ broken }"})).await;
    assert!(
        !answer.body.to_string().contains("hunter2"),
        "{}",
        answer.body
    );
    assert_eq!(answer.body["errors"][0]["extensions"]["code"], "INTERNAL");
}

#[tokio::test]
async fn an_expected_fault_shows_its_code_and_path() {
    let answer = post(json!({"query": "{ taken }"})).await;
    let error = &answer.body["errors"][0];
    assert_eq!(
        (&error["extensions"]["code"], &error["path"]),
        (&json!("CONFLICT"), &json!(["taken"]))
    );
}

#[tokio::test]
async fn anonymous_is_not_an_error_until_a_resolver_needs_someone() {
    assert_eq!(
        post(json!({"query": "{ echo(text: \"a\") }"})).await.body["data"]["echo"],
        "a"
    );
    let refused = post(json!({"query": "{ viewer { id } }"})).await;
    assert_eq!(
        refused.body["errors"][0]["extensions"]["code"],
        "UNAUTHENTICATED"
    );
    assert!(
        post_as(Some("alice"), json!({"query": "{ viewer { id } }"}))
            .await
            .body["data"]["viewer"]["id"]
            .is_string()
    );
}

#[tokio::test]
async fn a_wrong_token_is_401_and_nothing_runs() {
    let answer = post_as(Some("mallory"), json!({"query": "mutation { touch }"})).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
    assert!(!answer.headers.contains_key("set-cookie") && answer.body.get("data").is_none());
}

#[tokio::test]
async fn a_batch_answers_in_order_and_is_bounded() {
    let batch: Vec<Value> = (0..3)
        .map(|i| json!({"query": format!("{{ echo(text: \"{i}\") }}")}))
        .collect();
    let answer = post(Value::from(batch)).await;
    let texts: Vec<_> = answer
        .body
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["data"]["echo"].clone())
        .collect();
    assert_eq!(texts, ["0", "1", "2"]);
    let eleven: Vec<Value> = (0..11)
        .map(|_| json!({"query": "{ __typename }"}))
        .collect();
    assert_eq!(
        post(Value::from(eleven)).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(post("[]").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn list_sizes_multiply_complexity() {
    let query = "{ items(first: 100) { items(first: 100) { items(first: 100) { name } } } }";
    assert!(message(&post(json!({"query": query})).await).contains("complex"));
    let small = "{ items(first: 2) { items(first: 2) { name } } }";
    assert!(post(json!({"query": small})).await.body["data"].is_object());
}

#[tokio::test]
async fn deep_queries_are_refused() {
    let deep = |n: usize| {
        format!(
            "{{ item {} name {} }}",
            "{ child ".repeat(n) + "{",
            "}".repeat(n + 1)
        )
    };
    assert!(message(&post(json!({"query": deep(15)})).await).contains("deep"));
    assert!(post(json!({"query": deep(13)})).await.body["data"].is_object());
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let answer =
        post(json!({"query": "{ __typename }", "variables": {"a": "x".repeat(1 << 20)}})).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_form_or_text_post_is_415_so_that_no_page_can_post_without_preflight() {
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
    ] {
        let request = Request::post("/graphql").header("content-type", media);
        let request = request
            .body(Body::from(r#"{"query":"mutation { touch }"}"#))
            .unwrap();
        let answer = read(endpoint().answer(request).await).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{media}");
    }
}

#[tokio::test]
async fn get_never_mutates_also_not_among_several_operations() {
    let query = "query A { __typename } mutation B { touch }";
    let encoded: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("query", query)
        .append_pair("operationName", "B")
        .finish();
    let request = Request::get(format!("/graphql?{encoded}"))
        .body(Body::empty())
        .unwrap();
    let answer = read(endpoint().answer(request).await).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers["allow"], "POST");
    assert!(!answer.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn a_resolver_may_set_a_cookie_and_answers_are_never_cached() {
    let answer = post(json!({"query": "mutation { touch }"})).await;
    assert!(
        answer.headers["set-cookie"]
            .to_str()
            .unwrap()
            .starts_with("meari_refresh=fresh")
    );
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn introspection_can_be_switched_off() {
    let closed = endpoint_with(Limits {
        introspection: false,
        ..Limits::default()
    });
    let query = json!({"query": "{ __schema { types { name } } }"}).to_string();
    let ask = |body: String| {
        Request::post("/")
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap()
    };
    let answer = read(closed.answer(ask(query.clone())).await).await;
    assert!(
        !answer.body.to_string().contains("Mutation"),
        "{}",
        answer.body
    );
    let open = read(endpoint().answer(ask(query)).await).await;
    assert!(open.body.to_string().contains("Mutation"));
}

#[tokio::test]
async fn a_client_that_takes_neither_media_type_gets_406() {
    let request = Request::get("/graphql?query=%7B__typename%7D").header("accept", "text/html");
    let answer = read(
        endpoint()
            .answer(request.body(Body::empty()).unwrap())
            .await,
    )
    .await;
    assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn the_better_quality_decides_the_media_type() {
    let accept = "application/json;q=0.5, application/graphql-response+json";
    let request = Request::get("/graphql?query=%7B__typename%7D").header("accept", accept);
    let answer = read(
        endpoint()
            .answer(request.body(Body::empty()).unwrap())
            .await,
    )
    .await;
    assert!(
        answer.headers["content-type"]
            .to_str()
            .unwrap()
            .contains("graphql-response")
    );
}
