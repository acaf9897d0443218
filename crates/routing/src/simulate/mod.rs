//! The production engine on a virtual clock, with simulated customers and agents. It is held against
//! queueing theory, answers "what if", and says how many agents a day needs. As pure as the engine:
//! the same scenario and seed give the same decisions, byte for byte.

mod json;
mod measure;
mod random;
mod read;
mod rows;
mod run;
mod scenario;
mod staff;
mod times;
mod work;

pub use measure::{AgentMeasures, Measures, Ratio, Report};
pub use random::{Arrivals, Interval, Law};
pub use run::simulate;
pub use scenario::{
    ClassSpec, GroupSpec, MembershipSpec, OfferSpec, QueueSpec, Scenario, StepSpec,
};
