//! The only sender of network requests.
