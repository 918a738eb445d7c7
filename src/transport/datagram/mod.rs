//! Datagrams, of Unix sockets and of UDP: one message each, whose address it carries.
//!
//! Both modules hand out these types, as `unix` and `tcp` do with byte streams.

mod address;
mod arrival;
mod hub;
mod listener;
mod losses;
mod open;
mod queue;
mod ready;
mod room;
mod socket;

pub use address::Address;
pub(crate) use arrival::Policy;
pub use arrival::{Outgoing, Received};
pub(crate) use hub::{Limits, Overflow};
pub use listener::Listener;
pub(crate) use open::Open;
pub use ready::Ready;
pub use socket::{Detailed, Socket, Source, Target};
