//! Messages in our shared memory, and our signal for every batch of them: as a program has it that
//! writes data where another reads it, and then tells it so.
//!
//! The ring has room for sixteen batches. Who waits for room says so, and is told by a signal too.

use std::future::ready;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use framewire::shm::region::{self, Region};
use framewire::signal::{Exclusive, Sender, Value};
use futures::{SinkExt, StreamExt, stream};

use crate::link::Link;
use crate::load;
use crate::mask::{OVER, parent};
use crate::side::announce;
use crate::signals::{ALONE, options};
use crate::trial::{Fault, Outcome, Trial};

/// Where in the region is how many messages were written, how many read, and whether the writer
/// waits for room: each on lines of its own. Then the messages.
const WRITTEN: usize = 0;
const READ: usize = 128;
const WAITS: usize = 256;
const MESSAGES: usize = 4096;
/// How many batches have room.
const BATCHES: u64 = 16;

/// One side, which writes or reads.
struct Ring {
    region: Region,
    receiver: Exclusive,
    sender: Sender,
    /// Messages in a batch, and bytes in a message.
    batch: u64,
    bytes: usize,
    /// Those that this side has written or read, and those that the other is known to have.
    mine: u64,
    theirs: u64,
    message: Box<[u8]>,
}

impl Ring {
    async fn new(trial: &Trial, region: Region, peer: u32) -> Result<Self, Fault> {
        let options = options(trial, peer);
        let receiver = options.exclusive(ALONE).await?;
        let sender = options.sender(format!("{ALONE}@{peer}")).await?;
        let (batch, bytes) = (trial.batch(), trial.bytes);
        let message = vec![0; bytes].into_boxed_slice();
        Ok(Self { region, receiver, sender, batch, bytes, mine: 0, theirs: 0, message })
    }

    #[inline]
    fn word(&self, offset: usize) -> Result<&AtomicU64, Fault> {
        Ok(self.region.atomic(offset)?)
    }

    /// Where the next message is.
    #[inline]
    fn at(&self) -> usize {
        MESSAGES + (self.mine % (BATCHES * self.batch)) as usize * self.bytes
    }

    fn is_full(&self) -> bool {
        self.mine - self.theirs == BATCHES * self.batch
    }

    /// Waits for a message to have been read.
    async fn room(&mut self) -> Result<(), Fault> {
        // Acquire pairs with the store in `release`: what was read there is written over here.
        self.theirs = self.word(READ)?.load(Ordering::Acquire);
        while self.is_full() {
            // Either the reader sees that we wait, or we see what it has read: this store and load,
            // and its store and swap in `release`, are all SeqCst.
            self.word(WAITS)?.store(1, Ordering::SeqCst);
            self.theirs = self.word(READ)?.load(Ordering::SeqCst);
            if self.is_full() {
                self.receiver.next().await.ok_or("signals have no end")??;
            }
        }
        Ok(())
    }

    /// Says what was read, and tells a writer that waits for it.
    async fn release(&mut self) -> Result<(), Fault> {
        // SeqCst, both: see `room`.
        self.word(READ)?.store(self.mine, Ordering::SeqCst);
        if self.word(WAITS)?.swap(0, Ordering::SeqCst) == 1 {
            self.sender.send(Value::Word(self.mine)).await?;
        }
        Ok(())
    }

    /// Waits until there is a message to read; `false` is the end.
    async fn more(&mut self) -> Result<bool, Fault> {
        loop {
            // Acquire pairs with the Release store in `flush`.
            self.theirs = self.word(WRITTEN)?.load(Ordering::Acquire);
            if self.theirs != self.mine {
                return Ok(true);
            }
            let signal = self.receiver.next().await.ok_or("signals have no end")??;
            if signal.word() == Some(OVER) {
                return Ok(false);
            }
        }
    }
}

impl Link for Ring {
    #[inline]
    async fn receive<R: Send>(
        &mut self,
        see: impl FnOnce(&[u8]) -> R + Send,
    ) -> Result<Option<R>, Fault> {
        if self.mine == self.theirs && !self.more().await? {
            return Ok(None);
        }
        self.region.read(self.at(), &mut self.message)?;
        self.mine += 1;
        let seen = see(&self.message);
        if self.mine % self.batch == 0 {
            self.release().await?;
        }
        Ok(Some(seen))
    }

    fn echo(
        &mut self,
        _: impl FnOnce(&[u8]) -> Result<(), Fault> + Send,
    ) -> impl Future<Output = Result<bool, Fault>> + Send {
        ready(Err("the ring goes one way".into()))
    }

    async fn send(&mut self, message: Bytes) -> Result<(), Fault> {
        self.feed(message).await?;
        self.flush().await
    }

    #[inline]
    async fn feed(&mut self, message: Bytes) -> Result<(), Fault> {
        if self.is_full() {
            self.room().await?;
        }
        self.region.write(self.at(), &message)?;
        self.mine += 1;
        Ok(())
    }

    /// A batch: no more is fed between two of these.
    async fn flush(&mut self) -> Result<(), Fault> {
        // Release pairs with the Acquire load in `more`.
        self.word(WRITTEN)?.store(self.mine, Ordering::Release);
        Ok(self.sender.send(Value::Word(self.mine)).await?)
    }

    async fn close(&mut self) -> Result<(), Fault> {
        Ok(self.sender.send(Value::Word(OVER)).await?)
    }
}

/// The reading side, which makes the region.
pub(crate) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    let len = MESSAGES + (BATCHES * trial.batch()) as usize * trial.bytes;
    let region = region::create(&trial.object("ring"), len)?;
    let ring = Ring::new(trial, region, parent()?).await?;
    announce(&format!("{}@{}", trial.address, std::process::id()))?;
    load::serve(trial, stream::iter([Ok::<_, Fault>(ring)])).await
}

/// The writing side, which finds it.
pub(crate) async fn drive(trial: &Trial) -> Result<Outcome, Fault> {
    let (path, server) = trial.address.rsplit_once('@').ok_or("no process is named")?;
    let found = Trial { address: path.to_owned(), ..trial.clone() };
    let name = found.object("ring");
    let region = region::open(&name)?;
    region::remove(&name)?;
    let ring = Ring::new(trial, region, server.parse()?).await?;
    load::drive(trial, vec![ring]).await
}
