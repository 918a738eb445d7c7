//! A receiver and a sender, one each way, as one connection.

use std::{
    path::Path,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use framewire::{
    BoxDuplex, BoxReceiver, BoxSender, Error, Result,
    fifo::{self, End},
};
use futures::{Sink, Stream};

/// The two ends of one side.
pub(crate) struct Halves {
    pub(crate) receiver: BoxReceiver,
    pub(crate) sender: BoxSender,
}

/// Two FIFOs in a directory: the client's ends, or with `serves` the server's.
pub(crate) async fn fifos(directory: &Path, serves: bool) -> Result<BoxDuplex> {
    let (there, back) = (directory.join("there"), directory.join("back"));
    let (ours, theirs) = if serves { (there, back) } else { (back, there) };
    let options = fifo::Options::new().end(End::WithLastWriter);
    let receiver = Box::pin(options.receiver(ours).await?);
    Ok(Box::pin(Halves { receiver, sender: Box::pin(options.sender(theirs).await?) }))
}

impl Stream for Halves {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.as_mut().poll_next(cx)
    }
}

impl Sink<Bytes> for Halves {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.sender.as_mut().poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, body: Bytes) -> Result<()> {
        self.sender.as_mut().start_send(body)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.sender.as_mut().poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.sender.as_mut().poll_close(cx)
    }
}
