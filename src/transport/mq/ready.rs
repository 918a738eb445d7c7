//! Waiting for messages, and for room.

use std::{
    io,
    task::{Context, Poll},
};

use super::calls::{Giving, Taking};
use crate::wait::{Call, Direction, Fd, Helped, Wait};

/// Waits for what a queue has to give, or has room for, as [`WaitBy`](super::WaitBy) says.
///
/// # Examples
///
/// It is what [`Receiver`](super::Receiver) and [`Sender`](super::Sender) wait with.
///
/// ```
/// use framewire::mq::{self, Inlet, Ready};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let name = &format!("/framewire-doc-ready-{}", std::process::id());
/// let receiver = mq::Options::new().capacity(4).max_len(64).receiver(name).await?;
/// let parts: (Inlet, Ready) = receiver.into_parts();
/// # mq::remove(name)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Ready {
    receive: Option<Side<Taking>>,
    send: Option<Side<Giving>>,
}

#[derive(Debug)]
enum Side<C: Call<Output = ()> + Clone> {
    Descriptor(Fd),
    Thread(Helped<C>),
}

impl Ready {
    pub(super) fn of_descriptor(direction: Direction, fd: Fd) -> Self {
        match direction {
            Direction::Receive => Self { receive: Some(Side::Descriptor(fd)), send: None },
            Direction::Send => Self { receive: None, send: Some(Side::Descriptor(fd)) },
        }
    }

    pub(super) fn taking(helped: Helped<Taking>) -> Self {
        Self { receive: Some(Side::Thread(helped)), send: None }
    }

    pub(super) fn giving(helped: Helped<Giving>) -> Self {
        Self { receive: None, send: Some(Side::Thread(helped)) }
    }
}

impl<C: Call<Output = ()> + Clone> Side<C> {
    #[inline]
    fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        direction: Direction,
        op: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        match self {
            Self::Descriptor(fd) => fd.poll_io(cx, direction, op),
            Self::Thread(helped) => helped.poll(cx, op),
        }
    }
}

impl Wait for Ready {
    #[inline]
    fn poll_io<R>(
        &mut self,
        cx: &mut Context<'_>,
        direction: Direction,
        op: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let polled = match direction {
            Direction::Receive => self.receive.as_mut().map(|side| side.poll(cx, direction, op)),
            Direction::Send => self.send.as_mut().map(|side| side.poll(cx, direction, op)),
        };
        polled.unwrap_or_else(|| {
            let cause = "this end of a queue does not go that way";
            Poll::Ready(Err(io::Error::new(io::ErrorKind::Unsupported, cause)))
        })
    }
}
