//! This crate's side: its public connections as they are, with default options wherever a row does
//! not ask for another wait strategy.

use std::process::Command;

use framewire::wait::Strategy;
use framewire::{pipe, tcp, unix};
use futures::StreamExt;

use crate::load;
use crate::process::Server;
use crate::side::announce;
use crate::trial::{Fault, Mechanism, Outcome, Trial, Waiting};

fn strategy(trial: &Trial) -> Strategy {
    match trial.waiting {
        Waiting::Default => Strategy::default(),
        Waiting::Park => Strategy::Park,
    }
}

fn unix_options(trial: &Trial) -> unix::Options {
    unix::Options::new().strategy(strategy(trial))
}

fn tcp_options(trial: &Trial) -> tcp::Options {
    tcp::Options::new().strategy(strategy(trial))
}

fn pipe_options(trial: &Trial) -> pipe::Options {
    pipe::Options::new().strategy(strategy(trial))
}

/// The serving side: takes the connections, then serves them to their end.
pub(crate) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    match trial.mechanism {
        Mechanism::Unix => {
            let listener = unix_options(trial).listen(trial.address.as_str()).await?;
            announce(&trial.address)?;
            let links: Vec<_> = listener.take(trial.connections).collect().await;
            load::serve(trial, links.into_iter().collect::<Result<_, _>>()?).await
        }
        Mechanism::Tcp => {
            let listener = tcp_options(trial).listen(trial.address.as_str()).await?;
            announce(&listener.local_addr().to_string())?;
            let links: Vec<_> = listener.take(trial.connections).collect().await;
            load::serve(trial, links.into_iter().collect::<Result<_, _>>()?).await
        }
        Mechanism::Pipe => {
            let link = pipe_options(trial).inherited()?;
            announce("")?;
            load::serve(trial, vec![link]).await
        }
    }
}

/// The driving side over sockets: connects, then drives.
pub(crate) async fn drive(trial: &Trial) -> Result<Outcome, Fault> {
    match trial.mechanism {
        Mechanism::Unix => {
            let mut links = Vec::new();
            while links.len() < trial.connections {
                links.push(unix_options(trial).connect(trial.address.as_str()).await?);
            }
            load::drive(trial, links).await
        }
        Mechanism::Tcp => {
            let mut links = Vec::new();
            while links.len() < trial.connections {
                links.push(tcp_options(trial).connect(trial.address.as_str()).await?);
            }
            load::drive(trial, links).await
        }
        Mechanism::Pipe => Err("pipes are opened with the child".into()),
    }
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
