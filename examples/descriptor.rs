//! A process that opens a file, passes it to another with a message that describes it, and exits.
//!
//! ```text
//! cargo run --example descriptor -- take unix:///tmp/d.sock
//! cargo run --example descriptor -- give unix:///tmp/d.sock Cargo.toml
//! cargo run --example descriptor -- both Cargo.toml # each in a process of its own
//! ```

mod common;

use std::{
    fs::File,
    io::{Read, Write},
    path::PathBuf,
    process::{ExitCode, exit, id},
};

use common::{Outcome, exit_code};
use framewire::{
    Endpoint, SocketName,
    unix::{self, Detailed, Outgoing, Received},
};
use futures::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

const USAGE: &str = "descriptor take ENDPOINT | give ENDPOINT FILE | both FILE";

/// What a message says of the file that comes with it.
#[derive(Serialize, Deserialize)]
struct Opened {
    path: PathBuf,
    len: u64,
    by: u32,
}

impl Opened {
    fn with(&self, file: File) -> Outcome<Outgoing> {
        Ok(Outgoing::new(serde_json::to_vec(self)?).with(file))
    }

    fn of(received: Received) -> Outcome<(Self, File)> {
        let (body, [file]) = received.exactly()?;
        Ok((serde_json::from_slice(&body)?, file.into()))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    exit_code(match words[..] {
        ["take", endpoint] => take_at(endpoint).await,
        ["give", endpoint, path] => give(endpoint, path.into()).await,
        ["both", path] => both(path.into()).await,
        _ => {
            eprintln!("usage: {USAGE}");
            exit(2)
        }
    })
}

async fn give(endpoint: &str, path: PathBuf) -> Outcome {
    let file = File::open(&path)?;
    let opened = Opened { path, len: file.metadata()?.len(), by: id() };
    let mut taker = unix::connect(name(endpoint)?).await?.detailed()?;
    // What was sent outlives this process: there is no need to wait until it is read.
    Ok(taker.send(opened.with(file)?).await?)
}

async fn take(mut giver: Detailed) -> Outcome {
    let received = giver.next().await.ok_or("the giver ended without a message")??;
    let (Opened { path, len, by }, mut file) = Opened::of(received)?;
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    println!("process {by} opened {}, of {len} bytes", path.display());
    println!("process {} read {} bytes from it", id(), content.len());
    Ok(())
}

async fn take_at(endpoint: &str) -> Outcome {
    let mut listener = unix::listen(name(endpoint)?).await?;
    println!("waiting at {}", listener.endpoint());
    std::io::stdout().flush()?;
    let giver = listener.next().await.ok_or("a listener never ends")??;
    take(giver.detailed()?).await
}

/// Takes from a process of its own making, which is gone before anybody looks at what it passed.
async fn both(path: PathBuf) -> Outcome {
    let socket = std::env::temp_dir().join(format!("framewire-descriptor-{}.sock", id()));
    let mut listener = unix::listen(SocketName::Path(socket)).await?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["give", &listener.endpoint().to_string()]).arg(path);
    let ended = command.status().await?;
    println!("the giver has ended: {ended}");
    if !ended.success() {
        return Err("it passed nothing".into());
    }
    let giver = listener.next().await.ok_or("a listener never ends")??;
    take(giver.detailed()?).await
}

fn name(endpoint: &str) -> Outcome<SocketName> {
    match endpoint.parse()? {
        Endpoint::Unix(name) => Ok(name),
        other => Err(format!("{other} is not the address of a Unix socket").into()),
    }
}
