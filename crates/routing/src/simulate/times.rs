//! Reads laws of times, arrivals and intervals.

use super::json::{Faults, Node, Range};
use super::random::{Arrivals, Interval, Law};

/// `{"exp": mean}`, `{"fixed": s}` or `{"lognormal": {"mean": m, "cv": c}}`.
pub(super) fn law(faults: &mut Faults, node: &Node<'_>) -> Option<Law> {
    let fields = faults.object(node, &["exp", "fixed", "lognormal"]);
    let given: Vec<_> = fields.entries().collect();
    let [(name, value)] = given.as_slice() else {
        faults.add(&node.path, "must be one of exp, fixed, lognormal");
        return None;
    };
    let value = value.clone();
    match *name {
        "exp" => {
            let mean = faults.number(Some(value), Range::NotNegative)?;
            Some(Law::Exponential { mean })
        }
        "fixed" => faults
            .number(Some(value), Range::NotNegative)
            .map(Law::Fixed),
        "lognormal" => {
            let fields = faults.object(&value, &["mean", "cv"]);
            let mean = faults.required(&fields, "mean");
            let cv = faults.required(&fields, "cv");
            let mean = faults.number(mean, Range::NotNegative);
            let cv = faults.number(cv, Range::NotNegative)?;
            Some(Law::Lognormal { mean: mean?, cv })
        }
        _ => None,
    }
}

pub(super) fn arrivals(faults: &mut Faults, node: &Node<'_>) -> Option<Arrivals> {
    let fields = faults.object(node, &["poisson_per_s", "intervals"]);
    match (fields.get("poisson_per_s"), fields.get("intervals")) {
        (Some(rate), None) => {
            let rate = faults.number(Some(rate), Range::NotNegative)?;
            Some(Arrivals::Poisson(rate))
        }
        (None, Some(list)) => {
            let intervals = intervals(faults, list, "contacts", |faults, node| {
                faults.number(node, Range::NotNegative)
            })?;
            let rates = intervals.into_iter().map(|i| Interval {
                length_s: i.length_s,
                value: i.value / i.length_s,
            });
            Some(Arrivals::Intervals(rates.collect()))
        }
        _ => {
            faults.add(&node.path, "must have one of poisson_per_s, intervals");
            None
        }
    }
}

/// A list that is not empty, of lengths and what holds in each.
pub(super) fn intervals<T>(
    faults: &mut Faults,
    list: Node<'_>,
    field: &str,
    read: impl Fn(&mut Faults, Option<Node<'_>>) -> Option<T>,
) -> Option<Vec<Interval<T>>> {
    let path = list.path.clone();
    let nodes = faults.list(Some(list));
    if nodes.is_empty() {
        faults.add(&path, "must be a list that is not empty");
    }
    let mut all = Some(Vec::new());
    for node in &nodes {
        let fields = faults.object(node, &["length_s", field]);
        let length = faults.required(&fields, "length_s");
        let length = faults.number(length, Range::Positive);
        let value = faults.required(&fields, field);
        let value = read(faults, value);
        all = match (all, length, value) {
            (Some(mut all), Some(length_s), Some(value)) => {
                all.push(Interval { length_s, value });
                Some(all)
            }
            _ => None,
        };
    }
    all.filter(|all| !all.is_empty())
}
