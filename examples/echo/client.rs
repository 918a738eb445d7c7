//! The client's side: seeded random bodies, each compared in full with what comes back.

use std::time::{Duration, Instant};

use bytes::Bytes;
use framewire::{BoxDuplex, Error, ErrorKind, Result};
use futures::{SinkExt, StreamExt};
use tokio::{sync::Semaphore, time::timeout};

use crate::row::Row;

/// A row that makes no progress for this long has failed.
const HANG: Duration = Duration::from_secs(30);
/// Messages on their way at once, in the half of a row that measures messages a second.
pub(crate) const WINDOW: usize = 64;
/// The same over what loses messages that come too fast: what the system keeps for a receiver has
/// room for these and one of the largest.
pub(crate) const CAREFUL: usize = 8;
/// As many bytes as that many may have together, where they are large.
const CAREFUL_BYTES: usize = 32 * 1024;
/// The largest message, in bytes.
pub(crate) const LARGEST: usize = 1 << 20;
/// Of ten messages one is of a size from here: the edges, and the largest.
pub(crate) const SIZES: [usize; 6] = [0, 1, 64, 1000, 4096, LARGEST];

/// What one row measured.
pub(crate) struct Measured {
    pub(crate) sent: u64,
    pub(crate) verified: u64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) rate: f64,
}

/// Sends half of the messages one at a time and half of them in a window; most are of this size, as
/// far as the row takes it.
pub(crate) async fn run(
    connection: BoxDuplex,
    messages: u64,
    size: usize,
    row: &Row,
    mut progress: impl FnMut(u64),
) -> Result<Measured> {
    let (profile, (least, largest)) = (row.profile(), row.sizes());
    let sizes = [least, size.clamp(least, largest), largest];
    let (mut sink, mut stream) = connection.split();
    let mut verified = 0;
    let mut trips = Vec::new();
    for number in 0..messages / 2 {
        let body = body(number, sizes);
        let started = Instant::now();
        within(sink.send(body.clone())).await??;
        let answer = within(stream.next()).await?;
        trips.push(started.elapsed());
        verified += same(number, &body, answer)?;
        progress(verified);
    }

    let window = match profile.loss {
        Some(_) => (CAREFUL_BYTES / size.max(1)).clamp(1, CAREFUL),
        None => WINDOW,
    };
    let window = Semaphore::new(window);
    let started = Instant::now();
    let send = async {
        for number in messages / 2..messages {
            // Flushed only where the window is full: what is behind it may gather.
            if window.available_permits() == 0 {
                within(sink.flush()).await??;
            }
            within(window.acquire()).await?.map_err(|_| hung())?.forget();
            within(sink.feed(body(number, sizes))).await??;
        }
        within(sink.close()).await?
    };
    let receive = async {
        for number in messages / 2..messages {
            let answer = within(stream.next()).await?;
            window.add_permits(1);
            verified += same(number, &body(number, sizes), answer)?;
            progress(verified);
        }
        if !profile.tells_end {
            return Ok(());
        }
        match within(stream.next()).await? {
            None => Ok(()),
            Some(_) => Err(Error::new(ErrorKind::Malformed, "a message more than was sent")),
        }
    };
    tokio::try_join!(send, receive)?;
    let rate = (messages - messages / 2) as f64 / started.elapsed().as_secs_f64();

    trips.sort();
    let at = |share: usize| {
        let trip = trips.get(trips.len() * share / 100).copied().unwrap_or_default();
        trip.as_nanos() as f64 / 1000.0
    };
    Ok(Measured { sent: messages, verified, p50: at(50), p99: at(99), rate })
}

/// What takes longer than [`HANG`] has failed.
pub(crate) async fn within<T>(step: impl Future<Output = T>) -> Result<T> {
    timeout(HANG, step).await.map_err(|_| hung())
}

fn hung() -> Error {
    Error::new(ErrorKind::TimedOut, format!("no progress for {HANG:?}"))
}

/// 1 if the answer is the message.
fn same(number: u64, sent: &Bytes, answer: Option<Result<Bytes>>) -> Result<u64> {
    let answer = answer.ok_or_else(|| Error::new(ErrorKind::Closed, "the server ended"))??;
    if answer == *sent {
        return Ok(1);
    }
    let place = answer.iter().zip(sent).position(|(got, sent)| got != sent);
    let cause = match place {
        Some(place) => format!("message {number} differs at byte {place}"),
        None => format!("message {number} has {} bytes, not {}", answer.len(), sent.len()),
    };
    Err(Error::new(ErrorKind::Malformed, cause))
}

/// Random bytes that depend on the number alone; of the smallest size, the usual, and the largest.
fn body(number: u64, [least, size, largest]: [usize; 3]) -> Bytes {
    let len = match number % 10 {
        0 => SIZES[(number / 10) as usize % SIZES.len()].clamp(least, largest),
        _ => size,
    };
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let words = (0..len.div_ceil(8)).flat_map(|_| {
        // xorshift64, Marsaglia 2003.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(len).collect()
}
