//! Transports behind one type, for programs that choose theirs at run time.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{Sink, Stream, StreamExt};

#[cfg(unix)]
use crate::handover::Handle;
use crate::{Endpoint, Error, Peer, Result};

/// A `Stream` and `Sink` of messages: every connection of this crate, and anything else that is
/// both. There is nothing to implement.
///
/// # Examples
///
/// ```
/// use framewire::{BoxDuplex, Duplex};
///
/// fn boxed(connection: impl Duplex + Send + 'static) -> BoxDuplex {
///     Box::pin(connection)
/// }
/// ```
pub trait Duplex: Stream<Item = Result<Bytes>> + Sink<Bytes, Error = Error> {}

impl<T: ?Sized> Duplex for T where T: Stream<Item = Result<Bytes>> + Sink<Bytes, Error = Error> {}

/// Any receiver.
///
/// # Examples
///
/// ```
/// let none: framewire::BoxReceiver = Box::pin(futures::stream::empty());
/// ```
pub type BoxReceiver = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// Any sender.
///
/// # Examples
///
/// ```
/// use framewire::{BoxSender, Error};
/// use futures::SinkExt;
///
/// let drain: BoxSender = Box::pin(futures::sink::drain().sink_map_err(|never| match never {}));
/// ```
pub type BoxSender = Pin<Box<dyn Sink<bytes::Bytes, Error = Error> + Send>>;

/// Any connection.
///
/// # Examples
///
/// See [`Duplex`].
pub type BoxDuplex = Pin<Box<dyn Duplex + Send>>;

/// Any listener: a stream of those who come.
///
/// # Examples
///
/// ```
/// use framewire::Endpoint;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// let endpoint: Endpoint = "tcp://127.0.0.1:0".parse()?;
/// let listener = endpoint.listen().await?;
/// // Port 0 lets the system choose: the listener knows what it chose.
/// assert_ne!(listener.endpoint(), &endpoint);
/// # Ok(())
/// # }
/// ```
pub struct BoxListener {
    endpoint: Endpoint,
    #[cfg(unix)]
    handle: Option<Handle>,
    incoming: Pin<Box<dyn Stream<Item = Result<Accepted>> + Send>>,
}

impl BoxListener {
    /// Boxes a listener of your own, which listens on `endpoint`.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{Accepted, BoxListener, Result};
    ///
    /// # fn main() -> framewire::Result<()> {
    /// let nobody = BoxListener::new("unix:///run/app.sock".parse()?, futures::stream::empty::<Result<Accepted>>());
    /// # Ok(())
    /// # }
    /// ```
    pub fn new<C: Into<Accepted> + 'static>(
        endpoint: Endpoint,
        incoming: impl Stream<Item = Result<C>> + Send + 'static,
    ) -> Self {
        let incoming = incoming.map(|accepted| accepted.map(Into::into));
        Self {
            endpoint,
            #[cfg(unix)]
            handle: None,
            incoming: Box::pin(incoming),
        }
    }

    #[cfg(unix)]
    pub(crate) fn with_handle(self, handle: Handle) -> Self {
        Self { handle: Some(handle), ..self }
    }

    /// What is listened on, as whoever connects should write it.
    ///
    /// # Examples
    ///
    /// See [`BoxListener`].
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What to hand this listener over to another process with, while it is in use; `None` for
    /// a listener of your own.
    ///
    /// # Examples
    ///
    /// See [`handover`](crate::handover).
    ///
    /// # Platform
    ///
    /// Unix.
    #[cfg(unix)]
    pub fn handle(&self) -> Option<Handle> {
        self.handle.clone()
    }
}

impl Stream for BoxListener {
    type Item = Result<Accepted>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.incoming.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for BoxListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxListener").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// A connection that was accepted, and who is at its other end.
///
/// # Examples
///
/// ```
/// use framewire::Accepted;
/// use futures::{SinkExt, StreamExt};
///
/// async fn echo(accepted: Accepted) -> framewire::Result<()> {
///     let (sink, stream) = accepted.io.split();
///     stream.forward(sink).await
/// }
/// ```
pub struct Accepted {
    /// Who it is, as far as the mechanism can tell.
    pub peer: Option<Peer>,
    /// The connection.
    pub io: BoxDuplex,
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// Something that makes connections: an [`Endpoint`](crate::Endpoint), a closure, or a layer over
/// either that connects again or injects faults.
///
/// # Examples
///
/// ```
/// use framewire::{BoxDuplex, Dial, Endpoint, Result};
///
/// async fn first_of(dials: &[Box<dyn Dial>]) -> Option<BoxDuplex> {
///     for dial in dials {
///         if let Ok(connection) = dial.dial().await {
///             return Some(connection);
///         }
///     }
///     None
/// }
///
/// # fn main() -> Result<()> {
/// let dials: Vec<Box<dyn Dial>> = vec![
///     Box::new("unix:///run/near.sock".parse::<Endpoint>()?),
///     Box::new(|| async { "tcp://127.0.0.1:7000".parse::<Endpoint>()?.connect().await }),
/// ];
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Dial: Send + Sync {
    /// Makes one connection.
    ///
    /// # Examples
    ///
    /// See [`Dial`].
    ///
    /// # Errors
    ///
    /// What connecting answers; [`Error::is_retryable`] tells which are worth another try.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: a connection that is being made is closed.
    async fn dial(&self) -> Result<BoxDuplex>;
}

#[async_trait]
impl<F, Made> Dial for F
where
    F: Fn() -> Made + Send + Sync,
    Made: Future<Output = Result<BoxDuplex>> + Send,
{
    async fn dial(&self) -> Result<BoxDuplex> {
        self().await
    }
}
