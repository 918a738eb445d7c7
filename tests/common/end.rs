//! One end of a channel, whatever it can do.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use framewire::{BoxDuplex, BoxReceiver, BoxSender, Error, Result};
use futures::{Sink, Stream};

/// What is under test: a boxed connection, or a boxed sender and receiver, or one of the two.
pub(crate) enum End {
    Both(BoxDuplex),
    Apart { sender: Option<BoxSender>, receiver: Option<BoxReceiver> },
}

impl End {
    fn sender(&mut self) -> Pin<&mut dyn Sink<Bytes, Error = Error>> {
        match self {
            Self::Both(duplex) => duplex.as_mut(),
            Self::Apart { sender, .. } => sender.as_mut().expect("an end that sends").as_mut(),
        }
    }
}

impl From<BoxDuplex> for End {
    fn from(duplex: BoxDuplex) -> Self {
        Self::Both(duplex)
    }
}

impl From<BoxSender> for End {
    fn from(sender: BoxSender) -> Self {
        Self::Apart { sender: Some(sender), receiver: None }
    }
}

impl From<BoxReceiver> for End {
    fn from(receiver: BoxReceiver) -> Self {
        Self::Apart { sender: None, receiver: Some(receiver) }
    }
}

impl From<(BoxSender, BoxReceiver)> for End {
    fn from((sender, receiver): (BoxSender, BoxReceiver)) -> Self {
        Self::Apart { sender: Some(sender), receiver: Some(receiver) }
    }
}

impl Stream for End {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.get_mut() {
            Self::Both(duplex) => duplex.as_mut().poll_next(cx),
            Self::Apart { receiver, .. } => {
                receiver.as_mut().expect("an end that receives").as_mut().poll_next(cx)
            }
        }
    }
}

impl Sink<Bytes> for End {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.get_mut().sender().poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, body: Bytes) -> Result<()> {
        self.get_mut().sender().start_send(body)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.get_mut().sender().poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.get_mut().sender().poll_close(cx)
    }
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Both(_) => "End::Both",
            Self::Apart { .. } => "End::Apart",
        })
    }
}
