//! No more programs at a time than there are permits, as `sem` of GNU parallel does it.
//!
//! ```text
//! cargo run --example semaphore -- post semaphore:///gate 2
//! cargo run --example semaphore -- run  semaphore:///gate sleep 5
//! ```
//!
//! Start `run` in three shells: the third one waits until one of the others is done. A program in C
//! waits in the same line with `sem_open("/gate", 0)` and `sem_wait`. The permits stay until `rm
//! /dev/shm/sem.gate`, whatever ends, and one whose holder is killed is lost.

#[cfg(target_os = "linux")]
mod common;

#[cfg(target_os = "linux")]
mod linux {
    use std::process::ExitCode;

    use framewire::{Endpoint, semaphore};
    use tokio::{process::Command, signal::ctrl_c};

    use super::common::{Outcome, exit_code};

    const USAGE: &str = "semaphore post ENDPOINT PERMITS | run ENDPOINT PROGRAM [ARGUMENT…]";

    #[tokio::main(flavor = "current_thread")]
    pub(crate) async fn main() -> ExitCode {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        exit_code(match words[..] {
            ["post", endpoint, permits] => post(endpoint, permits),
            ["run", endpoint, program, ref arguments @ ..] => {
                run(endpoint, program, arguments).await
            }
            _ => {
                eprintln!("usage: {USAGE}");
                return ExitCode::from(2);
            }
        })
    }

    fn post(endpoint: &str, permits: &str) -> Outcome {
        let gate = semaphore::open(name(endpoint)?)?;
        gate.release(permits.parse()?)?;
        println!("{} permits", gate.value()?);
        Ok(())
    }

    async fn run(endpoint: &str, program: &str, arguments: &[&str]) -> Outcome {
        let gate = semaphore::open(name(endpoint)?)?;
        // Who is interrupted here has taken nothing.
        let permit = tokio::select! {
            permit = gate.acquire() => permit?,
            interrupted = ctrl_c() => return Ok(interrupted?),
        };
        eprintln!("running {program}");
        let mut child = Command::new(program).args(arguments).spawn()?;
        // What interrupts us interrupts the program as well: the permit goes back when it is over.
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                interrupted = ctrl_c() => interrupted?,
            }
        };
        drop(permit);
        if status.success() { Ok(()) } else { Err(format!("{program} ended: {status}").into()) }
    }

    fn name(endpoint: &str) -> Outcome<String> {
        match endpoint.parse()? {
            Endpoint::Semaphore(name) => Ok(name),
            other => Err(format!("{other} is not the address of a semaphore").into()),
        }
    }
}

#[cfg(target_os = "linux")]
use linux::main;

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("error: named semaphores are for Linux");
}
