//! Who of this process takes which signals.

use std::{
    ffi::c_int,
    sync::{Mutex, PoisonError},
};

use crate::{Error, ErrorKind, Result, sys::SignalSet};

/// A signal is taken in one way at a time.
#[derive(Debug)]
struct Claims {
    exclusive: SignalSet,
    /// For good: see [`taker`](super::taker).
    queued: SignalSet,
}

static CLAIMS: Mutex<Claims> =
    Mutex::new(Claims { exclusive: SignalSet::EMPTY, queued: SignalSet::EMPTY });

fn with<T>(change: impl FnOnce(&mut Claims) -> T) -> T {
    // Each change is one assignment: there is nothing to be half done.
    change(&mut CLAIMS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The right to be the only one who takes a signal, until this is dropped.
#[derive(Debug)]
pub(super) struct Claim(c_int);

impl Claim {
    pub(super) fn take(signal: c_int) -> Result<Self> {
        let why = with(|claims| {
            if claims.queued.contains(signal) {
                return Some(("`queued` takes this signal", "choose another: it does so for good"));
            }
            if claims.exclusive.contains(signal) {
                return Some(("an `exclusive` takes this signal", "drop that one first"));
            }
            claims.exclusive = claims.exclusive.with(signal);
            None
        });
        match why {
            None => Ok(Self(signal)),
            Some((cause, remedy)) => Err(Error::new(ErrorKind::InUse, cause).remedy(remedy)),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        with(|claims| claims.exclusive = claims.exclusive.without(self.0));
    }
}

/// Has the signal taken for all who come, from now on.
pub(super) fn claim_for_all(signal: c_int) -> Result<()> {
    let free = with(|claims| {
        let free = !claims.exclusive.contains(signal);
        if free {
            claims.queued = claims.queued.with(signal);
        }
        free
    });
    let cause = "an `exclusive` takes this signal";
    let refused = || Error::new(ErrorKind::InUse, cause).remedy("drop that one first");
    free.then_some(()).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_queued_for_good() {
        // Of no test that takes any.
        let signal = libc::SIGVTALRM;
        let first = Claim::take(signal).unwrap();
        assert_eq!(Claim::take(signal).unwrap_err().kind(), ErrorKind::InUse);
        assert_eq!(claim_for_all(signal).unwrap_err().kind(), ErrorKind::InUse);
        drop(first);
        drop(Claim::take(signal).unwrap());
        claim_for_all(signal).unwrap();
        claim_for_all(signal).unwrap();
        assert_eq!(Claim::take(signal).unwrap_err().kind(), ErrorKind::InUse);
    }
}
