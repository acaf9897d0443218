//! What customers and agents may rely on when they write to each other.

mod inboxes;
mod live;
mod lost_answers;
mod mail;
mod malformed;
mod mastodon;
mod provider;
mod refused;
mod round_trip;
mod shutdown;
