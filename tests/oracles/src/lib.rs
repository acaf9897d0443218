//! The providers' own libraries as oracles: on every request they and we must say the same.
//!
//! `tests/node/oracles.mjs` makes requests from a seed, signs most of them and spoils some, and
//! tells what the official validator says. A disagreement is printed with its request.

#[cfg(test)]
mod agreement;
