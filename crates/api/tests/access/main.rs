//! Access is proven by enumeration, not by memory: the schema is asked for its fields, and each of
//! them must have a row in `rules.rs`. A field without a row fails the first test.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails where it expects"
)]

mod cases;
mod rules;
mod world;

use async_graphql::Value;
use domain::people::{Role, TokenScope};
use rules::{Foreign, Row, Rule, Verdict, rows};
use std::collections::BTreeSet;
use world::{Caller, World, codes, problem};

#[tokio::test]
async fn every_field_of_the_schema_has_a_rule_and_every_rule_is_in_the_contract() {
    let world = World::new().await;
    let ruled: BTreeSet<String> = rows().iter().map(Row::name).collect();
    assert_eq!(ruled.len(), rows().len(), "a field has two rules");
    let fields = world.fields().await;
    let missing: Vec<_> = fields.difference(&ruled).collect();
    assert!(
        missing.is_empty(),
        "add rules to tests/access/rules.rs for {missing:?}"
    );
    let unknown: Vec<_> = ruled.difference(&fields).collect();
    assert!(
        unknown.is_empty(),
        "rules for fields that are gone: {unknown:?}"
    );
}

#[tokio::test]
async fn nobody_reads_or_does_anything_without_signing_in() {
    let world = World::new().await;
    for row in rows().iter().filter(|row| row.rule != Rule::Public) {
        let answer = world.ask(row, &Caller::nobody()).await;
        assert_eq!(
            codes(&answer),
            ["UNAUTHENTICATED"],
            "{}: {answer:?}",
            row.name()
        );
        assert!(is_empty(&answer.data), "{}: {:?}", row.name(), answer.data);
    }
}

#[tokio::test]
async fn every_role_below_the_least_one_is_refused() {
    let world = World::new().await;
    for row in rows() {
        let Some((_, least)) = row.rule.least() else {
            continue;
        };
        for role in Role::ALL.iter().filter(|role| **role < least) {
            let answer = world.ask(&row, &world.session_of(*role)).await;
            assert_eq!(codes(&answer), ["FORBIDDEN"], "{} as {role}", row.name());
            assert!(is_empty(&answer.data), "{} as {role}", row.name());
        }
    }
}

#[tokio::test]
async fn a_token_is_refused_what_its_scopes_do_not_hold() {
    let world = World::new().await;
    for row in rows() {
        let Some((permission, _)) = row.rule.least() else {
            continue;
        };
        for scope in TokenScope::ALL {
            let caller = world.token_of_owner(*scope);
            if caller.may(permission) {
                continue;
            }
            let answer = world.ask(&row, &caller).await;
            assert_eq!(
                codes(&answer),
                ["FORBIDDEN"],
                "{} by a token to {scope}",
                row.name()
            );
            assert!(
                is_empty(&answer.data),
                "{} by a token to {scope}",
                row.name()
            );
        }
    }
}

#[tokio::test]
async fn the_owner_of_another_tenant_reaches_nothing_here() {
    let world = World::new().await;
    for row in rows() {
        if row.rule.least().is_none() || row.kind == "subscription" {
            // What a subscription delivers is cut by scope keys, which tests of the log prove.
            continue;
        }
        let answer = world.ask(&row, &world.stranger()).await;
        let text = format!("{:?}", answer.data);
        for canary in world.canaries() {
            assert!(
                !text.contains(&canary),
                "{} leaks {canary}: {text}",
                row.name()
            );
        }
        match row.foreign {
            Foreign::NothingNamed => {}
            Foreign::NotFound if row.kind == "query" => {
                assert!(is_empty(&answer.data), "{}: {text}", row.name());
            }
            Foreign::NotFound => {
                let verdict = problem(&answer);
                assert_eq!(
                    verdict,
                    Verdict::Problem("NOT_FOUND".into()),
                    "{}",
                    row.name()
                );
            }
        }
    }
}

#[tokio::test]
async fn the_least_role_is_enough() {
    let world = World::new().await;
    for row in rows().iter().filter(|row| row.kind != "subscription") {
        let Some((_, least)) = row.rule.least() else {
            continue;
        };
        let answer = world.ask(row, &world.session_of(least)).await;
        for code in codes(&answer) {
            assert!(
                !matches!(code.as_str(), "FORBIDDEN" | "UNAUTHENTICATED" | "INTERNAL"),
                "{}: {answer:?}",
                row.name()
            );
        }
    }
}

/// No data, or only nulls.
fn is_empty(data: &Value) -> bool {
    match data {
        Value::Null => true,
        Value::Object(fields) => fields.values().all(|value| *value == Value::Null),
        _ => false,
    }
}
