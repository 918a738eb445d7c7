//! Our signals, with a word of eight bytes each, between two processes that know each other's number.

use bytes::Bytes;
use framewire::Result;
use framewire::signal::{Options, Policy, Received, Sender, Value};
use futures::{SinkExt, Stream, StreamExt, stream};

use crate::link::Link;
use crate::load;
use crate::mask::{OVER, parent};
use crate::side::announce;
use crate::trial::{Fault, Mechanism, Outcome, Trial};

/// The signal that is blocked from the start, and one that is not.
pub(crate) const ALONE: &str = "RTMIN+5";
const BESIDE: &str = "RTMIN+6";

/// What takes from this peer alone, as by hand.
pub(crate) fn options(trial: &Trial, peer: u32) -> Options {
    Options::new().strategy(trial.waiting.strategy()).policy(Policy::anyone().pid(peer))
}

/// One side.
struct Signals<R> {
    receiver: R,
    sender: Sender,
}

impl<R: Stream<Item = Result<Received>> + Unpin> Signals<R> {
    /// The next word, or the end.
    #[inline]
    async fn word(&mut self) -> Result<Option<u64>, Fault> {
        let signal = self.receiver.next().await.ok_or("signals have no end")??;
        let word = signal.word().ok_or("a signal without a value")?;
        Ok((word != OVER).then_some(word))
    }
}

/// Messages are eight bytes long, of which the word is what there is.
impl<R> Link for Signals<R>
where
    R: Stream<Item = Result<Received>> + Unpin + Send + 'static,
{
    #[inline]
    async fn receive<T: Send>(
        &mut self,
        see: impl FnOnce(&[u8]) -> T + Send,
    ) -> Result<Option<T>, Fault> {
        Ok(self.word().await?.map(|word| see(&word.to_le_bytes())))
    }

    #[inline]
    async fn echo(
        &mut self,
        see: impl FnOnce(&[u8]) -> Result<(), Fault> + Send,
    ) -> Result<bool, Fault> {
        let Some(word) = self.word().await? else { return Ok(false) };
        see(&word.to_le_bytes())?;
        self.sender.send(Value::Word(word)).await?;
        Ok(true)
    }

    #[inline]
    async fn send(&mut self, message: Bytes) -> Result<(), Fault> {
        let word = message.as_ref().try_into().map_err(|_| "a word is eight bytes")?;
        Ok(self.sender.send(Value::Word(u64::from_le_bytes(word))).await?)
    }

    #[inline]
    async fn feed(&mut self, message: Bytes) -> Result<(), Fault> {
        let word = message.as_ref().try_into().map_err(|_| "a word is eight bytes")?;
        Ok(self.sender.feed(Value::Word(u64::from_le_bytes(word))).await?)
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        Ok(self.sender.flush().await?)
    }

    async fn close(&mut self) -> Result<(), Fault> {
        Ok(self.sender.send(Value::Word(OVER)).await?)
    }
}

/// The serving side, whose peer is the process that has started it.
pub(crate) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    let (options, signal, driver) = (options(trial, parent()?), signal(trial), parent()?);
    let sender = options.sender(format!("{signal}@{driver}")).await?;
    let here = || announce(&std::process::id().to_string());
    if trial.mechanism == Mechanism::Queued {
        let receiver = options.queued(signal).await?;
        here()?;
        return one(trial, Signals { receiver, sender }).await;
    }
    let receiver = options.exclusive(signal).await?;
    here()?;
    one(trial, Signals { receiver, sender }).await
}

async fn one(trial: &Trial, link: impl Link) -> Result<Outcome, Fault> {
    load::serve(trial, stream::iter([Ok::<_, Fault>(link)])).await
}

/// The driving side, whose peer has announced its number.
pub(crate) async fn drive(trial: &Trial) -> Result<Outcome, Fault> {
    let (server, signal) = (trial.address.parse()?, signal(trial));
    let options = options(trial, server);
    let sender = options.sender(format!("{signal}@{server}")).await?;
    if trial.mechanism == Mechanism::Queued {
        let receiver = options.queued(signal).await?;
        return load::drive(trial, vec![Signals { receiver, sender }]).await;
    }
    let receiver = options.exclusive(signal).await?;
    load::drive(trial, vec![Signals { receiver, sender }]).await
}

fn signal(trial: &Trial) -> &'static str {
    if trial.mechanism == Mechanism::Queued { BESIDE } else { ALONE }
}
