//! Whose code moves the messages of a measurement: ours, or a rival's.

use std::process::Command;

use crate::process::Server;
use crate::trial::{Fault, Outcome, Subject, Trial};
use crate::{iceoryx2, shm, shmem_ipc, side};

/// The serving side, in a process of its own.
pub(crate) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    match trial.subject {
        Subject::Ours => shm::serve(trial).await,
        Subject::Iceoryx2 => iceoryx2::serve(trial).await,
        Subject::ShmemIpc => shmem_ipc::serve(trial).await,
        Subject::ByHand => Err(elsewhere()),
    }
}

/// Starts the server with `command` and drives it. `ready` waits until it serves and returns the
/// trial with the address that it announced.
pub(crate) async fn drive(
    trial: &Trial,
    command: Command,
    ready: impl FnOnce(&Trial) -> Result<Trial, Fault>,
) -> Result<(Outcome, Server), Fault> {
    if trial.subject == Subject::ShmemIpc {
        let spawned = shmem_ipc::Spawned::new(trial, command)?;
        return spawned.drive(&ready(trial)?).await;
    }
    let server = Server::Std(side::spawn(command)?);
    let trial = ready(trial)?;
    let drove = match trial.subject {
        Subject::Ours => shm::drive(&trial).await?,
        Subject::Iceoryx2 => iceoryx2::drive(&trial).await?,
        Subject::ByHand | Subject::ShmemIpc => return Err(elsewhere()),
    };
    Ok((drove, server))
}

fn elsewhere() -> Fault {
    "what is done by hand is measured by `cargo bench`".into()
}
