//! The task that looks after the receivers of a sender.

use std::{
    collections::VecDeque,
    fmt, io,
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::Sleep;

use super::{
    audience::Shared,
    introduction::{self, GIVEN, Hello, Kind, PACKET, Welcome},
};
use crate::{
    Error, ErrorKind, Peer, Result,
    backoff::Backoff,
    runtime,
    shared::Region,
    sys::{self, Arrived},
    transport::unix::listening::Listening,
    wait::{Direction, Fd, Strategy},
};

/// How long one that has connected has to say hello, and how many such there are at once.
const HELLO: Duration = Duration::from_secs(5);
const SILENT: usize = 64;
/// How many bytes are received at a time: a knock has one.
const KNOCKS: usize = 64;
/// Knocks in a row that the sender did not ask for: no sound receiver gets there.
const FLOOD: u32 = 10_000;

/// Accepts receivers, shows them the log, and sees them leave.
pub(super) struct Hub {
    listening: Listening,
    audience: Shared,
    kind: Kind,
    max_receivers: usize,
    /// Those who have not said hello yet, the oldest first.
    silent: VecDeque<Silent>,
    receivers: Vec<Receiver>,
    /// Of the next receiver.
    number: u64,
    backoff: Backoff,
}

/// One that was taken in.
struct Receiver {
    number: u64,
    socket: Fd,
    /// It may have left its socket to a child.
    process: Option<Fd>,
    /// Since the sender asked for one at another position, and that position.
    knocks: u32,
    wanted: u64,
}

/// One that has connected.
struct Silent {
    socket: Fd,
    peer: Peer,
    patience: Pin<Box<Sleep>>,
}

impl Hub {
    pub(super) fn new(
        listening: Listening,
        audience: Shared,
        kind: Kind,
        max_receivers: usize,
    ) -> io::Result<Self> {
        // What the runtime lacks is told here, and not to a task that nobody hears of.
        drop(runtime::sleep(Duration::ZERO)?);
        Fd::new(sys::event()?.0)?.register_to_receive()?;
        Ok(Self {
            listening,
            audience,
            kind,
            max_receivers,
            silent: VecDeque::new(),
            receivers: Vec::new(),
            number: 0,
            backoff: Backoff::default(),
        })
    }

    /// Takes in who connects.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.backoff.poll(cx));
            let accepted = ready!(self.listening.poll_accept(cx));
            let taken = accepted.and_then(|(socket, peer)| {
                let socket = Fd::new(socket)?.strategy(Strategy::Park);
                Ok(Silent { socket, peer, patience: runtime::sleep(HELLO)? })
            });
            match taken {
                Ok(silent) => {
                    self.backoff.succeed();
                    if self.silent.len() >= SILENT {
                        // Those that have said hello by now are not silent.
                        self.poll_silent(cx);
                    }
                    if self.silent.len() >= SILENT {
                        self.silent.pop_front();
                    }
                    self.silent.push_back(silent);
                }
                Err(error) => {
                    tracing::warn!(%error, "a receiver could not be taken in");
                    // There are timers: it was tried out.
                    let _ = self.backoff.fail();
                }
            }
        }
    }

    /// Takes in who says hello.
    fn poll_silent(&mut self, cx: &mut Context<'_>) {
        for _ in 0..self.silent.len() {
            let Some(mut silent) = self.silent.pop_front() else { return };
            let said = silent
                .socket
                .poll_fd(cx, Direction::Receive, |fd| introduction::receive(fd, GIVEN));
            match said {
                Poll::Ready(Ok((packet, arrived))) => {
                    if let Err(error) = self.take_in(silent, &packet, arrived) {
                        tracing::warn!(%error, "turned a receiver away");
                    }
                }
                Poll::Ready(Err(error)) => tracing::debug!(%error, "a receiver left at once"),
                Poll::Pending if silent.patience.as_mut().poll(cx).is_ready() => {
                    tracing::debug!("turned away who did not say hello");
                }
                Poll::Pending => self.silent.push_back(silent),
            }
        }
    }

    fn take_in(&mut self, silent: Silent, hello: &[u8], arrived: Arrived) -> Result<()> {
        let Silent { socket, peer, .. } = silent;
        let refuse = |why: [u8; PACKET], error| {
            let _ = sys::send(socket.as_fd(), &why);
            Err(error)
        };
        let begin = match Hello::decode(hello, self.kind) {
            Ok(begin) => begin,
            Err(error) => return refuse(Welcome::refused(self.kind), error),
        };
        let (page, bell) = match page_and_bell(arrived, &peer) {
            Ok(given) => given,
            Err(error) => return refuse(Welcome::refused(self.kind), error),
        };
        if self.receivers.len() >= self.max_receivers {
            let error = Error::new(ErrorKind::Exhausted, "there are too many receivers");
            return refuse(Welcome::full(self.kind), error);
        }
        let process = peer.pidfd.and_then(Arc::into_inner).map(Fd::new).transpose()?;
        let process = process.map(|process| process.strategy(Strategy::Park));
        // From here on until it is one of those who are waited for, nothing is written.
        let mut audience = self.audience.lock();
        let welcome = audience.welcome(begin);
        let packet = welcome.encode(self.kind);
        let region = [audience.file.as_fd()];
        sys::send_with(socket.as_fd(), &[io::IoSlice::new(&packet)], &region)?;
        audience.join(self.number, page, welcome, socket.share(), bell);
        drop(audience);
        self.receivers.push(Receiver {
            number: self.number,
            socket,
            process,
            knocks: 0,
            wanted: 0,
        });
        self.number += 1;
        Ok(())
    }

    /// Hears those who knock, and sees who is gone.
    fn poll_receivers(&mut self, cx: &mut Context<'_>) {
        let audience = &self.audience;
        self.receivers.retain_mut(|receiver| {
            if receiver.has_ended(cx) {
                audience.lock().leave(receiver.number);
                return false;
            }
            loop {
                let heard = receiver.socket.poll_fd(cx, Direction::Receive, |fd| {
                    sys::recv(fd, &mut [MaybeUninit::uninit(); KNOCKS])
                });
                let Poll::Ready(heard) = heard else { return true };
                let mut audience = audience.lock();
                audience.go_on();
                // Several pass the position that is asked for, and all but the first of them knock
                // for one who is up already.
                let wanted = std::mem::replace(&mut receiver.wanted, audience.wanted());
                receiver.knocks = if wanted == receiver.wanted { receiver.knocks + 1 } else { 0 };
                // One that says anything where there is nothing to say is none of ours.
                let is_sound = audience.takes_knocks() && receiver.knocks < FLOOD;
                if !is_sound || !matches!(heard, Ok(1..)) {
                    audience.leave(receiver.number);
                    return false;
                }
            }
        });
    }
}

impl Receiver {
    /// Whether its process has.
    fn has_ended(&mut self, cx: &mut Context<'_>) -> bool {
        self.process.as_mut().is_some_and(|process| {
            let ended = process.poll_fd(cx, Direction::Receive, |fd| match sys::has_ended(fd) {
                true => Ok(()),
                false => Err(io::ErrorKind::WouldBlock.into()),
            });
            matches!(ended, Poll::Ready(Ok(())))
        })
    }
}

/// What a receiver has to give.
fn page_and_bell(arrived: Arrived, peer: &Peer) -> Result<(Region, Option<sys::Ringer>)> {
    let malformed = |cause| Err(Error::new(ErrorKind::Malformed, cause));
    if arrived.cut || arrived.descriptors_cut {
        return malformed("a hello that is too long, or comes with too much");
    }
    let Ok([page, bell]) = <[OwnedFd; GIVEN]>::try_from(arrived.descriptors) else {
        return malformed("a hello comes with two descriptors");
    };
    let page = introduction::map(page.as_fd(), 0)?;
    // Another user could make ours block: it is knocked for.
    let ours = peer.uid() == Some(sys::our_uid()) && sys::is_eventfd(bell.as_fd())?;
    Ok((page, ours.then(|| sys::Ringer::of(bell))))
}

impl Future for Hub {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let accepting = self.poll_accept(cx);
        self.poll_silent(cx);
        self.poll_receivers(cx);
        accepting
    }
}

impl Drop for Hub {
    /// The runtime is gone, or the sender is.
    fn drop(&mut self) {
        let mut audience = self.audience.lock();
        audience.is_over = true;
        for receiver in &self.receivers {
            audience.leave(receiver.number);
        }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("receivers", &self.receivers.len()).finish_non_exhaustive()
    }
}
