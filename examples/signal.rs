//! Jobs by signal: a worker that takes them, and whoever sends it their numbers.
//!
//! ```text
//! cargo run --example signal -- receive signal://RTMIN+3
//! cargo run --example signal -- send    signal://RTMIN+3@PID 1 2 3
//! ```
//!
//! The worker says its number. Real-time signals come all of them, in order, with a number of 32
//! bits each and with who sent it; others, such as `signal://USR1`, are notice that at least one
//! came. A program in C can be the sender as well: sigqueue(3). Linux.

#[cfg(target_os = "linux")]
mod common;

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("signals with values are for Linux");
}

#[cfg(target_os = "linux")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    let args = common::Args::read_as(["receive", "send"], jobs::USAGE);
    common::exit_code(jobs::run(args).await)
}

#[cfg(target_os = "linux")]
mod jobs {
    use std::process::id;

    use framewire::{
        Endpoint, ErrorKind, SignalName,
        signal::{self, Value},
    };
    use futures::{SinkExt, StreamExt};
    use tokio::signal::ctrl_c;

    use super::common::{Args, Outcome, usage_error};

    pub(super) const USAGE: &str = "signal receive signal://NAME | send signal://NAME@PID NUMBER…";

    pub(super) async fn run(args: Args) -> Outcome {
        let [endpoint, numbers @ ..] = &args.rest[..] else { usage_error(USAGE) };
        let name = name(endpoint)?;
        if !args.serve {
            return send(&name, numbers).await;
        }
        tokio::select! {
            done = receive(&name, endpoint) => done,
            interrupted = ctrl_c() => Ok(interrupted?),
        }
    }

    /// Prints what comes until it is interrupted: by itself a receiver never ends.
    async fn receive(name: &SignalName, endpoint: &str) -> Outcome {
        // Who sends before it is received ends this process: so it is said afterwards.
        let ready = || eprintln!("receiving on {endpoint}@{}", id());
        if !name.name().starts_with("RTM") {
            let mut receiver = signal::receiver(name.to_string()).await?;
            ready();
            while let Some(notice) = receiver.next().await {
                notice?;
                println!("at least one");
            }
            return Ok(());
        }
        let mut jobs = signal::queued(name.to_string()).await?;
        ready();
        while let Some(job) = jobs.next().await {
            match job {
                Ok(job) => match (job.int(), job.pid()) {
                    (Some(number), Some(pid)) => println!("job {number} of process {pid}"),
                    _ => println!("a signal without a job"),
                },
                // Some were lost, and it says how many.
                Err(error) if error.kind() == ErrorKind::Lagged => eprintln!("{error}"),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn send(name: &SignalName, numbers: &[String]) -> Outcome {
        let mut sender = signal::sender(name.to_string()).await?;
        if numbers.is_empty() {
            return Ok(sender.send(Value::Plain).await?);
        }
        for number in numbers {
            let number: i32 = number.parse()?;
            // It waits where the worker is so far behind that the kernel has no room.
            sender.feed(number.into()).await?;
        }
        Ok(sender.close().await?)
    }

    fn name(endpoint: &str) -> Outcome<SignalName> {
        match endpoint.parse()? {
            Endpoint::Signal(name) => Ok(name),
            other => Err(format!("{other} is not the address of a signal").into()),
        }
    }
}
