//! Waiting for memory that another process changes, with a bell that is in that memory.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use super::{
    Blocking, Call, Direction, Strategy, Turn, Wait,
    spinner::{Sleep, Spinner, Stage},
};
use crate::{
    runtime,
    shared::{Region, Word},
    sys,
};

/// Waits for what another process does to memory, with a [`Strategy`]; the bell is a word of that
/// memory, which a thread of ours sleeps on.
///
/// It is what [`shm::named`](crate::shm::named) waits with, and is made by that. There is no thread
/// before it first has to sleep, then one for each direction that has, until it is dropped.
///
/// # Examples
///
/// See [`shm::named`](crate::shm::named).
///
/// # Platform
///
/// Linux and Android; futex(2).
#[derive(Debug)]
pub struct SharedBell(Spinner<Sleepers>);

impl SharedBell {
    /// Waits for these bells, and for what else there may be news of, in each direction.
    pub(crate) fn new(
        receive: Option<Bell>,
        send: Option<Bell>,
        strategy: Strategy,
    ) -> io::Result<Self> {
        runtime::here()?;
        let sleepers =
            Sleepers { receive: receive.map(Sleeper::new), send: send.map(Sleeper::new) };
        Ok(Self(Spinner::new(sleepers, strategy)))
    }

    pub(crate) fn stage(&self) -> Arc<Stage> {
        self.0.stage()
    }
}

impl Wait for SharedBell {
    #[inline]
    fn poll_io<R>(
        &mut self,
        cx: &mut Context<'_>,
        direction: Direction,
        op: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.0.poll(cx, direction, op)
    }
}

/// A bell, and what else there may be news of.
pub(crate) type Bell = (BellWord, Option<Box<dyn Lookout>>);

/// Something besides the bell that a sleeper is to be woken for.
pub(crate) trait Lookout: Send + fmt::Debug {
    /// Ready once each time that there may be news; otherwise the task is woken then.
    fn poll_news(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// A word in shared memory that whoever has something to tell counts up.
#[derive(Clone, Debug)]
pub(crate) struct BellWord {
    region: Arc<Region>,
    word: Word,
}

impl BellWord {
    pub(crate) fn new(region: &Arc<Region>, word: Word) -> Self {
        Self { region: Arc::clone(region), word }
    }

    /// Wakes who sleeps on it, in any process. Call it after the change that it is to find.
    pub(crate) fn ring(&self) {
        // Release: partner of the Acquire in `value`: who sees the ring sees what it was rung for.
        self.word().fetch_add(1, Ordering::Release);
        if let Err(error) = sys::futex_wake(self.word()) {
            // There is no such error for memory that is mapped.
            tracing::error!(%error, "a waiting process could not be woken");
        }
    }

    fn value(&self) -> u32 {
        // Acquire: partner of the Release in `ring`.
        self.word().load(Ordering::Acquire)
    }

    fn word(&self) -> &AtomicU32 {
        self.region.half(self.word)
    }
}

#[derive(Debug)]
struct Sleepers {
    receive: Option<Sleeper>,
    send: Option<Sleeper>,
}

impl Sleep for Sleepers {
    fn poll_rung(&mut self, cx: &mut Context<'_>, direction: Direction) -> Poll<io::Result<bool>> {
        let sleeper = match direction {
            Direction::Receive => &mut self.receive,
            Direction::Send => &mut self.send,
        };
        // Nothing ever happens in a direction that there is not.
        sleeper.as_mut().map_or(Poll::Pending, |sleeper| sleeper.poll_rung(cx))
    }
}

/// One direction: its thread, once there is one, and its lookout.
#[derive(Debug)]
struct Sleeper {
    bell: BellWord,
    thread: Option<Blocking<WhileSilent>>,
    /// What the word was before the peer was asked to ring it: what the thread compares it with. A
    /// value that is read later could be that of a ring which was for us.
    snapshot: Arc<AtomicU32>,
    /// The thread has been asked, and has not answered.
    asked: bool,
    lookout: Option<Box<dyn Lookout>>,
}

impl Sleeper {
    fn new((bell, lookout): Bell) -> Self {
        let snapshot = Arc::new(AtomicU32::new(0));
        Self { bell, thread: None, snapshot, asked: false, lookout }
    }

    fn poll_rung(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let news = match &mut self.lookout {
            Some(lookout) => lookout.poll_news(cx)?.is_ready(),
            None => false,
        };
        let rung = self.poll_bell(cx)?.is_ready();
        if rung || news { Poll::Ready(Ok(news)) } else { Poll::Pending }
    }

    fn poll_bell(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.asked {
            // Release: partner of the Acquire in `WhileSilent::call`. The thread does not call
            // now: it was not asked, or has answered.
            self.snapshot.store(self.bell.value(), Ordering::Release);
            self.asked = true;
        }
        let thread = match &mut self.thread {
            Some(thread) => thread,
            none => {
                let (bell, snapshot) = (self.bell.clone(), Arc::clone(&self.snapshot));
                let thread = Blocking::new("framewire-shm", WhileSilent { bell, snapshot })?;
                // Trying again was in vain already.
                none.insert(thread.strategy(Strategy::Park))
            }
        };
        let answered = thread.poll_next(cx);
        self.asked = answered.is_pending();
        answered
    }
}

/// Sleeps until the bell is rung.
struct WhileSilent {
    bell: BellWord,
    snapshot: Arc<AtomicU32>,
}

impl Call for WhileSilent {
    type Output = ();

    fn call(&mut self, turn: &Turn) -> io::Result<Option<()>> {
        // Acquire: partner of the Release in `Sleeper::poll_bell`.
        let snapshot = self.snapshot.load(Ordering::Acquire);
        // In this order: an interrupter that came before is seen here, one that comes after finds
        // us asleep on the value that it changes.
        if self.bell.value() != snapshot {
            return Ok(Some(()));
        }
        if turn.is_wanted() {
            sys::futex_wait(self.bell.word(), snapshot, turn.slice())?;
        }
        Ok((self.bell.value() != snapshot).then_some(()))
    }

    fn interrupter(&self) -> Option<Box<dyn Fn() + Send + Sync>> {
        // To ring our own bell harms nobody: we are the only one who sleeps on it.
        let bell = self.bell.clone();
        Some(Box::new(move || bell.ring()))
    }
}
