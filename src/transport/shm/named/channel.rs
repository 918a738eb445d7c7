//! One end of a connection.

use std::{io, sync::Arc};

use bytes::Bytes;

use super::{
    Options,
    inflow::{Inflow, Nothing, before_sleep},
    layout::{DATA_BELL, SPACE_BELL},
    lookout::Watchman,
    outflow::{Outflow, deserted},
    role::{Attached, Hold, SERVER},
};
use crate::{
    Error, ErrorKind, Peer, Result,
    message::{TryRecv, TrySend},
    shared::{Consumer, Item, Producer, Reader, Region, cut_off},
    sys,
    wait::{Direction, SharedBell, Stage},
};

/// Two rings that were found by name: what can be received and sent now.
///
/// # Examples
///
/// See [`named`](super).
#[derive(Debug)]
pub struct Channel {
    inflow: Inflow,
    outflow: Outflow,
    /// The peer was gone when we last looked.
    dead: bool,
    peer: Peer,
    /// The last, so that the peer first finds how we ended.
    hold: Hold,
}

impl Channel {
    /// The end that goes with this part.
    pub(super) fn new(hold: Hold, options: &Options) -> Result<(Self, SharedBell)> {
        // The client writes to the first ring, and the server to the second.
        let (outwards, inwards) = if hold.role() == SERVER { (1, 0) } else { (0, 1) };
        let attached = hold.attached();
        let (out, into) = (|| attached.ring(outwards).clone(), || attached.ring(inwards).clone());
        let bell = SharedBell::new(
            Some((attached.bell(inwards, DATA_BELL), Some(Watchman::opposite(&hold)))),
            Some((attached.bell(outwards, SPACE_BELL), Some(Watchman::opposite(&hold)))),
            options.strategy,
        )?;
        let reader = Reader::new(Consumer::new(into(), into()), options.max_len);
        let producer = Producer::new(out(), out());
        let (data, space) =
            (attached.bell(outwards, DATA_BELL), attached.bell(inwards, SPACE_BELL));
        let inflow = Inflow::new(reader, space, bell.stage());
        let outflow = Outflow::new(producer, data, bell.stage(), options.max_len);
        let peer = Peer { uid: Some(sys::our_uid()), ..Peer::default() };
        let mut channel = Self { inflow, outflow, dead: false, peer, hold };
        channel.look_at_peer();
        Ok((channel, bell))
    }

    /// Who is at the other end: our user, since nobody else could open the file, and the process
    /// that it says it is.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::shm::named;
    /// use futures::StreamExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let name = format!("doc-peer-{}", std::process::id());
    /// let mut listener = named::listen(&*name).await?;
    /// let client = named::connect(&*name).await?;
    /// let server = listener.next().await.expect("a listener never ends")?;
    /// assert_eq!(server.peer().pid(), Some(std::process::id()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Tells the peer that nobody will ever see to it.
    pub(super) fn abort(&mut self) {
        self.outflow.end(false);
    }

    pub(super) fn attached(&self) -> &Attached {
        self.hold.attached()
    }

    /// The same, from what the file says.
    pub(super) fn look_at_peer(&mut self) {
        let (pid, _) = self.hold.attached().holder(self.hold.role().other());
        self.peer.pid = u32::try_from(pid).ok().filter(|pid| *pid != 0);
    }

    #[inline]
    fn receive<R>(
        &mut self,
        take: impl FnMut(&mut Reader<Arc<Region>>) -> Result<Option<Item<R>>>,
    ) -> io::Result<Option<R>> {
        let Self { inflow, outflow, hold, dead, .. } = self;
        let meaning = |reader: &mut Reader<_>, stage: &Stage| meaning(hold, dead, reader, stage);
        let received = inflow.receive(take, meaning);
        if let Err(error) = &received {
            if error.kind() != io::ErrorKind::WouldBlock {
                // It broke, and so both ways.
                inflow.end(true, true);
                outflow.end(false);
            }
        }
        received
    }
}

/// What it means that nothing is there.
#[inline]
fn meaning(
    hold: &Hold,
    dead: &mut bool,
    reader: &mut Reader<Arc<Region>>,
    stage: &Stage,
) -> io::Result<Nothing> {
    match reader.end()? {
        Some(true) => return Ok(Nothing::End),
        Some(false) => return Err(if reader.is_within() { cut_off().into() } else { gone() }),
        None => {}
    }
    if stage.takes_news(Direction::Receive) || *dead {
        *dead = !hold.has_peer()?;
        if *dead {
            // It can have published until its end, or closed.
            if reader.look_again()? || reader.end()?.is_some() {
                return Ok(Nothing::LookAgain);
            }
            return Err(if reader.is_within() { cut_off().into() } else { gone() });
        }
    }
    before_sleep(stage, || reader.arm())
}

#[cold]
fn gone() -> io::Error {
    Error::new(ErrorKind::Closed, "the peer ended without closing").into()
}

impl TryRecv for Channel {
    type Received = Bytes;

    #[inline]
    fn try_recv(&mut self) -> io::Result<Option<Bytes>> {
        self.receive(Reader::next)
    }

    #[inline]
    fn try_lend<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> io::Result<Option<R>> {
        let mut see = Some(see);
        let lent = self.receive(|reader| {
            // It is called once at most: with what is then returned.
            reader.lend(|body| see.take().map(|see| see(body)))
        })?;
        Ok(lent.flatten())
    }
}

impl TrySend for Channel {
    type Outgoing = Bytes;

    #[inline]
    fn try_send(&mut self, message: &Bytes) -> io::Result<()> {
        let Self { outflow, hold, dead, .. } = self;
        outflow.send(message, |news, _| {
            if news {
                *dead = !hold.has_peer()?;
            }
            Ok(*dead)
        })
    }

    #[inline]
    fn try_flush(&mut self) -> io::Result<()> {
        let shows = self.outflow.flush();
        if self.dead && !self.outflow.is_closed() { Err(deserted()) } else { shows }
    }

    fn try_close(&mut self) -> io::Result<()> {
        if !self.outflow.is_closed() {
            self.outflow.flush()?;
            self.outflow.end(true);
        }
        Ok(())
    }

    #[inline]
    fn max_len(&self) -> usize {
        self.outflow.max_len()
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.outflow.end(!std::thread::panicking());
        self.inflow.end(true, true);
    }
}
