//! shmem-ipc: a ring of words each way, whose eventfds are watched by tokio.
//!
//! What is sent in batches is written and published as one, up to 64 KiB; what has come is released
//! when all of it was read, or an eighth of the ring. The eventfds are never read: tokio is told at
//! the edge, which every write makes anew.
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Command;

use ::shmem_ipc::sharedring::{Receiver, Sender};
use bytes::Bytes;
use command_fds::{CommandFdExt, FdMapping};
use futures::stream;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::descriptor::{inherited, registered};
use crate::link::Link;
use crate::load;
use crate::process::{Reaped, Server};
use crate::records::{Written, words, write};
use crate::side::{self, announce};
use crate::trial::{Fault, Outcome, Trial};

/// The descriptors on which the child finds the ring to it, and the one from it: the memory, what
/// wakes the receiver, and what wakes the sender.
const THERE: [i32; 3] = [3, 4, 5];
const BACK: [i32; 3] = [6, 7, 8];
/// Bytes of messages that are published as one.
const BATCH: usize = 64 << 10;

/// Words of a ring: 1 MiB, or four messages. With a quarter of it both sides keep parking.
fn capacity(trial: &Trial) -> usize {
    ((1 << 20) / 8).max(4 * words(trial.bytes))
}

/// Both rings, from one side.
struct Rings {
    sender: Sender<u64>,
    receiver: Receiver<u64>,
    has_room: AsyncFd<OwnedFd>,
    has_words: AsyncFd<OwnedFd>,
    /// Fed and not written yet.
    messages: VecDeque<Bytes>,
    /// The bytes of those.
    fed: usize,
    /// Come and not read yet.
    written: Written,
    /// How many words are read before they are released though more are there.
    portion: usize,
}

impl Rings {
    fn new(trial: &Trial, sender: Sender<u64>, receiver: Receiver<u64>) -> Result<Self, Fault> {
        let watch =
            |signal: &File| registered(signal.as_fd().try_clone_to_owned()?, Interest::READABLE);
        let has_room = watch(sender.full_signal())?;
        let has_words = watch(receiver.empty_signal())?;
        Ok(Self {
            sender,
            receiver,
            has_room,
            has_words,
            messages: VecDeque::new(),
            fed: 0,
            written: Written::none(),
            portion: capacity(trial) / 8,
        })
    }

    /// Writes all that was fed.
    #[inline]
    async fn write(&mut self) -> Result<(), Fault> {
        self.fed = 0;
        loop {
            let Self { sender, messages, .. } = self;
            sender.send_raw(|start, room| {
                // SAFETY: the ring lends these words to its only sender until the closure returns.
                unsafe { write(start, room, messages) }
            })?;
            if self.messages.is_empty() {
                return Ok(());
            }
            // At the ring's end there may be room at its beginning.
            if self.sender.sender_mut().write_count()? == 0 {
                self.has_room.readable().await?.clear_ready();
            }
        }
    }

    /// Releases what was read, and takes what has come since.
    #[inline]
    async fn read(&mut self) -> Result<(), Fault> {
        loop {
            let Self { receiver, written, .. } = self;
            if written.read() > 0 || receiver.receiver_mut().read_count()? > 0 {
                receiver.receive_raw(|start, words| {
                    let read = written.read();
                    // SAFETY: the ring's only sender has written these words, and writes none of
                    // them before it is told that they are released.
                    unsafe { written.renew(start, words) };
                    read
                })?;
            }
            if !self.written.is_at_end() {
                return Ok(());
            }
            if self.receiver.receiver_mut().read_count()? == 0 {
                self.has_words.readable().await?.clear_ready();
            }
        }
    }
}

impl Link for Rings {
    #[inline]
    async fn receive<R: Send>(
        &mut self,
        see: impl FnOnce(&[u8]) -> R + Send,
    ) -> Result<Option<R>, Fault> {
        let mut see = Some(see);
        loop {
            if self.written.is_at_end() || self.written.read() >= self.portion {
                self.read().await?;
            }
            let show = |message: &[u8]| match see.take() {
                Some(see) if !message.is_empty() => Some(see(message)),
                _ => None,
            };
            // Nothing is there where all that came was padding.
            if let Some(seen) = self.written.next(show)? {
                return Ok(seen);
            }
        }
    }

    /// Never asked for: see `Way::Lent`.
    async fn echo(
        &mut self,
        _: impl FnOnce(&[u8]) -> Result<(), Fault> + Send,
    ) -> Result<bool, Fault> {
        Err("a record is not sent back".into())
    }

    #[inline]
    async fn send(&mut self, message: Bytes) -> Result<(), Fault> {
        self.messages.push_back(message);
        self.write().await
    }

    #[inline]
    async fn feed(&mut self, message: Bytes) -> Result<(), Fault> {
        self.fed += message.len();
        self.messages.push_back(message);
        if self.fed >= BATCH {
            self.write().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        self.write().await
    }

    /// An empty record says so, and only so: a receiver is not told of the sender's end.
    async fn close(&mut self) -> Result<(), Fault> {
        self.send(Bytes::new()).await
    }
}

pub(crate) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    let ring = |numbers: [i32; 3]| -> Result<[File; 3], Fault> {
        let [memory, words, room] = numbers;
        Ok([inherited(memory)?.into(), inherited(words)?.into(), inherited(room)?.into()])
    };
    let [memory, has_words, has_room] = ring(THERE)?;
    let receiver = Receiver::open(capacity(trial), memory, has_words, has_room)?;
    let [memory, has_words, has_room] = ring(BACK)?;
    let sender = Sender::open(capacity(trial), memory, has_words, has_room)?;
    let rings = Rings::new(trial, sender, receiver)?;
    announce("")?;
    load::serve(trial, stream::iter([Ok::<_, Fault>(rings)])).await
}

/// A spawned child with the driver's ends of the rings.
pub(crate) struct Spawned {
    child: Reaped,
    rings: Rings,
}

impl Spawned {
    /// Makes the rings and starts the child with them.
    pub(crate) fn new(trial: &Trial, mut command: Command) -> Result<Self, Fault> {
        let sender = Sender::new(capacity(trial))?;
        let receiver = Receiver::new(capacity(trial))?;
        let there = [sender.memfd().as_file(), sender.empty_signal(), sender.full_signal()];
        let back = [receiver.memfd().as_file(), receiver.empty_signal(), receiver.full_signal()];
        let mut mappings = Vec::new();
        for (file, child_fd) in there.into_iter().chain(back).zip(THERE.into_iter().chain(BACK)) {
            mappings.push(FdMapping { parent_fd: file.as_fd().try_clone_to_owned()?, child_fd });
        }
        command.fd_mappings(mappings)?;
        let child = side::spawn(command)?;
        Ok(Self { child, rings: Rings::new(trial, sender, receiver)? })
    }

    /// Drives the child.
    pub(crate) async fn drive(self, trial: &Trial) -> Result<(Outcome, Server), Fault> {
        Ok((load::drive(trial, vec![self.rings]).await?, Server::Std(self.child)))
    }
}
