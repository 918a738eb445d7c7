//! The one error type of the crate.

use std::{borrow::Cow, error, fmt, io, sync::Arc};

use crate::Endpoint;

/// `std::result::Result` with [`Error`] as its error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error that can be the cause of one of ours.
pub type BoxError = Box<dyn error::Error + Send + Sync>;

/// What went wrong, coarse enough to branch on.
///
/// # Examples
///
/// ```
/// use framewire::{Endpoint, ErrorKind};
///
/// let error = "carrier-pigeon://home".parse::<Endpoint>().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Address);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused a call; [`Error::raw_os_error`] has the number.
    Io,
    /// The peer is gone: it closed, was killed, or reset the connection.
    Closed,
    /// The peer is gone in the middle of a frame; what had arrived of that frame is lost.
    Truncated,
    /// A message is larger than this end accepts. Nothing was allocated for it.
    TooLarge,
    /// A receiver was too slow and messages were dropped; the stream goes on.
    Lagged,
    /// A whole message arrived, and its value could not be decoded; the stream goes on. It has ended
    /// where descriptors arrived that belong to no message, and where what arrived over TLS is not
    /// TLS or was changed on its way.
    Malformed,
    /// An address could not be understood.
    Address,
    /// The name belongs to somebody who is alive.
    InUse,
    /// Not allowed: a permission, a policy, or a name that is not safe to use.
    Denied,
    /// Nobody is there: the name does not exist or nobody listens on it.
    NotFound,
    /// The deadline passed.
    TimedOut,
    /// A limit of the process, the system or the server is reached.
    Exhausted,
    /// Not on this platform, not with these features, or not built yet; the message says which.
    Unsupported,
}

/// What failed: a kind, what was being done, on which endpoint, why, and what to do about it.
///
/// One word wide. It reads as one line, the cause last but for the remedy.
///
/// # Examples
///
/// ```
/// use framewire::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::TooLarge, "message of 9000 bytes, limit 8192")
///     .doing("receive")
///     .remedy("raise `max_len` at both ends");
/// assert_eq!(
///     error.to_string(),
///     "receive: message of 9000 bytes, limit 8192 (raise `max_len` at both ends)"
/// );
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    doing: Option<Cow<'static, str>>,
    endpoint: Option<Arc<Endpoint>>,
    cause: BoxError,
    remedy: Option<Cow<'static, str>>,
}

impl Error {
    /// An error of this kind with this cause.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Closed, "the worker ended");
    /// assert_eq!(error.kind(), ErrorKind::Closed);
    /// ```
    pub fn new(kind: ErrorKind, cause: impl Into<BoxError>) -> Self {
        Self(Box::new(Inner {
            kind,
            doing: None,
            endpoint: None,
            cause: cause.into(),
            remedy: None,
        }))
    }

    /// Says what was being done, in a verb or two: "connect", "receive".
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Io, "disk on fire").doing("append");
    /// assert_eq!(error.to_string(), "append: disk on fire");
    /// ```
    #[must_use]
    pub fn doing(mut self, doing: impl Into<Cow<'static, str>>) -> Self {
        self.0.doing = Some(doing.into());
        self
    }

    /// Says on which endpoint.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{Endpoint, Error, ErrorKind};
    ///
    /// # fn main() -> framewire::Result<()> {
    /// let endpoint: Endpoint = "unix:///tmp/e.sock".parse()?;
    /// let error = Error::new(ErrorKind::Closed, "the peer is gone").on(endpoint);
    /// assert_eq!(error.to_string(), "unix:///tmp/e.sock: the peer is gone");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn on(mut self, endpoint: impl Into<Arc<Endpoint>>) -> Self {
        self.0.endpoint = Some(endpoint.into());
        self
    }

    /// Says what whoever reads this can do.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::InUse, "pid 7 listens here").remedy("stop it first");
    /// assert_eq!(error.to_string(), "pid 7 listens here (stop it first)");
    /// ```
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    /// The kind, to branch on.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{Error, ErrorKind};
    ///
    /// let error = Error::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
    /// assert_eq!(error.kind(), ErrorKind::Closed);
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The endpoint this happened on, where there is one: anonymous pipes have no address.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{Error, ErrorKind};
    ///
    /// assert!(Error::new(ErrorKind::Closed, "gone").endpoint().is_none());
    /// ```
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.0.endpoint.as_deref()
    }

    /// The operating system's error number, where the cause is a system call.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::Error;
    ///
    /// let error = Error::from(std::io::Error::from_raw_os_error(13));
    /// assert_eq!(error.raw_os_error(), Some(13));
    /// ```
    pub fn raw_os_error(&self) -> Option<i32> {
        self.0.cause.downcast_ref::<io::Error>()?.raw_os_error()
    }

    /// Whether the same call can succeed later without anything being changed by hand: nobody
    /// listens yet, a name or a limit is taken for now, a deadline passed.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{Error, ErrorKind};
    ///
    /// assert!(Error::new(ErrorKind::NotFound, "nobody listens").is_retryable());
    /// assert!(!Error::new(ErrorKind::Unsupported, "no mailslots").is_retryable());
    /// ```
    pub fn is_retryable(&self) -> bool {
        use ErrorKind::*;
        matches!(self.0.kind, NotFound | InUse | TimedOut | Exhausted | Lagged)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.doing, &self.0.endpoint) {
            (Some(doing), Some(endpoint)) => write!(f, "{doing} {endpoint}: ")?,
            (Some(doing), None) => write!(f, "{doing}: ")?,
            (None, Some(endpoint)) => write!(f, "{endpoint}: ")?,
            (None, None) => {}
        }
        write!(f, "{}", self.0.cause)?;
        match &self.0.remedy {
            Some(remedy) => write!(f, " ({remedy})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        // `Display` prints the cause already; its own source is the next link of the chain.
        self.0.cause.source()
    }
}

impl From<io::Error> for Error {
    fn from(cause: io::Error) -> Self {
        if cause.get_ref().is_some_and(|inner| inner.is::<Error>()) {
            // One of ours that travelled through an `AsyncRead` or a codec: unwrap it.
            if let Some(Ok(ours)) = cause.into_inner().map(|inner| inner.downcast::<Error>()) {
                return *ours;
            }
            return Self::new(ErrorKind::Io, "unknown error");
        }
        Self::new(kind_of(&cause), cause)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        use ErrorKind::*;
        let kind = match error.kind() {
            Closed => io::ErrorKind::BrokenPipe,
            Truncated => io::ErrorKind::UnexpectedEof,
            TooLarge | Malformed => io::ErrorKind::InvalidData,
            Address => io::ErrorKind::InvalidInput,
            InUse => io::ErrorKind::AddrInUse,
            Denied => io::ErrorKind::PermissionDenied,
            NotFound => io::ErrorKind::NotFound,
            TimedOut => io::ErrorKind::TimedOut,
            Unsupported => io::ErrorKind::Unsupported,
            Io | Lagged | Exhausted => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

fn kind_of(cause: &io::Error) -> ErrorKind {
    use io::ErrorKind as Os;
    match cause.kind() {
        Os::BrokenPipe | Os::ConnectionReset | Os::ConnectionAborted | Os::NotConnected => {
            ErrorKind::Closed
        }
        Os::UnexpectedEof => ErrorKind::Truncated,
        Os::InvalidData => ErrorKind::Malformed,
        Os::AddrInUse => ErrorKind::InUse,
        Os::PermissionDenied => ErrorKind::Denied,
        Os::NotFound | Os::ConnectionRefused => ErrorKind::NotFound,
        Os::TimedOut => ErrorKind::TimedOut,
        Os::Unsupported => ErrorKind::Unsupported,
        Os::OutOfMemory => ErrorKind::Exhausted,
        _ if crate::sys::is_exhausted(cause) => ErrorKind::Exhausted,
        _ => ErrorKind::Io,
    }
}
