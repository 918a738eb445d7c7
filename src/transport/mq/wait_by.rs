//! How an end waits.

/// What tells an end that a message, or room for one, is there.
///
/// Measured beside each other between two processes (64 bytes, [`Strategy`](crate::wait::Strategy)
/// `Adaptive`): a round trip of 3.5 µs by descriptor and of 3.6 by thread, one way 1.49 and 1.56
/// million messages a second. Where both sides have to park it is 65 and 50 µs. So the descriptor is
/// the default, which needs no thread and sleeps without waking up.
///
/// # Examples
///
/// ```
/// use framewire::mq::{self, WaitBy};
/// use futures::{SinkExt, StreamExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let name = &format!("/framewire-doc-wait-by-{}", std::process::id());
/// let options = mq::Options::new().capacity(4).max_len(64).wait_by(WaitBy::Blocking);
/// let mut receiver = options.receiver(name).await?;
/// let mut sender = options.sender(name).await?;
/// sender.send("hello".into()).await?;
/// assert_eq!(receiver.next().await.expect("it was sent")?, "hello");
/// # mq::remove(name)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitBy {
    /// The queue's own descriptor, which epoll(7) watches on Linux. No thread.
    #[default]
    Descriptor,
    /// A thread of this end's own, which blocks in mq_timedreceive(3) or mq_timedsend(3) while
    /// somebody waits: see [`Blocking`](crate::wait::Blocking). It is started by the first wait
    /// that has to park, and wakes up 20 times a second while one goes on.
    ///
    /// A receiver that has begun to wait and is not polled any more has its thread take one
    /// message, which is kept for its next poll. If there is none, since the receiver is dropped,
    /// the message goes back into the queue, behind those of its priority; the thread tries for a
    /// second where the queue has filled up meanwhile. For that, such a receiver opens the queue
    /// to send as well. A process that ends at once takes the message with it.
    Blocking,
}
