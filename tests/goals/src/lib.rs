//! What every benchmark prints: numbers of one run beside the goals they must keep. Light, so that
//! a benchmark which needs no server does not wait for one to be built.

pub mod numbers;
pub mod table;
