//! Whose code moves the messages of a measurement.

use std::process::Command;

use crate::process::Server;
use crate::side;
use crate::trial::{Fault, Mechanism, Outcome, Subject, Trial};
use crate::{byhand, ours};

/// The serving side, in a process of its own.
pub(crate) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    match trial.subject {
        Subject::Ours => ours::serve(trial).await,
        Subject::ByHand => byhand::serve(trial).await,
        Subject::Iceoryx2 | Subject::ShmemIpc => Err(elsewhere(trial)),
    }
}

/// Starts the server with `command` and drives it. `ready` waits until it serves and returns the
/// trial with the address that it announced.
pub(crate) async fn drive(
    trial: &Trial,
    command: Command,
    ready: impl FnOnce(&Trial) -> Result<Trial, Fault>,
) -> Result<(Outcome, Server), Fault> {
    match (trial.subject, trial.mechanism) {
        (Subject::Ours, Mechanism::Pipe) => {
            let spawned = ours::spawn(trial, command)?;
            spawned.drive(&ready(trial)?).await
        }
        (Subject::ByHand, Mechanism::Pipe) => {
            let spawned = byhand::Pipes::spawn(command)?;
            spawned.drive(&ready(trial)?).await
        }
        (Subject::ByHand, Mechanism::Eventfd) => {
            let spawned = byhand::Bells::spawn(command)?;
            spawned.drive(&ready(trial)?).await
        }
        (subject, _) => {
            let server = Server::Std(side::spawn(command)?);
            let trial = ready(trial)?;
            let drove = match subject {
                Subject::Ours => ours::drive(&trial).await?,
                Subject::ByHand => byhand::drive(&trial).await?,
                Subject::Iceoryx2 | Subject::ShmemIpc => return Err(elsewhere(&trial)),
            };
            Ok((drove, server))
        }
    }
}

fn elsewhere(trial: &Trial) -> Fault {
    format!("{} is measured by benches/rivals", trial.subject.name()).into()
}
