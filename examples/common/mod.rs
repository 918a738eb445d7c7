//! What the examples share: their command line, and an echo over each framing.

// Each example is a program of its own and uses its part of this.
#![allow(dead_code)]

use std::{
    error::Error,
    io,
    process::{ExitCode, exit},
    time::Duration,
};

use bytes::Bytes;
use framewire::{Duplex, frame::Frames, serve::Closing};
use futures::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, split},
    time::timeout,
};
use tokio_util::codec::{Framed, LinesCodec};

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Says what went wrong, in words: what `main` would print of an error is for programmers.
pub(crate) fn exit_code(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How the messages of a byte stream are told apart.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Framing {
    /// By the length in front of each: what this crate does by itself.
    Length,
    /// By the ends of lines.
    Lines,
    /// Not at all.
    Raw,
}

/// `serve ENDPOINT` or `call ENDPOINT [MESSAGE…]`, with `--framing` anywhere.
pub(crate) struct Args {
    /// It is the first of the two verbs.
    pub(crate) serve: bool,
    pub(crate) rest: Vec<String>,
    pub(crate) framing: Framing,
}

impl Args {
    /// Reads the command line, or says how it goes and exits.
    pub(crate) fn read(usage: &str) -> Self {
        Self::read_as(["serve", "call"], usage)
    }

    /// The same with other verbs.
    pub(crate) fn read_as(verbs: [&str; 2], usage: &str) -> Self {
        Self::parse(verbs, std::env::args().skip(1)).unwrap_or_else(|| usage_error(usage))
    }

    fn parse(verbs: [&str; 2], mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut framing = Framing::Length;
        let mut rest = Vec::new();
        while let Some(word) = words.next() {
            match (word == "--framing").then(|| words.next()) {
                None => rest.push(word),
                Some(name) => {
                    framing = match name?.as_str() {
                        "length" => Framing::Length,
                        "lines" => Framing::Lines,
                        "raw" => Framing::Raw,
                        _ => return None,
                    }
                }
            }
        }
        let verb = (!rest.is_empty()).then(|| rest.remove(0))?;
        verbs.contains(&&*verb).then(|| Self { serve: verb == verbs[0], rest, framing })
    }
}

/// Says how the command line goes and exits.
pub(crate) fn usage_error(usage: &str) -> ! {
    eprintln!("usage: {usage} [--framing length|lines|raw]");
    exit(2);
}

/// Sends back whatever comes until the peer ends.
pub(crate) async fn echo<T>(io: T, framing: Framing) -> Outcome
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    match framing {
        Framing::Length => {
            let (sink, stream) = Frames::new(io).split();
            stream.forward(sink).await?;
        }
        Framing::Lines => {
            let (sink, stream) = Framed::new(io, LinesCodec::new_with_max_length(1 << 20)).split();
            stream.forward(sink).await?;
        }
        Framing::Raw => {
            let (mut reader, mut writer) = split(io);
            copy(&mut reader, &mut writer).await?;
            writer.shutdown().await?;
        }
    }
    Ok(())
}

/// Sends each message, prints each answer, and ends.
pub(crate) async fn call<T>(io: T, framing: Framing, messages: &[String]) -> Outcome
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let gone = || io::Error::new(io::ErrorKind::UnexpectedEof, "the server ended");
    match framing {
        Framing::Length => {
            let mut frames = Frames::new(io);
            for message in messages {
                frames.send(message.clone().into()).await?;
                let answer = frames.next().await.ok_or_else(gone)??;
                println!("{}", String::from_utf8_lossy(&answer));
            }
            frames.finish().await?;
        }
        Framing::Lines => {
            let mut lines = Framed::new(io, LinesCodec::new());
            for message in messages {
                lines.send(message).await?;
                println!("{}", lines.next().await.ok_or_else(gone)??);
            }
        }
        Framing::Raw => {
            let (mut reader, mut writer) = split(io);
            writer.write_all(messages.join(" ").as_bytes()).await?;
            writer.shutdown().await?;
            let mut answer = String::new();
            reader.read_to_string(&mut answer).await?;
            println!("{answer}");
        }
    }
    Ok(())
}

/// Sends back each message as it came, until the peer ends or the server does. There is nothing to
/// choose about the framing: it is the mechanism's own.
pub(crate) async fn echo_messages(client: impl Duplex, closing: Closing) -> framewire::Result<()> {
    let (sink, stream) = client.split();
    stream.take_until(closing).forward(sink).await
}

/// Sends each message and prints each answer, which may be lost: nobody waits for one for ever.
pub(crate) async fn call_messages(mut server: impl Duplex + Unpin, messages: &[String]) -> Outcome {
    const PATIENCE: Duration = Duration::from_secs(5);
    for message in messages {
        server.send(Bytes::from(message.clone())).await?;
        let answer = timeout(PATIENCE, server.next()).await;
        let answer = answer.map_err(|_| format!("no answer for {PATIENCE:?}"))?;
        println!("{}", String::from_utf8_lossy(&answer.ok_or("the server ended")??));
    }
    server.close().await?;
    Ok(())
}
