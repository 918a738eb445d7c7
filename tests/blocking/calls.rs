//! Real blocking calls.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    os::fd::OwnedFd,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use framewire::wait::{Call, Turn};

/// A counting semaphore, as others use it at the same time.
#[derive(Clone)]
pub struct Semaphore {
    pub shared: Arc<(Mutex<u32>, Condvar)>,
    pub in_call: Arc<AtomicBool>,
    pub interruptible: bool,
}

impl Semaphore {
    pub fn new(permits: u32, interruptible: bool) -> Self {
        let shared = Arc::new((Mutex::new(permits), Condvar::new()));
        Self { shared, in_call: Arc::default(), interruptible }
    }

    pub fn permits(&self) -> u32 {
        *self.shared.0.lock().unwrap()
    }

    pub fn post(&self) {
        *self.shared.0.lock().unwrap() += 1;
        self.shared.1.notify_one();
    }

    pub fn take(&self, slice: Duration, wanted: impl Fn() -> bool) -> Option<()> {
        let permits = self.shared.0.lock().unwrap();
        let blocked = |permits: &mut u32| *permits == 0 && wanted();
        let (mut permits, _) = self.shared.1.wait_timeout_while(permits, slice, blocked).unwrap();
        *permits = permits.checked_sub(1)?;
        Some(())
    }
}

impl Call for Semaphore {
    type Output = ();
    const KEEPS: bool = false;

    fn call(&mut self, turn: &Turn) -> io::Result<Option<()>> {
        self.in_call.store(true, SeqCst);
        // Without an interrupter, only the slice ends it.
        let taken = self.take(turn.slice(), || !self.interruptible || turn.is_wanted());
        self.in_call.store(false, SeqCst);
        Ok(taken)
    }

    fn give_back(&mut self, (): ()) {
        self.post();
    }

    fn interrupter(&self) -> Option<Box<dyn Fn() + Send + Sync>> {
        let shared = Arc::clone(&self.shared);
        let interrupt = move || {
            let _permits = shared.0.lock();
            shared.1.notify_all();
        };
        self.interruptible.then(|| Box::new(interrupt) as Box<_>)
    }
}

/// A queue whose messages can be put back in front.
#[derive(Clone, Default)]
pub struct Queue(pub Arc<(Mutex<VecDeque<u32>>, Condvar)>);

impl Queue {
    pub fn push(&self, message: u32) {
        self.0.0.lock().unwrap().push_back(message);
        self.0.1.notify_one();
    }

    pub fn messages(&self) -> Vec<u32> {
        self.0.0.lock().unwrap().iter().copied().collect()
    }
}

impl Call for Queue {
    type Output = u32;

    fn call(&mut self, turn: &Turn) -> io::Result<Option<u32>> {
        let queue = self.0.0.lock().unwrap();
        let (mut queue, _) =
            self.0.1.wait_timeout_while(queue, turn.slice(), |queue| queue.is_empty()).unwrap();
        Ok(queue.pop_front())
    }

    fn give_back(&mut self, message: u32) {
        self.0.0.lock().unwrap().push_front(message);
    }
}

/// A blocking read of a pipe, a byte a message.
pub fn pipe() -> (impl Write, impl FnMut(&Turn) -> io::Result<Option<u8>> + Send + 'static) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let (write, read) = interprocess::unnamed_pipe::pipe().unwrap();
    let mut read = std::fs::File::from(OwnedFd::from(read));
    let call = move |turn: &Turn| {
        let slice = Timespec::try_from(turn.slice()).map_err(io::Error::other)?;
        if poll(&mut [PollFd::new(&read, PollFlags::IN)], Some(&slice))? == 0 {
            return Ok(None);
        }
        let mut byte = [0];
        read.read_exact(&mut byte)?;
        Ok(Some(byte[0]))
    };
    (write, call)
}
