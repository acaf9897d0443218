//! What customers and agents may rely on when they write to each other.

mod inboxes;
mod mastodon;
