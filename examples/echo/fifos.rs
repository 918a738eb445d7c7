//! Two FIFOs, one each way, as one connection.

use std::{
    path::Path,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use framewire::{
    BoxDuplex, Error, Result,
    fifo::{self, End, Receiver, Sender},
};
use futures::{Sink, Stream};

struct Fifos {
    receiver: Receiver,
    sender: Sender,
}

/// The client's end, or with `serves` the server's.
pub(crate) async fn open(directory: &Path, serves: bool) -> Result<BoxDuplex> {
    let (there, back) = (directory.join("there"), directory.join("back"));
    let (ours, theirs) = if serves { (there, back) } else { (back, there) };
    let options = fifo::Options::new().end(End::WithLastWriter);
    let receiver = options.receiver(ours).await?;
    Ok(Box::pin(Fifos { receiver, sender: options.sender(theirs).await? }))
}

impl Stream for Fifos {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.receiver).poll_next(cx)
    }
}

impl Sink<Bytes> for Fifos {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.sender).poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, body: Bytes) -> Result<()> {
        Pin::new(&mut self.sender).start_send(body)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.sender).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.sender).poll_close(cx)
    }
}
