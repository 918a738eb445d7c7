//! One file or folder a mechanism: this listing is the table of contents.

pub(crate) mod accept;
#[cfg(unix)]
pub(crate) mod datagram;
#[cfg(unix)]
pub mod fifo;
#[cfg(any(feature = "tls", target_os = "linux", target_os = "android"))]
pub(crate) mod handshakes;
pub(crate) mod host;
#[cfg(unix)]
pub(crate) mod inbox;
#[cfg(target_os = "linux")]
pub mod mq;
#[cfg(unix)]
pub mod pipe;
#[cfg(unix)]
mod running;
#[cfg(target_os = "linux")]
pub mod semaphore;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub mod shm;
#[cfg(unix)]
pub mod signal;
pub(crate) mod socket;
pub mod tcp;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(unix)]
pub mod udp;
#[cfg(unix)]
pub mod unix;
