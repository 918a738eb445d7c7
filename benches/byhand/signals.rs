//! Real-time signals: sigqueue(3) with eight bytes, and a signalfd(2) in `AsyncFd`, read into room
//! for many at once.
//!
//! The signal is blocked in the whole process before its runtime starts, see [`crate::mask`].
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use rustix::io::{Errno, read};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::sleep;

use crate::descriptor::registered;
use crate::link::Link;
use crate::load;
use crate::mask::{OVER, alone, parent};
use crate::side::announce;
use crate::trial::{Fault, Outcome, Trial};

/// The length of a `signalfd_siginfo`, and where in it are what has sent it, as which process, and
/// the value.
const RECORD: usize = 128;
const CODE: usize = 8;
const PID: usize = 12;
const VALUE: usize = 48;
/// How many are read at once.
const MANY: usize = 64;
/// Between two tries where the system keeps as many signals as it will: the first pause, and the
/// longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(16)];

/// One side.
#[derive(Debug)]
struct Signals {
    fd: AsyncFd<OwnedFd>,
    peer: u32,
    records: Box<[u8]>,
    /// What of them was read and not looked at.
    unseen: std::ops::Range<usize>,
}

fn word(record: &[u8], at: usize) -> u32 {
    record[at..].first_chunk().map_or(0, |bytes| u32::from_ne_bytes(*bytes))
}

impl Signals {
    fn new(peer: u32) -> Result<Self, Fault> {
        let set = crate::mask::set();
        // SAFETY: the set is one that was filled, and no descriptor is given to change.
        let fd = unsafe { libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error().into());
        }
        // SAFETY: the descriptor is open since just now, and nobody else's.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let records = vec![0; MANY * RECORD].into_boxed_slice();
        Ok(Self { fd: registered(fd, Interest::READABLE)?, peer, records, unseen: 0..0 })
    }

    /// Waits for the peer's next value.
    #[inline]
    async fn value(&mut self) -> Result<u64, Fault> {
        loop {
            if self.unseen.is_empty() {
                let Self { fd, records, .. } = self;
                let len = fd.async_io(Interest::READABLE, |fd| Ok(read(fd, &mut records[..])?));
                self.unseen = 0..len.await?;
            }
            let record = &self.records[self.unseen.start..][..RECORD];
            self.unseen.start += RECORD;
            // Anybody may send a signal; the kernel says who has.
            if word(record, CODE) as i32 == libc::SI_QUEUE && word(record, PID) == self.peer {
                return record[VALUE..]
                    .first_chunk()
                    .map(|value| u64::from_ne_bytes(*value))
                    .ok_or("a short record".into());
            }
        }
    }

    #[inline]
    async fn say(&self, value: u64) -> Result<(), Fault> {
        let mut pause = PAUSES[0];
        loop {
            match queue(self.peer, value) {
                Ok(()) => return Ok(()),
                Err(full) if Errno::from_io_error(&full) == Some(Errno::AGAIN) => {
                    sleep(pause).await;
                    pause = (2 * pause).min(PAUSES[1]);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[inline]
fn queue(pid: u32, value: u64) -> io::Result<()> {
    let value = libc::sigval { sival_ptr: value as usize as *mut libc::c_void };
    // SAFETY: sigqueue takes any value, and refuses a process or a signal that is none.
    match unsafe { libc::sigqueue(pid as libc::pid_t, alone(), value) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Messages are eight bytes long, of which the value is what there is.
impl Link for Signals {
    #[inline]
    async fn receive<R: Send>(
        &mut self,
        see: impl FnOnce(&[u8]) -> R + Send,
    ) -> Result<Option<R>, Fault> {
        let value = self.value().await?;
        Ok((value != OVER).then(|| see(&value.to_le_bytes())))
    }

    #[inline]
    async fn echo(
        &mut self,
        see: impl FnOnce(&[u8]) -> Result<(), Fault> + Send,
    ) -> Result<bool, Fault> {
        let value = self.value().await?;
        if value == OVER {
            return Ok(false);
        }
        see(&value.to_le_bytes())?;
        self.say(value).await?;
        Ok(true)
    }

    #[inline]
    async fn send(&mut self, message: Bytes) -> Result<(), Fault> {
        let value = message.as_ref().try_into().map_err(|_| "a value is eight bytes")?;
        self.say(u64::from_le_bytes(value)).await
    }

    #[inline]
    async fn feed(&mut self, message: Bytes) -> Result<(), Fault> {
        Link::send(self, message).await
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    async fn close(&mut self) -> Result<(), Fault> {
        self.say(OVER).await
    }
}

pub(super) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    let signals = Signals::new(parent()?)?;
    announce(&std::process::id().to_string())?;
    load::serve(trial, stream::iter([Ok::<_, Fault>(signals)])).await
}

pub(super) async fn drive(trial: &Trial) -> Result<Outcome, Fault> {
    load::drive(trial, vec![Signals::new(trial.address.parse()?)?]).await
}
