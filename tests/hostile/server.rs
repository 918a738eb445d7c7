//! A server in a process of its own, whose parent hears its events and sees what it costs.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use framewire::{Accepted, Endpoint, serve::Server as Accepting, tcp, unix};
use futures::{SinkExt, StreamExt};
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::sync::oneshot;

use super::events::{EVENT, Printed};
use crate::support::{HANG, process, role};

const PART: &str = "FRAMEWIRE_TEST_HOSTILE";
const LISTENING: &str = "listening: ";
const SERVED: &str = "served: ";
/// The size of a message of a [`Does::Flows`] server.
pub(super) const FLOW: usize = 64 * 1024;

/// What a server does for who comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    /// Sends back what it gets.
    Echoes,
    /// Sends numbered messages of [`FLOW`] bytes without end.
    Flows,
}

/// How a server is set up.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) at: String,
    pub(super) does: Does,
    pub(super) max_connections: usize,
    pub(super) max_per_uid: usize,
    /// The limit of its descriptors; 0 leaves it.
    pub(super) descriptors: u64,
}

impl Setup {
    /// An echo at this address with limits that no test reaches.
    pub(super) fn echo(at: impl Into<String>) -> Self {
        Self {
            at: at.into(),
            does: Does::Echoes,
            max_connections: 100_000,
            max_per_uid: 100_000,
            descriptors: 0,
        }
    }
}

/// A running server, killed when this is dropped.
pub(super) struct Server {
    child: Child,
    told: Arc<(Mutex<Vec<String>>, Condvar)>,
    endpoint: Endpoint,
}

impl Server {
    pub(super) fn start(setup: &Setup) -> Self {
        let Setup { at, does, max_connections, max_per_uid, descriptors } = setup;
        let part = format!("{at} {does:?} {max_connections} {max_per_uid} {descriptors}");
        let mut command = role::command("hostile::server::plays", PART, &part);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let told = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let (tells, output) = (Arc::clone(&told), child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                tells.0.lock().unwrap().push(line);
                tells.1.notify_all();
            }
        });
        let mut server = Self { child, told, endpoint: at.parse().unwrap() };
        server.endpoint = server.tells(LISTENING)[LISTENING.len()..].parse().unwrap();
        server
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The first line with this text in it, for which it waits.
    pub(super) fn tells(&self, text: &str) -> String {
        let mut told = self.told.0.lock().unwrap();
        let begun = Instant::now();
        loop {
            if let Some(line) = told.iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            assert!(begun.elapsed() < HANG, "the server does not tell {text:?}, but: {told:#?}");
            told = self.told.1.wait_timeout(told, Duration::from_millis(100)).unwrap().0;
        }
    }

    /// The events with this text in them so far.
    pub(super) fn events(&self, text: &str) -> Vec<String> {
        let told = self.told.0.lock().unwrap();
        told.iter().filter(|line| line.starts_with(EVENT) && line.contains(text)).cloned().collect()
    }

    /// The share of a core that it takes over the next second.
    pub(super) fn load(&self) -> f64 {
        let (before, begun) = (process::cpu_time(self.child.id()), Instant::now());
        thread::sleep(Duration::from_secs(1));
        let took = process::cpu_time(self.child.id()) - before;
        took.as_secs_f64() / begun.elapsed().as_secs_f64()
    }

    /// Its resident memory, in bytes.
    pub(super) fn memory(&self) -> u64 {
        process::memory(self.child.id())
    }

    pub(super) fn descriptors(&self) -> usize {
        process::descriptors(self.child.id())
    }

    /// Has it end in order, and answers what it says of its connections.
    pub(super) fn end(mut self) -> String {
        drop(self.child.stdin.take());
        let served = self.tells(SERVED);
        assert!(self.child.wait().unwrap().success());
        served
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The part of the server. Passes at once in a process that nobody gave it to.
#[test]
fn plays() {
    let Some(part) = role::part(PART) else { return };
    let words: Vec<&str> = part.split(' ').collect();
    let [at, does, max_connections, max_per_uid, descriptors] = words[..] else { panic!("{part}") };
    let descriptors: u64 = descriptors.parse().unwrap();
    if descriptors > 0 {
        let limit = Rlimit { current: Some(descriptors), maximum: Some(descriptors) };
        setrlimit(Resource::Nofile, limit).unwrap();
    }
    tracing::subscriber::set_global_default(Printed).unwrap();
    let (ended, end) = oneshot::channel();
    thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    let max_connections = max_connections.parse().unwrap();
    let max_per_uid = max_per_uid.parse().unwrap();
    let flows = does == "Flows";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let served = runtime.block_on(async {
        let serve = move |client: Accepted, closing| async move {
            let (mut sink, stream) = client.io.split();
            if flows {
                for number in 0_u64.. {
                    sink.send(flow(number)).await?;
                }
            }
            stream.take_until(closing).forward(sink).await
        };
        match at.parse().unwrap() {
            Endpoint::Unix(name) => {
                let listener = unix::listen(name).await.unwrap();
                println!("\n{LISTENING}{}", listener.endpoint());
                let listener = listener.map(|client| client.map(Accepted::from));
                let server = Accepting::new(listener).max_connections(max_connections);
                server.max_per_uid(max_per_uid).run(serve, end).await.unwrap()
            }
            Endpoint::Tcp(address) => {
                let listener = tcp::listen(address.to_string()).await.unwrap();
                println!("\n{LISTENING}tcp://{}", listener.local_addr());
                let listener = listener.map(|client| client.map(Accepted::from));
                let server = Accepting::new(listener).max_connections(max_connections);
                server.max_per_uid(max_per_uid).run(serve, end).await.unwrap()
            }
            other => panic!("no server at {other}"),
        }
    });
    println!("{SERVED}{served:?}");
}

/// A message of a [`Does::Flows`] server.
pub(super) fn flow(number: u64) -> Bytes {
    let mut body = vec![number as u8; FLOW];
    body[..8].copy_from_slice(&number.to_be_bytes());
    body.into()
}
