//! The end that messages come out of.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
};

use bytes::Bytes;

use super::{
    calls::{Parcel, Slot},
    queue::Queue,
    unpacker::Unpacker,
};
use crate::{Error, message::TryRecv, sys, transport::inbox::Inbox};

/// A queue that is received from: what is in it now.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use framewire::{message::{TryRecv, TrySend}, mq};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let name = &format!("/framewire-doc-inlet-{}", std::process::id());
/// let options = mq::Options::new().capacity(4).max_len(64);
/// let (mut receiver, mut sender) = (options.receiver(name).await?, options.sender(name).await?);
/// sender.get_mut().try_send(&Bytes::from("now"))?;
/// assert_eq!(receiver.get_mut().try_recv()?, Some(Bytes::from("now")));
/// # mq::remove(name)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Inlet {
    queue: Queue,
    inbox: Inbox,
    /// What a thread of ours has taken; only where there can be one.
    taken: Option<Arc<Slot<Parcel>>>,
    /// Only where messages come in an envelope.
    unpacker: Option<Unpacker>,
}

/// Where a message is that was received.
enum Arrived {
    /// In the inbox, with this priority.
    Inbox(u32),
    Apart(Parcel),
}

impl Inlet {
    pub(super) fn new(queue: Queue, taken: Option<Arc<Slot<Parcel>>>) -> Self {
        let inbox = Inbox::new(queue.sizes.max_len);
        Self { queue, inbox, taken, unpacker: None }
    }

    pub(super) fn unpack(&mut self, unpacker: Unpacker) {
        self.unpacker = Some(unpacker);
    }

    /// How many messages the queue holds.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::mq;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let name = &format!("/framewire-doc-capacity-{}", std::process::id());
    /// let receiver = mq::Options::new().capacity(4).max_len(64).receiver(name).await?;
    /// assert_eq!((receiver.get_ref().capacity(), receiver.get_ref().max_len()), (4, 64));
    /// # mq::remove(name)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn capacity(&self) -> usize {
        self.queue.sizes.capacity
    }

    /// The largest message that the queue takes, in bytes.
    ///
    /// # Examples
    ///
    /// See [`capacity`](Self::capacity).
    pub fn max_len(&self) -> usize {
        self.queue.sizes.max_len
    }

    /// How many messages are in the queue now.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::mq;
    /// use futures::SinkExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let name = &format!("/framewire-doc-waiting-{}", std::process::id());
    /// let options = mq::Options::new().capacity(4).max_len(64);
    /// let (receiver, mut sender) = (options.receiver(name).await?, options.sender(name).await?);
    /// sender.send("hello".into()).await?;
    /// assert_eq!(receiver.get_ref().waiting()?, 1);
    /// # mq::remove(name)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// None that is known of.
    pub fn waiting(&self) -> io::Result<usize> {
        self.queue.len()
    }

    /// Takes the first message of the queue, in whatever place.
    #[inline]
    fn receive(&mut self) -> io::Result<Arrived> {
        if let Some(parcel) = self.taken.as_ref().and_then(|taken| taken.lock().take()) {
            return Ok(Arrived::Apart(parcel));
        }
        let Self { queue, inbox, .. } = self;
        let priority = inbox.receive_by(|into| sys::queue_receive(queue.as_fd(), into))?;
        Ok(Arrived::Inbox(priority))
    }

    #[inline]
    fn take_whole(&mut self) -> io::Result<Parcel> {
        Ok(match self.receive()? {
            Arrived::Inbox(priority) => (self.inbox.take(), priority),
            Arrived::Apart(parcel) => parcel,
        })
    }

    /// Takes the first message and its priority.
    #[inline]
    pub(super) fn take(&mut self) -> io::Result<Parcel> {
        let Some(mut unpacker) = self.unpacker.take() else { return self.take_whole() };
        let taken = unpacker.next(|| self.take_whole().map(Some));
        self.unpacker = Some(unpacker);
        // The queue has no end.
        taken.and_then(|parcel| parcel.ok_or_else(|| io::ErrorKind::WouldBlock.into()))
    }

    /// Takes the first message and lends it.
    #[inline]
    pub(super) fn lend<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> io::Result<R> {
        if self.unpacker.is_some() {
            return self.take().map(|(body, _)| see(&body));
        }
        Ok(match self.receive()? {
            Arrived::Inbox(_) => see(self.inbox.show()),
            Arrived::Apart((body, _)) => see(&body),
        })
    }

    /// Whether more can come behind the last error: one sender does not silence the others.
    pub(super) fn goes_on(&self) -> bool {
        self.unpacker.as_ref().is_some_and(Unpacker::goes_on)
    }
}

impl TryRecv for Inlet {
    type Received = Bytes;

    #[inline]
    fn try_recv(&mut self) -> io::Result<Option<Bytes>> {
        self.take().map(|(body, _)| Some(body))
    }

    #[inline]
    fn try_lend<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> io::Result<Option<R>> {
        self.lend(see).map(Some)
    }

    fn goes_on(&self, _: &Error) -> bool {
        Self::goes_on(self)
    }
}

impl AsFd for Inlet {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}
