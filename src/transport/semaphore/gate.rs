//! A semaphore that is open.

use std::{io, sync::Arc, time::Duration};

use crate::{
    Endpoint, Error, ErrorKind, Result,
    sys::{NamedSemaphore, SEM_VALUE_MAX},
    wait::Tokens,
};

/// The permits, as all who have the semaphore in this process share them.
#[derive(Debug)]
pub(super) struct Gate {
    semaphore: NamedSemaphore,
    endpoint: Arc<Endpoint>,
}

impl Gate {
    pub(super) fn new(semaphore: NamedSemaphore, endpoint: &Arc<Endpoint>) -> Self {
        Self { semaphore, endpoint: Arc::clone(endpoint) }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Adds a permit.
    #[inline]
    pub(super) fn post(&self) -> Result<()> {
        match self.semaphore.post() {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.failed("post", full())),
            Err(cause) => Err(self.failed("post", cause.into())),
        }
    }

    /// Adds so many permits.
    pub(super) fn release(&self, permits: u32) -> Result<()> {
        if permits > SEM_VALUE_MAX - self.value()? {
            return Err(self.failed("release", full()));
        }
        for posted in 0..permits {
            let cause = match self.semaphore.post() {
                Ok(true) => continue,
                Ok(false) => full(),
                Err(cause) => cause.into(),
            };
            let told = format!("{cause}; {posted} of {permits} were released");
            return Err(self.failed("release", Error::new(cause.kind(), told)));
        }
        Ok(())
    }

    /// How many permits there are now.
    pub(super) fn value(&self) -> Result<u32> {
        let value = self.semaphore.value().map_err(Error::from).and_then(|value| {
            u32::try_from(value).map_err(|_| {
                Error::new(ErrorKind::Malformed, "its memory is no semaphore's any more")
                    .remedy("somebody has written to its file: `semaphore::remove` it")
            })
        });
        value.map_err(|error| self.failed("look at", error))
    }

    /// Gives a permit back that nobody is left to hear of.
    pub(super) fn give_back(&self) {
        if let Err(error) = self.post() {
            tracing::error!(%error, "a permit is lost");
        }
    }

    #[cold]
    pub(super) fn failed(&self, doing: &'static str, error: Error) -> Error {
        error.doing(doing).on(Arc::clone(&self.endpoint))
    }
}

fn full() -> Error {
    let cause = format!("a semaphore holds {SEM_VALUE_MAX} permits at most");
    Error::new(ErrorKind::Exhausted, cause)
        .remedy("somebody posts more often than permits are taken")
}

impl Tokens for Gate {
    #[inline]
    fn try_take(&self) -> io::Result<bool> {
        self.semaphore.try_take()
    }

    fn take_within(&self, within: Duration) -> io::Result<bool> {
        self.semaphore.take_within(within)
    }

    fn put_back(&self) {
        self.give_back();
    }
}
