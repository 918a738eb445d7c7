//! A message that came, with its descriptors.

use std::os::fd::OwnedFd;

use bytes::Bytes;

use crate::{Error, ErrorKind, Result, message::Body};

/// A message, and the descriptors that came with it.
///
/// They are open in this process, close-on-exec, in the order in which they were passed; what is
/// not taken out is closed with this.
///
/// # Examples
///
/// See [`Detailed`](super::Detailed).
///
/// # Platform
///
/// Unix.
#[derive(Debug)]
pub struct Received {
    body: Bytes,
    descriptors: Vec<OwnedFd>,
}

impl Received {
    pub(crate) fn new(body: Bytes, descriptors: Vec<OwnedFd>) -> Self {
        Self { body, descriptors }
    }

    /// The message.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::unix;
    /// use futures::{SinkExt, StreamExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (mut ours, theirs) = unix::pair()?;
    /// ours.send("hello".into()).await?;
    /// let hello = theirs.detailed()?.next().await.expect("it was sent")?;
    /// assert_eq!(hello.body(), "hello");
    /// assert!(hello.descriptors().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The descriptors.
    ///
    /// # Examples
    ///
    /// See [`body`](Self::body).
    pub fn descriptors(&self) -> &[OwnedFd] {
        &self.descriptors
    }

    /// The message and as many descriptors as it comes with.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::unix;
    ///
    /// fn files(received: unix::Received) -> Vec<std::fs::File> {
    ///     let (_body, descriptors) = received.into_parts();
    ///     descriptors.into_iter().map(Into::into).collect()
    /// }
    /// ```
    pub fn into_parts(self) -> (Bytes, Vec<OwnedFd>) {
        (self.body, self.descriptors)
    }

    /// The message and its `N` descriptors.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{Result, unix};
    ///
    /// fn log_file(received: unix::Received) -> Result<std::fs::File> {
    ///     let (_name, [file]) = received.exactly()?;
    ///     Ok(file.into())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Malformed`](ErrorKind::Malformed) where fewer or more came; all are closed. The stream
    /// that the message is from goes on.
    pub fn exactly<const N: usize>(self) -> Result<(Bytes, [OwnedFd; N])> {
        match self.descriptors.try_into() {
            Ok(descriptors) => Ok((self.body, descriptors)),
            Err(others) => {
                let cause = format!("message with {} descriptors, expected {N}", others.len());
                Err(Error::new(ErrorKind::Malformed, cause)
                    .doing("receive")
                    .remedy("does the peer speak the same protocol?"))
            }
        }
    }
}

impl Body for Received {
    fn body(&self) -> &Bytes {
        &self.body
    }
}
