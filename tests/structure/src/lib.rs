//! The rules of `ARCHITECTURE.md` that a machine can check, as tests that run in seconds.
//!
//! A package of its own, without any of ours as a dependency: it still tells what is wrong when
//! nothing else compiles. What clippy can see (unwrap, `#[allow]`, clocks) is left to clippy.

#[cfg(test)]
mod crates;
#[cfg(test)]
mod files;
#[cfg(test)]
mod sources;
