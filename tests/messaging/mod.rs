//! What customers and agents may rely on when they write to each other.

mod live;
mod lost_answers;
mod malformed;
mod refused;
mod round_trip;
mod shutdown;
