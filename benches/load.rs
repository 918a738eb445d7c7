//! What the two processes do with each other, the same code for both subjects.
//!
//! The driving side sends, the serving side echoes or receives.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use framewire::ErrorKind;
use futures::{Stream, StreamExt, stream};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::allocations;
use crate::link::Link;
use crate::message::{Check, Source};
use crate::process;
use crate::stats::percentile;
use crate::trial::{Fault, Kind, Outcome, Trial, Way};

/// Samples of round trips kept at most; more than 300 ms of the fastest mechanism yield.
const SAMPLES: usize = 1 << 20;

/// How often the end of messages that may be lost is said, and what is between.
const FAREWELLS: (usize, Duration) = (5, Duration::from_millis(5));

/// Serves every link to its end, each as soon as it comes, and adds up what was seen.
pub(crate) async fn serve<L, E>(
    trial: &Trial,
    links: impl Stream<Item = Result<L, E>>,
) -> Result<Outcome, Fault>
where
    L: Link,
    E: Into<Fault>,
{
    let sides = links.map(|link| {
        let trial = trial.clone();
        let link = link.map_err(Into::into)?;
        Ok(async move {
            match trial.kind {
                Kind::RoundTrip | Kind::Hold => echo(&trial, link).await,
                Kind::Batched | Kind::Flushed => receive(&trial, link).await,
            }
        })
    });
    run(trial, sides).await
}

/// Drives every link through the measurement, and adds up what was seen.
pub(crate) async fn drive<L: Link>(trial: &Trial, links: Vec<L>) -> Result<Outcome, Fault> {
    if links.len() > 1 && trial.kind == Kind::RoundTrip {
        return crowd(trial, links).await;
    }
    let sides = links.into_iter().map(|link| {
        let trial = trial.clone();
        Ok(async move {
            match trial.kind {
                Kind::RoundTrip => round_trips(&trial, link).await,
                Kind::Batched | Kind::Flushed => send(&trial, link).await,
                Kind::Hold => hold(&trial, link).await,
            }
        })
    });
    run(trial, stream::iter(sides)).await
}

/// Runs every side as a task of its own, or the first one on the root of `block_on` where asked.
async fn run<F>(
    trial: &Trial,
    sides: impl Stream<Item = Result<F, Fault>>,
) -> Result<Outcome, Fault>
where
    F: Future<Output = Result<Outcome, Fault>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    // Who listens stops when everybody is here.
    {
        let mut sides = pin!(sides);
        while let Some(side) = sides.next().await {
            if trial.root && trial.connections == 1 {
                return side?.await;
            }
            tasks.spawn(side?);
        }
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

/// Says that no more comes.
async fn finish(trial: &Trial, link: &mut impl Link) -> Result<(), Fault> {
    if !trial.mechanism.has_end() {
        link.send(Bytes::new()).await?;
    }
    if trial.loses() {
        for _ in 1..FAREWELLS.0 {
            tokio::time::sleep(FAREWELLS.1).await;
            // One that heard it is gone, and the system says so.
            let _ = link.send(Bytes::new()).await;
        }
    }
    link.close().await
}

/// Takes a message and sends it back, or one like it; `false` is the end.
#[inline]
async fn answer(
    trial: &Trial,
    link: &mut impl Link,
    source: &mut Source,
    check: &mut Check,
) -> Result<bool, Fault> {
    match trial.way {
        Way::Owned | Way::Many => link.echo(|message| check.take(message)).await,
        // What is lent is gone when it has been looked at.
        Way::Lent | Way::Loaned => match link.receive(|message| check.take(message)).await? {
            Some(taken) => {
                taken?;
                put(trial, link, source).await?;
                Ok(true)
            }
            None => Ok(false),
        },
    }
}

/// Answers every message, until the peer closes.
async fn echo(trial: &Trial, mut link: impl Link) -> Result<Outcome, Fault> {
    let (mut source, mut check) = (Source::new(trial), Check::new(trial));
    let begun = Instant::now();
    let mut window: Option<Mark> = None;
    while answer(trial, &mut link, &mut source, &mut check).await? {
        if trial.count && window.is_none() && begun.elapsed() >= trial.warm() {
            window = Some(Mark::new(Instant::now(), check.right()));
        }
    }
    let counted = window.map(|start| start.until(Instant::now(), check.right()));
    Ok(Outcome { messages: check.right(), ..counted.unwrap_or_default() })
}

/// Sends one message, as the way says.
#[inline]
async fn put(trial: &Trial, link: &mut impl Link, source: &mut Source) -> Result<(), Fault> {
    if trial.way != Way::Loaned {
        return link.send(source.next()).await;
    }
    place(trial, link, source).await?;
    link.flush().await
}

/// Writes one message, its number alone, where it will be read.
#[inline]
async fn place(trial: &Trial, link: &mut impl Link, source: &mut Source) -> Result<(), Fault> {
    let number = source.number().to_le_bytes();
    link.place(trial.bytes, |room| room[..8].copy_from_slice(&number)).await
}

/// One message there and back.
#[inline]
async fn round_trip(
    trial: &Trial,
    link: &mut impl Link,
    source: &mut Source,
    check: &mut Check,
) -> Result<(), Fault> {
    put(trial, link, source).await?;
    link.receive(|message| check.take(message)).await?.ok_or("the peer closed")?
}

/// Round trips for the length of the window, each timed.
async fn round_trips(trial: &Trial, mut link: impl Link) -> Result<Outcome, Fault> {
    let (mut source, mut check) = (Source::new(trial), Check::new(trial));
    // Filled with something else than zero, so that its pages exist before the window.
    let mut samples = vec![u32::MAX; SAMPLES];
    let mut taken = 0;
    let begun = Instant::now();
    while begun.elapsed() < trial.warm() {
        round_trip(trial, &mut link, &mut source, &mut check).await?;
    }
    let start = Mark::new(Instant::now(), check.right());
    let mut last = start.at;
    while last - start.at < trial.window() && taken < SAMPLES {
        round_trip(trial, &mut link, &mut source, &mut check).await?;
        let now = Instant::now();
        samples[taken] = (now - last).as_nanos().min(u32::MAX.into()) as u32;
        (last, taken) = (now, taken + 1);
    }
    let outcome = start.until(last, check.right());
    finish(trial, &mut link).await?;
    let samples = &mut samples[..taken];
    Ok(Outcome {
        messages: source.made(),
        p50_us: f64::from(percentile(samples, 0.5)) / 1e3,
        p99_us: f64::from(percentile(samples, 0.99)) / 1e3,
        ..outcome
    })
}

/// Sends for a little longer than the receiver measures, then closes.
async fn send(trial: &Trial, mut link: impl Link) -> Result<Outcome, Fault> {
    let mut source = Source::new(trial);
    // The receiver's clock starts later than this one, by as much as a busy machine likes.
    let whole = trial.warm() + trial.window() + (trial.window() / 5).max(Duration::from_millis(50));
    let begun = Instant::now();
    let mut window: Option<Mark> = None;
    loop {
        for _ in 0..trial.batch() {
            match (trial.kind, trial.way) {
                (Kind::Flushed, _) => put(trial, &mut link, &mut source).await?,
                (_, Way::Loaned) => place(trial, &mut link, &mut source).await?,
                _ => link.feed(source.next()).await?,
            }
        }
        link.flush().await?;
        let now = Instant::now();
        if window.is_none() && now - begun >= trial.warm() {
            window = Some(Mark::new(now, source.made()));
        }
        if now - begun >= whole {
            break;
        }
    }
    let outcome = window.map(|start| start.until(Instant::now(), source.made()));
    finish(trial, &mut link).await?;
    Ok(Outcome { messages: source.made(), ..outcome.unwrap_or_default() })
}

/// Receives to the end; the rate is taken between two messages of the window by this side's clock,
/// which is looked at once in 64 KiB.
async fn receive(trial: &Trial, mut link: impl Link) -> Result<Outcome, Fault> {
    let mut check = Check::new(trial);
    let begun = Mark::new(Instant::now(), 0);
    let mut window: Option<Mark> = None;
    let (mut warming, mut outcome) = (Outcome::default(), Outcome::default());
    let mut look = trial.batch();
    loop {
        match link.receive(|message| check.take(message)).await {
            Ok(Some(taken)) => taken?,
            Ok(None) => break,
            Err(error) if trial.loses() && is_loss(&error) => continue,
            Err(error) => return Err(error),
        }
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

/// Whether this says nothing but that messages were lost.
fn is_loss(error: &Fault) -> bool {
    let ours = error.downcast_ref::<framewire::Error>();
    ours.is_some_and(|error| error.kind() == ErrorKind::Lagged)
}

/// Makes and checks messages within this process: what the harness itself costs, and a copy into
/// the next place of `room` where there is one.
pub(crate) fn alone(trial: &Trial, room: &mut [u8]) -> Result<Outcome, Fault> {
    let (mut source, mut check) = (Source::new(trial), Check::new(trial));
    let mut at = 0;
    let start = Mark::new(Instant::now(), 0);
    while start.at.elapsed() < trial.window() {
        for _ in 0..trial.batch() {
            let message = std::hint::black_box(source.next());
            if room.is_empty() {
                check.take(&message)?;
                continue;
            }
            let end = at + message.len();
            room[at..end].copy_from_slice(&message);
            check.take(&std::hint::black_box(&*room)[at..end])?;
            at = if end + message.len() > room.len() { 0 } else { end };
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
async fn hold(trial: &Trial, mut link: impl Link) -> Result<Outcome, Fault> {
    static HELD: AtomicU64 = AtomicU64::new(0);
    /// One after the other, so that no server is asked for more than it has room for.
    static TURN: Mutex<()> = Mutex::const_new(());
    let (mut source, mut check) = (Source::new(trial), Check::new(trial));
    {
        let _turn = TURN.lock().await;
        round_trip(trial, &mut link, &mut source, &mut check).await?;
    }
    // Relaxed: nothing is read on the strength of this count but the count itself.
    if HELD.fetch_add(1, Ordering::Relaxed) + 1 == trial.connections as u64 {
        process::say(&process::Line::Held)?;
    }
    match link.receive(|_| ()).await? {
        Some(()) => Err("a message in the quiet".into()),
        None => Err("the peer closed in the quiet".into()),
    }
}

/// Every link has one message in flight at all times; all are counted together.
async fn crowd<L: Link>(trial: &Trial, links: Vec<L>) -> Result<Outcome, Fault> {
    let begun = Instant::now();
    let end = begun + trial.warm() + trial.window() + trial.window() / 10;
    let total = Arc::new(AtomicU64::new(0));
    let mut tasks: JoinSet<Result<u64, Fault>> = JoinSet::new();
    for mut link in links {
        let (total, trial) = (Arc::clone(&total), trial.clone());
        tasks.spawn(async move {
            let (mut source, mut check) = (Source::new(&trial), Check::new(&trial));
            while Instant::now() < end {
                round_trip(&trial, &mut link, &mut source, &mut check).await?;
                // Relaxed: the counter is only ever compared with itself.
                total.fetch_add(1, Ordering::Relaxed);
            }
            finish(&trial, &mut link).await?;
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
