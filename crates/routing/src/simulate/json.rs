//! Reads JSON by hand: every fault of a file is told at once, each with its path in the file, where
//! a derived reader would stop at the first.

use serde_json::{Map, Value};

/// One value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub value: &'a Value,
    pub path: String,
}

/// The fields of an object.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    map: Option<&'a Map<String, Value>>,
    path: String,
}

/// What is wrong with the file, one line per fault.
#[derive(Debug, Default)]
pub(super) struct Faults(pub Vec<String>);

/// Which numbers are accepted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Range {
    NotNegative,
    Positive,
    Part,
}

impl Range {
    fn fault(self, n: f64) -> Option<&'static str> {
        let (fine, words) = match self {
            Self::NotNegative => (n >= 0.0, "must not be negative"),
            Self::Positive => (n > 0.0, "must be above 0"),
            Self::Part => ((0.0..=1.0).contains(&n), "must be between 0 and 1"),
        };
        (!fine).then_some(words)
    }
}

impl<'a> Node<'a> {
    pub fn root(value: &'a Value) -> Self {
        let path = String::new();
        Self { value, path }
    }

    fn at(&self) -> &str {
        if self.path.is_empty() {
            "(file)"
        } else {
            &self.path
        }
    }
}

impl<'a> Fields<'a> {
    pub fn get(&self, name: &str) -> Option<Node<'a>> {
        let value = self.map?.get(name)?;
        Some(Node {
            value,
            path: self.child(name),
        })
    }

    /// The field, unless it is absent or null.
    pub fn set(&self, name: &str) -> Option<Node<'a>> {
        self.get(name).filter(|node| !node.value.is_null())
    }

    pub fn child(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    pub fn entries(&self) -> impl Iterator<Item = (&'a str, Node<'a>)> + '_ {
        let map = self.map.into_iter().flatten();
        map.map(|(name, value)| {
            let path = self.child(name);
            (name.as_str(), Node { value, path })
        })
    }
}

impl Faults {
    pub fn add(&mut self, path: &str, what: impl std::fmt::Display) {
        self.0.push(format!("{path}: {what}"));
    }

    /// An object with fields of any name.
    pub fn map<'a>(&mut self, node: &Node<'a>) -> Fields<'a> {
        let map = node.value.as_object();
        if map.is_none() {
            self.add(node.at(), "must be an object");
        }
        Fields {
            map,
            path: node.path.clone(),
        }
    }

    /// An object with these fields and no others.
    pub fn object<'a>(&mut self, node: &Node<'a>, known: &[&str]) -> Fields<'a> {
        let fields = self.map(node);
        for (name, field) in fields.entries() {
            if !known.contains(&name) {
                self.add(&field.path, "unknown field");
            }
        }
        fields
    }

    /// The field, with a fault when it is absent.
    pub fn required<'a>(&mut self, fields: &Fields<'a>, name: &str) -> Option<Node<'a>> {
        let node = fields.get(name);
        if node.is_none() && fields.map.is_some() {
            self.add(&fields.child(name), "missing");
        }
        node
    }

    pub fn list<'a>(&mut self, node: Option<Node<'a>>) -> Vec<Node<'a>> {
        let Some(node) = node else {
            return Vec::new();
        };
        let Some(list) = node.value.as_array() else {
            self.add(node.at(), "must be a list");
            return Vec::new();
        };
        let nodes = list.iter().enumerate();
        nodes
            .map(|(i, value)| Node {
                value,
                path: format!("{}[{i}]", node.path),
            })
            .collect()
    }

    pub fn text<'a>(&mut self, node: Option<Node<'a>>) -> Option<&'a str> {
        let node = node?;
        let text = node.value.as_str();
        if text.is_none() {
            self.add(node.at(), "must be a text");
        }
        text
    }

    pub fn number(&mut self, node: Option<Node<'_>>, range: Range) -> Option<f64> {
        let node = node?;
        let Some(n) = node.value.as_f64() else {
            self.add(node.at(), "must be a number");
            return None;
        };
        if let Some(fault) = range.fault(n) {
            self.add(node.at(), fault);
            return None;
        }
        Some(n)
    }

    /// A whole number from `least` on.
    pub fn whole(&mut self, node: Option<Node<'_>>, least: i64, most: i64) -> Option<i64> {
        let node = node?;
        // 20 and 20.0 are the same number.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "checked to be whole and small"
        )]
        let whole = node.value.as_i64().or_else(|| {
            let n = node.value.as_f64()?;
            (n.fract() == 0.0 && n.abs() < 9e15).then_some(n as i64)
        });
        match whole {
            Some(n) if n < least && least == 0 => self.add(node.at(), "must not be negative"),
            Some(n) if (least..=most).contains(&n) => return Some(n),
            Some(_) => self.add(node.at(), format!("must be between {least} and {most}")),
            None => self.add(node.at(), "must be a whole number"),
        }
        None
    }
}
