//! Memory that says what no sound peer writes.

use std::{fmt, io};

use crate::{Error, ErrorKind};

/// What is wrong with a peer's memory, and where in its stream of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) what: &'static str,
    pub(crate) position: u64,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the peer's memory is broken: {} at byte {}", self.what, self.position)
    }
}

impl std::error::Error for Broken {}

impl From<Broken> for Error {
    fn from(broken: Broken) -> Self {
        Self::new(ErrorKind::Malformed, broken)
            .remedy("the connection is closed; is the peer of another version, or hostile?")
    }
}

impl From<Broken> for io::Error {
    fn from(broken: Broken) -> Self {
        Error::from(broken).into()
    }
}
