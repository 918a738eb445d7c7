//! Our shared memory: every way in which messages are handed over, for `mechanisms` and for the
//! package in `rivals`.

use std::future::ready;

use bytes::Bytes;
use framewire::shm::{self, named};
use futures::{StreamExt, TryStreamExt};

use crate::link::Link;
use crate::load;
use crate::side::announce;
use crate::trial::{Fault, Mechanism, Outcome, Trial, Way};

/// A ring that several of the messages fit in, for none of them to be cut in parts.
fn capacity(trial: &Trial) -> usize {
    (4 * trial.bytes).next_power_of_two().max(256 << 10)
}

fn options(trial: &Trial) -> shm::Options {
    let strategy = trial.waiting.strategy();
    let options = shm::Options::new().strategy(strategy).capacity(capacity(trial));
    match trial.way {
        Way::Owned | Way::Many => options,
        Way::Lent | Way::Loaned => options.trust({
            #[allow(unsafe_code)]
            // SAFETY: both ends are this program, which changes nothing that it has sent.
            unsafe {
                shm::Trust::new()
            }
        }),
    }
}

fn named_options(trial: &Trial) -> named::Options {
    named::Options::new().strategy(trial.waiting.strategy()).capacity(capacity(trial))
}

/// The name for a path that no other trial uses.
fn name(trial: &Trial) -> String {
    trial.object("ring").trim_start_matches('/').to_owned()
}

/// The serving side: takes the connections, and serves each to its end.
pub(crate) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    if trial.mechanism == Mechanism::Named {
        let listener = named_options(trial).listen(name(trial)).await?;
        announce(&trial.address)?;
        return load::serve(trial, listener.take(trial.connections)).await;
    }
    let listener = options(trial).listen(trial.address.as_str()).await?;
    announce(&trial.address)?;
    let links = listener.take(trial.connections);
    match trial.way {
        Way::Owned => load::serve(trial, links).await,
        Way::Many => load::serve(trial, links.map_ok(Many::new)).await,
        Way::Lent | Way::Loaned => load::serve(trial, links.map_ok(Lent)).await,
    }
}

/// The driving side: connects, then drives.
pub(crate) async fn drive(trial: &Trial) -> Result<Outcome, Fault> {
    if trial.mechanism == Mechanism::Named {
        let mut links = Vec::new();
        while links.len() < trial.connections {
            links.push(named_options(trial).connect(name(trial)).await?);
        }
        return load::drive(trial, links).await;
    }
    let mut links = Vec::new();
    while links.len() < trial.connections {
        links.push(options(trial).connect(trial.address.as_str()).await?);
    }
    match trial.way {
        Way::Owned | Way::Many => load::drive(trial, links).await,
        Way::Lent | Way::Loaned => load::drive(trial, links.into_iter().map(Lent).collect()).await,
    }
}

/// A connection that lends what it receives, and room to write in.
#[derive(Debug)]
struct Lent(shm::Connection);

impl Link for Lent {
    #[inline]
    async fn receive<R: Send>(
        &mut self,
        see: impl FnOnce(&[u8]) -> R + Send,
    ) -> Result<Option<R>, Fault> {
        Ok(self.0.with_next(see).await?)
    }

    /// What is lent cannot be sent: see [`Way::Lent`].
    async fn echo(
        &mut self,
        _: impl FnOnce(&[u8]) -> Result<(), Fault> + Send,
    ) -> Result<bool, Fault> {
        Err("a lent message is not sent back".into())
    }

    #[inline]
    async fn send(&mut self, message: Bytes) -> Result<(), Fault> {
        self.0.send(message).await
    }

    #[inline]
    async fn feed(&mut self, message: Bytes) -> Result<(), Fault> {
        self.0.feed(message).await
    }

    #[inline]
    async fn place(
        &mut self,
        len: usize,
        write: impl FnOnce(&mut [u8]) + Send,
    ) -> Result<(), Fault> {
        let mut loan = self.0.loan(len).await?;
        write(&mut loan);
        loan.commit();
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        self.0.flush().await
    }

    async fn close(&mut self) -> Result<(), Fault> {
        self.0.close().await
    }
}

/// The receiving side of one way, many messages at a time.
#[derive(Debug)]
struct Many {
    connection: shm::Connection,
    /// Received and not seen yet, the next one last.
    messages: Vec<Bytes>,
}

impl Many {
    fn new(connection: shm::Connection) -> Self {
        Self { connection, messages: Vec::new() }
    }
}

impl Link for Many {
    #[inline]
    async fn receive<R: Send>(
        &mut self,
        see: impl FnOnce(&[u8]) -> R + Send,
    ) -> Result<Option<R>, Fault> {
        if self.messages.is_empty() {
            self.connection.recv_many(&mut self.messages).await?;
            self.messages.reverse();
        }
        Ok(self.messages.pop().map(|message| see(&message)))
    }

    fn echo(
        &mut self,
        _: impl FnOnce(&[u8]) -> Result<(), Fault> + Send,
    ) -> impl Future<Output = Result<bool, Fault>> + Send {
        ready(Err("many messages are not sent back".into()))
    }

    async fn send(&mut self, message: Bytes) -> Result<(), Fault> {
        self.connection.send(message).await
    }

    async fn feed(&mut self, message: Bytes) -> Result<(), Fault> {
        self.connection.feed(message).await
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        self.connection.flush().await
    }

    async fn close(&mut self) -> Result<(), Fault> {
        self.connection.close().await
    }
}
