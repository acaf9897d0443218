//! Queries, one file per noun: reads take `&impl Db`, writes take the `Tx`.
