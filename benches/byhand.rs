//! The baseline: what a program does without this crate. Tokio's own type for the mechanism in
//! `Framed<_, LengthDelimitedCodec>` at defaults, TCP with no delay.

use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::process::Command;
use std::task::{Context, Poll};

use bytes::Bytes;
use command_fds::{CommandFdExt, FdMapping};
use futures::{Sink, Stream};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::unix::pipe;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::codec::{Framed, FramedRead, FramedWrite, LengthDelimitedCodec};

use crate::load;
use crate::process::{Reaped, Server};
use crate::side::announce;
use crate::trial::{Fault, Mechanism, Outcome, Trial};

/// The descriptors on which a child finds its two pipes.
const READ: i32 = 3;
const WRITE: i32 = 4;

fn framed<T: AsyncRead + AsyncWrite>(io: T) -> Framed<T, LengthDelimitedCodec> {
    Framed::new(io, LengthDelimitedCodec::new())
}

/// The serving side: takes the connections, then serves them to their end.
pub(crate) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    match trial.mechanism {
        Mechanism::Unix => {
            let listener = UnixListener::bind(&trial.address)?;
            announce(&trial.address)?;
            let mut links = Vec::new();
            while links.len() < trial.connections {
                links.push(framed(listener.accept().await?.0));
            }
            load::serve(trial, links).await
        }
        Mechanism::Tcp => {
            let listener = TcpListener::bind(&trial.address).await?;
            announce(&listener.local_addr()?.to_string())?;
            let mut links = Vec::new();
            while links.len() < trial.connections {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                links.push(framed(stream));
            }
            load::serve(trial, links).await
        }
        Mechanism::Pipe => {
            let open = pipe::OpenOptions::new();
            let receiver = open.open_receiver(format!("/proc/self/fd/{READ}"))?;
            let sender = open.open_sender(format!("/proc/self/fd/{WRITE}"))?;
            announce("")?;
            load::serve(trial, vec![pipes(receiver, sender)]).await
        }
    }
}

/// The driving side over sockets: connects, then drives.
pub(crate) async fn drive(trial: &Trial) -> Result<Outcome, Fault> {
    match trial.mechanism {
        Mechanism::Unix => {
            let mut links = Vec::new();
            while links.len() < trial.connections {
                links.push(framed(UnixStream::connect(&trial.address).await?));
            }
            load::drive(trial, links).await
        }
        Mechanism::Tcp => {
            let mut links = Vec::new();
            while links.len() < trial.connections {
                let stream = TcpStream::connect(&trial.address).await?;
                stream.set_nodelay(true)?;
                links.push(framed(stream));
            }
            load::drive(trial, links).await
        }
        Mechanism::Pipe => Err("pipes are opened with the child".into()),
    }
}

/// A spawned child with the driver's ends of its pipes.
#[derive(Debug)]
pub(crate) struct Spawned {
    pub(crate) child: Reaped,
    link: Pipes,
}

/// Starts the child with one pipe each way.
pub(crate) fn spawn(mut command: Command) -> Result<Spawned, Fault> {
    let flags = PipeFlags::CLOEXEC | PipeFlags::NONBLOCK;
    let (theirs, ours): (OwnedFd, OwnedFd) = pipe_with(flags)?;
    let (back, answers): (OwnedFd, OwnedFd) = pipe_with(flags)?;
    command.fd_mappings(vec![
        FdMapping { parent_fd: theirs, child_fd: READ },
        FdMapping { parent_fd: answers, child_fd: WRITE },
    ])?;
    let child = Reaped(command.spawn()?);
    let link = pipes(pipe::Receiver::from_owned_fd(back)?, pipe::Sender::from_owned_fd(ours)?);
    Ok(Spawned { child, link })
}

impl Spawned {
    /// Drives the child over its pipes.
    pub(crate) async fn drive(self, trial: &Trial) -> Result<(Outcome, Server), Fault> {
        Ok((load::drive(trial, vec![self.link]).await?, Server::Std(self.child)))
    }
}

/// A pipe each way as one link.
type Pipes = Halves<
    FramedRead<pipe::Receiver, LengthDelimitedCodec>,
    FramedWrite<pipe::Sender, LengthDelimitedCodec>,
>;

fn pipes(receiver: pipe::Receiver, sender: pipe::Sender) -> Pipes {
    Halves::new(
        FramedRead::new(receiver, LengthDelimitedCodec::new()),
        FramedWrite::new(sender, LengthDelimitedCodec::new()),
    )
}

/// A receiving and a sending end, so that a pair of pipes is driven by the same code as a socket.
/// Every call goes straight to the one or the other.
#[derive(Debug)]
struct Halves<R, S> {
    receiver: R,
    sender: S,
}

impl<R, S> Halves<R, S> {
    fn new(receiver: R, sender: S) -> Self {
        Self { receiver, sender }
    }
}

impl<R: Stream + Unpin, S: Unpin> Stream for Halves<R, S> {
    type Item = R::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.get_mut().receiver).poll_next(cx)
    }
}

impl<R: Unpin, S: Sink<Bytes> + Unpin> Sink<Bytes> for Halves<R, S> {
    type Error = S::Error;

    #[inline]
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Pin::new(&mut self.get_mut().sender).poll_ready(cx)
    }

    #[inline]
    fn start_send(self: Pin<&mut Self>, message: Bytes) -> Result<(), S::Error> {
        Pin::new(&mut self.get_mut().sender).start_send(message)
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Pin::new(&mut self.get_mut().sender).poll_flush(cx)
    }

    #[inline]
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Pin::new(&mut self.get_mut().sender).poll_close(cx)
    }
}
