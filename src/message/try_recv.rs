//! What a mechanism that receives whole messages can do without waiting.

use std::io;

use super::Body;
use crate::{Error, ErrorKind};

/// Receives whole messages, as far as they are there already.
///
/// # Examples
///
/// Datagrams of up to 2 KiB:
///
/// ```
/// # #[cfg(unix)] {
/// use bytes::Bytes;
/// use framewire::message::TryRecv;
/// use std::{io, os::unix::net::UnixDatagram};
///
/// struct Datagrams(UnixDatagram); // made non-blocking
///
/// impl TryRecv for Datagrams {
///     type Received = Bytes;
///
///     fn try_recv(&mut self) -> io::Result<Option<Bytes>> {
///         let mut buffer = [0; 2048];
///         let len = self.0.recv(&mut buffer)?;
///         Ok(Some(Bytes::copy_from_slice(&buffer[..len])))
///     }
/// }
/// # }
/// ```
pub trait TryRecv {
    /// What comes: a body alone (`Bytes`), or one with what the mechanism delivers beside it.
    type Received: Body;

    /// Takes one message: `None` is the end in order, as an empty message is not.
    ///
    /// # Examples
    ///
    /// See [`TryRecv`].
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) where none is there yet; then nothing was taken.
    /// An [`Error`] of ours travels in an `io::Error` and is taken out again.
    fn try_recv(&mut self) -> io::Result<Option<Self::Received>>;

    /// Takes one message and lends it to `see`: for mechanisms that need not copy it out.
    ///
    /// `see` is called where this answers `Some`, and not otherwise.
    ///
    /// # Examples
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use framewire::message::TryRecv;
    /// # struct Queue(Vec<Bytes>);
    /// # impl TryRecv for Queue {
    /// #     type Received = Bytes;
    /// #     fn try_recv(&mut self) -> std::io::Result<Option<Bytes>> { Ok(self.0.pop()) }
    /// # }
    /// # fn main() -> std::io::Result<()> {
    /// # let mut queue = Queue(vec!["hello".into()]);
    /// assert_eq!(queue.try_lend(|body| body.len())?, Some(5));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv).
    #[inline]
    fn try_lend<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> io::Result<Option<R>>
    where
        Self: Sized,
    {
        Ok(self.try_recv()?.map(|message| see(message.body())))
    }

    /// Whether more messages can come behind this error. The stream ends where not.
    ///
    /// [`Lagged`](ErrorKind::Lagged) is such an error. A mechanism with several writers says so of
    /// those as well that one of them can cause, lest it silence the others.
    ///
    /// # Examples
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use framewire::{Error, ErrorKind, message::TryRecv};
    /// # struct Queue;
    /// # impl TryRecv for Queue {
    /// #     type Received = Bytes;
    /// #     fn try_recv(&mut self) -> std::io::Result<Option<Bytes>> { Ok(None) }
    /// # }
    /// assert!(Queue.goes_on(&Error::new(ErrorKind::Lagged, "7 messages were dropped")));
    /// assert!(!Queue.goes_on(&Error::new(ErrorKind::Closed, "the peer is gone")));
    /// ```
    fn goes_on(&self, error: &Error) -> bool {
        error.kind() == ErrorKind::Lagged
    }
}
