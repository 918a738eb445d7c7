//! A sender of values as one of messages.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::Sink;

use super::{Sender, Value};
use crate::{Error, ErrorKind, Result};

/// A sink of bodies, which are empty or of one length.
///
/// A body that is none is an error of its own, and the next may be one: futures' `with` would panic
/// there.
#[derive(Debug)]
pub(super) struct Bodies {
    sender: Sender,
    len: usize,
}

impl Bodies {
    pub(super) fn new(sender: Sender, len: usize) -> Self {
        Self { sender, len }
    }

    fn value(&self, body: &[u8]) -> Result<Value> {
        let len = self.len;
        match body.len() {
            0 => Ok(Value::Plain),
            is if is == len => Value::from_body(body),
            is => {
                let kind = if is > len { ErrorKind::TooLarge } else { ErrorKind::Malformed };
                let cause = format!("a body of {is} bytes, and it has to be of {len} or none");
                let error = Error::new(kind, cause);
                Err(self.sender.refused(error.remedy("choose with `signal::Options::wide`")))
            }
        }
    }

    fn sender(self: Pin<&mut Self>) -> Pin<&mut Sender> {
        Pin::new(&mut self.get_mut().sender)
    }
}

impl Sink<Bytes> for Bodies {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.sender().poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, body: Bytes) -> Result<()> {
        let value = self.value(&body)?;
        self.sender().start_send(value)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.sender().poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.sender().poll_close(cx)
    }
}
