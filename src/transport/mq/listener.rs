//! Listening.

use std::{
    os::fd::AsFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures::Stream;

use super::{
    Channel, Connection, Options,
    arrivals::{Arrival, Arrivals},
    channel::{End, only_user},
    options::failed,
    pair::{Names, Pair, Stand},
    presence::Role,
    vacancy::Vacancies,
};
use crate::{
    BoxListener, Endpoint, ErrorKind, Result, backoff::Backoff, message::Messages, runtime,
};

/// A name that is listened on: a `Stream` of those who connect, which never ends.
///
/// It holds a pair of queues ready for the next one who comes, and makes a new pair when that is
/// taken. Where there is no room for one, it pauses, and goes on when there is; that is an event
/// for `tracing`, not an item of the stream.
///
/// # Examples
///
/// See [`listen`](super::listen).
///
/// # Cancel safety
///
/// `next` is cancel-safe: who was let in is never dropped.
#[derive(Debug)]
pub struct Listener {
    options: Options,
    names: Names,
    /// For whoever comes next.
    ready: Option<Ready>,
    /// Whatever has the names now. `None` where not even the smallest queue could be had.
    stand: Option<Stand>,
    vacancies: Vacancies,
    backoff: Backoff,
}

/// A pair of queues at the names.
#[derive(Debug)]
struct Ready {
    pair: Pair,
    arrivals: Arrivals,
}

impl Listener {
    pub(super) fn open(options: &Options, names: Names) -> Result<Self> {
        runtime::here()?;
        let mut listener = Self {
            options: options.clone(),
            names,
            ready: None,
            stand: None,
            vacancies: Vacancies::default(),
            backoff: Backoff::default(),
        };
        listener.make_ready()?;
        Ok(listener)
    }

    /// The endpoint that is listened on.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::mq;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let name = &*format!("/framewire-doc-listener-{}", std::process::id());
    /// let listener = mq::Options::new().capacity(4).max_len(64).listen(name).await?;
    /// assert_eq!(listener.endpoint().to_string(), format!("mq://{name}"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn endpoint(&self) -> &Endpoint {
        self.names.base.endpoint()
    }

    /// Puts a new pair of queues in the names' place.
    fn make_ready(&mut self) -> Result<()> {
        // The names are given up first: no call gives a queue another's name.
        self.stand = None;
        let (stand, pair) = Stand::make(&self.names, &self.options)?;
        let arrivals = Arrivals::new(pair.requests.queue())?;
        self.stand = Some(stand);
        self.ready = Some(Ready { pair, arrivals });
        Ok(())
    }

    /// The same, or keeps the names from looking as if nobody listened.
    fn make_ready_or_wait(&mut self) -> Result<()> {
        let made = self.make_ready();
        if matches!(&made, Err(error) if error.kind() == ErrorKind::Exhausted) {
            self.stand = Stand::keep(&self.names).ok();
        }
        made
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<Connection>> {
        loop {
            if self.ready.is_none() {
                if self.vacancies.poll(cx).is_ready() {
                    self.backoff = Backoff::default();
                }
                ready!(self.backoff.poll(cx));
                if let Err(error) = self.make_ready_or_wait() {
                    let Ok(pause) = self.backoff.fail() else { return Poll::Ready(Err(error)) };
                    tracing::warn!(%error, ?pause, "listening waits for room for a new pair");
                    continue;
                }
                self.backoff.succeed();
            }
            let Some(Ready { arrivals, .. }) = &mut self.ready else { continue };
            let arrival = ready!(arrivals.poll(cx))?;
            let Some(Ready { pair, .. }) = self.ready.take() else { continue };
            if arrival == Arrival::Nobody {
                tracing::warn!(endpoint = %self.endpoint(), "somebody has removed the name");
                continue;
            }
            // At once, for whoever waits already: we may not be polled again for a while.
            if let Err(error) = self.make_ready_or_wait() {
                tracing::debug!(%error, "no room for a new pair yet");
            }
            return Poll::Ready(self.connection(pair, arrival == Arrival::Ours));
        }
    }

    fn connection(&self, pair: Pair, tells: bool) -> Result<Connection> {
        let end = End {
            uid: only_user(pair.requests.queue())?,
            inward: pair.requests,
            outward: pair.replies,
            names: self.names.of_queues(),
            tells,
            vacancy: Some(self.vacancies.vacancy()),
        };
        let (channel, wait) = Channel::new(end, &self.options)?;
        tracing::debug!(endpoint = %self.endpoint(), tells, "accepted");
        Ok(Messages::new(channel, wait).on(Arc::clone(self.names.base.endpoint())))
    }
}

/// What one that came and was not let in has left in files goes with the one that leaves last.
impl Drop for Listener {
    fn drop(&mut self) {
        let (Some(Ready { pair, .. }), true) = (self.ready.take(), self.options.spill.is_some())
        else {
            return;
        };
        let Pair { mut requests, replies } = pair;
        requests.leave();
        let name = self.names.requests.text();
        if let (Ok(Some(spill)), Ok(false)) =
            (self.options.spill_of(requests.as_fd(), &name), requests.has(Role::Sender))
        {
            spill.sweep();
        }
        drop(replies);
    }
}

impl Stream for Listener {
    type Item = Result<Connection>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let listener = self.get_mut();
        let accepted = ready!(listener.poll_accept(cx));
        let base = &listener.names.base;
        Poll::Ready(Some(accepted.map_err(|error| failed(error, "accept on", base))))
    }
}

impl From<Listener> for BoxListener {
    fn from(listener: Listener) -> Self {
        Self::new(listener.endpoint().clone(), listener)
    }
}
