//! Open descriptors as part of a message.

mod arrivals;
mod departures;
mod detailed;
mod io;
mod limit;
mod outgoing;
mod received;

pub use detailed::Detailed;
pub(crate) use limit::Limit;
pub use outgoing::Outgoing;
pub use received::Received;
