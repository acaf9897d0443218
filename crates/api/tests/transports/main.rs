//! Promises of the transports, tested against a toy schema.

mod graphql_http;
mod live;
mod sockets;
mod toy;
