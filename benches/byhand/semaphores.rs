//! A token that goes back and forth by calls that block, each side's only thread with them: there is
//! nothing for a runtime in it.
//!
//! Over two named semaphores by sem_wait(3) and sem_post(3), which try once in memory and then wait
//! in the kernel; and over one word of shared memory with nothing but futex(2).
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures::stream;
use rustix::io::Errno;
use rustix::thread::futex;

use crate::link::Link;
use crate::load;
use crate::message::Source;
use crate::page::{self, Page};
use crate::side::announce;
use crate::trial::{Fault, Mechanism, Outcome, Trial};
use crate::watch::Watch;

/// How a token is handed over.
trait Token: Send + Sync + 'static {
    /// Blocks until the other side has handed the token over; `false` when it never will again.
    fn take(&self) -> Result<bool, Fault>;

    fn hand(&self) -> Result<(), Fault>;

    /// Says that no more comes.
    fn end(&self) -> Result<(), Fault>;

    /// Has whoever blocks in `take` look again.
    fn wake(&self);
}

/// A token says nothing: its number is that of those who have come.
struct Tokens<T> {
    token: Arc<T>,
    numbers: Source,
    watch: Watch,
}

impl<T: Token> Tokens<T> {
    fn new(token: T, trial: &Trial) -> Self {
        let token = Arc::new(token);
        let woken = Arc::clone(&token);
        let watch = Watch::new(trial.limit(), move || woken.wake());
        Self { token, numbers: Source::new(trial), watch }
    }

    #[inline]
    fn take(&mut self) -> Result<Option<[u8; 8]>, Fault> {
        let here = self.token.take()?;
        self.watch.ok()?;
        Ok(here.then(|| self.numbers.number().to_le_bytes()))
    }
}

impl<T: Token> Link for Tokens<T> {
    #[inline]
    async fn receive<R: Send>(
        &mut self,
        see: impl FnOnce(&[u8]) -> R + Send,
    ) -> Result<Option<R>, Fault> {
        Ok(self.take()?.map(|number| see(&number)))
    }

    #[inline]
    async fn echo(
        &mut self,
        see: impl FnOnce(&[u8]) -> Result<(), Fault> + Send,
    ) -> Result<bool, Fault> {
        let Some(number) = self.take()? else { return Ok(false) };
        see(&number)?;
        self.token.hand()?;
        Ok(true)
    }

    #[inline]
    async fn send(&mut self, _: Bytes) -> Result<(), Fault> {
        self.token.hand()
    }

    async fn feed(&mut self, message: Bytes) -> Result<(), Fault> {
        self.send(message).await
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    async fn close(&mut self) -> Result<(), Fault> {
        self.token.end()
    }
}

/// A semaphore of C's, which has a name until both have it open.
struct Named {
    semaphore: NonNull<libc::sem_t>,
    name: CString,
}

// SAFETY: a semaphore is made for threads to use at once, and it stays where it is until it is
// closed, which takes the only owner.
unsafe impl Send for Named {}

// SAFETY: as for `Send`.
unsafe impl Sync for Named {}

impl Named {
    fn open(trial: &Trial, suffix: &str, flags: libc::c_int) -> Result<Self, Fault> {
        let name = CString::new(trial.object(suffix))?;
        // SAFETY: the name is a string of C's, and the two arguments that go with O_CREAT are a mode
        // and a value.
        let semaphore = unsafe { libc::sem_open(name.as_ptr(), flags, 0o600_u32, 0_u32) };
        // SEM_FAILED is the null pointer on Linux.
        let semaphore = NonNull::new(semaphore).ok_or_else(io::Error::last_os_error)?;
        Ok(Self { semaphore, name })
    }

    #[inline]
    fn wait(&self) -> Result<(), Fault> {
        loop {
            // SAFETY: the semaphore is open for as long as `self` is there.
            if unsafe { libc::sem_wait(self.semaphore.as_ptr()) } == 0 {
                return Ok(());
            }
            match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                error => return Err(error.into()),
            }
        }
    }

    /// Whether there was one to take.
    #[inline]
    fn try_wait(&self) -> bool {
        // SAFETY: the semaphore is open for as long as `self` is there.
        unsafe { libc::sem_trywait(self.semaphore.as_ptr()) == 0 }
    }

    #[inline]
    fn post(&self) -> Result<(), Fault> {
        // SAFETY: the semaphore is open for as long as `self` is there.
        match unsafe { libc::sem_post(self.semaphore.as_ptr()) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error().into()),
        }
    }

    /// Takes the name away, where the other side has not.
    fn unlink(&self) {
        // SAFETY: the name is a string of C's.
        unsafe { libc::sem_unlink(self.name.as_ptr()) };
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        self.unlink();
        // SAFETY: the semaphore is open, and nobody uses it after its only owner.
        unsafe { libc::sem_close(self.semaphore.as_ptr()) };
    }
}

struct Pair {
    takes: Named,
    hands: Named,
    over: Named,
}

impl Pair {
    fn open(trial: &Trial, [takes, hands]: [&str; 2], flags: libc::c_int) -> Result<Self, Fault> {
        Ok(Self {
            takes: Named::open(trial, takes, flags)?,
            hands: Named::open(trial, hands, flags)?,
            over: Named::open(trial, "over", flags)?,
        })
    }
}

impl Token for Pair {
    #[inline]
    fn take(&self) -> Result<bool, Fault> {
        self.takes.wait()?;
        Ok(!self.over.try_wait())
    }

    #[inline]
    fn hand(&self) -> Result<(), Fault> {
        self.hands.post()
    }

    fn end(&self) -> Result<(), Fault> {
        self.over.post()?;
        self.hands.post()
    }

    fn wake(&self) {
        let _ = self.takes.post();
    }
}

/// A word that says whose turn it is: the number of hand-overs, and who takes at odd ones.
struct Turns {
    page: Page,
    odd: bool,
}

/// A word that is nobody's turn.
const OVER: u32 = u32::MAX;

impl Token for Turns {
    #[inline]
    fn take(&self) -> Result<bool, Fault> {
        let word = self.page.small(0);
        loop {
            // Acquire pairs with the Release store in `hand`.
            let turn = word.load(Ordering::Acquire);
            if turn == OVER {
                return Ok(false);
            }
            if (turn % 2 == 1) == self.odd {
                return Ok(true);
            }
            match futex::wait(word, futex::Flags::empty(), turn, None) {
                Ok(()) | Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    #[inline]
    fn hand(&self) -> Result<(), Fault> {
        let word = self.page.small(0);
        // Relaxed: this side has the turn, so that nobody else changes the word. An overflow would
        // take a day.
        let next = word.load(Ordering::Relaxed) + 1;
        // Release pairs with the Acquire load in `take`.
        word.store(next, Ordering::Release);
        futex::wake(word, futex::Flags::empty(), 1)?;
        Ok(())
    }

    fn end(&self) -> Result<(), Fault> {
        self.wake();
        Ok(())
    }

    fn wake(&self) {
        // Release pairs with the Acquire load in `take`, as in `hand`.
        self.page.small(0).store(OVER, Ordering::Release);
        let _ = futex::wake(self.page.small(0), futex::Flags::empty(), 2);
    }
}

pub(super) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    if trial.mechanism == Mechanism::Futex {
        let memory = page::memory()?;
        let turns = Turns { page: Page::map(&memory)?, odd: true };
        announce(&format!("/proc/{}/fd/{}", std::process::id(), memory.as_raw_fd()))?;
        return one(trial, Tokens::new(turns, trial)).await;
    }
    let pair = Pair::open(trial, ["there", "back"], libc::O_CREAT | libc::O_EXCL)?;
    announce(&trial.address)?;
    one(trial, Tokens::new(pair, trial)).await
}

async fn one(trial: &Trial, link: impl Link) -> Result<Outcome, Fault> {
    load::serve(trial, stream::iter([Ok::<_, Fault>(link)])).await
}

pub(super) async fn drive(trial: &Trial) -> Result<Outcome, Fault> {
    if trial.mechanism == Mechanism::Futex {
        let memory = File::options().read(true).write(true).open(&trial.address)?;
        let turns = Turns { page: Page::map(memory)?, odd: false };
        return load::drive(trial, vec![Tokens::new(turns, trial)]).await;
    }
    let pair = Pair::open(trial, ["back", "there"], 0)?;
    // Both sides have them open: nothing is left of a side that is killed.
    for semaphore in [&pair.takes, &pair.hands, &pair.over] {
        semaphore.unlink();
    }
    load::drive(trial, vec![Tokens::new(pair, trial)]).await
}
