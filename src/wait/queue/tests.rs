//! Who is served, and what becomes of what nobody wants any more.

use std::{
    future::poll_fn,
    sync::atomic::{AtomicBool, AtomicU32},
    task::{Wake, Waker},
    time::Instant,
};

use super::*;

/// Tokens of this process; a call that blocks fails once for each error that was ordered.
#[derive(Default)]
struct Pot {
    tokens: Mutex<u32>,
    changed: Condvar,
    errors: AtomicU32,
    calls: AtomicU32,
}

impl Pot {
    fn add(&self) {
        *self.tokens.lock().unwrap() += 1;
        self.changed.notify_one();
    }

    fn len(&self) -> u32 {
        *self.tokens.lock().unwrap()
    }
}

impl Tokens for Pot {
    fn try_take(&self) -> io::Result<bool> {
        let mut tokens = self.tokens.lock().unwrap();
        let there = *tokens > 0;
        *tokens -= u32::from(there);
        Ok(there)
    }

    fn take_within(&self, within: Duration) -> io::Result<bool> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let less = |errors: u32| errors.checked_sub(1);
        if self.errors.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let tokens = self.tokens.lock().unwrap();
        let waited = self.changed.wait_timeout_while(tokens, within, |tokens| *tokens == 0);
        drop(waited.unwrap());
        self.try_take()
    }

    fn put_back(&self) {
        self.add();
    }
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn queue() -> (Arc<Pot>, WaitQueue<Pot>) {
    let pot = Arc::new(Pot::default());
    (Arc::clone(&pot), WaitQueue::new("fw-queue", pot, Strategy::Park))
}

/// Polls once; the flag says when to come again.
fn poll(ticket: &mut Ticket<Pot>) -> (Poll<io::Result<()>>, Arc<Flag>) {
    let flag = Arc::new(Flag::default());
    let waker = Waker::from(Arc::clone(&flag));
    (ticket.poll_take(&mut Context::from_waker(&waker)), flag)
}

/// A ticket that stands in the line.
fn standing(queue: &WaitQueue<Pot>) -> (Ticket<Pot>, Arc<Flag>) {
    let mut ticket = queue.ticket();
    let (polled, flag) = poll(&mut ticket);
    assert!(polled.is_pending());
    (ticket, flag)
}

fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{what} does not come");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn is_woken(flag: &Arc<Flag>) -> impl FnMut() -> bool {
    let flag = Arc::clone(flag);
    move || flag.0.load(Ordering::SeqCst)
}

#[test]
fn those_who_stand_there_are_served_in_order_and_nobody_passes_them() {
    let (pot, queue) = queue();
    let (mut first, first_flag) = standing(&queue);
    let (second, _) = standing(&queue);
    let (mut third, third_flag) = standing(&queue);
    drop(second);
    pot.add();
    eventually("the first", is_woken(&first_flag));
    assert!(!is_woken(&third_flag)());
    pot.add();
    eventually("the third", is_woken(&third_flag));
    // Both have been served, and nobody waits.
    pot.add();
    assert!(queue.try_take().unwrap());
    assert!(poll(&mut first).0.is_ready() && poll(&mut third).0.is_ready());
    assert_eq!(pot.len(), 0);

    let (_waits, _) = standing(&queue);
    assert!(!queue.try_take().unwrap(), "somebody was first");
}

#[test]
fn who_takes_the_place_of_one_that_left_tries_at_once() {
    let (pot, queue) = queue();
    let (first, _) = standing(&queue);
    let (mut second, second_flag) = standing(&queue);
    drop(first);
    // The thread was asked, and goes on for the second.
    pot.add();
    eventually("the second", is_woken(&second_flag));
    assert!(poll(&mut second).0.is_ready());
}

#[test]
fn what_came_for_one_that_left_goes_back() {
    let (pot, queue) = queue();
    for _ in 0..20 {
        let (ticket, flag) = standing(&queue);
        pot.add();
        eventually("the token", is_woken(&flag));
        assert_eq!(pot.len(), 0);
        drop(ticket);
        assert_eq!(pot.len(), 1);
        assert!(pot.try_take().unwrap());

        // Before it came.
        drop(standing(&queue));
        pot.add();
        eventually("the call's end", || queue.try_take().unwrap());
    }
}

#[test]
fn an_error_is_that_of_who_was_first() {
    let (pot, queue) = queue();
    pot.errors.store(1, Ordering::SeqCst);
    let (mut first, first_flag) = standing(&queue);
    let (mut second, second_flag) = standing(&queue);
    eventually("the error", is_woken(&first_flag));
    assert!(matches!(poll(&mut first).0, Poll::Ready(Err(_))));
    pot.add();
    eventually("the token", is_woken(&second_flag));
    assert!(matches!(poll(&mut second).0, Poll::Ready(Ok(()))));
}

#[test]
fn a_thread_comes_when_it_is_needed_and_goes_with_the_last_handle() {
    let (pot, queue) = queue();
    pot.add();
    let mut ticket = queue.ticket();
    assert!(poll(&mut ticket).0.is_ready());
    assert!(!queue.shared().lock().has_thread);
    assert!(poll(&mut ticket).0.is_pending());
    assert!(queue.shared().lock().has_thread);
    drop((queue, ticket));
    eventually("its end", || Arc::strong_count(&pot) == 1);

    // A line that nobody stands in makes no calls.
    let (pot, queue) = self::queue();
    let (ticket, _) = standing(&queue);
    eventually("the call", || pot.calls.load(Ordering::SeqCst) > 0);
    drop(ticket);
    std::thread::sleep(2 * SLICE);
    let calls = pot.calls.load(Ordering::SeqCst);
    std::thread::sleep(2 * SLICE);
    assert_eq!(pot.calls.load(Ordering::SeqCst), calls);
}

#[tokio::test]
async fn one_that_spins_is_served_without_a_thread() {
    let pot = Arc::new(Pot::default());
    let spin = Strategy::Spin(Duration::from_secs(60));
    let queue = WaitQueue::new("fw-queue", Arc::clone(&pot), spin);
    let (mut first, mut second) = (queue.ticket(), queue.ticket());
    tokio::join!(
        async { poll_fn(|cx| first.poll_take(cx)).await.unwrap() },
        async { poll_fn(|cx| second.poll_take(cx)).await.unwrap() },
        async {
            for _ in 0..2 {
                tokio::task::yield_now().await;
                pot.add();
            }
        },
    );
    assert!(!queue.shared().lock().has_thread);
    assert_eq!((pot.len(), queue.shared().lock().waiting()), (0, 0));
}
