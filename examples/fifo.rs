//! One receiver and any number of senders over a FIFO.
//!
//! ```text
//! cargo run --example fifo -- receive fifo:///tmp/jobs
//! cargo run --example fifo -- send    fifo:///tmp/jobs hello
//! ```
//!
//! With `--framing lines` the sender can be `echo hello > /tmp/jobs`, and the receiver `cat
//! /tmp/jobs` once there is a FIFO: `mkfifo -m 600 /tmp/jobs`. Either may be started first.

mod common;

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use common::{Args, Framing, Outcome, exit_code, usage_error};
use framewire::{Endpoint, ErrorKind, fifo};
use futures::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    signal::ctrl_c,
};
use tokio_util::codec::{FramedRead, FramedWrite, LinesCodec};

const USAGE: &str = "fifo receive ENDPOINT | send ENDPOINT MESSAGE…";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(run(Args::read_as(["receive", "send"], USAGE)).await)
}

async fn run(args: Args) -> Outcome {
    let [endpoint, messages @ ..] = &args.rest[..] else { usage_error(USAGE) };
    let path = path(endpoint)?;
    if !args.serve {
        return send(fifo::sender(path).await?, args.framing, messages).await;
    }
    let receiver = fifo::receiver(path).await?;
    eprintln!("receiving on {endpoint}");
    tokio::select! {
        done = receive(receiver, args.framing) => done,
        interrupted = ctrl_c() => Ok(interrupted?),
    }
}

/// Prints what comes until it is interrupted: by itself a receiver never ends.
async fn receive(mut receiver: fifo::Receiver, framing: Framing) -> Outcome {
    match framing {
        Framing::Length => {
            while let Some(message) = receiver.next().await {
                match message {
                    Ok(message) => print(&String::from_utf8_lossy(&message))?,
                    Err(error) if error.kind() == ErrorKind::Truncated => eprintln!("{error}"),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Framing::Lines => {
            let (reader, leftover) = receiver.into_io();
            let codec = LinesCodec::new_with_max_length(1 << 20);
            let mut lines = FramedRead::new(leftover.chain(reader), codec);
            while let Some(line) = lines.next().await {
                print(&line?)?;
            }
        }
        Framing::Raw => {
            let (mut reader, _) = receiver.into_io();
            copy(&mut reader, &mut tokio::io::stdout()).await?;
        }
    }
    Ok(())
}

async fn send(mut sender: fifo::Sender, framing: Framing, messages: &[String]) -> Outcome {
    match framing {
        Framing::Length => {
            for message in messages {
                sender.feed(message.clone().into()).await?;
            }
            sender.close().await?;
        }
        Framing::Lines => {
            let mut lines = FramedWrite::new(sender.into_io(), LinesCodec::new());
            for message in messages {
                // Each in a write of its own: so it is whole among those of others.
                lines.send(message).await?;
            }
        }
        Framing::Raw => {
            let mut writer = sender.into_io();
            writer.write_all(messages.join(" ").as_bytes()).await?;
            writer.shutdown().await?;
        }
    }
    Ok(())
}

fn print(message: &str) -> Outcome {
    println!("{message}");
    Ok(std::io::stdout().flush()?)
}

fn path(endpoint: &str) -> Outcome<PathBuf> {
    match endpoint.parse()? {
        Endpoint::Fifo(path) => Ok(path),
        other => Err(format!("{other} is not the address of a FIFO").into()),
    }
}
