//! The main job: every mechanism echoes between real processes, each answer is compared byte for
//! byte, and a table is printed.
//!
//! ```text
//! cargo run --release --example echo -- [--only a,b] [--messages N] [--size BYTES] [--json]
//! ```
//!
//! It exits with 1 when a row differs in one byte, hangs for 30 s, or leaves a name, a process or
//! a descriptor behind.

mod client;
#[cfg(unix)]
mod halves;
#[cfg(target_os = "linux")]
mod objects;
mod report;
mod row;
mod server;
#[cfg(feature = "tls")]
mod tls;

use std::{fs, process::ExitCode, time::Duration};

use framewire::{Error, ErrorKind, Result, names::Directory};
use report::{Report, Request};
use row::{ROWS, Row};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let first = words.next();
    if first.as_deref() == Some("--serve") {
        let served = server::run(&words.next().unwrap_or_default(), words.next()).await;
        return exit_code(served.inspect_err(|error| eprintln!("server: {error}")).is_ok());
    }
    let request = match Request::parse(first.into_iter().chain(words)) {
        Ok(request) => request,
        Err(wrong) => {
            eprintln!("{wrong}");
            eprintln!("usage: echo [--only a,b] [--messages N] [--size BYTES] [--json]");
            return ExitCode::from(2);
        }
    };
    let mut report = Report::new(request.clone());
    for row in ROWS.iter().filter(|row| request.wants(row)) {
        let outcome = run(row, &mut report).await;
        report.row(row, outcome);
    }
    exit_code(report.finish())
}

/// Runs one row, and looks that nothing is left of it.
async fn run(row: &Row, report: &mut Report) -> Result<report::Line> {
    #[cfg(target_os = "linux")]
    objects::prepare(row.name).await?;
    let descriptors = descriptors();
    let directory = Directory::private(&row::segment())?;
    let path = directory.path().to_owned();
    let outcome = exchange(row, &path, report).await;
    drop(directory);
    let names = fs::read_dir(&path)?.count() + segments();
    #[cfg(target_os = "linux")]
    let names = names + objects::left(row.name)?;
    fs::remove_dir_all(&path)?;
    let line = outcome?;
    let left = |what: &str| Err(Error::new(ErrorKind::Io, format!("{what} was left behind")));
    match (names, comes_to(descriptors).await) {
        (0, true) => Ok(line),
        (0, false) => left("a descriptor"),
        _ => left("a name"),
    }
}

async fn exchange(row: &Row, path: &std::path::Path, report: &mut Report) -> Result<report::Line> {
    let request = report.request.clone();
    let pair = client::within(row.start(path)).await??;
    let pid = pair.server.pid;
    let progress = |done| report.progress(row, done);
    let Request { messages, size, .. } = request;
    let measured = client::run(pair.connection, messages, size, row, progress).await?;
    if !client::within(pair.server.end()).await?? {
        return Err(Error::new(ErrorKind::Io, "the server did not end in order"));
    }
    Ok(report::Line { endpoint: pair.endpoint, server: pid, measured })
}

/// How many files of shared memory have a name of ours, where the system has them as files.
fn segments() -> usize {
    let ours = format!("{}.", row::segment());
    let directories = fs::read_dir("/dev/shm").into_iter().flatten().flatten();
    // Who is somebody else's can be looked into by root alone.
    let files = directories.filter_map(|entry| fs::read_dir(entry.path()).ok()).flatten().flatten();
    files.filter(|file| file.file_name().to_string_lossy().contains(&ours)).count()
}

/// How many descriptors this process has, where the system can tell.
fn descriptors() -> Option<usize> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count())
}

/// Whether this process is down to so many again: a thread that has waited for a connection closes
/// what it holds a moment after that was dropped.
async fn comes_to(wanted: Option<usize>) -> bool {
    for _ in 0..100 {
        if descriptors() == wanted {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

fn exit_code(success: bool) -> ExitCode {
    if success { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
