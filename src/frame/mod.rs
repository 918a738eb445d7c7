//! Byte streams become messages: four bytes of length in front of each body, and nothing else.
//!
//! The length is the number of bytes of the body, unsigned, big-endian. There is no handshake, no
//! checksum, no trailer and no padding; an empty body is a message of its own; the end of the byte
//! stream between two frames is the end of the messages. A peer in any language needs three lines:
//!
//! ```python
//! def send(sock, body):
//!     sock.sendall(len(body).to_bytes(4, "big") + body)
//! ```
//!
//! [`Frames`] turns any `AsyncRead`, `AsyncWrite` or both into a `Stream` and `Sink` of [`Bytes`].
//! [`Decoder`] and [`Encoder`] are its two directions without the I/O.
//!
//! [`Bytes`]: bytes::Bytes

mod decoder;
mod encoder;
mod frames;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use frames::Frames;
#[cfg(unix)]
pub(crate) use frames::LINGER;

/// The largest body that is accepted and sent, unless you say otherwise: 8 MiB.
///
/// # Examples
///
/// ```
/// assert_eq!(framewire::frame::MAX_LEN, 8 << 20);
/// ```
pub const MAX_LEN: usize = 8 * 1024 * 1024;

/// The length in front of each body, in bytes.
pub(crate) const PREFIX: usize = 4;
