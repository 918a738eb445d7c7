//! The previous version, as the next one knows it.

use std::{io, os::fd::OwnedFd, time::Duration};

use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;

use crate::{
    Error, ErrorKind, Result,
    names::Placed,
    runtime, sys,
    wait::{Io, Strategy},
};

/// What the next version says when it is ready, and what the previous one answers: it has let go,
/// or has given up on the next version and goes on itself.
pub(super) const READY: u8 = b'R';
pub(super) const YOURS: u8 = b'Y';
pub(super) const NOT_YOURS: u8 = b'N';

/// How long the previous version may take to answer: it has nothing to do but that.
const ANSWER: Duration = Duration::from_secs(30);

/// Who started this process with its own sockets, as long as they are not ours alone.
#[derive(Debug)]
pub(super) struct Previous {
    control: Control,
    /// All names that are handed over, whatever becomes of the listeners until then.
    names: Vec<Placed>,
    /// Cancelled when the sockets are ours.
    opened: CancellationToken,
}

#[derive(Debug)]
enum Control {
    Silent(OwnedFd),
    /// It was said that we are ready.
    Asked(Box<Io>),
    /// The answer was no, and stays so.
    Refused,
}

impl Previous {
    pub(super) fn new(control: OwnedFd) -> Self {
        let control = Control::Silent(control);
        Self { control, names: Vec::new(), opened: CancellationToken::new() }
    }

    /// What listeners wait for before they accept.
    pub(super) fn opened(&self) -> CancellationToken {
        self.opened.clone()
    }

    pub(super) fn add(&mut self, name: &Placed) {
        self.names.push(name.share());
    }

    /// Says that we are ready, and waits until the sockets are ours. Can be called again where it
    /// was dropped, and goes on there.
    pub(super) async fn ready(&mut self) -> Result<()> {
        if let Control::Silent(control) = &self.control {
            let control = Io::socket(control.try_clone()?)?.strategy(Strategy::Park);
            drop(runtime::sleep(Duration::ZERO)?);
            let said = control.fd().map_or(Ok(0), |fd| sys::send(fd, &[READY]));
            self.control = Control::Asked(Box::new(control));
            // It has ended: then there is nobody to ask, as the next read tells too.
            said.or_else(|error| if is_gone(&error) { Ok(0) } else { Err(error) })?;
        }
        let Control::Asked(control) = &mut self.control else { return Err(refused()) };
        let Ok(answer) = runtime::timeout(ANSWER, control.read_u8())?.await else {
            let cause = format!("the previous version has not answered in {ANSWER:?}");
            return Err(Error::new(ErrorKind::TimedOut, cause).remedy("is it stopped?"));
        };
        match answer {
            Ok(YOURS) => {}
            // Only its death closes the other end without an answer.
            Err(error) if is_gone(&error) => {
                tracing::warn!("the previous version ended while it was handing over");
            }
            Ok(_) => {
                self.control = Control::Refused;
                return Err(refused());
            }
            Err(error) => return Err(error.into()),
        }
        for name in &self.names {
            name.set_owner(true);
            if let Err(error) = name.record() {
                // The lock is ours all the same: only its file still names the previous version.
                tracing::warn!(%error, "cannot write down who owns a name");
            }
        }
        self.opened.cancel();
        tracing::debug!(names = self.names.len(), "taken over");
        Ok(())
    }
}

fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | NotConnected | UnexpectedEof)
}

fn refused() -> Error {
    Error::new(ErrorKind::Closed, "the previous version has given up on this one, and goes on")
        .remedy("be ready sooner, or give it a longer `Handover::deadline`")
}
