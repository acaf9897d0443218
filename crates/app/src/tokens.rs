//! Access, refresh, API and mail tokens.
