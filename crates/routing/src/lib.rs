//! The routing engine: who is offered which work item, when, and why. Pure: no IO, no clock, no
//! randomness, no hash order; everything is a function of (rows, now).
//!
//! Invariants:
//! - An item is offered to at most one agent at a time, and only to an agent who is available,
//!   connected, skilled, a member of the queue and below her capacity.
//! - The place in the queue belongs to the item: it survives an unanswered offer, a decline, a
//!   withdrawal and a restart. No younger item of the same class and priority overtakes it, unless
//!   the older one may not go to that agent.
//! - [`claim()`] is the only rule by which an item gets an agent, whoever asks.
//! - [`Engine`] (indexed) and [`reference`](mod@reference) (naive) decide the same, always.
//!
//! [`Policy`] names the order of items, the choice of agents and what a member's priority means; the
//! engine keeps its indexes for one policy and is rebuilt by another. [`simulate`] drives this very
//! engine on a virtual clock, and [`theory`] says what must come out of it.
//!
//! A queue may select its own way, relax what it asks for with time, keep hours, overflow to another
//! queue and keep a customer for her last agent.
//!
//! Deliberately absent for now: waking of dormant and held items (they keep their agent and their
//! slot; [`Decisions::wakes`] stays empty), several orders in one tenant, and rows in the store for
//! an item's class and criteria of its own.

mod claim;
mod decision;
mod derived;
mod engine;
mod explain;
mod rank;
pub mod reference;
mod release;
mod rows;
mod rule;
pub mod simulate;
pub mod theory;

pub use claim::{Claim, ClaimPolicy, ClaimRows, Refusal, claim};
pub use decision::{
    Decisions, Ending, OfferDecision, Overflow, Reason, Requeue, Rule, RunnerUp, Score, Wake,
};
pub use derived::derived_presence;
pub use domain::policy::{AgentRule, MemberPriority, Order, Policy, Select, Turn};
pub use engine::Engine;
pub use explain::{Explainer, Fault, FaultKind, WaitReason, Waiting, faults, rehearse};
pub use release::{Release, complete, decline, end_offer, overflow, recover, requeue};
pub use rows::{RowImage, SeenPresence, Snapshot};
pub use rule::{DemandClass, Ineligible};
