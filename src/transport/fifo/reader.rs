//! The end that bytes come out of: who comes, who leaves, and who comes then.

use std::{
    io,
    path::Path,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use rustix::io::{Errno, retry_on_intr};
use tokio::io::{AsyncRead, ReadBuf};

use super::{End, Options, name::Name};
use crate::{
    Error, ErrorKind, Result,
    backoff::Backoff,
    sys,
    wait::{Io, Strategy},
};

/// Whether a new reading end is sure to have forgotten who came and left before.
const FORGETS: bool = cfg!(any(target_os = "linux", target_os = "android"));
/// Where it is not, this is how often it is looked whether anybody has come.
const BREATH: Duration = Duration::from_millis(10);

/// The bytes of all who write.
///
/// With [`End::WithLastWriter`] they end when the last writer has left; otherwise they go on with
/// the next one, and where one writer's bytes end is for them to say.
///
/// # Examples
///
/// Lines, as a shell's `echo` writes them:
///
/// ```
/// use framewire::fifo;
/// use futures::StreamExt;
/// use std::process::Command;
/// use tokio::io::AsyncReadExt;
/// use tokio_util::codec::{FramedRead, LinesCodec};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("jobs");
/// let (reader, leftover) = fifo::receiver(&*path).await?.into_io();
/// let mut lines = FramedRead::new(leftover.chain(reader), LinesCodec::new());
/// for greeting in ["hello", "again"] {
///     let echo = format!("echo {greeting} > {}", path.display());
///     let mut shell = Command::new("sh").args(["-c", &echo]).spawn()?;
///     assert_eq!(lines.next().await.expect("it goes on")?, greeting);
///     shell.wait()?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Reader {
    /// `None` once it has ended.
    open: Option<Open>,
    strategy: Strategy,
    end: End,
    /// Whether every hang-up reads as an end: then it is for the framing to go on.
    pub(super) tells_hang_ups: bool,
    /// Bytes have come since the last hang-up.
    heard: bool,
    /// There was a hang-up, and the next reading end is still to be opened.
    hung_up: bool,
    /// Read while looking whether a writer was there.
    ahead: Option<u8>,
    backoff: Backoff,
}

#[derive(Debug)]
struct Open {
    // Closed before the right to the path is given up.
    io: Io,
    name: Name,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.name.withdraw(self.io.fd());
    }
}

impl Reader {
    pub(super) fn open(options: &Options, path: &Path) -> Result<Self> {
        crate::runtime::here()?;
        let (name, fd) = Name::take(path, options.mode)?;
        Ok(Self {
            open: Some(Open { io: Io::pipe(fd)?.strategy(options.strategy), name }),
            strategy: options.strategy,
            end: options.end,
            tells_hang_ups: true,
            heard: false,
            hung_up: false,
            ahead: None,
            backoff: Backoff::default(),
        })
    }

    /// The last writer has left: ends, or makes ready for the next. Whether it goes on.
    fn hang_up(&mut self) -> Result<bool> {
        let Some(open) = &mut self.open else { return Ok(false) };
        if self.end == End::WithLastWriter {
            self.open = None;
            return Ok(false);
        }
        // The end that has hung up says so for as long as nobody writes, and would keep waking us;
        // a new one says nothing until somebody has come and left.
        let next = open.name.open()?;
        let generation = open.name.generation();
        let mut byte = [0];
        match retry_on_intr(|| rustix::io::read(&next, &mut byte)) {
            Ok(0) => open.name.settle(generation),
            Ok(_) => self.ahead = Some(byte[0]),
            // Somebody is there and has not written yet: it is settled when they leave.
            Err(Errno::AGAIN) => {}
            Err(error) => return Err(io::Error::from(error).into()),
        }
        open.io = Io::pipe(next)?.strategy(self.strategy);
        self.hung_up = false;
        Ok(true)
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let reader = self.get_mut();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            if let Some(byte) = reader.ahead.take() {
                buf.put_slice(&[byte]);
                reader.heard = true;
                return Poll::Ready(Ok(()));
            }
            let Some(open) = &mut reader.open else { return Poll::Ready(Ok(())) };
            if !reader.hung_up {
                let filled = buf.filled().len();
                let heard = reader.heard;
                ready!(open.io.poll_read_or(cx, buf, |fd| {
                    // Nothing is there to read, and nobody to write. Somebody was there if bytes
                    // have come, or if the kernel says so; otherwise nobody has come yet.
                    if heard || sys::has_hung_up(fd)? {
                        return Ok(());
                    }
                    Err(io::ErrorKind::WouldBlock.into())
                }))?;
                if buf.filled().len() > filled {
                    reader.heard = true;
                    return Poll::Ready(Ok(()));
                }
                reader.hung_up = true;
            }
            ready!(reader.backoff.poll(cx));
            match reader.hang_up() {
                Ok(true) => reader.backoff.succeed(),
                Ok(false) => return Poll::Ready(Ok(())),
                Err(error) if error.kind() == ErrorKind::Exhausted => {
                    let pause = reader.backoff.fail()?;
                    tracing::warn!(%error, ?pause, "waiting for the next writer needs a descriptor");
                    continue;
                }
                Err(error) => {
                    reader.open = None;
                    return Poll::Ready(Err(Error::into(error)));
                }
            }
            let heard = std::mem::take(&mut reader.heard);
            if heard && reader.tells_hang_ups {
                return Poll::Ready(Ok(()));
            }
            if !heard && !FORGETS {
                reader.backoff.pause(BREATH)?;
            }
        }
    }
}
