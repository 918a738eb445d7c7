//! Sending until it is too late.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::Sink;

use super::{Outgoing, Outlet, Ranked, Ready};
use crate::{
    Error, ErrorKind, Result,
    message::{Messages, TrySend},
    runtime,
};

impl Messages<Outlet, Ready> {
    /// Sends a message unless there is no room for so long.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{ErrorKind, mq};
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let name = &format!("/framewire-doc-within-{}", std::process::id());
    /// let mut sender = mq::Options::new().capacity(1).max_len(64).sender(name).await?;
    /// sender.send_within("one", Duration::from_secs(1)).await?;
    /// let late = sender.send_within("two", Duration::from_millis(10)).await.unwrap_err();
    /// assert_eq!(late.kind(), ErrorKind::TimedOut);
    /// assert_eq!(sender.get_ref().waiting()?, 1);
    /// # mq::remove(name)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`TimedOut`](ErrorKind::TimedOut): the message was not sent.
    /// [`Unsupported`](ErrorKind::Unsupported): it would go in an envelope
    /// ([`packed`](super::Options::packed), [`spill`](super::Options::spill)), perhaps with others.
    /// Else as `send`; and when the runtime has no timers.
    ///
    /// # Cancel safety
    ///
    /// What is dropped early was not sent. With [`WaitBy::Blocking`](super::WaitBy::Blocking) it
    /// may have been, as with `send`.
    pub async fn send_within(&mut self, message: impl Into<Bytes>, within: Duration) -> Result<()> {
        let message = message.into();
        alone(self, self.get_ref())?;
        send(
            self,
            &message,
            within,
            |outlet| outlet,
            |outlet, message, until| outlet.give(message, 0, until),
        )
        .await
    }
}

impl Messages<Ranked<Outlet>, Ready, Outgoing> {
    /// Sends a message unless there is no room for so long.
    ///
    /// # Examples
    ///
    /// As [`Sender::send_within`](Messages::send_within).
    ///
    /// # Errors
    ///
    /// As [`Sender::send_within`](Messages::send_within).
    ///
    /// # Cancel safety
    ///
    /// As [`Sender::send_within`](Messages::send_within).
    pub async fn send_within(
        &mut self,
        message: impl Into<Outgoing>,
        within: Duration,
    ) -> Result<()> {
        let message = message.into();
        alone(self, self.get_ref().get_ref())?;
        send(
            self,
            &message,
            within,
            Ranked::get_ref,
            |ranked, Outgoing { body, priority }, until| ranked.0.give(body, *priority, until),
        )
        .await
    }
}

/// Refuses what may go with others: that one of them was late would be said of all.
fn alone<T: TrySend>(messages: &Messages<T, Ready, T::Outgoing>, outlet: &Outlet) -> Result<()> {
    if !outlet.has_envelope() {
        return Ok(());
    }
    let cause = "a sender that packs or spills has no time for a single message";
    let error = Error::new(ErrorKind::Unsupported, cause);
    Err(messages.refused(error.remedy("put `tokio::time::timeout` around `flush`")))
}

/// A message goes in turn, or not at all: it is never queued here, where nothing could take it back.
async fn send<T: TrySend>(
    messages: &mut Messages<T, Ready, T::Outgoing>,
    message: &T::Outgoing,
    within: Duration,
    outlet: fn(&T) -> &Outlet,
    mut give: impl FnMut(&mut T, &T::Outgoing, Option<Instant>) -> io::Result<()>,
) -> Result<()> {
    messages.check(message)?;
    let (asking, has_thread) =
        (|io: &T| outlet(io).asking(), outlet(messages.get_ref()).has_thread());
    let Some(until) = Instant::now().checked_add(within) else {
        poll_fn(|cx| Pin::new(&mut *messages).poll_ready(cx)).await?;
        let _asking = asking(messages.get_ref());
        return messages.in_turn(|io| give(io, message, None)).await;
    };
    let before = poll_fn(|cx| Pin::new(&mut *messages).poll_ready(cx));
    let sent = match runtime::timeout(within, before)?.await {
        Ok(ready) => {
            ready?;
            // What was accepted before is sent by now: what a thread is told of is ours.
            let _asking = asking(messages.get_ref());
            // A thread that is in the middle of a message is the one that knows whether it is late.
            let limit = has_thread.then_some(until);
            let sending = messages.in_turn(|io| give(io, message, limit));
            if has_thread {
                Some(sending.await)
            } else {
                let left = until.saturating_duration_since(Instant::now());
                runtime::timeout(left, sending)?.await.ok()
            }
        }
        Err(_) => None,
    };
    match sent {
        Some(Err(error)) if error.kind() == ErrorKind::TimedOut => Err(late(messages, within)),
        Some(sent) => sent,
        None => Err(late(messages, within)),
    }
}

fn late<T: TrySend>(messages: &Messages<T, Ready, T::Outgoing>, within: Duration) -> Error {
    let cause = format!("there was no room for all of {within:?}, the message is not sent");
    messages.refused(Error::new(ErrorKind::TimedOut, cause).remedy("does anybody receive?"))
}
