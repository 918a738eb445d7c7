//! Every inter-process mechanism of an operating system as an async `Stream` and `Sink` of framed
//! messages on Tokio.

mod endpoint;
mod error;
mod sys;

pub use endpoint::{Endpoint, SocketName};
pub use error::{BoxError, Error, ErrorKind, Result};
