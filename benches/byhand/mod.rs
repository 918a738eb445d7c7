//! The baseline: what a program does without this crate.
//!
//! That of shared memory, for which a program has nothing at hand, is the Unix socket.

mod bells;
mod fifo;
mod packets;
mod pipes;
mod queues;
mod semaphores;
mod signals;
mod streams;
#[cfg(feature = "tls")]
mod tls;

pub(crate) use bells::Bells;
pub(crate) use pipes::Pipes;

use crate::trial::{Fault, Mechanism, Outcome, Trial};

/// The serving side: takes the connections, then serves them to their end.
pub(crate) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    match trial.mechanism {
        Mechanism::Unix | Mechanism::Shm => streams::serve_unix(trial).await,
        Mechanism::Tcp => streams::serve_tcp(trial).await,
        #[cfg(feature = "tls")]
        Mechanism::Tls => tls::serve(trial).await,
        Mechanism::Pipe => pipes::serve(trial).await,
        Mechanism::Fifo => fifo::serve(trial).await,
        Mechanism::Seqpacket => packets::serve_seqpacket(trial).await,
        Mechanism::Datagram => packets::serve_datagram(trial).await,
        Mechanism::Udp => packets::serve_udp(trial).await,
        Mechanism::Eventfd => bells::serve(trial).await,
        Mechanism::Mq => queues::serve(trial).await,
        Mechanism::Exclusive => signals::serve(trial).await,
        Mechanism::Semaphore | Mechanism::Futex => semaphores::serve(trial).await,
        _ => Err(none(trial)),
    }
}

/// The driving side where there is an address: connects, then drives.
pub(crate) async fn drive(trial: &Trial) -> Result<Outcome, Fault> {
    match trial.mechanism {
        Mechanism::Unix | Mechanism::Shm => streams::drive_unix(trial).await,
        Mechanism::Tcp => streams::drive_tcp(trial).await,
        #[cfg(feature = "tls")]
        Mechanism::Tls => tls::drive(trial).await,
        Mechanism::Fifo => fifo::drive(trial).await,
        Mechanism::Seqpacket => packets::drive_seqpacket(trial).await,
        Mechanism::Datagram => packets::drive_datagram(trial).await,
        Mechanism::Udp => packets::drive_udp(trial).await,
        Mechanism::Mq => queues::drive(trial).await,
        Mechanism::Exclusive => signals::drive(trial).await,
        Mechanism::Semaphore | Mechanism::Futex => semaphores::drive(trial).await,
        _ => Err(none(trial)),
    }
}

fn none(trial: &Trial) -> Fault {
    format!("nothing by hand is beside {}", trial.mechanism.name()).into()
}
