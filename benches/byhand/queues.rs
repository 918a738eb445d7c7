//! POSIX message queues: mq_receive(3) into one buffer and mq_send(3) in `AsyncFd`, which is what a
//! queue's descriptor is for on Linux.
//!
//! A queue is opened for the one direction that it is used in, and registered for that alone.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use bytes::Bytes;
use futures::stream;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::descriptor::registered;
use crate::link::Link;
use crate::load;
use crate::side::announce;
use crate::trial::{Fault, Kind, Outcome, Trial};

/// Room for the largest message of a queue, as mq_receive asks for it: a page is not enough where
/// the system's default is 8 KiB.
const ROOM: usize = 64 << 10;

/// The ends that a side has: those that messages go through.
#[derive(Debug)]
struct Queues {
    receives: Option<AsyncFd<OwnedFd>>,
    sends: Option<AsyncFd<OwnedFd>>,
    buffer: Box<[u8]>,
}

/// A queue's name, removed when this is gone and the other side has not done so before.
#[derive(Debug)]
struct Name(CString);

impl Name {
    fn new(trial: &Trial, direction: &str) -> Result<Self, Fault> {
        Ok(Self(CString::new(trial.object(direction))?))
    }

    fn open(&self, flags: libc::c_int) -> Result<OwnedFd, Fault> {
        let flags = flags | libc::O_NONBLOCK | libc::O_CLOEXEC;
        let none = std::ptr::null::<libc::mq_attr>();
        // SAFETY: the name is a string of C's, and the two arguments that go with O_CREAT are a mode
        // and no attributes, which stand for the system's own.
        let queue = unsafe { libc::mq_open(self.0.as_ptr(), flags, 0o600_u32, none) };
        if queue < 0 {
            return Err(io::Error::last_os_error().into());
        }
        // SAFETY: the queue is a descriptor on Linux, open since just now, and nobody else's.
        Ok(unsafe { OwnedFd::from_raw_fd(queue) })
    }

    fn receiving(&self, flags: libc::c_int) -> Result<AsyncFd<OwnedFd>, Fault> {
        registered(self.open(libc::O_RDONLY | flags)?, Interest::READABLE)
    }

    fn sending(&self, flags: libc::c_int) -> Result<AsyncFd<OwnedFd>, Fault> {
        registered(self.open(libc::O_WRONLY | flags)?, Interest::WRITABLE)
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // SAFETY: the name is a string of C's.
        unsafe { libc::mq_unlink(self.0.as_ptr()) };
    }
}

#[inline]
fn receive(queue: &OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
    let (room, len) = (buffer.as_mut_ptr().cast(), buffer.len());
    // SAFETY: the queue is open, the room is the buffer's and as long as said, and no priority is
    // asked for.
    let received = unsafe { libc::mq_receive(queue.as_raw_fd(), room, len, std::ptr::null_mut()) };
    usize::try_from(received).map_err(|_| io::Error::last_os_error())
}

#[inline]
async fn send(queue: Option<&AsyncFd<OwnedFd>>, message: &[u8]) -> Result<(), Fault> {
    let queue = queue.ok_or("nothing is sent this way")?;
    let sent = queue.async_io(Interest::WRITABLE, |queue| {
        let (start, len) = (message.as_ptr().cast(), message.len());
        // SAFETY: the queue is open, and the message is as long as said.
        match unsafe { libc::mq_send(queue.as_raw_fd(), start, len, 0) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    });
    Ok(sent.await?)
}

impl Queues {
    #[inline]
    async fn receive(&mut self) -> Result<&[u8], Fault> {
        let Self { receives, buffer, .. } = self;
        let queue = receives.as_ref().ok_or("nothing is received this way")?;
        let received = queue.async_io(Interest::READABLE, |queue| receive(queue, buffer));
        let len = received.await?;
        Ok(&self.buffer[..len])
    }
}

/// An empty message is the end.
impl Link for Queues {
    #[inline]
    async fn receive<R: Send>(
        &mut self,
        see: impl FnOnce(&[u8]) -> R + Send,
    ) -> Result<Option<R>, Fault> {
        let message = Queues::receive(self).await?;
        Ok((!message.is_empty()).then(|| see(message)))
    }

    #[inline]
    async fn echo(
        &mut self,
        see: impl FnOnce(&[u8]) -> Result<(), Fault> + Send,
    ) -> Result<bool, Fault> {
        let len = Queues::receive(self).await?.len();
        if len == 0 {
            return Ok(false);
        }
        see(&self.buffer[..len])?;
        send(self.sends.as_ref(), &self.buffer[..len]).await?;
        Ok(true)
    }

    #[inline]
    async fn send(&mut self, message: Bytes) -> Result<(), Fault> {
        send(self.sends.as_ref(), &message).await
    }

    #[inline]
    async fn feed(&mut self, message: Bytes) -> Result<(), Fault> {
        send(self.sends.as_ref(), &message).await
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    async fn close(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

/// Whether messages go both ways.
fn answers(trial: &Trial) -> bool {
    matches!(trial.kind, Kind::RoundTrip | Kind::Hold)
}

fn room() -> Box<[u8]> {
    vec![0; ROOM].into_boxed_slice()
}

pub(super) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    let (there, back) = (Name::new(trial, "there")?, Name::new(trial, "back")?);
    let new = libc::O_CREAT | libc::O_EXCL;
    let receives = Some(there.receiving(new)?);
    let sends = if answers(trial) { Some(back.sending(new)?) } else { None };
    announce(&trial.address)?;
    let queues = Queues { receives, sends, buffer: room() };
    load::serve(trial, stream::iter([Ok::<_, Fault>(queues)])).await
}

pub(super) async fn drive(trial: &Trial) -> Result<Outcome, Fault> {
    let (there, back) = (Name::new(trial, "there")?, Name::new(trial, "back")?);
    let sends = Some(there.sending(0)?);
    let receives = if answers(trial) { Some(back.receiving(0)?) } else { None };
    // Both sides have them open: nothing is left of a side that is killed.
    drop((there, back));
    load::drive(trial, vec![Queues { receives, sends, buffer: room() }]).await
}
