//! Threads that make calls which can only block: how many there are, and how one is had.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// Threads of this process that wait like this at a time.
static PLACES: Places = Places { taken: AtomicUsize::new(0), limit: 1024 };
/// The stack of each, in bytes: deep enough for a system call and for a panic to be printed.
const STACK: usize = 256 * 1024;

/// Starts a thread of this name, a plain one. Its place is free when it drops that.
pub(super) fn start(name: &str, run: impl FnOnce(Place) + Send + 'static) -> io::Result<()> {
    if name.contains('\0') {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a thread's name has no NUL byte"));
    }
    let place = PLACES.take()?;
    let started = thread::Builder::new().name(name.to_owned()).stack_size(STACK);
    // As it comes it would be `WouldBlock`, which a caller may take to mean "not yet".
    match started.spawn(move || run(place)) {
        Ok(_) => Ok(()),
        Err(error) => Err(exhausted(format!("no thread for the wait {name}: {error}"))),
    }
}

/// A bounded number of places.
struct Places {
    taken: AtomicUsize,
    limit: usize,
}

/// One place, taken.
pub(super) struct Place(&'static Places);

impl Places {
    fn take(&'static self) -> io::Result<Place> {
        // Relaxed, here and in `drop`: a count that orders nothing else.
        let taken = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            (taken < self.limit).then_some(taken + 1)
        });
        match taken {
            Ok(_) => Ok(Place(self)),
            Err(_) => Err(exhausted(format!("{} threads wait already: drop some", self.limit))),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

fn exhausted(cause: String) -> io::Error {
    io::Error::new(io::ErrorKind::QuotaExceeded, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_come_back() {
        static TWO: Places = Places { taken: AtomicUsize::new(0), limit: 2 };
        let first = TWO.take().unwrap();
        let _second = TWO.take().unwrap();
        let refused = TWO.take().err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::QuotaExceeded);
        drop(first);
        assert!(TWO.take().is_ok());
    }
}
