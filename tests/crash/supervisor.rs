//! Who starts the victims, kills them, and receives what they sent.

use std::{
    fs::File,
    io::Read,
    os::fd::OwnedFd,
    process::Stdio,
    thread::{self, JoinHandle},
    time::Duration,
};

use framewire::{BoxListener, BoxReceiver, Endpoint, ErrorKind, Profile, pipe, unix::datagram};
use futures::StreamExt;
use rustix::{
    pipe::{PipeFlags, pipe_with},
    process::{Pid, Signal, kill_process},
};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use super::{
    script::Script,
    tally::{Delivery, Tally},
    victim::{self, BEGINS, Bug, PIPE},
};
use crate::support::{HANG, random::mix};

/// A victim lives for less than this from when it begins to send, in microseconds.
pub(super) const LIFE: u64 = 1500;
/// Where no end is told: after so long without a message from one who is dead, none is on its way.
const SHORT: Duration = Duration::from_millis(20);
/// The same where something that was acknowledged is still missing.
const LONG: Duration = Duration::from_millis(300);

/// Where victims send to.
pub(super) enum Over {
    Named { listener: Box<BoxListener>, _directory: TempDir },
    Pipe,
}

impl Over {
    /// Over the mechanism of this scheme, which has an address.
    pub(super) async fn new(scheme: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("e.sock");
        let listener = match scheme {
            "datagram" => {
                // A busy machine is no reason to give a victim up.
                let options = datagram::Options::new().stall(HANG);
                let listener = options.listen(path).await.unwrap();
                BoxListener::new(listener.endpoint().clone(), listener)
            }
            "tcp" => "tcp://127.0.0.1:0".parse::<Endpoint>().unwrap().listen().await.unwrap(),
            _ => {
                let endpoint = format!("{scheme}://{}", path.display());
                endpoint.parse::<Endpoint>().unwrap().listen().await.unwrap()
            }
        };
        Self::Named { listener: Box::new(listener), _directory: directory }
    }

    pub(super) fn scheme(&self) -> &'static str {
        match self {
            Self::Named { listener, .. } => listener.endpoint().scheme(),
            Self::Pipe => PIPE,
        }
    }

    /// Whether an end that nobody announced is an error, wherever it is.
    fn tells_of_death(&self) -> bool {
        self.scheme() == "shm"
    }

    fn address(&self) -> String {
        match self {
            Self::Named { listener, .. } => listener.endpoint().to_string(),
            Self::Pipe => PIPE.into(),
        }
    }

    /// Starts a victim; over a pipe, what it sends comes out of the second.
    fn start(&self, mut command: Command) -> (Child, Option<BoxReceiver>) {
        if let Self::Pipe = self {
            let pipe::Child { connection, process } = pipe::spawn(command).unwrap();
            return (process, Some(Box::pin(connection)));
        }
        (command.kill_on_drop(true).spawn().unwrap(), None)
    }

    async fn accept(&mut self) -> BoxReceiver {
        match self {
            Self::Named { listener, .. } => Box::pin(listener.next().await.unwrap().unwrap().io),
            Self::Pipe => unreachable!("a pipe is there when the victim starts"),
        }
    }
}

/// Starts and kills so many victims, one after the other.
pub(super) async fn run(over: &mut Over, cycles: u64, seed: u64, bug: Bug) -> Tally {
    let mut tally = Tally::default();
    for cycle in 0..cycles {
        let seed = mix(seed ^ mix(cycle));
        let (delivery, acknowledged) = timeout(2 * HANG, kill_one(over, seed, bug)).await.unwrap();
        tally.add(&delivery, &acknowledged);
    }
    tally
}

async fn kill_one(over: &mut Over, seed: u64, bug: Bug) -> (Delivery, Vec<u64>) {
    let (read_end, write_end) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let script = Script::new(seed, over.scheme());
    let mut command = victim::command(seed, bug, &over.address());
    command.stdin(Stdio::from(write_end));
    let (mut victim, stream) = over.start(command.into());
    let pid = Pid::from_raw(victim.id().unwrap() as i32).unwrap();
    let life = Duration::from_micros(mix(seed) % LIFE);
    // A thread of its own: the runtime's clock is too coarse, and its thread has to receive.
    let killer = thread::spawn(move || kill(pid, life, read_end));

    let mut stream = match stream {
        Some(stream) => stream,
        None => timeout(HANG, over.accept()).await.expect("the victim connects"),
    };
    let mut delivery = Delivery::new(script);
    let acknowledged = if Profile::of(over.scheme()).unwrap().tells_end {
        receive_to_the_end(&mut stream, &mut delivery, over.tells_of_death()).await;
        killer.join().unwrap()
    } else {
        receive_what_comes(&mut stream, &mut delivery, killer).await
    };
    let status = victim.wait().await.unwrap();
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(Signal::KILL.as_raw()),
        "the victim, seed {seed}, was to be killed, and ended: {status}"
    );
    (delivery, acknowledged)
}

async fn receive_to_the_end(
    stream: &mut BoxReceiver,
    delivery: &mut Delivery,
    tells_of_death: bool,
) {
    while let Some(next) = timeout(HANG, stream.next()).await.expect("the stream ends") {
        match next {
            Ok(body) => delivery.came(&body),
            Err(error) if tells_of_death => {
                assert_eq!(error.kind(), ErrorKind::Closed, "{error:?}")
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Truncated, "{error:?}");
                delivery.cut = true;
            }
        }
    }
}

/// Receives what was sent until the victim is dead, all of it: there is no end to tell.
async fn receive_what_comes(
    stream: &mut BoxReceiver,
    delivery: &mut Delivery,
    killer: JoinHandle<Vec<u64>>,
) -> Vec<u64> {
    let mut acknowledged = None;
    let mut killer = Some(killer);
    loop {
        let missing = acknowledged.as_deref().is_some_and(|numbers| !delivery.is_beyond(numbers));
        match timeout(if missing { LONG } else { SHORT }, stream.next()).await {
            Ok(next) => delivery.came(&next.expect("it has no end").unwrap()),
            Err(_) => {
                if let Some(acknowledged) = acknowledged {
                    return acknowledged;
                }
            }
        }
        if killer.as_ref().is_some_and(JoinHandle::is_finished) {
            acknowledged = killer.take().map(|killer| killer.join().unwrap());
        }
    }
}

/// Kills the victim so long after it has begun, and answers what it acknowledged until then.
pub(super) fn kill(victim: Pid, life: Duration, acknowledgements: OwnedFd) -> Vec<u64> {
    let mut acknowledgements = File::from(acknowledgements);
    let mut begins = [0; size_of::<u64>()];
    acknowledgements.read_exact(&mut begins).expect("the victim begins");
    assert_eq!(u64::from_be_bytes(begins), BEGINS);
    thread::sleep(life);
    // Nobody has waited for it yet: whether it lives or not, the number is still its own.
    kill_process(victim, Signal::KILL).unwrap();
    let mut rest = Vec::new();
    acknowledgements.read_to_end(&mut rest).unwrap();
    rest.chunks_exact(size_of::<u64>()).map(|n| u64::from_be_bytes(n.try_into().unwrap())).collect()
}
