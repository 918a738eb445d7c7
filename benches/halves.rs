//! A receiving and a sending end as one link.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::{Sink, Stream};

/// A receiving and a sending end, so that a pair of pipes is driven by the same code as a socket.
/// Every call goes straight to the one or the other.
#[derive(Debug)]
pub(crate) struct Halves<R, S> {
    receiver: R,
    sender: S,
}

impl<R, S> Halves<R, S> {
    pub(crate) fn new(receiver: R, sender: S) -> Self {
        Self { receiver, sender }
    }
}

impl<R: Stream + Unpin, S: Unpin> Stream for Halves<R, S> {
    type Item = R::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.get_mut().receiver).poll_next(cx)
    }
}

impl<R: Unpin, S: Sink<Bytes> + Unpin> Sink<Bytes> for Halves<R, S> {
    type Error = S::Error;

    #[inline]
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Pin::new(&mut self.get_mut().sender).poll_ready(cx)
    }

    #[inline]
    fn start_send(self: Pin<&mut Self>, message: Bytes) -> Result<(), S::Error> {
        Pin::new(&mut self.get_mut().sender).start_send(message)
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Pin::new(&mut self.get_mut().sender).poll_flush(cx)
    }

    #[inline]
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Pin::new(&mut self.get_mut().sender).poll_close(cx)
    }
}
