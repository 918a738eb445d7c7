//! The two runtimes that everything is tested on, and how long a test may take.

use std::{panic::resume_unwind, time::Duration};

use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

/// Far more than anything takes; a hang is all that it tells.
pub(crate) const HANG: Duration = Duration::from_secs(60);

/// A flavour of Tokio's runtime.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flavour {
    CurrentThread,
    TwoWorkers,
}

impl Flavour {
    pub(crate) fn runtime(self) -> Runtime {
        let mut builder = match self {
            Self::CurrentThread => Builder::new_current_thread(),
            Self::TwoWorkers => Builder::new_multi_thread(),
        };
        builder.worker_threads(2).enable_all().build().expect("a runtime")
    }

    /// Runs a task on a runtime of its own: on a worker, where there are any, so that the future
    /// has to be `Send`.
    pub(crate) fn run(self, task: impl Future<Output = ()> + Send + 'static) {
        let runtime = self.runtime();
        if let Err(error) = runtime.block_on(runtime.spawn(task)) {
            resume_unwind(error.into_panic());
        }
    }
}

/// Waits for something that must not hang.
#[track_caller]
pub(crate) fn within<T>(what: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        match timeout(HANG, what).await {
            Ok(done) => done,
            Err(_) => panic!("{caller} hangs"),
        }
    }
}
