//! The accept loop that every daemon needs: a task per connection, limits, a fence around panics,
//! and an orderly end.
//!
//! [`Server`] takes any listener, which is a `Stream` of connections, and runs a handler for each:
//! a closure, or a [`Serve`] object. A handler is told of the end by its [`Closing`]; what became
//! of all connections is in [`Served`].
//!
//! | what happens | what it does |
//! |---|---|
//! | as many connections as [`max_connections`](Server::max_connections) | no more are accepted until one ends; they wait in the kernel |
//! | as many of one user as [`max_per_uid`](Server::max_per_uid) | the next one of that user is dropped at once |
//! | a handler answers an error, or panics | its connection is dropped, an event tells why; nothing else is harmed |
//! | a connection fails while it is accepted | an event; the next one |
//! | accepting reaches a limit of the system | a pause of 10 ms, doubling to 1 s, then the next try |
//! | the shutdown future is ready | the listener is dropped, handlers are told and given [`drain`](Server::drain), the rest is aborted |
//! | the listener ends or breaks | the same, and what broke it is the answer |
//!
//! Everything happens in a `tracing` span `connection` with the endpoint and the peer's uid, pid
//! and address. Errors that peers cause are events of level debug, those that need somebody's
//! attention of level warn, panics of level error.

mod closing;
mod connections;
mod incoming;
mod server;
mod service;
#[cfg(test)]
mod tests;

pub use closing::Closing;
pub use connections::Served;
pub use incoming::Incoming;
pub use server::Server;
pub use service::Serve;
