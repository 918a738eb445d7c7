//! Sending messages in memory of their own.

use std::time::Duration;

use futures::SinkExt;

use super::{Connection, Sealed};
use crate::{Error, ErrorKind, Result, message::TrySend, runtime};

/// How long until a descriptor is sent again that finds too many on their way already.
const AGAIN: Duration = Duration::from_millis(10);

impl Connection {
    /// Sends a message that lies in memory of its own, and flushes. None of it is copied: the peer
    /// receives it as any other message, and has it for as long as it keeps that.
    ///
    /// At most 16 are on their way at a time: it waits until the peer has received others.
    ///
    /// # Examples
    ///
    /// See [`Draft`](super::Draft).
    ///
    /// # Errors
    ///
    /// As sending any message.
    ///
    /// # Cancel safety
    ///
    /// As for any `send`: dropped early, it may or may not have queued the message.
    pub async fn send_sealed(&mut self, message: &Sealed) -> Result<()> {
        let (len, max) = (message.as_ref().len(), self.get_ref().max_len());
        if len > max {
            let cause = format!("message of {len} bytes, limit {max}");
            let error = Error::new(ErrorKind::TooLarge, cause)
                .remedy("send it in parts, or raise `max_len` of the options at both ends");
            return Err(self.refused(error));
        }
        while !self.in_turn(|channel| channel.send_sealed(message)).await? {
            // What is in front of it is not to wait as well.
            self.flush().await?;
            runtime::sleep(AGAIN)?.await;
        }
        self.flush().await
    }
}
