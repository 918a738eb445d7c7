//! What is allocated, counted: a program of its own, since it counts all that its process does.
#![cfg(unix)]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use bytes::{BufMut, Bytes};
use framewire::{ErrorKind, frame::MAX_LEN, pipe, tcp, unix};
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// The system's allocator, counted. All loads and stores are relaxed: what is measured runs on
/// one thread, and other threads only have to be counted, at whatever moment.
struct Counted;

/// Bytes that are allocated, and the most that were since `PEAK` was last set.
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// The largest single allocation, and how many there were.
static LARGEST: AtomicUsize = AtomicUsize::new(0);
static COUNT: AtomicUsize = AtomicUsize::new(0);

fn count(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(live, Relaxed);
    LARGEST.fetch_max(bytes, Relaxed);
    COUNT.fetch_add(1, Relaxed);
}

// SAFETY: each call is passed on to the system's allocator as it came, and its answer passed back.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps `alloc`'s contract, which is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller keeps `dealloc`'s contract, and the pointer came from the system.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LIVE.fetch_sub(layout.size(), Relaxed);
        count(size);
        // SAFETY: the caller keeps `realloc`'s contract, and the pointer came from the system.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTED: Counted = Counted;

/// What is reserved beyond what has arrived, at most.
const AHEAD: usize = 64 * 1024;
/// What waits, wakes and tells errors needs, which has nothing to do with what arrives.
const SMALL_CHANGE: usize = 4 * 1024;

/// One test, since two would count each other's.
#[test]
fn what_is_allocated() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for prefix in [MAX_LEN as u32, MAX_LEN as u32 - 1, 1 << 20, 100_000] {
            let (ours, theirs) = unix::pair().unwrap();
            trickle(prefix, ours.into_io().0, theirs).await;
            let (sender, receiver) = pipe::pair().unwrap();
            trickle(prefix, sender.into_io().0, receiver).await;
            let (ours, theirs) = tcp_pair().await;
            trickle(prefix, ours.into_io().0, theirs).await;
        }
        for prefix in [u32::MAX, MAX_LEN as u32 + 1] {
            let (ours, theirs) = unix::pair().unwrap();
            refused(prefix, ours.into_io().0, theirs).await;
        }
        for len in [0, 64, 1024, 4000] {
            let (ours, theirs) = unix::pair().unwrap();
            steady(len, ours, theirs).await;
            let (sender, receiver) = pipe::pair().unwrap();
            steady(len, sender, receiver).await;
        }
        #[cfg(target_os = "linux")]
        for len in [0, 64, 1024] {
            use framewire::mq::{self, Unlink};

            let name = format!("/framewire-test-alloc-{}", std::process::id());
            let options = mq::Options::new().capacity(10).max_len(1024).unlink(Unlink::OnDrop);
            let (sender, receiver) =
                (options.sender(&name).await.unwrap(), options.receiver(&name).await.unwrap());
            steady(len, sender, receiver).await;
        }
    });
}

async fn tcp_pair() -> (tcp::Connection, tcp::Connection) {
    let mut listener = tcp::listen("127.0.0.1:0").await.unwrap();
    let ours = tcp::connect(listener.local_addr().to_string()).await.unwrap();
    (ours, listener.next().await.unwrap().unwrap())
}

/// A frame that is announced and then comes drop by drop: never more is held than what has
/// arrived and a step.
async fn trickle(
    prefix: u32,
    mut bare: impl AsyncWrite + Unpin,
    mut receiver: impl StreamExt<Item = framewire::Result<Bytes>> + Unpin,
) {
    let drops = vec![7; 50_000];
    let mut arrived = 4;
    let before = LIVE.load(Relaxed);
    LARGEST.store(0, Relaxed);
    bare.write_all(&prefix.to_be_bytes()).await.unwrap();
    // Small ones first, as a peer would that has little to lose, then what makes it grow.
    for len in [0, 1, 1, 10, 100, 1000].into_iter().chain([drops.len(); 30]) {
        let len = len.min(prefix as usize - (arrived - 4) - 1);
        let before_step = LIVE.load(Relaxed);
        PEAK.store(before_step, Relaxed);
        bare.write_all(&drops[..len]).await.unwrap();
        arrived += len;
        // Until the last of it was read: a network may take a moment.
        for _ in 0..3 {
            assert!(receiver.next().now_or_never().is_none(), "it is not complete");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let held = PEAK.load(Relaxed).saturating_sub(before);
        let allowed = arrived + AHEAD + SMALL_CHANGE;
        assert!(held <= allowed, "{held} bytes held, {arrived} of {prefix} arrived");
        let largest = LARGEST.load(Relaxed);
        assert!(largest <= arrived + AHEAD, "{largest} bytes asked for, {arrived} arrived");
    }
    drop(bare);
    let error = receiver.next().await.expect("an error").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
}

/// A frame that is too large is refused by its length alone.
async fn refused(
    prefix: u32,
    mut bare: impl AsyncWrite + Unpin,
    mut receiver: impl StreamExt<Item = framewire::Result<Bytes>> + Unpin,
) {
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    bare.write_all(&prefix.to_be_bytes()).await.unwrap();
    let error = receiver.next().await.expect("an error").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    let held = PEAK.load(Relaxed) - before;
    assert!(held <= AHEAD, "{held} bytes held for nothing");
    assert!(receiver.next().await.is_none());
}

/// Small messages, one after the other and in batches: once it is warm, nothing is allocated for
/// any of them.
async fn steady(
    len: usize,
    mut sender: impl SinkExt<Bytes, Error = framewire::Error> + Unpin,
    mut receiver: impl StreamExt<Item = framewire::Result<Bytes>> + Unpin,
) {
    const MESSAGES: usize = 2000;
    let mut body = Vec::with_capacity(len);
    body.put_bytes(7, len);
    let body = Bytes::from(body);
    for batch in [1, 8] {
        let mut before = 0;
        for n in 0..2 * MESSAGES {
            if n == MESSAGES {
                before = COUNT.load(Relaxed);
            }
            sender.feed(body.clone()).await.unwrap();
            if n % batch == batch - 1 {
                sender.flush().await.unwrap();
                for _ in 0..batch {
                    assert_eq!(receiver.next().await.expect("it was sent").unwrap().len(), len);
                }
            }
        }
        let allocated = COUNT.load(Relaxed) - before;
        assert!(
            allocated <= MESSAGES / 100,
            "{allocated} allocations for {MESSAGES} messages of {len} bytes, {batch} at a time"
        );
    }
}
