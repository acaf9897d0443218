//! Every fault of a scenario is told at once, each with its path in the file.

use routing::simulate::Scenario;

fn faults(text: &str) -> Vec<String> {
    match text.parse::<Scenario>() {
        Ok(_) => Vec::new(),
        Err(faults) => faults,
    }
}

const FINE: &str = r#"{
  "queues": [{"id": "support"}],
  "classes": [{"id": "calls", "queue": "support", "arrivals": {"poisson_per_s": 0.1}, "handle_s": {"exp": 60}}],
  "agents": [{"id": "team", "count": 9, "queues": [{"queue": "support"}]}]
}"#;

#[test]
fn what_is_left_out_has_the_documented_value() {
    let scenario: Scenario = FINE.parse().unwrap();
    assert_eq!((scenario.seed, scenario.warmup_contacts), (1, 2000));
    assert_eq!(
        (scenario.contacts, scenario.horizon_s),
        (Some(200_000), None)
    );
    assert_eq!(scenario.order.as_str(), "deadline");
    assert_eq!(scenario.select.as_str(), "longest_idle");
    assert_eq!(
        (scenario.queues[0].target_s, scenario.queues[0].max_waiting),
        (20, None)
    );
    assert_eq!(
        scenario.groups[0].capacity,
        [("voice".to_owned(), 1)].into()
    );
    assert_eq!(scenario.groups[0].memberships[0].priority, 1);
    assert_eq!(scenario.classes[0].patience, None);
}

#[test]
fn each_fault_is_named_by_its_path() {
    for (fine, faulty, fault) in [
        (
            r#""queue": "support", "arr"#,
            r#""queue": "sales", "arr"#,
            "classes[0].queue: there is no queue \"sales\"",
        ),
        (
            r#"[{"queue": "support"}]"#,
            "[]",
            "agents[0].queues: must not be empty",
        ),
        (
            r#", "queues": [{"queue": "support"}]"#,
            "",
            "agents[0].queues: missing",
        ),
        (
            "0.1",
            "-0.1",
            "classes[0].arrivals.poisson_per_s: must not be negative",
        ),
        (
            r#"{"exp": 60}"#,
            r#"{"exp": -60}"#,
            "classes[0].handle_s.exp: must not be negative",
        ),
        (
            r#"{"exp": 60}"#,
            r#"{"gamma": 60}"#,
            "classes[0].handle_s.gamma: unknown field",
        ),
        (
            r#"{"exp": 60}"#,
            "{}",
            "classes[0].handle_s: must be one of exp, fixed, lognormal",
        ),
        (
            r#""id": "support""#,
            r#""id": "support", "target": 20"#,
            "queues[0].target: unknown field",
        ),
        (r#""id": "team", "#, "", "agents[0].id: missing"),
        (
            r#""count": 9"#,
            r#""count": -9"#,
            "agents[0].count: must not be negative",
        ),
        (
            r#""count": 9"#,
            r#""count": {"intervals": []}"#,
            "agents[0].count.intervals: must be a list that is not empty",
        ),
        (
            r#""queues": [{"id""#,
            r#""order": "lifo", "queues": [{"id""#,
            "order: \"lifo\" is not one of fifo, deadline, strict, wait_over_target, fqr, gcmu",
        ),
        (
            r#""queues": [{"id""#,
            r#""contacts": null, "queues": [{"id""#,
            "contacts: must be set when horizon_s is null, or arrivals never stop",
        ),
    ] {
        assert!(FINE.contains(fine), "{fine}");
        let told = faults(&FINE.replacen(fine, faulty, 1));
        assert!(
            told.iter().any(|f| f == fault),
            "{fault} is not in {told:?}"
        );
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let text = FINE
        .replace("0.1", "-1")
        .replace("\"count\": 9", "\"count\": \"nine\"")
        .replace("calls\", \"queue\": \"support", "calls\", \"queue\": \"x");
    assert_eq!(faults(&text).len(), 3, "{:?}", faults(&text));
}

#[test]
fn what_is_no_scenario_is_refused_without_a_panic() {
    for text in [
        "",
        "[]",
        "null",
        "{}",
        "{\"queues\": 1, \"classes\": {}, \"agents\": [1]}",
        "{\"queues\"",
    ] {
        assert!(!faults(text).is_empty(), "{text}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(faults(&deep).len(), 1);
}
