//! Plain notice of a signal.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::number::Number;
use crate::{BoxReceiver, Endpoint, Error, Result, place::Place, runtime};

/// A signal came at least once since the last item.
///
/// Not once: signals that come before the last is taken are one item.
///
/// # Examples
///
/// See [`Receiver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtLeastOne;

/// Notice of a signal: a `Stream` of [`AtLeastOne`].
///
/// What the program did on that signal before is not done any more, for the rest of the process's
/// life: tokio's handler stays.
///
/// # Examples
///
/// ```
/// use framewire::signal;
/// use futures::StreamExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// let mut hangup = signal::receiver("HUP").await?;
/// # #[cfg(target_os = "linux")]
/// # {
/// # let me = std::process::id();
/// # use futures::SinkExt;
/// # signal::sender(format!("HUP@{me}")).await?.send(signal::Value::Plain).await?;
/// let notice: signal::AtLeastOne = hangup.next().await.expect("it never ends")?;
/// // Read the configuration again, once for however many came.
/// # }
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// `next` is cancel-safe.
#[derive(Debug)]
pub struct Receiver {
    signal: Signal,
    place: Place,
}

impl Receiver {
    pub(super) fn open(name: &str) -> Result<Self> {
        let number = Number::to_receive(name).map_err(|error| error.doing("receive"))?;
        let endpoint = number.endpoint();
        let opened = runtime::with_io(|| signal(SignalKind::from_raw(number.raw)));
        let signal =
            opened.map_err(|error| Error::from(error).doing("receive").on(endpoint.clone()))?;
        let mut place = Place::default();
        place.set(endpoint);
        Ok(Self { signal, place })
    }

    /// The signal.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let hangup = framewire::signal::receiver("HUP").await?;
    /// assert_eq!(hangup.endpoint().map(ToString::to_string).as_deref(), Some("signal://HUP"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.place.endpoint()
    }

    /// The same as messages: an empty one for each item.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let hangup: framewire::BoxReceiver = framewire::signal::receiver("HUP").await?.bytes();
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn bytes(self) -> BoxReceiver {
        Box::pin(self.map(|notice| notice.map(|_| Bytes::new())))
    }
}

impl Stream for Receiver {
    type Item = Result<AtLeastOne>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.signal.poll_recv(cx).map(|came| came.map(|()| Ok(AtLeastOne)))
    }
}
