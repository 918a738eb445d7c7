//! This crate's side, with default options wherever a row does not ask for another strategy.

use std::os::fd::OwnedFd;
use std::process::Command;

use command_fds::{CommandFdExt, FdMapping};
use framewire::frame::Frames;
use framewire::wait::{Io, Strategy};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::halves::Halves;
use crate::load;
use crate::process::Reaped;
use crate::side::announce;
use crate::trial::{Fault, Mechanism, Outcome, Trial, Waiting};

fn strategy(t: &Trial) -> Strategy {
    match t.waiting {
        Waiting::Default => Strategy::default(),
        Waiting::Park => Strategy::Park,
    }
}

fn socket(t: &Trial, fd: OwnedFd) -> Result<Frames<Io>, Fault> {
    Ok(Frames::new(Io::socket(fd)?.strategy(strategy(t))))
}

pub(crate) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    let mut links = Vec::new();
    match trial.mechanism {
        Mechanism::Unix => {
            let listener = UnixListener::bind(&trial.address)?;
            announce(&trial.address)?;
            while links.len() < trial.connections {
                links.push(socket(trial, listener.accept().await?.0.into_std()?.into())?);
            }
        }
        Mechanism::Tcp => {
            let listener = TcpListener::bind(&trial.address).await?;
            announce(&listener.local_addr()?.to_string())?;
            while links.len() < trial.connections {
                let s = listener.accept().await?.0;
                s.set_nodelay(true)?;
                links.push(socket(trial, s.into_std()?.into())?);
            }
        }
        Mechanism::Pipe => {
            let r = std::fs::File::open("/proc/self/fd/3")?;
            let w = std::fs::File::options().write(true).open("/proc/self/fd/4")?;
            announce("")?;
            let r = Frames::new(Io::pipe(r.into())?.strategy(strategy(trial)));
            let w = Frames::new(Io::pipe(w.into())?.strategy(strategy(trial)));
            return load::serve(trial, vec![Halves::new(r, w)]).await;
        }
    }
    load::serve(trial, links).await
}

pub(crate) async fn drive(trial: &Trial) -> Result<Outcome, Fault> {
    let mut links = Vec::new();
    while links.len() < trial.connections {
        let fd: OwnedFd = match trial.mechanism {
            Mechanism::Unix => UnixStream::connect(&trial.address).await?.into_std()?.into(),
            _ => {
                let s = TcpStream::connect(&trial.address).await?;
                s.set_nodelay(true)?;
                s.into_std()?.into()
            }
        };
        links.push(socket(trial, fd)?);
    }
    load::drive(trial, links).await
}

pub(crate) struct Spawned {
    child: Reaped,
    link: Halves<Frames<Io>, Frames<Io>>,
}

pub(crate) fn spawn(trial: &Trial, mut command: Command) -> Result<Spawned, Fault> {
    let flags = PipeFlags::CLOEXEC | PipeFlags::NONBLOCK;
    let (theirs, ours): (OwnedFd, OwnedFd) = pipe_with(flags)?;
    let (back, answers): (OwnedFd, OwnedFd) = pipe_with(flags)?;
    command.fd_mappings(vec![
        FdMapping { parent_fd: theirs, child_fd: 3 },
        FdMapping { parent_fd: answers, child_fd: 4 },
    ])?;
    let child = Reaped(command.spawn()?);
    let r = Frames::new(Io::pipe(back)?.strategy(strategy(trial)));
    let w = Frames::new(Io::pipe(ours)?.strategy(strategy(trial)));
    Ok(Spawned { child, link: Halves::new(r, w) })
}

impl Spawned {
    pub(crate) async fn drive(self, trial: &Trial) -> Result<(Outcome, Reaped), Fault> {
        Ok((load::drive(trial, vec![self.link]).await?, self.child))
    }
}
