//! What a mechanism that sends whole messages can do without waiting.

use std::io;

use super::Body;

/// Sends whole messages, as far as there is room for them.
///
/// # Examples
///
/// Datagrams of up to 2 KiB:
///
/// ```
/// # #[cfg(unix)] {
/// use bytes::Bytes;
/// use framewire::message::TrySend;
/// use std::{io, os::unix::net::UnixDatagram};
///
/// struct Datagrams(UnixDatagram); // made non-blocking
///
/// impl TrySend for Datagrams {
///     type Outgoing = Bytes;
///
///     fn try_send(&mut self, message: &Bytes) -> io::Result<()> {
///         self.0.send(message).map(drop)
///     }
///
///     fn max_len(&self) -> usize {
///         2048
///     }
/// }
/// # }
/// ```
pub trait TrySend {
    /// What goes: a body alone (`Bytes`), or one with what the mechanism takes beside it.
    type Outgoing: Body;

    /// Sends all of a message whose body is of at most [`max_len`](Self::max_len) bytes, or nothing of it.
    ///
    /// A mechanism that gathers may keep what it has accepted until [`try_flush`](Self::try_flush),
    /// which is called before anybody waits for room.
    ///
    /// # Examples
    ///
    /// See [`TrySend`].
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) where there is no room yet: the message is offered
    /// again. With any other error it is dropped.
    fn try_send(&mut self, message: &Self::Outgoing) -> io::Result<()>;

    /// Has the peer see what was accepted; cheap where it does already. Called again and again
    /// while there is no room.
    ///
    /// # Examples
    ///
    /// See [`TrySend`]: a mechanism that hands each message over at once has nothing to do here.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) where that is not done yet.
    fn try_flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Tells the peer that nothing more comes, once all that was accepted is flushed. Called once
    /// more after it was done, it does nothing.
    ///
    /// # Examples
    ///
    /// See [`TrySend`]: a mechanism without half-close has nothing to do here.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) where that is not done yet.
    fn try_close(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// The largest body that can be sent, in bytes, as far as is known now. It is asked for
    /// each message: no place for a system call.
    ///
    /// # Examples
    ///
    /// See [`TrySend`].
    fn max_len(&self) -> usize;
}
