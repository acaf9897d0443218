//! Entities, one file per noun. They never leave the crate: queries turn them into domain structs.
