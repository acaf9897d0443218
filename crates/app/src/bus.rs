//! Hints between nodes: speed, never truth.
