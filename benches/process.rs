//! The second process of a measurement: this binary again, on a CPU of its own, with a pipe each
//! way for control.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};

use crate::trial::{Fault, Flavour, Outcome, Pin, Trial};

/// How long a child whose work is done may take to end.
const PARTING: Duration = Duration::from_millis(500);

/// What a child says to its parent, one JSON document a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Line {
    /// The server waits for connections here.
    Ready {
        pid: u32,
        address: String,
    },
    /// All connections are open and will be quiet from now on.
    Held,
    /// The measurement is over.
    Done(Outcome),
    Failed(String),
}

/// Which part a child plays; the last two are followed by their argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    Serve,
    /// Drives a server that it starts itself, so that the process which started it can watch both.
    Drive,
    /// The other end of the bouncing cache line.
    Bounce,
}

/// What is on a child's command line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) role: Role,
    pub(crate) trial: Trial,
    pub(crate) cpus: Cpus,
}

/// The CPUs that this run may use, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cpus(Vec<usize>);

impl Cpus {
    /// Those that the scheduler grants now.
    pub(crate) fn granted() -> io::Result<Self> {
        let set = sched_getaffinity(None)?;
        Ok(Self((0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect()))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Puts this thread, and every one that it starts, where `pin` wants the parent (0) or the
    /// child (1).
    pub(crate) fn place(&self, pin: Pin, side: usize) -> io::Result<()> {
        let wanted = match pin {
            Pin::None => &self.0[..],
            Pin::Same => &self.0[..1],
            Pin::Split => self.0.get(side..=side).unwrap_or(&self.0),
        };
        let mut set = CpuSet::new();
        wanted.iter().for_each(|cpu| set.set(*cpu));
        Ok(sched_setaffinity(None, &set)?)
    }
}

/// Lifts the soft limit on descriptors to the hard one: a thousand connections need more than the
/// usual 1,024.
pub(crate) fn raise_descriptor_limit() -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?)
}

/// The runtime that a trial asks for.
pub(crate) fn runtime(flavour: Flavour) -> io::Result<tokio::runtime::Runtime> {
    match flavour {
        Flavour::Current => tokio::runtime::Builder::new_current_thread().enable_all().build(),
        Flavour::Multi => {
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
        }
    }
}

/// The command that starts this binary again for `task`, and the parent's end of its control pipe.
///
/// The control pipes are the child's standard input and output; its standard input ends with the
/// returned [`Control`].
pub(crate) fn command(task: &Task) -> Result<(Command, Control), Fault> {
    let (said, says) = pipe_with(PipeFlags::CLOEXEC)?;
    let (hears, keep) = pipe_with(PipeFlags::CLOEXEC)?;
    let mut command = Command::new("/proc/self/exe");
    command.arg("--child").arg(serde_json::to_string(task)?);
    command.stdin(Stdio::from(hears)).stdout(Stdio::from(says));
    Ok((command, Control { said: File::from(said), unread: Vec::new(), _keep: keep }))
}

/// Has this process end when its parent does, where nothing else would tell it.
pub(crate) fn end_with_the_parent() {
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
}

/// Says a line to the parent.
pub(crate) fn say(line: &Line) -> Result<(), Fault> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// The parent's end of the control pipes.
#[derive(Debug)]
pub(crate) struct Control {
    said: File,
    unread: Vec<u8>,
    _keep: OwnedFd,
}

impl Control {
    /// Waits for the child's next line.
    pub(crate) fn line(&mut self, within: Duration) -> Result<Line, Fault> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return match serde_json::from_slice(&line)? {
                    Line::Failed(why) => Err(format!("in the other process: {why}").into()),
                    line => Ok(line),
                };
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let left =
                Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
            if poll(&mut [PollFd::new(&self.said, PollFlags::IN)], Some(&left))? == 0 {
                return Err("the other process hangs".into());
            }
            let mut chunk = [0; 4096];
            match self.said.read(&mut chunk)? {
                0 => return Err("the other process ended without a word".into()),
                len => self.unread.extend_from_slice(&chunk[..len]),
            }
        }
    }
}

/// A child that does not outlive its measurement.
#[derive(Debug)]
pub(crate) struct Reaped(pub(crate) Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        // A child that did its work has ended or is about to; one that hangs is ended here.
        let deadline = Instant::now() + PARTING;
        while matches!(self.0.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The serving process, started by whichever means the subject has.
#[derive(Debug)]
pub(crate) enum Server {
    Std(Reaped),
    Tokio(tokio::process::Child),
}

impl Server {
    /// Waits for the end of a process that has done its work.
    pub(crate) async fn end(self) -> Result<(), Fault> {
        match self {
            Self::Std(child) => drop(child),
            Self::Tokio(mut child) => {
                if tokio::time::timeout(PARTING, child.wait()).await.is_err() {
                    child.kill().await?;
                }
            }
        }
        Ok(())
    }
}
