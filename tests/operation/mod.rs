//! Promises to whoever runs the binary.

mod keys;
