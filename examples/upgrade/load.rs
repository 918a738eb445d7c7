//! Clients that come and stay while the daemon is upgraded, and what became of their requests.

use std::{
    fs,
    path::Path,
    process::Stdio,
    rc::Rc,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};

use framewire::{Result, unix};
use futures::{SinkExt, StreamExt, future::join_all};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

use super::common::Outcome;

/// Half of them connect for each request, the others for a hundred.
const CLIENTS: usize = 8;
const STAY: usize = 100;

/// Nothing takes this long unless it hangs.
const HANG: Duration = Duration::from_secs(30);

/// What became of the requests.
#[derive(Debug, Default)]
struct Report {
    requests: AtomicUsize,
    answered: AtomicUsize,
    /// The connection for it could not be made.
    refused: AtomicUsize,
    /// There was a connection, and no answer, or a wrong one.
    lost: AtomicUsize,
    upgrades: AtomicUsize,
    /// In microseconds, with the time to connect.
    slowest: AtomicU64,
}

/// So many requests at least, and so many upgrades spread over them.
pub(super) async fn run(program: &Path, requests: usize, upgrades: usize) -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("e.sock");
    let mut first = start(program, &path).await?;
    let report = Rc::new(Report::default());
    let begun = Instant::now();

    let clients = (0..CLIENTS).map(|number| {
        let stay = if number % 2 == 0 { 1 } else { STAY };
        let goes_on =
            || report.requests.load(Relaxed) < requests || report.upgrades.load(Relaxed) < upgrades;
        let (path, report) = (&*path, &*report);
        async move {
            while goes_on() && report.refused.load(Relaxed) + report.lost.load(Relaxed) < 100 {
                call(path, stay, report).await;
            }
        }
    });
    let upgrading = async {
        for done in 0..upgrades {
            let when = requests * (done + 1) / (upgrades + 1);
            while report.answered.load(Relaxed) < when {
                sleep(Duration::from_millis(1)).await;
            }
            upgrade(&path).await?;
            report.upgrades.fetch_add(1, Relaxed);
        }
        Outcome::Ok(())
    };
    let (upgraded, _) = tokio::join!(timeout(HANG, upgrading), join_all(clients));
    let took = begun.elapsed();
    let ended = end(&path, &mut first).await;

    let count = |count: &AtomicUsize| count.load(Relaxed);
    println!(
        "requests {}, answered {}, refused {}, lost {}, upgrades {}, slowest {:?}, in {took:.1?}",
        count(&report.requests),
        count(&report.answered),
        count(&report.refused),
        count(&report.lost),
        count(&report.upgrades),
        Duration::from_micros(report.slowest.load(Relaxed)),
    );
    upgraded.map_err(|_| "an upgrade hangs")??;
    ended?;
    if count(&report.requests) != count(&report.answered) {
        return Err("not every request was answered".into());
    }
    let left = fs::read_dir(directory.path())?.count();
    if left > 0 { Err(format!("{left} names are left").into()) } else { Ok(()) }
}

/// Starts the first version, and waits until it is there.
async fn start(program: &Path, path: &Path) -> Outcome<Child> {
    let mut command = Command::new(program);
    command.arg("serve").arg(format!("unix://{}", path.display()));
    let child = command.stdin(Stdio::null()).kill_on_drop(true).spawn()?;
    unix::Options::new().wait_for_listener(true).deadline(HANG).connect(path).await?;
    Ok(child)
}

/// One connection and so many requests on it. Nothing is tried again.
async fn call(path: &Path, stay: usize, report: &Report) {
    let begun = Instant::now();
    let Ok(mut connection) = unix::connect(path).await else {
        report.requests.fetch_add(1, Relaxed);
        report.refused.fetch_add(1, Relaxed);
        return;
    };
    let mut begun = Some(begun);
    for _ in 0..stay {
        let begun = begun.take().unwrap_or_else(Instant::now);
        let number = report.requests.fetch_add(1, Relaxed);
        let answered = timeout(HANG, ask(&mut connection, number)).await;
        if !matches!(answered, Ok(Ok(true))) {
            report.lost.fetch_add(1, Relaxed);
            return;
        }
        report.answered.fetch_add(1, Relaxed);
        report.slowest.fetch_max(begun.elapsed().as_micros() as u64, Relaxed);
    }
}

/// Whether the request came back.
async fn ask(connection: &mut unix::Connection, number: usize) -> Result<bool> {
    let request = format!("request {number}");
    connection.send(request.clone().into()).await?;
    let answer = connection.next().await.transpose()?;
    Ok(answer.is_some_and(|answer| answer == request))
}

/// Who listens now: whoever took over last.
async fn listening(path: &Path) -> Outcome<i32> {
    let pid = unix::connect(path).await?.peer().pid().ok_or("the system does not tell pids")?;
    Ok(i32::try_from(pid)?)
}

fn tell(pid: i32, signal: Signal) -> Outcome {
    Ok(kill_process(Pid::from_raw(pid).ok_or("no pid")?, signal)?)
}

/// Has the daemon start its next version, and waits until that is the one who listens.
async fn upgrade(path: &Path) -> Outcome {
    let old = listening(path).await?;
    tell(old, Signal::USR2)?;
    while listening(path).await? == old {
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// Ends the last version, and waits for it and for the first.
async fn end(path: &Path, first: &mut Child) -> Outcome {
    tell(listening(path).await?, Signal::INT)?;
    let ended = timeout(HANG, async {
        let status = first.wait().await?;
        while path.exists() || path.with_extension("sock.lock").exists() {
            sleep(Duration::from_millis(1)).await;
        }
        Outcome::Ok(status)
    });
    let status = ended.await.map_err(|_| "the daemon does not end")??;
    if status.success() { Ok(()) } else { Err(format!("the first version: {status}").into()) }
}
