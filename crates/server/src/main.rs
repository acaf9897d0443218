//! The only binary: command line, configuration and wiring. It holds no rules.

fn main() {}
