//! Everything wrong with a configuration, told at once.

use std::fmt;

/// What is wrong and where to mend it. Never holds the text of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub origin: String,
    pub message: String,
}

impl Fault {
    pub fn new(origin: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            origin: origin.into(),
            message: message.into(),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl std::error::Error for Faults {}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let things = if self.0.len() == 1 {
            "thing is"
        } else {
            "things are"
        };
        write!(f, "{} {things} wrong with the configuration:", self.0.len())?;
        for fault in &self.0 {
            write!(f, "\n  {}: {}", fault.origin, fault.message)?;
        }
        Ok(())
    }
}
