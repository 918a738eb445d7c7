//! The two sides of one measurement: this process drives, a child serves.

use std::process::Command;
use std::time::Duration;

use crate::process::{Control, Cpus, Line, Reaped, Role, Task};
use crate::trial::{Fault, Kind, Mechanism, Outcome, Trial};
use crate::{allocations, cacheline, load, process, subject};

/// How long a child may take to start and to listen.
const START: Duration = Duration::from_secs(10);

/// What both sides have seen.
#[derive(Clone, Debug)]
pub(crate) struct Both {
    pub(crate) drove: Outcome,
    pub(crate) served: Outcome,
}

impl From<Outcome> for Both {
    /// What one side saw is all that there was to see.
    fn from(seen: Outcome) -> Self {
        Self { drove: seen.clone(), served: seen }
    }
}

/// How much memory is copied to in turn, as in a ring of the default size or of four messages.
const ROOM: usize = 4 << 20;

/// Runs one measurement, driving from this process.
pub(crate) fn measure(trial: &Trial, cpus: &Cpus) -> Result<Both, Fault> {
    cpus.place(trial.pin, 0)?;
    match trial.mechanism {
        Mechanism::CacheLine => return Ok(cacheline::measure(trial, cpus)?.into()),
        Mechanism::Nothing => return Ok(load::alone(trial, &mut [])?.into()),
        // Filled with something else than zero, so that its pages exist.
        Mechanism::Memcpy => return Ok(load::alone(trial, &mut vec![u8::MAX; ROOM])?.into()),
        _ => {}
    }
    allocations::count(trial.count);
    let runtime = process::runtime(trial.flavour)?;
    let both = runtime.block_on(async {
        tokio::time::timeout(trial.limit(), drive(trial, cpus, |_| Ok(()))).await?
    })?;
    let (sent, received) = (both.drove.messages, both.served.messages);
    let all = sent == received || trial.loses() && sent > received;
    if !all {
        return Err(format!("{sent} messages were sent and {received} received").into());
    }
    Ok(both)
}

/// Starts the server and drives it; `started` hears the server's process id.
async fn drive(
    trial: &Trial,
    cpus: &Cpus,
    started: impl Fn(u32) -> Result<(), Fault>,
) -> Result<Both, Fault> {
    let task = Task { role: Role::Serve, trial: trial.clone(), cpus: cpus.clone() };
    let (command, mut control) = process::command(&task)?;
    let (drove, child) = subject::drive(trial, command, |hello| {
        let (pid, address) = ready(&mut control)?;
        started(pid)?;
        Ok(Trial { address, ..hello.clone() })
    })
    .await?;
    match control.line(trial.limit())? {
        Line::Done(served) => {
            child.end().await?;
            Ok(Both { drove, served })
        }
        other => Err(format!("{other:?} instead of the end").into()),
    }
}

/// Starts a child that needs no descriptors beside the control pipes. The command is dropped here,
/// and with it the child's ends of those, so that the child's death is seen.
pub(crate) fn spawn(mut command: Command) -> Result<Reaped, Fault> {
    Ok(Reaped(command.spawn()?))
}

/// Waits until a server is ready, and returns its process id and address.
pub(crate) fn ready(control: &mut Control) -> Result<(u32, String), Fault> {
    match control.line(START)? {
        Line::Ready { pid, address } => Ok((pid, address)),
        other => Err(format!("{other:?} instead of being ready").into()),
    }
}

/// Says that this process serves at `address`.
pub(crate) fn announce(address: &str) -> Result<(), Fault> {
    process::say(&Line::Ready { pid: std::process::id(), address: address.to_owned() })
}

/// What a child does: its task, and then a last line. Returns the exit code.
pub(crate) fn child(task: &str) -> u8 {
    let line = match serde_json::from_str(task).map_err(Fault::from).and_then(|task| part(&task)) {
        Ok(outcome) => Line::Done(outcome),
        Err(why) => Line::Failed(why.to_string()),
    };
    let failed = matches!(line, Line::Failed(_));
    // A parent that is gone cannot be told anything.
    let _ = process::say(&line);
    failed.into()
}

fn part(task: &Task) -> Result<Outcome, Fault> {
    let Task { role, trial, cpus } = task;
    cpus.place(trial.pin, usize::from(*role != Role::Drive))?;
    if *role == Role::Bounce {
        return cacheline::bounce();
    }
    process::raise_descriptor_limit()?;
    allocations::count(trial.count);
    let runtime = process::runtime(trial.flavour)?;
    if *role == Role::Serve && trial.kind == Kind::Hold && !trial.mechanism.has_end() {
        process::end_with_the_parent();
    }
    runtime.block_on(async {
        let work = async {
            match role {
                Role::Drive => Ok(drive(trial, cpus, told).await?.drove),
                _ => subject::serve(trial).await,
            }
        };
        // A pending timer would wake the runtime now and then, and a held connection must not be.
        match trial.kind {
            Kind::Hold => work.await,
            _ => tokio::time::timeout(trial.limit(), work).await?,
        }
    })
}

fn told(server: u32) -> Result<(), Fault> {
    process::say(&Line::Ready { pid: server, address: String::new() })
}
