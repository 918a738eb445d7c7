//! Our semaphores: a token that is acquired here and posted to the other side.

use bytes::Bytes;
use framewire::semaphore::{Options, Semaphore, Unlink, remove};
use futures::stream;

use crate::link::Link;
use crate::load;
use crate::message::Source;
use crate::side::announce;
use crate::trial::{Fault, Outcome, Trial};

/// Two semaphores, and a third that says that the last token was the end.
struct Tokens {
    takes: Semaphore,
    hands: Semaphore,
    over: Semaphore,
    /// A token says nothing: its number is that of those who have come.
    numbers: Source,
}

impl Tokens {
    fn open(trial: &Trial, options: &Options, [takes, hands]: [&str; 2]) -> Result<Self, Fault> {
        Ok(Self {
            takes: options.open(trial.object(takes))?,
            hands: options.open(trial.object(hands))?,
            over: options.open(trial.object("over"))?,
            numbers: Source::new(trial),
        })
    }

    #[inline]
    async fn take(&mut self) -> Result<Option<[u8; 8]>, Fault> {
        self.takes.acquire().await?.forget();
        let over = self.over.try_acquire()?.is_some();
        Ok((!over).then(|| self.numbers.number().to_le_bytes()))
    }
}

impl Link for Tokens {
    #[inline]
    async fn receive<R: Send>(
        &mut self,
        see: impl FnOnce(&[u8]) -> R + Send,
    ) -> Result<Option<R>, Fault> {
        Ok(self.take().await?.map(|number| see(&number)))
    }

    #[inline]
    async fn echo(
        &mut self,
        see: impl FnOnce(&[u8]) -> Result<(), Fault> + Send,
    ) -> Result<bool, Fault> {
        let Some(number) = self.take().await? else { return Ok(false) };
        see(&number)?;
        self.hands.post()?;
        Ok(true)
    }

    #[inline]
    async fn send(&mut self, _: Bytes) -> Result<(), Fault> {
        Ok(self.hands.post()?)
    }

    async fn feed(&mut self, message: Bytes) -> Result<(), Fault> {
        self.send(message).await
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    async fn close(&mut self) -> Result<(), Fault> {
        self.over.post()?;
        Ok(self.hands.post()?)
    }
}

fn options(trial: &Trial) -> Options {
    Options::new().strategy(trial.waiting.strategy())
}

/// The serving side: makes them.
pub(crate) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    let options = options(trial).unlink(Unlink::OnDrop);
    let tokens = Tokens::open(trial, &options, ["there", "back"])?;
    announce(&trial.address)?;
    load::serve(trial, stream::iter([Ok::<_, Fault>(tokens)])).await
}

/// The driving side: finds them.
pub(crate) async fn drive(trial: &Trial) -> Result<Outcome, Fault> {
    let tokens = Tokens::open(trial, &options(trial), ["back", "there"])?;
    // Both sides have them open: nothing is left of a side that is killed.
    for name in ["there", "back", "over"] {
        remove(trial.object(name))?;
    }
    load::drive(trial, vec![tokens]).await
}
