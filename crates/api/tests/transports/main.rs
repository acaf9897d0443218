//! Promises of the transports, tested against a toy schema.

#[cfg(test)]
mod edges;
#[cfg(test)]
mod graphql_http;
#[cfg(test)]
mod live;
#[cfg(test)]
mod sockets;
#[cfg(test)]
mod toy;
