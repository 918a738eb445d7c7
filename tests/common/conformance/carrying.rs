//! Messages get there: all of them, whole, in order, and not more than fit.

use std::time::Duration;

use bytes::Bytes;
use framewire::{Error, ErrorKind, Result, profile::MaxLen};
use futures::{FutureExt, Sink, SinkExt, Stream, StreamExt, stream};
use tokio::time::{sleep, timeout};

use super::{
    super::{Subject, body, same},
    flow,
};

/// How long a send that has to wait is seen to wait.
const A_WHILE: Duration = Duration::from_millis(50);

/// Below, at and above every limit on the way: prefixes, copied bodies, pipes' atomic writes,
/// reads, pipes.
const SIZES: [usize; 12] = [0, 1, 3, 4, 64, 1000, 4092, 4096, 8191, 8192, 20_000, 70_000];

fn sizes_of(subject: &dyn Subject) -> impl Iterator<Item = usize> {
    let max_len = subject.max_len();
    SIZES.into_iter().map(move |len| len.min(max_len))
}

/// Thousands of messages of mixed sizes, some flushed each and some in batches.
pub(super) async fn order(subject: &dyn Subject) {
    const COUNT: u64 = 3000;
    let sizes: Vec<_> = sizes_of(subject).collect();
    let nth = |n: u64| body(n, sizes[(n * n) as usize % sizes.len()]);
    let (mut near, mut far) = subject.open().await.unwrap();
    let window = flow::window(subject);
    let sending = async {
        for n in 0..COUNT {
            flow::enter(&window).await;
            if n % 7 == 0 { near.send(nth(n)).await } else { near.feed(nth(n)).await }.unwrap();
        }
        flow::finish(subject, &mut near).await;
    };
    let receiving = async {
        for n in 0..COUNT {
            same(&flow::next(subject, &mut far).await.expect("not all came"), &nth(n));
            window.add_permits(1);
        }
        assert!(flow::next(subject, &mut far).await.is_none());
    };
    tokio::join!(sending, receiving);
}

/// The smallest and the largest.
pub(super) async fn sizes(subject: &dyn Subject) {
    let (mut near, mut far) = subject.open().await.unwrap();
    let max_len = subject.max_len();
    let sizes = [0, 0, 1.min(max_len), max_len - 1.min(max_len), max_len, 0];
    let window = flow::window(subject);
    let sending = async {
        for (n, len) in sizes.into_iter().enumerate() {
            flow::enter(&window).await;
            near.send(body(n as u64, len)).await.unwrap();
        }
    };
    let receiving = async {
        for (n, len) in sizes.into_iter().enumerate() {
            same(&far.next().await.expect("it was sent").unwrap(), &body(n as u64, len));
            window.add_permits(1);
        }
    };
    tokio::join!(sending, receiving);
}

/// What is too large is refused, and harms neither what went before nor what comes after.
pub(super) async fn too_large_to_send(subject: &dyn Subject) {
    let (mut near, mut far) = subject.open().await.unwrap();
    near.feed("before".into()).await.unwrap();
    let refused = near.send(body(0, subject.max_len() + 1)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge, "{refused}");
    near.send("after".into()).await.unwrap();
    drop(near);
    for expected in ["before", "after"] {
        assert_eq!(far.next().await.expect("it was sent").unwrap(), expected);
    }
    flow::ends(subject, &mut far).await;
}

/// A peer with another limit of its own.
pub(super) async fn too_large_to_receive(subject: &dyn Subject) {
    if !matches!(subject.profile().max_len, MaxLen::Configured { .. }) {
        return;
    }
    let (mut near, mut far) = subject.open_with(1001, 1000).await.unwrap();
    near.send(body(1, 1000)).await.unwrap();
    if let Err(refused) = near.send(body(2, 1001)).await {
        // It was told of the peer's limit: nothing breaks.
        assert_eq!(refused.kind(), ErrorKind::TooLarge, "{refused}");
        near.send("after".into()).await.unwrap();
        same(&far.next().await.expect("it was sent").unwrap(), &body(1, 1000));
        same(&far.next().await.expect("it was sent").unwrap(), b"after");
        return;
    }
    // It may have learnt already that nobody reads on.
    let _ = near.send("after".into()).await;
    same(&far.next().await.expect("it was sent").unwrap(), &body(1, 1000));
    let error = far.next().await.expect("an error").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    assert!(far.next().await.is_none(), "one error, then the end");
    assert!(far.next().await.is_none());
}

/// Sending to a peer that does not read waits, and goes on when it does.
pub(super) async fn back_pressure(subject: &dyn Subject) {
    let (mut near, mut far) = subject.open().await.unwrap();
    let len = subject.max_len().min(64 * 1024);
    let mut sent = 0;
    let mut waiting = loop {
        let mut sending = near.send(body(sent, len));
        // An adaptive wait says `Pending` a few times before it parks: only time can tell.
        match timeout(A_WHILE, &mut sending).await {
            Ok(done) => done.unwrap(),
            Err(_) => break sending,
        }
        sent += 1;
        assert!(sent < 10_000, "nothing holds a sender back");
    };
    assert!((&mut waiting).now_or_never().is_none());
    let (done, first) = tokio::join!(waiting, async {
        // One message may free less than the kernel wants to see free before it says so.
        let mut got = Vec::new();
        while got.len() <= sent as usize {
            got.push(far.next().await.expect("it was sent").unwrap());
        }
        got
    });
    done.unwrap();
    for (n, found) in first.iter().enumerate() {
        same(found, &body(n as u64, len));
    }
}

/// A channel after the end of another, over and over.
pub(super) async fn reopen(subject: &dyn Subject) {
    for n in 0..20 {
        let (mut near, mut far) = subject.open().await.unwrap();
        near.send(body(n, 4.min(subject.max_len()))).await.unwrap();
        if n % 2 == 0 {
            same(
                &far.next().await.expect("it was sent").unwrap(),
                &body(n, 4.min(subject.max_len())),
            );
        }
        if n % 3 == 0 {
            near.close().await.unwrap();
        }
    }
}

/// Both directions at once, each end in two tasks, until both back up, and then all gets through.
pub(super) async fn both_ways(subject: &dyn Subject) {
    const COUNT: u64 = 80;
    let len = subject.max_len().min(64 * 1024);
    let (near, far) = subject.open().await.unwrap();
    let ends = subject.profile().tells_end;
    let ((near_sink, near_stream), (far_sink, far_stream)) = (near.split(), far.split());
    let there = tokio::spawn(send_all(near_sink, COUNT, len));
    let back = tokio::spawn(send_all(far_sink, COUNT, len));
    // Nobody reads yet: both come to stand still.
    sleep(A_WHILE).await;
    let heard_there = tokio::spawn(receive_all(far_stream, COUNT, len, ends));
    let heard_back = tokio::spawn(receive_all(near_stream, COUNT, len, ends));
    for task in [there, back, heard_there, heard_back] {
        task.await.unwrap();
    }
}

async fn send_all(mut sink: impl Sink<Bytes, Error = Error> + Unpin, count: u64, len: usize) {
    let bodies = stream::iter(0..count).map(|n| Ok(body(n, len)));
    sink.send_all(&mut bodies.boxed()).await.unwrap();
    sink.close().await.unwrap();
}

async fn receive_all(
    mut stream: impl Stream<Item = Result<Bytes>> + Unpin,
    count: u64,
    len: usize,
    ends: bool,
) {
    for n in 0..count {
        same(&stream.next().await.expect("not all came").unwrap(), &body(n, len));
    }
    assert!(!ends || stream.next().await.is_none());
}
