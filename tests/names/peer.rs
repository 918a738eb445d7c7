//! Other processes: this binary again, taking orders on its standard input and answering with
//! datagrams, so that whoever waits for an answer can stop waiting.

use std::{
    env, fs,
    io::{self, BufRead, Write},
    os::unix::net::UnixDatagram,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use framewire::names::{Claim, Directory};
use tempfile::TempDir;

use super::listen;

const NAME: &str = "FRAMEWIRE_TEST_PEER";
const REPORTS: &str = "FRAMEWIRE_TEST_REPORTS";
const PATH: &str = "FRAMEWIRE_TEST_PATH";

/// Long enough for 200 processes on a slow machine; only a hang takes this long.
const HANG: Duration = Duration::from_secs(60);

/// Where the peers of one test answer.
pub(super) struct Reports {
    socket: UnixDatagram,
    directory: TempDir,
}

impl Reports {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(directory.path().join("s")).unwrap();
        socket.set_read_timeout(Some(HANG)).unwrap();
        Self { socket, directory }
    }

    /// The next answer: whose, and what.
    pub(super) fn next(&self) -> (usize, String) {
        let mut buf = [0; 2048];
        let length = self.socket.recv(&mut buf).expect("no peer answers");
        let report = std::str::from_utf8(&buf[..length]).unwrap();
        let (name, said) = report.split_once(' ').unwrap();
        (name.parse().unwrap(), said.to_owned())
    }
}

/// A process of ours, killed when this is dropped.
pub(super) struct Peer {
    child: Child,
    orders: ChildStdin,
}

impl Peer {
    pub(super) fn start(name: usize, path: &Path, reports: &Reports) -> Self {
        Self::start_with(name, path, reports, |_| {})
    }

    pub(super) fn start_with(
        name: usize,
        path: &Path,
        reports: &Reports,
        change: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "names::peer::obeys"])
            .env(NAME, name.to_string())
            .env(PATH, path)
            .env(REPORTS, reports.directory.path().join("s"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let orders = child.stdin.take().unwrap();
        Self { child, orders }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
    }

    /// SIGKILL, and waits until the process is no more.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The part of the other process. Passes at once in a process that nobody gave a part to.
#[test]
fn obeys() {
    let Ok(name) = env::var(NAME) else { return };
    let path = env::var_os(PATH).unwrap();
    let path = Path::new(&path);
    let reports = UnixDatagram::unbound().unwrap();
    reports.connect(env::var_os(REPORTS).unwrap()).unwrap();

    let (mut listening, mut drafting) = (None, None);
    for order in io::stdin().lock().lines() {
        let answer = match order.unwrap().as_str() {
            "listen" => match listen(path) {
                Ok(it) => {
                    listening = Some(it);
                    "won".to_owned()
                }
                Err(error) => format!("{error:?}"),
            },
            "draft" => {
                let draft = Claim::take(path).unwrap().draft().unwrap();
                fs::write(draft.path(), "half of it").unwrap();
                drafting = Some(draft);
                "drafted".to_owned()
            }
            "private" => match Directory::private(path.to_str().unwrap()) {
                Ok(directory) => directory.path().display().to_string(),
                Err(error) => format!("{error:?}"),
            },
            "churn" => churn(path),
            _ => {
                (listening, drafting) = (None, None);
                "done".to_owned()
            }
        };
        reports.send(format!("{name} {answer}").as_bytes()).unwrap();
    }
    drop((listening, drafting));
}

/// Takes and drops the name over and over, and counts how often it was ours, and how often
/// somebody else thought the same at that moment. The second needs a window of a few instructions
/// to be hit, hence the many turns.
fn churn(path: &Path) -> String {
    let marker = path.with_extension("held");
    let (mut ours, mut shared) = (0, 0);
    for _ in 0..4000 {
        let Ok(claim) = Claim::take(path) else {
            std::thread::yield_now();
            continue;
        };
        ours += 1;
        shared += u32::from(fs::File::create_new(&marker).is_err());
        std::thread::yield_now();
        shared += u32::from(fs::remove_file(&marker).is_err());
        drop(claim);
    }
    format!("{ours} {shared}")
}
