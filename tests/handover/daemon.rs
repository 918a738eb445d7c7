//! A daemon that does as its clients say: it answers with its pid, starts its next version, quits.

use std::{
    env,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use framewire::{
    Accepted, BoxDuplex, BoxListener, Endpoint, Error, Result,
    handover::{Handle, Handover, Sockets},
    serve::Server,
};
use futures::{SinkExt, StreamExt, future::join_all};
use rustix::process::{Pid, Signal, kill_process};
use tokio_util::sync::CancellationToken;

use super::common::{HANG, role, within};

/// What the next version does: nothing wrong, unless it says so.
const MANNER: &str = "FRAMEWIRE_TEST_MANNER";

/// How long who is late takes to be ready, and how long is waited for one that never is.
pub(crate) const LATE: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_millis(1500);

/// What it listens on, name by name: `web=unix:///…;api=tcp://…`.
fn wanted() -> Vec<(String, Endpoint)> {
    let word = role::word();
    let wanted = word.split(';').map(|one| {
        let (name, endpoint) = one.split_once('=').expect("a name and an endpoint");
        (name.to_owned(), endpoint.parse().expect("an endpoint"))
    });
    wanted.collect()
}

/// The role.
pub(crate) fn is_one() {
    role::block_on(async {
        let manner = env::var(MANNER).unwrap_or_default();
        if manner == "crashes at once" {
            std::process::exit(3);
        }
        let mut sockets = Sockets::inherited().unwrap();
        let mut listeners = Vec::new();
        for (name, endpoint) in wanted() {
            let inherited = sockets.names().any(|own| own == name);
            listeners.push(if inherited {
                sockets.listener(&name).unwrap()
            } else {
                endpoint.listen().await.unwrap()
            });
        }
        match &*manner {
            "crashes when it has adopted them" => std::process::exit(3),
            "ends in order before it is ready" => return,
            "forgets the sockets" => {
                drop(sockets);
                return std::future::pending().await;
            }
            // Whoever is accepted by this one is lost.
            "accepts and is never ready" => {
                let accepting = listeners.iter_mut().map(StreamExt::next);
                drop(join_all(accepting).await);
                unreachable!("somebody was accepted")
            }
            "takes too long behind a wrapper" => tokio::time::sleep(LATE).await,
            "takes its time" => tokio::time::sleep(Duration::from_millis(500)).await,
            _ => {}
        }
        sockets.ready().await.unwrap();
        Daemon::new(&listeners).run(listeners).await;
    });
}

/// What its connections share.
struct Daemon {
    handles: Vec<(String, Handle)>,
    end: CancellationToken,
}

impl Daemon {
    fn new(listeners: &[BoxListener]) -> Arc<Self> {
        let handles = listeners.iter().zip(wanted());
        let handles = handles.map(|(listener, (name, _))| (name, listener.handle().unwrap()));
        Arc::new(Self { handles: handles.collect(), end: CancellationToken::new() })
    }

    async fn run(self: Arc<Self>, listeners: Vec<BoxListener>) {
        let servers = listeners.into_iter().map(|listener| {
            let daemon = Arc::clone(&self);
            let serve = move |accepted: Accepted, _| Arc::clone(&daemon).serve(accepted.io);
            // Those who have connected are served for as long as they like.
            Server::new(listener).drain(HANG).run(serve, self.end.clone().cancelled_owned())
        });
        for served in join_all(servers).await {
            let served = served.unwrap();
            assert_eq!((served.failed, served.refused, served.aborted), (0, 0, 0));
        }
    }

    async fn serve(self: Arc<Self>, mut client: BoxDuplex) -> Result<()> {
        while let Some(request) = client.next().await {
            let request = String::from_utf8(request?.to_vec()).expect("text");
            let answer = match request.split_once(' ') {
                Some(("upgrade", manner)) => self.upgrade(manner).await,
                Some(("cancel", manner)) => self.cancel(manner).await,
                _ => match &*request {
                    "quit" => {
                        self.end.cancel();
                        "bye".into()
                    }
                    "list" => listing(),
                    _ => format!("{} {request}", std::process::id()),
                },
            };
            client.send(answer.into()).await?;
        }
        Ok(())
    }

    fn handover(&self, manner: &str) -> Handover {
        let mut next = role::command("is a daemon");
        next.env(MANNER, manner).stdout(Stdio::null());
        if manner == "is not there" {
            next = Command::new("/nowhere/daemon");
        }
        if manner.ends_with("behind a wrapper") {
            next = wrapped(&next);
        }
        let late = ["accepts and is never ready", "takes too long behind a wrapper"];
        let deadline = if late.contains(&manner) { PATIENCE } else { HANG };
        let handover = Handover::new(next).deadline(deadline);
        self.handles.iter().fold(handover, |all, (name, handle)| all.listener(name, handle))
    }

    async fn upgrade(&self, manner: &str) -> String {
        match self.handover(manner).spawn().await {
            Ok(next) => {
                self.end.cancel();
                format!("upgraded {}", next.id().unwrap_or_default())
            }
            Err(error) => told(&error),
        }
    }

    /// Gives up on the next version in the middle.
    async fn cancel(&self, manner: &str) -> String {
        let spawning = self.handover(manner).spawn();
        match tokio::time::timeout(Duration::from_millis(100), spawning).await {
            Ok(_) => "it was faster".into(),
            Err(_) => "cancelled".into(),
        }
    }
}

/// A command that starts this one, and is another process itself.
fn wrapped(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", r#""$@" & exec sleep 60"#, "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    // It ends with a panic.
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    shell
}

fn told(error: &Error) -> String {
    format!("{:?}: {error}", error.kind())
}

/// What a child of the daemon would find open.
fn listing() -> String {
    let listed = Command::new("ls").args(["-l", "/proc/self/fd"]).stderr(Stdio::null()).output();
    String::from_utf8(listed.expect("it starts").stdout).expect("text")
}

/// A daemon with all its versions, killed when this is dropped.
pub(crate) struct Line {
    pub(crate) endpoint: Endpoint,
    first: Option<Child>,
    versions: Vec<u32>,
}

impl Line {
    /// A command for the first version to listen on what `word` says.
    pub(crate) fn command(word: &str) -> Command {
        let mut command = role::command("is a daemon");
        command.env(role::WORD, word).stdout(Stdio::null());
        command
    }

    /// Starts it, and waits until it is there.
    pub(crate) async fn start(mut command: Command, endpoint: Endpoint) -> Self {
        let first = command.spawn().expect("it starts");
        let versions = vec![first.id()];
        let line = Self { endpoint, first: Some(first), versions };
        line.is_served().await;
        line
    }

    /// The pid of the version that is there now.
    pub(crate) fn current(&self) -> u32 {
        *self.versions.last().expect("one at least")
    }

    pub(crate) fn versions(&self) -> usize {
        self.versions.len()
    }

    async fn is_served(&self) {
        let begun = Instant::now();
        while self.ask_once("are you there?").await.is_err() {
            assert!(begun.elapsed() < HANG, "nobody is there");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn ask_once(&self, request: &str) -> Result<String> {
        let mut connection = self.endpoint.connect().await?;
        connection.send(request.to_owned().into()).await?;
        let gone = || Error::new(framewire::ErrorKind::Closed, "no answer");
        let answer = within(connection.next()).await.ok_or_else(gone)??;
        Ok(String::from_utf8(answer.to_vec()).expect("text"))
    }

    /// A request on a connection of its own, and the answer.
    pub(crate) async fn ask(&self, request: &str) -> String {
        self.ask_once(request).await.expect("an answer")
    }

    /// The pid of who answers.
    pub(crate) async fn who(&self) -> u32 {
        let answer = self.ask("who?").await;
        answer.split_once(' ').expect("a pid").0.parse().expect("a pid")
    }

    /// Has it start its next version, and waits until the old one is no more and the new one is
    /// there.
    pub(crate) async fn upgrade(&mut self, manner: &str) -> u32 {
        let old = self.current();
        let new = self.hand_over(manner).await;
        self.ended(old).await;
        assert_eq!(self.who().await, new);
        new
    }

    /// Has it start its next version.
    pub(crate) async fn hand_over(&mut self, manner: &str) -> u32 {
        let answer = self.ask(&format!("upgrade {manner}")).await;
        let (upgraded, pid) = answer.split_once(' ').expect("two words");
        assert_eq!(upgraded, "upgraded", "{answer}");
        let pid = pid.parse().expect("a pid");
        self.versions.push(pid);
        pid
    }

    /// A version that has started by itself, as far as this knows.
    pub(crate) fn add(&mut self, version: u32) {
        self.versions.push(version);
    }

    pub(crate) async fn quit(&mut self) {
        assert_eq!(self.ask("quit").await, "bye");
        self.ended(self.current()).await;
    }

    /// SIGKILL to this version, and its end.
    pub(crate) async fn kill(&mut self, version: u32) {
        kill(version);
        self.ended(version).await;
    }

    /// Waits until this version is no more.
    pub(crate) async fn ended(&mut self, version: u32) {
        let begun = Instant::now();
        while !self.has_ended(version) {
            assert!(begun.elapsed() < HANG, "{version} does not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn has_ended(&mut self, version: u32) -> bool {
        // Ours to wait for; the others are not.
        let Some(first) = self.first.as_mut().filter(|first| first.id() == version) else {
            return !is_running(version);
        };
        let ended = first.try_wait().expect("our child").is_some();
        if ended {
            self.first = None;
        }
        ended
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        for &version in &self.versions {
            if is_running(version) {
                kill(version);
            }
        }
        if let Some(first) = &mut self.first {
            let _ = first.wait();
        }
    }
}

pub(crate) fn kill(pid: u32) {
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    let _ = kill_process(pid, Signal::KILL);
}

/// Whether there is such a process; one that nobody has waited for yet is none: proc_pid_stat(5).
pub(crate) fn is_running(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
    !fields.starts_with(['Z', 'X'])
}
