//! An eye on a thread that blocks, where no timer of a runtime can end it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::trial::Fault;

/// Wakes what blocks for too long, until it is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    late: Arc<AtomicBool>,
    /// The thread ends with the sender.
    thread: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Watch {
    /// Calls `wake` when this is still there after `limit`.
    pub(crate) fn new(limit: Duration, wake: impl FnOnce() + Send + 'static) -> Self {
        let late = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = channel();
        let said = Arc::clone(&late);
        let thread = std::thread::spawn(move || {
            if receiver.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                // Release pairs with the Acquire load in `ok`; who is woken sees it.
                said.store(true, Ordering::Release);
                wake();
            }
        });
        Self { late, thread: Some((sender, thread)) }
    }

    /// An error when it was this that woke the caller.
    #[inline]
    pub(crate) fn ok(&self) -> Result<(), Fault> {
        // Acquire pairs with the Release store of the thread.
        if self.late.load(Ordering::Acquire) {
            Err("the other process hangs".into())
        } else {
            Ok(())
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.thread.take() {
            drop(sender);
            // A thread that has panicked has said so itself.
            let _ = thread.join();
        }
    }
}
