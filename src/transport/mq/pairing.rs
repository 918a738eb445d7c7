//! What can be chosen about pairs of queues and envelopes.

use std::{os::fd::BorrowedFd, sync::Arc, time::Duration};

use tracing::Instrument;

use super::{
    Channel, Connection, Listener, Options, channel::End, connecting, options::failed,
    packer::Packer, pair::Names, spill::Spill, unpacker::Unpacker,
};
use crate::{
    Result,
    message::Messages,
    sys::{self, Entry},
};

/// Of pairs of queues, and of envelopes.
impl Options {
    /// Many messages in one queue message, each with a length of 4 bytes in front: no. Both ends
    /// have to choose it.
    ///
    /// `feed` gathers until a queue message is full, `flush` sends; `send` does both, and gathers
    /// nothing. A message can have 4 bytes less then than the queue takes. Others than framewire
    /// have to know the lengths (big-endian); what comes and is no row of such messages is told as
    /// [`Malformed`](crate::ErrorKind::Malformed).
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::mq;
    /// use futures::{SinkExt, StreamExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let name = &format!("/framewire-doc-packed-{}", std::process::id());
    /// let options = mq::Options::new().capacity(1).max_len(64).packed();
    /// let (mut receiver, mut sender) = (options.receiver(name).await?, options.sender(name).await?);
    /// for n in 0..10 {
    ///     sender.feed(format!("{n}").into()).await?;
    /// }
    /// sender.flush().await?;
    /// assert_eq!(receiver.get_ref().waiting()?, 1);
    /// for n in 0..10 {
    ///     assert_eq!(receiver.next().await.expect("it was sent")?, format!("{n}"));
    /// }
    /// # mq::remove(name)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn packed(mut self) -> Self {
        self.packed = true;
        self
    }

    /// Has messages of up to so many bytes that the queue does not take go through files of memory:
    /// none. Both ends have to choose it, and to be of the same user.
    ///
    /// Each such body is a file of its own in `/dev/shm/framewire-<uid>`, 0600, which the receiver
    /// reads and removes; in the queue are its length and name. It is written when it is accepted
    /// for sending, and one that cannot be sent is removed. A message that fits goes through the
    /// queue, in the envelope of [`packed`](Self::packed).
    ///
    /// Files outlive their processes as messages in a queue do. [`remove`](super::remove) of the
    /// queue removes its files as well: those that nobody has received, and what a killed process
    /// has left. The two ends of a connection leave nothing, unless both are killed. A name has at
    /// most 199 bytes to spill, and a body 2,147,483,647.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use framewire::mq;
    /// use futures::{SinkExt, StreamExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let name = &format!("/framewire-doc-spill-{}", std::process::id());
    /// let options = mq::Options::new().capacity(4).max_len(64).spill(1 << 20);
    /// let (mut receiver, mut sender) = (options.receiver(name).await?, options.sender(name).await?);
    /// sender.send(Bytes::from(vec![7; 1 << 20])).await?;
    /// assert_eq!(receiver.next().await.expect("it was sent")?.len(), 1 << 20);
    /// # mq::remove(name)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn spill(mut self, max_len: usize) -> Self {
        self.spill = Some(max_len);
        self
    }

    /// How long [`connect`](Self::connect) tries again while others are let in, or there is no room
    /// for another pair, or, with [`wait_for_listener`](Self::wait_for_listener), nobody listens:
    /// 5 s.
    ///
    /// # Examples
    ///
    /// See [`wait_for_listener`](Self::wait_for_listener).
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Whether [`connect`](Self::connect) waits for a listener to come, where there is none: no.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{ErrorKind, mq};
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let options = mq::Options::new().wait_for_listener(true).deadline(Duration::from_millis(20));
    /// let late = options.connect("/framewire-doc-nobody-listens").await.unwrap_err();
    /// assert_eq!(late.kind(), ErrorKind::TimedOut);
    /// # }
    /// ```
    pub fn wait_for_listener(mut self, wait: bool) -> Self {
        self.wait_for_listener = wait;
        self
    }

    /// Listens on a name: see [`listen`](super::listen). [`create`](Self::create),
    /// [`unlink`](Self::unlink) and [`wait_by`](Self::wait_by) have no say here.
    ///
    /// # Examples
    ///
    /// See [`listen`](super::listen).
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse): somebody listens on it. Else as
    /// [`receiver`](Self::receiver), with 246 bytes at most for the name.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it never waits, and is done when it is first polled.
    pub async fn listen(&self, name: impl AsRef<str>) -> Result<Listener> {
        let names = Names::new(name.as_ref())?;
        let base = names.base.clone();
        Listener::open(self, names).map_err(|error| failed(error, "listen on", &base))
    }

    /// Connects to who listens on a name.
    ///
    /// One client at a time is let in: others meanwhile try again after pauses of 1 to 25 ms.
    ///
    /// # Examples
    ///
    /// See [`listen`](super::listen).
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound): nobody listens there, for 250 ms on end.
    /// [`TimedOut`](crate::ErrorKind::TimedOut): the listener let nobody in until the
    /// [deadline](Self::deadline), or did not come. Else as [`receiver`](Self::receiver).
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: nothing of a wait is left.
    pub async fn connect(&self, name: impl AsRef<str>) -> Result<Connection> {
        let names = Names::new(name.as_ref())?;
        let endpoint = names.base.endpoint();
        let connecting = async {
            let pair = connecting::connect(self, &names).await?;
            let [requests, replies] = names.of_queues();
            let end = End {
                // Who made the queue listens.
                uid: Some(Entry::of(pair.requests.queue())?.owner),
                inward: pair.replies,
                outward: pair.requests,
                names: [replies, requests],
                tells: true,
                vacancy: None,
            };
            let (channel, wait) = Channel::new(end, self)?;
            Ok(Messages::new(channel, wait).on(Arc::clone(endpoint)))
        };
        let connected = connecting.instrument(tracing::debug_span!("connect", %endpoint)).await;
        connected.map_err(|error| failed(error, "connect to", &names.base))
    }

    /// How messages that come out of this queue are taken out of their envelope, if they have one.
    pub(super) fn unpacker(&self, queue: BorrowedFd<'_>, name: &str) -> Result<Option<Unpacker>> {
        if !self.has_envelope() {
            return Ok(None);
        }
        Ok(Some(Unpacker::new(self.spill_of(queue, name)?)))
    }

    /// How messages that go into this queue are put into an envelope, if they have one.
    pub(super) fn packer(&self, queue: BorrowedFd<'_>, name: &str) -> Result<Option<Packer>> {
        if !self.has_envelope() {
            return Ok(None);
        }
        let room = sys::queue_sizes(queue)?.0.max_len;
        Ok(Some(Packer::new(room, self.packed, self.spill_of(queue, name)?)?))
    }

    pub(super) fn spill_of(&self, queue: BorrowedFd<'_>, name: &str) -> Result<Option<Spill>> {
        self.spill.map(|max_len| Spill::of(queue, name, max_len)).transpose()
    }

    fn has_envelope(&self) -> bool {
        self.packed || self.spill.is_some()
    }
}
