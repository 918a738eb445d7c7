//! A child process that echoes what its parent sends over a pair of pipes.
//!
//! ```text
//! cargo run --example pipe -- call hello            # starts itself, over inherited descriptors
//! cargo run --example pipe -- call -c cat hello     # starts a command, over its stdin and stdout
//! ```
//!
//! `serve` is what the child runs: it needs the pipes that `call` starts it with, or a pipe on its
//! standard input and output.

mod common;

use std::process::ExitCode;

use common::{Args, Outcome, call, echo, exit_code};
use framewire::pipe;
use tokio::process::Command;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(run(Args::read("pipe serve | call [-c COMMAND] [MESSAGE…]")).await)
}

async fn run(args: Args) -> Outcome {
    if args.serve {
        let connection = pipe::inherited().or_else(|_| pipe::stdio())?;
        return echo(connection.into_io().0, args.framing).await;
    }

    let (child, messages) = match &args.rest[..] {
        [flag, program, messages @ ..] if flag == "-c" => {
            let mut command = Command::new("sh");
            command.args(["-c", program]);
            (pipe::Options::new().stdio(true).spawn(command)?, messages)
        }
        messages => {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["serve", "--framing", &format!("{:?}", args.framing).to_lowercase()]);
            (pipe::spawn(command)?, messages)
        }
    };
    let pipe::Child { connection, mut process } = child;
    let called = call(connection.into_io().0, args.framing, messages).await;
    let status = process.wait().await?;
    println!("the child ended: {status}");
    called
}
