//! Waiting for two descriptors, and for news of whoever else has them open.

use std::{
    fmt,
    future::Future,
    io,
    os::fd::{AsFd, OwnedFd},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{Interest, unix::AsyncFd},
    time::{Instant, Sleep},
};

use super::{
    Direction, Fd, Stage, Strategy, Wait,
    fd::{Shared, register},
};
use crate::{runtime, sys};

/// How often it is looked where nothing is told.
const BLIND: Duration = Duration::from_secs(1);
/// How many turns of a spin pass by before it looks for news all the same: some milliseconds.
const TURNS: u16 = 4096;
/// How many buffers of news are read at a time.
const READS: usize = 16;

/// Waits for what comes in by one descriptor and for room in another, and in both directions for
/// news of those who have them open too: inotify(7) tells of a process that ends.
///
/// It is what [`mq::Connection`](crate::mq::Connection) waits with, and is made by that. Nothing is
/// watched before it first has to park. Where a user has no more watches, or `/proc` is not
/// mounted, it looks once a second instead.
///
/// # Examples
///
/// See [`mq::listen`](crate::mq::listen).
///
/// # Platform
///
/// Linux; epoll(7), inotify(7).
#[derive(Debug)]
pub struct Watched {
    inward: Fd,
    outward: Fd,
    stage: Arc<Stage>,
    news: Option<News>,
}

impl Watched {
    /// Waits for these two, and for news of both where there can be any.
    pub(crate) fn new(
        inward: &Arc<OwnedFd>,
        outward: &Arc<OwnedFd>,
        strategy: Strategy,
        news: bool,
    ) -> io::Result<Self> {
        let files = [Arc::clone(inward), Arc::clone(outward)];
        Ok(Self {
            inward: Fd::sharing(Arc::clone(inward))?.strategy(strategy),
            outward: Fd::sharing(Arc::clone(outward))?.strategy(strategy),
            stage: Arc::default(),
            news: news.then(|| News { files, ear: Ear::Closed, sides: Default::default() }),
        })
    }

    /// What tells a try of news.
    pub(crate) fn stage(&self) -> Arc<Stage> {
        Arc::clone(&self.stage)
    }
}

impl Wait for Watched {
    #[inline]
    fn poll_io<R>(
        &mut self,
        cx: &mut Context<'_>,
        direction: Direction,
        mut op: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let fd = match direction {
            Direction::Receive => &mut self.inward,
            Direction::Send => &mut self.outward,
        };
        if let Poll::Ready(done) = fd.poll_io(cx, direction, &mut op) {
            return Poll::Ready(done);
        }
        let Some(news) = &mut self.news else { return Poll::Pending };
        if !fd.is_parked(direction) && !news.sides[direction as usize].has_spun_for_long() {
            return Poll::Pending;
        }
        while news.poll(cx, direction)?.is_ready() {
            self.stage.brings_news(direction);
            match op() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
        Poll::Pending
    }
}

/// What is told of two files.
#[derive(Debug)]
struct News {
    files: [Arc<OwnedFd>; 2],
    ear: Ear,
    sides: [Side; 2],
}

/// How news come.
#[derive(Debug)]
enum Ear {
    /// Nobody has asked yet.
    Closed,
    Open(Arc<AsyncFd<Shared>>),
    /// Not at all.
    Deaf,
}

type Hearing = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// One direction, which another task may wait in than in the other one.
#[derive(Default)]
struct Side {
    /// It was told to look for the first time.
    begun: bool,
    hearing: Option<Hearing>,
    pause: Option<Pin<Box<Sleep>>>,
    /// How often it was looked again.
    looks: usize,
    /// Turns of a spin since it was looked for news.
    turns: u16,
}

impl Side {
    fn has_spun_for_long(&mut self) -> bool {
        self.turns = (self.turns + 1) % TURNS;
        self.turns == 0
    }
}

impl fmt::Debug for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Side").field("looks", &self.looks).finish_non_exhaustive()
    }
}

impl News {
    /// Ready once each time that there may be news, and the first time in any case: what came
    /// before is not told.
    fn poll(&mut self, cx: &mut Context<'_>, direction: Direction) -> Poll<io::Result<()>> {
        if matches!(self.ear, Ear::Closed) {
            self.ear = match open(&self.files) {
                Ok(watch) => Ear::Open(watch),
                Err(error) => {
                    tracing::warn!(%error, "the ends of peers are looked for once a second");
                    Ear::Deaf
                }
            };
        }
        let side = &mut self.sides[direction as usize];
        if let Ear::Open(watch) = &self.ear {
            let hearing = side.hearing.get_or_insert_with(|| Box::pin(hear(Arc::clone(watch))));
            if let Poll::Ready(heard) = hearing.as_mut().poll(cx) {
                side.hearing = None;
                heard?;
                side.looks = 0;
                side.pause = Some(runtime::sleep(sys::AFTER_A_CLOSE[0])?);
                side.begun = true;
                return Poll::Ready(Ok(()));
            }
        }
        if !side.begun {
            side.begun = true;
            if matches!(self.ear, Ear::Deaf) {
                side.pause = Some(runtime::sleep(BLIND)?);
            }
            return Poll::Ready(Ok(()));
        }
        let Some(pause) = &mut side.pause else { return Poll::Pending };
        if pause.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        side.looks += 1;
        let next = match self.ear {
            Ear::Deaf => Some(&BLIND),
            _ => sys::AFTER_A_CLOSE.get(side.looks),
        };
        match next {
            Some(next) => pause.as_mut().reset(Instant::now() + *next),
            None => side.pause = None,
        }
        Poll::Ready(Ok(()))
    }
}

/// Begins to hear of these files.
fn open(files: &[Arc<OwnedFd>]) -> io::Result<Arc<AsyncFd<Shared>>> {
    let watch = sys::watch()?;
    for file in files {
        sys::hear_of(watch.as_fd(), file.as_fd(), true)?;
    }
    Ok(Arc::new(register(Arc::new(watch), Interest::READABLE)?))
}

/// Waits for news, which are the same to all who wait.
async fn hear(watch: Arc<AsyncFd<Shared>>) -> io::Result<()> {
    let mut ready = watch.readable().await?;
    for _ in 0..READS {
        match sys::tells_of(watch.get_ref().0.as_fd(), &[]) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // What came since we were woken survives this.
                ready.clear_ready();
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
