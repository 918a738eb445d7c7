//! An echo server over shared memory, and its client.
//!
//! ```text
//! cargo run --example shm -- serve shm:///tmp/e.sock
//! cargo run --example shm -- call  shm:///tmp/e.sock hello
//! ```
//!
//! The socket is there to find each other: what is said goes through memory. `shm://@name` has a
//! name that is no file. `shm+named://name` has no socket either: a file of memory is the name.

mod common;

use std::{io::Write as _, process::ExitCode};

use common::{Args, Outcome, call_messages, echo_messages, exit_code, usage_error};
use framewire::{Accepted, Endpoint, serve::Server};
use tokio::signal::ctrl_c;

const USAGE: &str = "shm serve ENDPOINT | call ENDPOINT [MESSAGE…]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(run(Args::read(USAGE)).await)
}

async fn run(args: Args) -> Outcome {
    let [endpoint, messages @ ..] = &args.rest[..] else { usage_error(USAGE) };
    let endpoint: Endpoint = endpoint.parse()?;
    if !matches!(endpoint, Endpoint::Shm(_) | Endpoint::ShmNamed(_)) {
        return Err(format!("{endpoint} is not the address of shared memory").into());
    }
    if !args.serve {
        return call_messages(endpoint.connect().await?, messages).await;
    }

    let listener = endpoint.listen().await?;
    println!("listening on {}", listener.endpoint());
    std::io::stdout().flush()?;
    let echo = |client: Accepted, closing| echo_messages(client.io, closing);
    let served = Server::new(listener).run(echo, ctrl_c()).await?;
    println!("{served:?}");
    Ok(())
}
