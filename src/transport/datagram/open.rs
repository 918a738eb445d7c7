//! An open datagram socket, to be made into what a verb hands out.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use super::{
    Listener, Ready, Socket, Source, Target,
    arrival::{Intake, Policy},
    hub::{Hub, Limits},
    socket::{Feed, Whom},
};
use crate::{
    Endpoint, Peer, Result,
    message::Messages,
    names::Placed,
    sys,
    wait::{Fd, Strategy},
};

/// A socket that is bound, connected, or both, and how it is to be used.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) fd: OwnedFd,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) strategy: Strategy,
    /// The largest message that it sends and accepts, in bytes.
    pub(crate) max_len: usize,
    /// Whose messages are taken.
    pub(crate) policy: Policy,
    /// Its name in the file system, where it is ours to remove.
    pub(crate) placed: Option<Placed>,
}

impl Open {
    /// Receives from whoever sends to it.
    pub(crate) fn receiver(self) -> Result<Messages<Source, Ready>> {
        let endpoint = Arc::clone(&self.endpoint);
        let (source, ready) = self.source(Peer::default())?;
        Ok(Messages::new(source, Ready::own(ready)).on(endpoint))
    }

    /// Sends to whom it is connected to.
    pub(crate) fn sender(self) -> Result<Messages<Target, Ready>> {
        let ready = Fd::new(self.fd)?.strategy(self.strategy);
        let target = Target::new(ready.share(), Whom::Connected, self.max_len);
        Ok(Messages::new(target, Ready::own(ready)).on(self.endpoint))
    }

    /// Talks with whom it is connected to.
    pub(crate) fn connection(self, peer: Peer) -> Result<Messages<Socket, Ready>> {
        let (endpoint, max_len) = (Arc::clone(&self.endpoint), self.max_len);
        let (source, ready) = self.source(peer)?;
        let target = Target::new(ready.share(), Whom::Connected, max_len);
        Ok(Messages::new(Socket { source, target }, Ready::own(ready)).on(endpoint))
    }

    /// Makes a connection for each who sends to it; `silent` where peers make room in their queues
    /// without an event.
    pub(crate) fn listener(self, limits: Limits, silent: bool) -> Result<Listener> {
        let Self { fd, endpoint, strategy, max_len, policy, placed } = self;
        sys::count_dropped(fd.as_fd())?;
        let ready = Fd::new(fd)?.strategy(strategy);
        let fd = ready.share();
        let intake = Intake::new(max_len, true, policy);
        let (running, newcomers) = Hub::start(ready, intake, limits)?;
        tracing::debug!(%endpoint, "listening");
        Ok(Listener {
            _placed: placed,
            newcomers,
            fd,
            strategy,
            max_len,
            endpoint,
            silent,
            running,
        })
    }

    fn source(self, peer: Peer) -> Result<(Source, Fd)> {
        let Self { fd, strategy, max_len, policy, placed, .. } = self;
        sys::count_dropped(fd.as_fd())?;
        let ready = Fd::new(fd)?.strategy(strategy);
        let feed = Feed::Own(Intake::new(max_len, false, policy));
        Ok((Source::new(ready.share(), feed, peer, max_len, placed), ready))
    }
}
