//! A message to send, with its descriptors.

use std::os::fd::OwnedFd;

use bytes::Bytes;

use crate::message::Body;

/// A message, and the descriptors that go with it.
///
/// The peer gets descriptors of its own, of the same open files: the offset of a file and the flags
/// of its opening (`O_NONBLOCK`, say) are shared from then on. Ours are closed once they are sent;
/// pass a clone of what is still needed here.
///
/// # Examples
///
/// ```
/// use framewire::unix::Outgoing;
///
/// # fn main() -> std::io::Result<()> {
/// # let file = tempfile::tempfile()?;
/// let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
/// let message = Outgoing::new("a log file, and where to tell of it").with(file).with(theirs);
/// assert_eq!(message.descriptors().len(), 2);
/// # Ok(())
/// # }
/// ```
///
/// # Platform
///
/// Unix. Files, sockets, pipes, and on Linux memfds, eventfds and pidfds can be passed; an io_uring
/// cannot.
#[derive(Debug)]
#[must_use]
pub struct Outgoing {
    body: Bytes,
    descriptors: Vec<OwnedFd>,
}

impl Outgoing {
    /// A message without descriptors.
    ///
    /// # Examples
    ///
    /// See [`Outgoing`].
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), descriptors: Vec::new() }
    }

    /// Passes this one as well, behind those before it.
    ///
    /// # Examples
    ///
    /// See [`Outgoing`].
    pub fn with(mut self, descriptor: impl Into<OwnedFd>) -> Self {
        self.descriptors.push(descriptor.into());
        self
    }

    /// Passes all of these as well.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::unix::Outgoing;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    /// assert_eq!(Outgoing::new("both ends").with_all([ours, theirs]).descriptors().len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_all(mut self, descriptors: impl IntoIterator<Item: Into<OwnedFd>>) -> Self {
        self.descriptors.extend(descriptors.into_iter().map(Into::into));
        self
    }

    /// The message.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(framewire::unix::Outgoing::new("hello").body(), "hello");
    /// ```
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The descriptors, in the order in which they arrive.
    ///
    /// # Examples
    ///
    /// See [`Outgoing`].
    pub fn descriptors(&self) -> &[OwnedFd] {
        &self.descriptors
    }

    /// The message and its descriptors.
    ///
    /// # Examples
    ///
    /// ```
    /// let (body, descriptors) = framewire::unix::Outgoing::new("hello").into_parts();
    /// assert!(body == "hello" && descriptors.is_empty());
    /// ```
    pub fn into_parts(self) -> (Bytes, Vec<OwnedFd>) {
        (self.body, self.descriptors)
    }
}

/// Without descriptors.
impl From<Bytes> for Outgoing {
    fn from(body: Bytes) -> Self {
        Self::new(body)
    }
}

impl Body for Outgoing {
    fn body(&self) -> &Bytes {
        &self.body
    }
}
