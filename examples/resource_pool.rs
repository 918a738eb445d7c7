//! A pool of three connections that five processes share, one of which hangs and is killed.
//!
//! ```text
//! cargo run --example resource_pool
//! ```
//!
//! Each connection stands for one permit of a lease semaphore: who holds permit 1 uses connection 1,
//! and nobody else does. The worker that is killed has one in its hands; the kernel gives it back,
//! and the next one has it at once. It starts itself for each worker and ends by itself; the exit code
//! says whether all of it was as it has to be. Linux and Android.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod common;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn main() {
    eprintln!("lease semaphores are for Linux and Android");
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    common::exit_code(match &words[..] {
        [] => all::run().await,
        [verb, directory, name] if verb == "work" => all::work(directory.as_ref(), name).await,
        _ => {
            eprintln!("usage: resource_pool");
            std::process::exit(2);
        }
    })
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod all {
    use std::{
        future::pending,
        path::Path,
        time::{Duration, Instant},
    };

    use framewire::{fifo, semaphore::lease};
    use futures::{SinkExt, StreamExt};
    use tokio::{
        process::{Child, Command},
        time::{sleep, timeout},
    };

    use super::common::Outcome;

    /// What there is a pool of.
    const CONNECTIONS: [&str; 3] = ["db-1", "db-2", "db-3"];
    const WORKERS: [&str; 5] = ["ann", "bob", "cleo", "dan", "eve"];
    /// The one that hangs in the middle of its second job.
    const HANGS: &str = "cleo";
    const JOBS: usize = 4;
    /// How long one takes.
    const JOB: Duration = Duration::from_millis(100);
    /// Nothing takes this long unless it hangs.
    const HANG: Duration = Duration::from_secs(30);

    /// Does its jobs, each with a connection of its own for as long as it takes.
    pub(super) async fn work(directory: &Path, name: &str) -> Outcome {
        let pool = lease::open(directory.join("pool"), CONNECTIONS.len()).await?;
        // What all of them say comes in the order in which it was said.
        let mut says = fifo::sender(directory.join("says")).await?;
        for job in 1..=JOBS {
            let lease = pool.acquire().await?;
            let connection = CONNECTIONS[lease.index()];
            says.send(format!("{name} takes {connection}").into()).await?;
            if (name, job) == (HANGS, 2) {
                pending::<()>().await;
            }
            sleep(JOB).await;
            says.send(format!("{name} returns {connection}").into()).await?;
            drop(lease);
            // Who asks again at once is awake, and so before those who have to be woken.
            sleep(JOB / 10).await;
        }
        says.close().await?;
        Ok(())
    }

    /// What is known of a connection.
    #[derive(Clone, Default)]
    struct Connection {
        holder: Option<String>,
        jobs: usize,
    }

    pub(super) async fn run() -> Outcome {
        let directory = tempfile::tempdir()?;
        let pool = lease::open(directory.path().join("pool"), CONNECTIONS.len()).await?;
        let mut said = fifo::receiver(directory.path().join("says")).await?;
        let start = |name: &&str| {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("work").arg(directory.path()).arg(name).kill_on_drop(true).spawn()
        };
        let mut workers: Vec<Child> = WORKERS.iter().map(start).collect::<Result<_, _>>()?;

        let mut connections = vec![Connection::default(); CONNECTIONS.len()];
        let mut killed_at = None;
        let mut again = None;
        let mut takes = 0;
        let jobs = (WORKERS.len() - 1) * JOBS + 1;
        while connections.iter().map(|connection| connection.jobs).sum::<usize>() < jobs {
            let line = timeout(HANG, said.next()).await.map_err(|_| "nobody says anything")?;
            let line = line.ok_or("a FIFO has no end")??;
            let line = std::str::from_utf8(&line)?;
            println!("{line}");
            let words: Vec<_> = line.split(' ').collect();
            let [name, verb, used] = words[..] else { return Err(line.into()) };
            let index = CONNECTIONS.iter().position(|name| *name == used).ok_or("no such one")?;
            let Connection { holder, jobs } = &mut connections[index];
            if verb == "returns" {
                *holder = None;
                *jobs += 1;
                continue;
            }
            match holder.replace(name.to_owned()) {
                None => {}
                // It said nothing any more.
                Some(before) if before == HANGS => {
                    again = killed_at.map(|at: Instant| at.elapsed())
                }
                Some(before) => return Err(format!("{before} and {name} have {used}").into()),
            }
            takes += usize::from(name == HANGS);
            if name == HANGS && takes == 2 {
                let hangs = WORKERS.iter().position(|worker| *worker == HANGS).unwrap_or(0);
                killed_at = Some(Instant::now());
                workers[hangs].kill().await?;
                println!("killed {HANGS}, who has {used}");
            }
        }
        for (worker, name) in workers.iter_mut().zip(WORKERS) {
            let status = timeout(HANG, worker.wait()).await.map_err(|_| "it does not end")??;
            if status.success() == (name == HANGS) {
                return Err(format!("{name}: {status}").into());
            }
        }

        for (name, connection) in CONNECTIONS.iter().zip(&connections) {
            println!("{name}: {} jobs", connection.jobs);
        }
        let again = again.ok_or("what the killed one had was not leased again")?;
        println!("what {HANGS} had was in use again {again:?} after the kill");
        let free = pool.free()?;
        println!("{free} of {} connections are free", pool.count());
        if free != pool.count() {
            return Err("not all of them came back".into());
        }
        Ok(())
    }
}
