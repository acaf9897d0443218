//! The tenant's log: appended by the flush of a transaction, read by tails and by the router.
