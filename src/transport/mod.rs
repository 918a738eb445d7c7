//! One file or folder a mechanism: this listing is the table of contents.

pub(crate) mod accept;
#[cfg(unix)]
pub(crate) mod datagram;
#[cfg(unix)]
pub mod fifo;
pub(crate) mod host;
#[cfg(unix)]
pub(crate) mod inbox;
#[cfg(unix)]
pub mod pipe;
pub(crate) mod socket;
pub mod tcp;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(unix)]
pub mod udp;
#[cfg(unix)]
pub mod unix;
