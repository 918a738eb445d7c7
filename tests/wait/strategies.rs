//! When a wait tries again, and when it leaves its task alone.

use std::{
    future::poll_fn,
    os::unix::net::UnixStream,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Poll, Wake, Waker},
    time::{Duration, Instant},
};

use framewire::{
    frame::Frames,
    unix,
    wait::{Direction, Fd, Io, Strategy, Wait},
};
use futures::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::yield_now,
    time::{sleep, timeout},
};
use tokio_test::{assert_pending, assert_ready, task::spawn};

use super::common::{body, same, within};

const ALL: [Strategy; 3] =
    [Strategy::Adaptive, Strategy::Park, Strategy::Spin(Duration::from_millis(2))];

fn pair(strategy: Strategy) -> (unix::Connection, unix::Connection) {
    unix::Options::new().strategy(strategy).pair().unwrap()
}

/// Counts how often a task is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Lets the runtime go round: what was woken is seen, and so is what the kernel has to say.
async fn turns() {
    for _ in 0..20 {
        yield_now().await;
    }
}

#[tokio::test]
async fn park_never_wakes_itself() {
    let (ours, mut theirs) = pair(Strategy::Park);
    let mut ours = spawn(ours);
    assert_pending!(ours.poll_next());
    turns().await;
    sleep(Duration::from_millis(50)).await;
    assert!(!ours.is_woken(), "nothing has happened");
    theirs.send("hello".into()).await.unwrap();
    within(async {
        while !ours.is_woken() {
            yield_now().await;
        }
    })
    .await;
    assert_eq!(assert_ready!(ours.poll_next()).unwrap().unwrap(), "hello");
    assert_pending!(ours.poll_next());
    turns().await;
    assert!(!ours.is_woken(), "nothing more has happened");
}

/// A spin ends by itself: its task is woken again and again, and then left alone.
#[tokio::test]
async fn spinning_gives_way_and_then_parks() {
    for strategy in [Strategy::Spin(Duration::from_millis(20)), Strategy::Adaptive] {
        if strategy == Strategy::Adaptive
            && std::thread::available_parallelism().unwrap().get() == 1
        {
            eprintln!("!!! skipped: with one CPU an adaptive wait is a parked one");
            continue;
        }
        let (mut ours, _theirs) = pair(strategy);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut polls = 0;
        // This task passes the wakes on as a runtime would, and counts them.
        let begun = Instant::now();
        within(async {
            loop {
                let before = woken.0.load(SeqCst);
                let mut cx = std::task::Context::from_waker(&waker);
                assert!(ours.poll_next_unpin(&mut cx).is_pending());
                polls += 1;
                turns().await;
                if woken.0.load(SeqCst) == before {
                    break;
                }
            }
        })
        .await;
        if let Strategy::Spin(bound) = strategy {
            assert!(polls > 1, "it has not spun");
            assert!(begun.elapsed() >= bound, "it gave up early");
        }
        let parked = woken.0.load(SeqCst);
        sleep(Duration::from_millis(50)).await;
        assert_eq!(woken.0.load(SeqCst), parked, "{strategy:?}: parked is parked");
    }
}

/// The promise of no cost: once it is parked, an idle channel has its task polled no more.
#[tokio::test]
async fn an_idle_channel_causes_no_wake_up() {
    for strategy in ALL {
        let (mut ours, mut theirs) = pair(strategy);
        let mut polls = 0;
        {
            let mut next = pin!(poll_fn(|cx| {
                polls += 1;
                ours.poll_next_unpin(cx)
            }));
            // The spin, if any, and a margin for a loaded machine.
            assert!(timeout(Duration::from_millis(100), &mut next).await.is_err());
        }
        let at_rest = {
            let mut at_rest = 0;
            let mut next = pin!(poll_fn(|cx| {
                at_rest += 1;
                ours.poll_next_unpin(cx)
            }));
            assert!(timeout(Duration::from_millis(300), &mut next).await.is_err());
            at_rest
        };
        // Polled when the wait goes on, and when its time is up: no more.
        assert!(at_rest <= 2, "{strategy:?}: polled {at_rest} times in 300 ms after {polls}");
        theirs.send("hello".into()).await.unwrap();
        assert_eq!(within(ours.next()).await.unwrap().unwrap(), "hello");
    }
}

/// After enough fruitless spins an adaptive wait stops trying: a poll, and it is parked.
#[tokio::test]
async fn an_adaptive_wait_learns_that_spinning_does_not_pay() {
    let (mut ours, mut theirs) = pair(Strategy::Adaptive);
    let mut parked_at_once = 0;
    // A spin that a busy machine cuts short teaches nothing, hence no number of rounds.
    within(async {
        while parked_at_once < 10 {
            let mut polls = 0;
            let next = poll_fn(|cx| {
                polls += 1;
                ours.poll_next_unpin(cx)
            });
            let _ = timeout(Duration::from_millis(2), next).await;
            // Once when it begins, and once when its time is up.
            parked_at_once = if polls <= 2 { parked_at_once + 1 } else { 0 };
            theirs.send("late".into()).await.unwrap();
            assert_eq!(ours.next().await.unwrap().unwrap(), "late");
        }
    })
    .await;
}

/// Both halves of a socket wait at once, and each is woken for its own.
#[tokio::test]
async fn both_directions_of_one_descriptor_wait_at_once() {
    for strategy in ALL {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let ours = Io::socket(ours.into()).unwrap().strategy(strategy);
        let mut theirs = Io::socket(theirs.into()).unwrap();
        let (mut read, mut write) = tokio::io::split(ours);
        let len = 4 << 20;
        let mut sending = tokio::spawn(async move {
            write.write_all(&body(1, len)).await.unwrap();
            write
        });
        let mut receiving = tokio::spawn(async move {
            let mut byte = [0];
            read.read_exact(&mut byte).await.unwrap();
            (read, byte)
        });
        sleep(Duration::from_millis(50)).await;
        assert!(!sending.is_finished() && !receiving.is_finished(), "both wait");

        theirs.write_all(b"!").await.unwrap();
        let (_read, byte) = within(&mut receiving).await.unwrap();
        assert_eq!(byte, *b"!");
        assert!(!sending.is_finished(), "that was for the other one");

        let mut received = vec![0; len];
        within(theirs.read_exact(&mut received)).await.unwrap();
        same(&received, &body(1, len));
        within(&mut sending).await.unwrap();
    }
}

/// Any non-blocking call can be waited for: one of this test's own.
#[tokio::test]
async fn a_call_is_tried_until_it_is_done_and_no_more() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut ready = Fd::new(ours.into()).unwrap().strategy(Strategy::Park);
    let mut calls = 0;
    let mut answers =
        vec![Ok("done"), Err(std::io::ErrorKind::Interrupted), Err(std::io::ErrorKind::WouldBlock)];
    let mut waiting = spawn(poll_fn(|cx| {
        ready.poll_io(cx, Direction::Receive, || {
            calls += 1;
            answers.pop().expect("it was done").map_err(Into::into)
        })
    }));
    assert_pending!(waiting.poll());
    std::io::Write::write_all(&mut theirs, b"!").unwrap();
    within(async {
        while !waiting.is_woken() {
            yield_now().await;
        }
    })
    .await;
    assert_eq!(assert_ready!(waiting.poll()).unwrap(), "done");
    drop(waiting);
    assert_eq!(calls, 3, "not ready, interrupted, done");
}

/// An error is told at once and not waited for, and does not spoil the next try.
#[tokio::test]
async fn an_error_is_an_answer() {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let mut ready = Fd::new(ours.into()).unwrap();
    let failing = poll_fn(|cx| {
        ready.poll_io(cx, Direction::Send, || Err::<(), _>(std::io::ErrorKind::NotFound.into()))
    });
    assert_eq!(within(failing).await.unwrap_err().kind(), std::io::ErrorKind::NotFound);
    let done = poll_fn(|cx| ready.poll_io(cx, Direction::Send, || Ok(7)));
    assert_eq!(within(done).await.unwrap(), 7);
}

/// A task that takes its half to another thread is woken there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_polled_last_is_woken() {
    for strategy in ALL {
        let (mut ours, mut theirs) = pair(strategy);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = std::task::Context::from_waker(&waker);
        assert!(matches!(ours.poll_next_unpin(&mut cx), Poll::Pending));
        let receiving = tokio::spawn(async move { ours.next().await.unwrap().unwrap() });
        sleep(Duration::from_millis(20)).await;
        theirs.send("hello".into()).await.unwrap();
        assert_eq!(within(receiving).await.unwrap(), "hello");
    }
}

/// The layer under a codec of somebody else's.
#[tokio::test]
async fn frames_of_any_byte_stream_wait_with_it() {
    for strategy in ALL {
        let (read_end, write_end) = rustix::pipe::pipe().unwrap();
        let mut sender = Frames::new(Io::pipe(write_end).unwrap().strategy(strategy));
        let mut receiver = Frames::new(Io::pipe(read_end).unwrap().strategy(strategy));
        for n in 0..100 {
            sender.send(body(n, 1000)).await.unwrap();
            same(&within(receiver.next()).await.unwrap().unwrap(), &body(n, 1000));
        }
        sender.close().await.unwrap();
        assert!(within(receiver.next()).await.is_none());
    }
}
