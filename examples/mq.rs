//! Workers that share the jobs of a queue, and whoever has jobs for them.
//!
//! ```text
//! cargo run --example mq -- receive mq:///jobs      # any number of these
//! cargo run --example mq -- send    mq:///jobs "water the plants" 9:fire
//! cargo run --example mq -- remove  mq:///jobs
//! ```
//!
//! Either may be started first: jobs wait in the queue until somebody takes them. A number and a
//! colon in front of a job are its priority. A message is a message of the kernel's: at the other
//! end can be any program that calls mq_receive(3) or mq_send(3).

mod common;

use std::{env, io::Write as _, process::ExitCode};

use common::{Outcome, exit_code};
use framewire::{
    Endpoint,
    mq::{self, Outgoing},
};
use futures::{SinkExt, StreamExt};
use tokio::signal::ctrl_c;

const USAGE: &str = "mq receive ENDPOINT | send ENDPOINT [PRIORITY:]JOB… | remove ENDPOINT";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<_> = env::args().skip(1).collect();
    exit_code(match &words[..] {
        [verb, endpoint] if verb == "receive" => receive(endpoint).await,
        [verb, endpoint, jobs @ ..] if verb == "send" => send(endpoint, jobs).await,
        [verb, endpoint] if verb == "remove" => remove(endpoint),
        _ => {
            eprintln!("usage: {USAGE}");
            return ExitCode::from(2);
        }
    })
}

/// Prints the jobs that this worker gets, until Ctrl-C: there is no end that anybody would tell.
async fn receive(endpoint: &str) -> Outcome {
    let receiver = mq::receiver(name(endpoint)?).await?;
    println!("receiving from {endpoint}");
    std::io::stdout().flush()?;
    let mut jobs = receiver.detailed().take_until(Box::pin(ctrl_c()));
    while let Some(job) = jobs.next().await.transpose()? {
        println!("{}: {}", job.priority(), String::from_utf8_lossy(&job.body));
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// Puts the jobs into the queue, and waits while it is full.
async fn send(endpoint: &str, jobs: &[String]) -> Outcome {
    let mut sender = mq::sender(name(endpoint)?).await?.detailed();
    for job in jobs {
        let ranked = job.split_once(':');
        let ranked = ranked.and_then(|(rank, job)| Some((rank.parse().ok()?, job)));
        let (priority, job) = ranked.unwrap_or((0, job));
        sender.send(Outgoing::new(job.to_owned()).priority(priority)).await?;
    }
    Ok(())
}

fn remove(endpoint: &str) -> Outcome {
    if !mq::remove(name(endpoint)?)? {
        println!("there was none");
    }
    Ok(())
}

fn name(endpoint: &str) -> Outcome<String> {
    match endpoint.parse()? {
        Endpoint::Mq(name) => Ok(name),
        other => Err(format!("{other} is not the address of a message queue").into()),
    }
}
