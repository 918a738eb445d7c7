//! What a connection leaves when it ends: room for another.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use futures::task::AtomicWaker;

/// Tells a listener when a connection of its own ends.
#[derive(Debug, Default)]
pub(super) struct Vacancies(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    ended: AtomicBool,
    waker: AtomicWaker,
}

/// Dropped with a connection.
#[derive(Debug)]
pub(super) struct Vacancy(Arc<Told>);

impl Vacancies {
    /// For a connection that begins.
    pub(super) fn vacancy(&self) -> Vacancy {
        Vacancy(Arc::clone(&self.0))
    }

    /// Ready once after one or more of them have ended.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.waker.register(cx.waker());
        // Acquire: partner of the Release in `Vacancy::drop`.
        if self.0.ended.swap(false, Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Vacancy {
    fn drop(&mut self) {
        // Release: partner of the Acquire in `Vacancies::poll`.
        self.0.ended.store(true, Ordering::Release);
        self.0.waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures::FutureExt;

    use super::*;

    #[test]
    fn each_end_is_told_once() {
        let vacancies = Vacancies::default();
        let told = || poll_fn(|cx| vacancies.poll(cx)).now_or_never().is_some();
        let (one, other) = (vacancies.vacancy(), vacancies.vacancy());
        assert!(!told());
        drop(one);
        assert!(told() && !told());
        drop(other);
        assert!(told() && !told());
    }
}
