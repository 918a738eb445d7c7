//! What the two processes do with each other, the same code for both subjects.
//!
//! The driving side sends, the serving side echoes or receives. A link is anything that is a
//! `Stream` of messages and a `Sink` of `Bytes`: our connections as they are, and the baseline's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{Sink, SinkExt, Stream, StreamExt};
use tokio::task::JoinSet;

use crate::allocations;
use crate::message::{Check, Source};
use crate::process;
use crate::stats::percentile;
use crate::trial::{Fault, Kind, Outcome, Trial};

/// Samples of round trips kept at most; more than 300 ms of the fastest mechanism yield.
const SAMPLES: usize = 1 << 20;

/// Serves every link to its end, and adds up what was seen.
pub(crate) async fn serve<L, M, E>(trial: &Trial, links: Vec<L>) -> Result<Outcome, Fault>
where
    L: Stream<Item = Result<M, E>> + Sink<Bytes, Error = E> + Unpin + Send + 'static,
    M: AsRef<[u8]> + Into<Bytes> + Send + 'static,
    E: Into<Fault> + Send + 'static,
{
    let sides = links.into_iter().map(|link| {
        let trial = trial.clone();
        async move {
            match trial.kind {
                Kind::RoundTrip | Kind::Hold => echo(&trial, link).await,
                Kind::Batched | Kind::Flushed => receive(&trial, link).await,
            }
        }
    });
    run(trial, sides).await
}

/// Drives every link through the measurement, and adds up what was seen.
pub(crate) async fn drive<L, M, E>(trial: &Trial, links: Vec<L>) -> Result<Outcome, Fault>
where
    L: Stream<Item = Result<M, E>> + Sink<Bytes, Error = E> + Unpin + Send + 'static,
    M: AsRef<[u8]> + Into<Bytes> + Send + 'static,
    E: Into<Fault> + Send + 'static,
{
    if links.len() > 1 && trial.kind == Kind::RoundTrip {
        return crowd(trial, links).await;
    }
    let sides = links.into_iter().map(|link| {
        let trial = trial.clone();
        async move {
            match trial.kind {
                Kind::RoundTrip => round_trips(&trial, link).await,
                Kind::Batched | Kind::Flushed => send(&trial, link).await,
                Kind::Hold => hold(&trial, link).await,
            }
        }
    });
    run(trial, sides).await
}

/// Runs every side as a task of its own, or the first one on the root of `block_on` where asked.
async fn run<F>(trial: &Trial, mut sides: impl Iterator<Item = F>) -> Result<Outcome, Fault>
where
    F: Future<Output = Result<Outcome, Fault>> + Send + 'static,
{
    if trial.root && trial.connections == 1 {
        return sides.next().ok_or("no link")?.await;
    }
    let mut tasks = JoinSet::new();
    for side in sides {
        tasks.spawn(side);
    }
    let mut sum = Outcome::default();
    while let Some(side) = tasks.join_next().await {
        let side = side??;
        sum = Outcome {
            messages: sum.messages + side.messages,
            counted: sum.counted + side.counted,
            allocations: sum.allocations + side.allocations,
            ..side
        };
    }
    Ok(sum)
}

/// Sends every message back as it came, until the peer closes.
async fn echo<L, M, E>(trial: &Trial, mut link: L) -> Result<Outcome, Fault>
where
    L: Stream<Item = Result<M, E>> + Sink<Bytes, Error = E> + Unpin,
    M: AsRef<[u8]> + Into<Bytes>,
    E: Into<Fault>,
{
    let mut check = Check::new(trial.bytes);
    let begun = Instant::now();
    let mut window: Option<Mark> = None;
    while let Some(message) = link.next().await {
        let message = message.map_err(Into::into)?;
        check.take(message.as_ref())?;
        link.send(message.into()).await.map_err(Into::into)?;
        if trial.count && window.is_none() && begun.elapsed() >= trial.warm() {
            window = Some(Mark::new(Instant::now(), check.right()));
        }
    }
    let counted = window.map(|start| start.until(Instant::now(), check.right()));
    Ok(Outcome { messages: check.right(), ..counted.unwrap_or_default() })
}

/// One message there and back.
#[inline]
async fn round_trip<L, M, E>(
    link: &mut L,
    source: &mut Source,
    check: &mut Check,
) -> Result<(), Fault>
where
    L: Stream<Item = Result<M, E>> + Sink<Bytes, Error = E> + Unpin,
    M: AsRef<[u8]> + Into<Bytes>,
    E: Into<Fault>,
{
    link.send(source.next()).await.map_err(Into::into)?;
    let message = link.next().await.ok_or("the peer closed")?.map_err(Into::into)?;
    check.take(message.as_ref())
}

/// Round trips for the length of the window, each timed.
async fn round_trips<L, M, E>(trial: &Trial, mut link: L) -> Result<Outcome, Fault>
where
    L: Stream<Item = Result<M, E>> + Sink<Bytes, Error = E> + Unpin,
    M: AsRef<[u8]> + Into<Bytes>,
    E: Into<Fault>,
{
    let (mut source, mut check) = (Source::new(trial.bytes), Check::new(trial.bytes));
    // Filled with something else than zero, so that its pages exist before the window.
    let mut samples = vec![u32::MAX; SAMPLES];
    let mut taken = 0;
    let begun = Instant::now();
    while begun.elapsed() < trial.warm() {
        round_trip(&mut link, &mut source, &mut check).await?;
    }
    let start = Mark::new(Instant::now(), check.right());
    let mut last = start.at;
    while last - start.at < trial.window() && taken < SAMPLES {
        round_trip(&mut link, &mut source, &mut check).await?;
        let now = Instant::now();
        samples[taken] = (now - last).as_nanos().min(u32::MAX.into()) as u32;
        (last, taken) = (now, taken + 1);
    }
    let outcome = start.until(last, check.right());
    link.close().await.map_err(Into::into)?;
    let samples = &mut samples[..taken];
    Ok(Outcome {
        messages: source.made(),
        p50_us: f64::from(percentile(samples, 0.5)) / 1e3,
        p99_us: f64::from(percentile(samples, 0.99)) / 1e3,
        ..outcome
    })
}

/// Sends for a little longer than the receiver measures, then closes.
async fn send<L, M, E>(trial: &Trial, mut link: L) -> Result<Outcome, Fault>
where
    L: Stream<Item = Result<M, E>> + Sink<Bytes, Error = E> + Unpin,
    E: Into<Fault>,
{
    let mut source = Source::new(trial.bytes);
    // The receiver's clock starts later than this one, by as much as a busy machine likes.
    let whole = trial.warm() + trial.window() + (trial.window() / 5).max(Duration::from_millis(50));
    let begun = Instant::now();
    let mut window: Option<Mark> = None;
    loop {
        for _ in 0..trial.batch() {
            let message = source.next();
            match trial.kind {
                Kind::Flushed => link.send(message).await,
                _ => link.feed(message).await,
            }
            .map_err(Into::into)?;
        }
        link.flush().await.map_err(Into::into)?;
        let now = Instant::now();
        if window.is_none() && now - begun >= trial.warm() {
            window = Some(Mark::new(now, source.made()));
        }
        if now - begun >= whole {
            break;
        }
    }
    let outcome = window.map(|start| start.until(Instant::now(), source.made()));
    link.close().await.map_err(Into::into)?;
    Ok(Outcome { messages: source.made(), ..outcome.unwrap_or_default() })
}

/// Receives to the end; the rate is taken between two messages of the window by this side's clock,
/// which is looked at once in 64 KiB.
async fn receive<L, M, E>(trial: &Trial, mut link: L) -> Result<Outcome, Fault>
where
    L: Stream<Item = Result<M, E>> + Unpin,
    M: AsRef<[u8]>,
    E: Into<Fault>,
{
    let mut check = Check::new(trial.bytes);
    let begun = Mark::new(Instant::now(), 0);
    let mut window: Option<Mark> = None;
    let (mut warming, mut outcome) = (Outcome::default(), Outcome::default());
    let mut look = trial.batch();
    while let Some(message) = link.next().await {
        check.take(message.map_err(Into::into)?.as_ref())?;
        if check.right() != look {
            continue;
        }
        look += trial.batch();
        let now = Instant::now();
        match &window {
            None => {
                warming = begun.until(now, check.right());
                let warm = now - begun.at >= trial.warm();
                window = warm.then(|| Mark::new(now, check.right()));
            }
            // A stream that ends before the window does has a shorter window.
            Some(start) if outcome.nanos < trial.window().as_nanos() as u64 => {
                outcome = start.until(now, check.right());
            }
            _ => {}
        }
    }
    // One that ends before the window begins is taken as it was: the machine was too busy for more.
    let outcome = if outcome.counted == 0 { warming } else { outcome };
    Ok(Outcome { messages: check.right(), ..outcome })
}

/// Makes and checks messages with nothing in between: what the harness itself costs.
pub(crate) fn harness(trial: &Trial) -> Result<Outcome, Fault> {
    let (mut source, mut check) = (Source::new(trial.bytes), Check::new(trial.bytes));
    let start = Mark::new(Instant::now(), 0);
    while start.at.elapsed() < trial.window() {
        for _ in 0..trial.batch() {
            check.take(&std::hint::black_box(source.next()))?;
        }
    }
    Ok(start.until(Instant::now(), check.right()))
}

/// Where a window begins.
#[derive(Debug)]
struct Mark {
    at: Instant,
    messages: u64,
    allocations: u64,
}

impl Mark {
    fn new(at: Instant, messages: u64) -> Self {
        Self { at, messages, allocations: allocations::taken() }
    }

    /// What was counted from here on.
    fn until(&self, now: Instant, messages: u64) -> Outcome {
        Outcome {
            counted: messages - self.messages,
            nanos: (now - self.at).as_nanos() as u64,
            allocations: allocations::taken() - self.allocations,
            ..Outcome::default()
        }
    }
}

/// One round trip, then quiet until the process is ended from outside.
async fn hold<L, M, E>(trial: &Trial, mut link: L) -> Result<Outcome, Fault>
where
    L: Stream<Item = Result<M, E>> + Sink<Bytes, Error = E> + Unpin,
    M: AsRef<[u8]> + Into<Bytes>,
    E: Into<Fault>,
{
    static HELD: AtomicU64 = AtomicU64::new(0);
    let (mut source, mut check) = (Source::new(trial.bytes), Check::new(trial.bytes));
    round_trip(&mut link, &mut source, &mut check).await?;
    // Relaxed: nothing is read on the strength of this count but the count itself.
    if HELD.fetch_add(1, Ordering::Relaxed) + 1 == trial.connections as u64 {
        process::say(&process::Line::Held)?;
    }
    match link.next().await {
        Some(message) => Err(message.err().map_or("a message in the quiet".into(), Into::into)),
        None => Err("the peer closed in the quiet".into()),
    }
}

/// Every link has one message in flight at all times; all are counted together.
async fn crowd<L, M, E>(trial: &Trial, links: Vec<L>) -> Result<Outcome, Fault>
where
    L: Stream<Item = Result<M, E>> + Sink<Bytes, Error = E> + Unpin + Send + 'static,
    M: AsRef<[u8]> + Into<Bytes> + Send + 'static,
    E: Into<Fault> + Send + 'static,
{
    let begun = Instant::now();
    let end = begun + trial.warm() + trial.window() + trial.window() / 10;
    let total = Arc::new(AtomicU64::new(0));
    let mut tasks: JoinSet<Result<u64, Fault>> = JoinSet::new();
    for mut link in links {
        let (total, bytes) = (Arc::clone(&total), trial.bytes);
        tasks.spawn(async move {
            let (mut source, mut check) = (Source::new(bytes), Check::new(bytes));
            while Instant::now() < end {
                round_trip(&mut link, &mut source, &mut check).await?;
                // Relaxed: the counter is only ever compared with itself.
                total.fetch_add(1, Ordering::Relaxed);
            }
            link.close().await.map_err(Into::into)?;
            Ok(source.made())
        });
    }
    let mut messages = 0;
    tokio::time::sleep_until((begun + trial.warm()).into()).await;
    let (start, first) = (Instant::now(), total.load(Ordering::Relaxed));
    tokio::time::sleep(trial.window()).await;
    // On a machine that has no time for any of them in so short a window, it is longer.
    while total.load(Ordering::Relaxed) == first && !tasks.is_empty() {
        tokio::time::sleep(trial.window()).await;
        while let Some(task) = tasks.try_join_next() {
            messages += task??;
        }
    }
    let (nanos, last) = (start.elapsed().as_nanos() as u64, total.load(Ordering::Relaxed));
    while let Some(task) = tasks.join_next().await {
        messages += task??;
    }
    Ok(Outcome { messages, counted: last - first, nanos, ..Outcome::default() })
}
