//! Work that must happen after commit, kept in lanes.

use domain::job::Job;
use domain::{NodeId, Time};

/// A job before it has an id. Jobs of one lane run one at a time, in the order they were enqueued.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    pub job: Job,
    pub lane: String,
    /// Only this node may run it.
    pub node: Option<NodeId>,
    /// Not before; `None` means at once.
    pub run_at: Option<Time>,
}

impl NewJob {
    pub fn new(job: Job, lane: impl Into<String>) -> Self {
        Self {
            job,
            lane: lane.into(),
            node: None,
            run_at: None,
        }
    }

    pub const fn at(mut self, run_at: Time) -> Self {
        self.run_at = Some(run_at);
        self
    }
}
