//! Addresses: `scheme://rest`, where the rest is the mechanism's own name, taken as it is.
//!
//! There is no percent-decoding and there are no queries: options belong to builders. Every scheme
//! parses on every platform and with every feature, so that a configuration can be read anywhere;
//! a verb that cannot be done answers `Unsupported` with the reason.

mod address;
mod flat_name;
mod host_port;
mod refusal;
mod signal_name;
mod socket_name;

pub use address::Endpoint;
pub use host_port::HostPort;
pub use signal_name::SignalName;
pub use socket_name::SocketName;
