//! Listening.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures::Stream;

use super::{
    Channel, Connection, Options, connecting,
    layout::LISTENER_BELL,
    place::Place,
    role::{Attached, SERVER},
};
use crate::{
    BoxListener, Endpoint, Error, ErrorKind, Result,
    backoff::Backoff,
    message::Messages,
    names::Claim,
    runtime,
    wait::{Direction, SharedBell, Strategy, Wait},
};

/// A name that is listened on: a `Stream` of those who connect, which never ends.
///
/// It holds a pair of rings ready for the next one who comes, and makes a new pair when that is
/// taken. Where there is no memory or no descriptor for one, it pauses and goes on; that is an
/// event for `tracing`, not an item of the stream.
///
/// # Examples
///
/// See the [module](super).
///
/// # Cancel safety
///
/// `next` is cancel-safe: who was let in is never dropped.
#[derive(Debug)]
pub struct Listener {
    options: Options,
    place: Place,
    endpoint: Arc<Endpoint>,
    /// For whoever comes next.
    ready: Option<Ready>,
    backoff: Backoff,
    /// Given up last. `None` only while a pair is made.
    claim: Option<Claim>,
}

/// A pair of rings at the name.
#[derive(Debug)]
struct Ready {
    /// Tells when it is taken.
    taken: SharedBell,
    attached: Arc<Attached>,
    channel: Channel,
    bell: SharedBell,
}

impl Listener {
    pub(super) fn open(options: &Options, place: Place, endpoint: Arc<Endpoint>) -> Result<Self> {
        runtime::here()?;
        let claim = place.claim()?;
        // What is not ours is not replaced.
        place.find()?;
        let mut listener = Self {
            options: options.clone(),
            place,
            endpoint,
            ready: None,
            backoff: Backoff::default(),
            claim: Some(claim),
        };
        listener.make_ready()?;
        Ok(listener)
    }

    /// The endpoint that is listened on.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::shm::named;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let name = format!("doc-listener-{}", std::process::id());
    /// let listener = named::listen(&*name).await?;
    /// assert_eq!(listener.endpoint().to_string(), format!("shm+named://{name}"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Puts a new pair of rings in the name's place.
    fn make_ready(&mut self) -> Result<()> {
        let Some(claim) = self.claim.take() else {
            return Err(Error::new(ErrorKind::Closed, "the right to the name was lost"));
        };
        let draft = claim.draft()?;
        let made = self.place.make(&draft, self.options.capacity).and_then(|(file, layout)| {
            let attached = Attached::new(file, layout)?;
            let taken = attached.bell(0, LISTENER_BELL);
            let taken = SharedBell::new(Some((taken, None)), None, Strategy::Park)?;
            match attached.take(SERVER)? {
                Some(hold) => {
                    let (channel, bell) = Channel::new(hold, &self.options)?;
                    Ok(Ready { taken, attached, channel, bell })
                }
                None => Err(Error::new(ErrorKind::InUse, "somebody else has a file of ours")),
            }
        });
        let (claim, made) = match made {
            Ok(made) => {
                let (claim, put) = draft.put();
                (claim, put.map(|()| made))
            }
            Err(error) => (draft.give_up(), Err(error)),
        };
        self.claim = Some(claim);
        self.ready = Some(made?);
        Ok(())
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<Connection>> {
        loop {
            ready!(self.backoff.poll(cx));
            if self.ready.is_none() {
                if let Err(error) = self.make_ready() {
                    let Ok(pause) = self.backoff.fail() else { return Poll::Ready(Err(error)) };
                    tracing::warn!(%error, ?pause, "listening waits for room for a new pair");
                    continue;
                }
                self.backoff.succeed();
            }
            let Some(Ready { taken, attached, .. }) = &mut self.ready else { continue };
            let is_taken = || connecting::try_taken(attached);
            ready!(taken.poll_io(cx, Direction::Receive, is_taken))?;
            let Some(Ready { mut channel, bell, .. }) = self.ready.take() else { continue };
            // At once, for whoever waits already: we may not be polled again for a while.
            if let Err(error) = self.make_ready() {
                tracing::debug!(%error, "no room for a new pair yet");
            }
            channel.look_at_peer();
            tracing::debug!(endpoint = %self.endpoint, peer = ?channel.peer(), "accepted");
            let connection = Messages::new(channel, bell).on(Arc::clone(&self.endpoint));
            return Poll::Ready(Ok(connection));
        }
    }
}

impl Stream for Listener {
    type Item = Result<Connection>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_accept(cx).map(Some)
    }
}

impl From<Listener> for BoxListener {
    fn from(listener: Listener) -> Self {
        Self::new(listener.endpoint().clone(), listener)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let (Some(claim), Some(ready)) = (&self.claim, &mut self.ready) else { return };
        if let Ok(entry) = ready.attached.entry() {
            self.place.remove(claim, &entry);
        }
        // Whether a client has taken it or is about to: until the lock is given up it can.
        ready.channel.abort();
    }
}
