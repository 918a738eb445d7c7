//! Every inter-process mechanism of an operating system as an async `Stream` and `Sink` of framed
//! messages on Tokio.
//!
//! *A transport moves whole messages ([`Bytes`](bytes::Bytes)): what it receives is a `Stream`,
//! what it sends is a `Sink`; a codec turns messages into values.*
//!
//! | module | to whom | verbs |
//! |---|---|---|
//! | [`unix`] | another process of this machine, by path or abstract name | `listen` `connect` `pair` |
//! | [`unix::seqpacket`] | the same, and the kernel keeps the messages apart | `listen` `connect` `pair` |
//! | [`unix::datagram`] | the same, of many senders, with no connection to end | `listen` `connect` `receiver` `sender` |
//! | `shm` | the same, through memory that both have (Linux) | `listen` `connect` `pair` |
//! | `shm::named` | the same, by a name alone, and whatever is killed goes on | `listen` `connect` `receiver` `sender` |
//! | [`pipe`] | a child process, or another task | `pair` `spawn` `inherited` `stdio` |
//! | [`fifo`] | one reader, from many writers, by path | `receiver` `sender` |
//! | [`tcp`] | another machine or container | `listen` `connect` |
#![cfg_attr(feature = "tls", doc = "| [`tls`] | the same, over a network | `listen` `connect` |")]
//! | [`udp`] | the same, or all of a group; what is lost is lost | `listen` `connect` `receiver` `sender` |
//! | [`signal`] | one process, by its number | `receiver` `sender` |
//! | `shm::broadcast` | all who read, over memory, by path | `receiver` `sender` |
//! | `shm::latest` | the same, and only the newest value counts | `receiver` `sender` |
//! | `mq` | one of those who read, over a queue of the kernel's, by name (Linux) | `listen` `connect` `receiver` `sender` |
//! | `semaphore` | one of those who wait: permits, by a name, without a body (Linux) | `open` `receiver` `sender` |
//! | `semaphore::lease` | whoever asks first: permits that come back when their holder is killed (Linux) | `open` `receiver` |
//!
//! A module has the verbs that its mechanism has, and the nouns `Options`, `Listener`,
//! `Connection`, `Sender` and `Receiver` where they apply: to know one is to know all. [`Endpoint`]
//! is for programs that pick their mechanism at run time, [`Profile`] says what each promises.
//! A daemon finds its accept loop in [`serve`], and what systemd or its previous version has started
//! it with in `handover` (Unix).
//!
//! # Examples
//!
//! An echo server and its client, which change mechanism by changing the address:
//!
//! ```
//! use framewire::{Accepted, Endpoint, Result, serve::Server};
//! use futures::{SinkExt, StreamExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! # let address = format!("unix://{}", dir.path().join("echo.sock").display());
//! let endpoint: Endpoint = address.parse()?;
//! let listener = endpoint.listen().await?;
//!
//! let client = async {
//!     let mut connection = endpoint.connect().await?;
//!     connection.send("hello".into()).await?;
//!     assert_eq!(connection.next().await.expect("the server is there")?, "hello");
//!     Ok::<_, framewire::Error>(())
//! };
//! let echo = |client: Accepted, closing| async move {
//!     let (sink, stream) = client.io.split();
//!     stream.take_until(closing).forward(sink).await
//! };
//! let served = Server::new(listener).run(echo, client).await?;
//! assert_eq!(served.accepted, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # How streams end
//!
//! With `None` where the peer closed in order. With one `Err` and then `None` where the transport
//! broke: the peer was killed inside a message ([`ErrorKind::Truncated`]), reset the connection
//! ([`ErrorKind::Closed`]), or announced a message above the limit ([`ErrorKind::TooLarge`]). A
//! *value* that cannot be decoded from a sound message is an `Err` too ([`ErrorKind::Malformed`]),
//! and the stream goes on. So does a FIFO's receiver, with the next writer: see [`fifo::End`].
//!
//! Datagrams have no end that anybody tells ([`Profile::tells_end`]), and an error is about one of
//! them: the stream goes on.
//!
//! # Cancel safety
//!
//! Receiving is cancel-safe everywhere: state lives in the object, never in the future, so `next()`
//! belongs in the branches of a `select!`. Sending is not: a `send` that is dropped early may have
//! queued its message, which then goes out with the next flush, so that sending it again would
//! duplicate it. Send in the handlers of a `select!`, or take the steps apart where it matters:
//! once `feed` has returned the message is queued, once, and `flush` can be dropped and called
//! again.
//!
//! # Limits
//!
//! Everything is bounded, with a finite default, and every limit is named in the error that tells
//! of it: messages of 8 MiB and 16 descriptors, 128 KiB queued before a sender waits, 1,024
//! connections a server and 128 a user. On the word of a length prefix at most 64 KiB are reserved
//! beyond what has arrived; a connection whose bytes came in large pieces keeps a buffer of up to
//! 256 KiB.
//!
//! # Platform
//!
//! Linux is where all of it is tested. `tcp` and `tls` (a feature) are for every platform, all others
//! for Unix. A
//! Tokio runtime with its I/O driver is needed wherever something waits, and one with its timers
//! wherever there is a deadline or a pause; the absence of either is an error, not a panic.

mod backoff;
mod boxed;
pub mod codec;
mod dial;
mod endpoint;
mod error;
pub mod frame;
#[cfg(unix)]
pub mod handover;
pub mod io;
pub mod message;
#[cfg(unix)]
pub mod names;
mod peer;
mod place;
pub mod profile;
mod runtime;
pub mod serve;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod shared;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod sync;
mod sys;
mod transport;
mod turn;
pub mod wait;

pub use boxed::{Accepted, BoxDuplex, BoxListener, BoxReceiver, BoxSender, Dial, Duplex};
pub use endpoint::{Endpoint, HostPort, SignalName, SocketName};
pub use error::{BoxError, Error, ErrorKind, Result};
pub use peer::Peer;
pub use profile::Profile;
#[cfg(target_os = "linux")]
pub use transport::mq;
#[cfg(target_os = "linux")]
pub use transport::semaphore;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use transport::shm;
pub use transport::tcp;
#[cfg(feature = "tls")]
pub use transport::tls;
#[cfg(unix)]
pub use transport::{fifo, pipe, signal, udp, unix};

/// Plays a script of a hostile peer against a ring: what the fuzzer cannot reach otherwise.
#[cfg(all(fuzzing, any(target_os = "linux", target_os = "android")))]
#[doc(hidden)]
pub fn fuzz_ring(script: &[u8]) {
    shared::hostile::play(script);
}

// The README's program is compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
