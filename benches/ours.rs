//! This crate's side: its public connections as they are, with default options wherever a row does
//! not ask for another wait strategy.

use std::process::Command;
#[cfg(feature = "tls")]
use std::sync::Arc;

#[cfg(feature = "tls")]
use framewire::tls;
use framewire::{fifo, pipe, tcp, udp, unix};
use futures::{StreamExt, stream};

#[cfg(feature = "tls")]
use crate::certificate::{Served, announced};
use crate::halves::Halves;
use crate::link::Link;
use crate::load;
use crate::process::Server;
use crate::side::announce;
use crate::trial::{Fault, Kind, Mechanism, Outcome, Trial};
use crate::{queues, ring, semaphores, shm, signals};

fn unix_options(trial: &Trial) -> unix::Options {
    unix::Options::new().strategy(trial.waiting.strategy())
}

fn tcp_options(trial: &Trial) -> tcp::Options {
    tcp::Options::new().strategy(trial.waiting.strategy())
}

fn pipe_options(trial: &Trial) -> pipe::Options {
    pipe::Options::new().strategy(trial.waiting.strategy())
}

#[cfg(feature = "tls")]
fn tls_options(trial: &Trial) -> tls::Options {
    tcp_options(trial).into()
}

fn udp_options(trial: &Trial) -> udp::Options {
    udp::Options::new().strategy(trial.waiting.strategy())
}

/// What is sent in batches or is large goes as from the only writer; a FIFO with many takes 4 KiB.
fn fifo_options(trial: &Trial) -> fifo::Options {
    fifo::Options::new()
        .strategy(trial.waiting.strategy())
        .end(fifo::End::WithLastWriter)
        .exclusive(trial.kind == Kind::Batched || trial.bytes > 4 << 10)
}

/// The serving side: takes the connections, and serves each to its end.
pub(crate) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    let address = trial.address.as_str();
    match trial.mechanism {
        Mechanism::Unix => {
            let listener = unix_options(trial).listen(address).await?;
            announce(address)?;
            load::serve(trial, listener.take(trial.connections)).await
        }
        Mechanism::Seqpacket => {
            let listener = unix_options(trial).seqpacket().listen(address).await?;
            announce(address)?;
            load::serve(trial, listener.take(trial.connections)).await
        }
        Mechanism::Datagram => {
            let listener = unix_options(trial).datagram().listen(address).await?;
            announce(address)?;
            load::serve(trial, listener.take(trial.connections)).await
        }
        Mechanism::Pipe => {
            let link = pipe_options(trial).inherited()?;
            announce("")?;
            load::serve(trial, stream::iter([Ok::<_, Fault>(link)])).await
        }
        Mechanism::Fifo => {
            let options = fifo_options(trial);
            let receiver = options.receiver(trial.beside("there")).await?;
            announce(address)?;
            let sender = options.sender(trial.beside("back")).await?;
            load::serve(trial, stream::iter([Ok::<_, Fault>(Halves::new(receiver, sender))])).await
        }
        Mechanism::Tcp => {
            let listener = tcp_options(trial).listen(address).await?;
            announce(&listener.local_addr().to_string())?;
            load::serve(trial, listener.take(trial.connections)).await
        }
        #[cfg(feature = "tls")]
        Mechanism::Tls => {
            let served = Served::new()?;
            let options = tls_options(trial).server_config(Arc::clone(&served.config));
            let listener = options.listen(address).await?;
            announce(&served.announcement(listener.local_addr()))?;
            load::serve(trial, listener.take(trial.connections)).await
        }
        Mechanism::Shm | Mechanism::Named => shm::serve(trial).await,
        Mechanism::Mq | Mechanism::Packed => queues::serve(trial).await,
        Mechanism::Exclusive | Mechanism::Queued => signals::serve(trial).await,
        Mechanism::Ring => ring::serve(trial).await,
        Mechanism::Semaphore => semaphores::serve(trial).await,
        Mechanism::Udp => {
            let listener = udp_options(trial).listen(address).await?;
            announce(&listener.local_addr()?.to_string())?;
            load::serve(trial, listener.take(trial.connections)).await
        }
        _ => Err(none(trial)),
    }
}

/// The driving side where there is an address: connects, then drives.
pub(crate) async fn drive(trial: &Trial) -> Result<Outcome, Fault> {
    let address = trial.address.as_str();
    match trial.mechanism {
        Mechanism::Unix => {
            let options = unix_options(trial);
            connected(trial, || options.connect(address)).await
        }
        Mechanism::Seqpacket => {
            let options = unix_options(trial).seqpacket();
            connected(trial, || options.connect(address)).await
        }
        Mechanism::Datagram => {
            let options = unix_options(trial).datagram();
            connected(trial, || options.connect(address)).await
        }
        Mechanism::Fifo => {
            let options = fifo_options(trial);
            let receiver = options.receiver(trial.beside("back")).await?;
            let sender = options.sender(trial.beside("there")).await?;
            load::drive(trial, vec![Halves::new(receiver, sender)]).await
        }
        Mechanism::Tcp => {
            let options = tcp_options(trial);
            connected(trial, || options.connect(address)).await
        }
        #[cfg(feature = "tls")]
        Mechanism::Tls => {
            let (address, config) = announced(address)?;
            let options = tls_options(trial).client_config(config);
            connected(trial, || options.connect(address)).await
        }
        Mechanism::Shm | Mechanism::Named => shm::drive(trial).await,
        Mechanism::Mq | Mechanism::Packed => queues::drive(trial).await,
        Mechanism::Exclusive | Mechanism::Queued => signals::drive(trial).await,
        Mechanism::Ring => ring::drive(trial).await,
        Mechanism::Semaphore => semaphores::drive(trial).await,
        Mechanism::Udp => {
            let options = udp_options(trial);
            connected(trial, || options.connect(address)).await
        }
        _ => Err(none(trial)),
    }
}

fn none(trial: &Trial) -> Fault {
    format!("nothing of ours is {}", trial.mechanism.name()).into()
}

/// Makes the connections and drives them.
async fn connected<L, F>(trial: &Trial, connect: impl Fn() -> F) -> Result<Outcome, Fault>
where
    L: Link,
    F: Future<Output = framewire::Result<L>>,
{
    let mut links = Vec::new();
    while links.len() < trial.connections {
        links.push(connect().await?);
    }
    load::drive(trial, links).await
}

/// A spawned child and the connection to it.
#[derive(Debug)]
pub(crate) struct Spawned(pipe::Child);

/// Starts the child with one pipe each way.
pub(crate) fn spawn(trial: &Trial, command: Command) -> Result<Spawned, Fault> {
    let mut command = tokio::process::Command::from(command);
    command.kill_on_drop(true);
    Ok(Spawned(pipe_options(trial).spawn(command)?))
}

impl Spawned {
    /// Drives the child over its pipes.
    pub(crate) async fn drive(self, trial: &Trial) -> Result<(Outcome, Server), Fault> {
        let pipe::Child { connection, process, .. } = self.0;
        Ok((load::drive(trial, vec![connection]).await?, Server::Tokio(process)))
    }
}
