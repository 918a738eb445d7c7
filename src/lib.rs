//! Every inter-process mechanism of an operating system as an async `Stream` and `Sink` of framed
//! messages on Tokio.

mod backoff;
mod boxed;
pub mod codec;
mod dial;
mod endpoint;
mod error;
pub mod frame;
pub mod io;
pub mod message;
#[cfg(unix)]
pub mod names;
mod peer;
mod place;
pub mod profile;
pub mod serve;
mod sys;
mod transport;
mod turn;
pub mod wait;

pub use boxed::{Accepted, BoxDuplex, BoxListener, BoxReceiver, BoxSender, Dial, Duplex};
pub use endpoint::{Endpoint, HostPort, SignalName, SocketName};
pub use error::{BoxError, Error, ErrorKind, Result};
pub use peer::Peer;
pub use profile::Profile;
pub use transport::tcp;
#[cfg(unix)]
pub use transport::{pipe, unix};
