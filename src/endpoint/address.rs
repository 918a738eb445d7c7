//! An address of any mechanism.

use std::{fmt, path::PathBuf, str::FromStr};

use super::{
    HostPort, SignalName, SocketName, flat_name,
    refusal::{can_be_repeated, nearest, quoted, refused},
};
use crate::{Error, Profile, Result, profile::rows};

/// An address: `scheme://rest`, where the rest is the mechanism's own name, taken as it is.
///
/// There is no percent-decoding and no query; options belong to builders. Every address parses on
/// every platform and with every feature. What was parsed is printed back as it was. Paths are
/// absolute, so they have three slashes: `unix:///run/app.sock`. Anonymous pipes, socket pairs and
/// anonymous shared memory have no address.
///
/// The variants can also be made by hand; what parsing would have refused (a relative path, an
/// empty name) is then refused by the verb, and such an address does not read back.
///
/// # Examples
///
/// ```
/// use framewire::{Endpoint, SocketName};
///
/// # fn main() -> framewire::Result<()> {
/// let endpoint: Endpoint = "unix:///run/app.sock".parse()?;
/// assert_eq!(endpoint, Endpoint::Unix(SocketName::Path("/run/app.sock".into())));
/// assert_eq!(endpoint.to_string(), "unix:///run/app.sock");
///
/// let error = "unix://run/app.sock".parse::<Endpoint>().unwrap_err();
/// assert!(error.to_string().ends_with("(write three slashes: unix:///run/app.sock)"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `unix:///path`, `unix://@abstract`: a stream over a Unix-domain socket.
    Unix(SocketName),
    /// `seqpacket:///path`, `seqpacket://@abstract`: a connection that keeps boundaries itself.
    Seqpacket(SocketName),
    /// `datagram:///path`, `datagram://@abstract`: Unix-domain datagrams.
    Datagram(SocketName),
    /// `fifo:///path`: a named pipe of Unix.
    Fifo(PathBuf),
    /// `tcp://host:port`.
    Tcp(HostPort),
    /// `tls://host:port`: TLS over TCP.
    Tls(HostPort),
    /// `udp://host:port`, of a host or of a multicast group.
    Udp(HostPort),
    /// `shm:///path`, `shm://@abstract`: shared memory, agreed upon over that Unix-domain socket.
    Shm(SocketName),
    /// `shm+named://name`: shared memory that is found by its name, of 1 to 200 bytes.
    ShmNamed(String),
    /// `shm+broadcast:///path`: shared memory that every subscriber reads.
    ShmBroadcast(PathBuf),
    /// `shm+latest:///path`: shared memory that holds the latest value only.
    ShmLatest(PathBuf),
    /// `mq:///name`: a POSIX message queue; the slash belongs to the name, of 1 to 255 bytes more.
    Mq(String),
    /// `semaphore:///name`: a POSIX semaphore; the slash belongs to the name, of 1 to 251 bytes
    /// more.
    Semaphore(String),
    /// `lease:///path`: permits that the kernel takes back from a process that died.
    Lease(PathBuf),
    /// `signal://USR1`, `signal://RTMIN+3`, and to send `signal://RTMIN+3@PID`.
    Signal(SignalName),
    /// `file:///path`: a log file.
    File(PathBuf),
    /// `mmap:///dir`: a journal of memory-mapped files in that directory.
    Mmap(PathBuf),
    /// `mailslot://name`, and to send `mailslot://*/name`: a mailslot of Windows, 1 to 200 bytes.
    Mailslot(String),
    /// `grpc://host:port`: gRPC over TCP.
    Grpc(HostPort),
    /// `grpc+unix:///path`, `grpc+unix://@abstract`: gRPC over a Unix-domain socket.
    GrpcUnix(SocketName),
    /// `grpc+shm:///path`, `grpc+shm://@abstract`: gRPC over shared memory.
    GrpcShm(SocketName),
}

impl Endpoint {
    /// What stands before `://`.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> framewire::Result<()> {
    /// let endpoint: framewire::Endpoint = "shm+named://jobs".parse()?;
    /// assert_eq!(endpoint.scheme(), "shm+named");
    /// # Ok(())
    /// # }
    /// ```
    pub fn scheme(&self) -> &'static str {
        self.profile().scheme
    }

    /// What the mechanism promises.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> framewire::Result<()> {
    /// let endpoint: framewire::Endpoint = "udp://127.0.0.1:7000".parse()?;
    /// assert!(endpoint.profile().loss.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn profile(&self) -> &'static Profile {
        match self {
            Self::Unix(_) => &rows::UNIX,
            Self::Seqpacket(_) => &rows::SEQPACKET,
            Self::Datagram(_) => &rows::DATAGRAM,
            Self::Fifo(_) => &rows::FIFO,
            Self::Tcp(_) => &rows::TCP,
            Self::Tls(_) => &rows::TLS,
            Self::Udp(_) => &rows::UDP,
            Self::Shm(_) => &rows::SHM,
            Self::ShmNamed(_) => &rows::SHM_NAMED,
            Self::ShmBroadcast(_) => &rows::SHM_BROADCAST,
            Self::ShmLatest(_) => &rows::SHM_LATEST,
            Self::Mq(_) => &rows::MQ,
            Self::Semaphore(_) => &rows::SEMAPHORE,
            Self::Lease(_) => &rows::LEASE,
            Self::Signal(_) => &rows::SIGNAL,
            Self::File(_) => &rows::FILE,
            Self::Mmap(_) => &rows::MMAP,
            Self::Mailslot(_) => &rows::MAILSLOT,
            Self::Grpc(_) => &rows::GRPC,
            Self::GrpcUnix(_) => &rows::GRPC_UNIX,
            Self::GrpcShm(_) => &rows::GRPC_SHM,
        }
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse(text).map_err(|error| error.doing(format!("parse {}", quoted(text))))
    }
}

/// As it is parsed. A path that is not UTF-8, which no text parses to, is printed with
/// replacement characters.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme())?;
        match self {
            Self::Unix(name)
            | Self::Seqpacket(name)
            | Self::Datagram(name)
            | Self::Shm(name)
            | Self::GrpcUnix(name)
            | Self::GrpcShm(name) => write!(f, "{name}"),
            Self::Tcp(host) | Self::Tls(host) | Self::Udp(host) | Self::Grpc(host) => {
                write!(f, "{host}")
            }
            Self::Fifo(path)
            | Self::ShmBroadcast(path)
            | Self::ShmLatest(path)
            | Self::Lease(path)
            | Self::File(path)
            | Self::Mmap(path) => write!(f, "{}", path.display()),
            Self::ShmNamed(name)
            | Self::Mq(name)
            | Self::Semaphore(name)
            | Self::Mailslot(name) => f.write_str(name),
            Self::Signal(signal) => write!(f, "{signal}"),
        }
    }
}

fn parse(text: &str) -> Result<Endpoint> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(no_scheme(text));
    };
    if text.contains('\0') {
        return Err(refused("a NUL byte in the address", "leave the NUL byte out"));
    }
    Ok(match scheme {
        "unix" => Endpoint::Unix(socket(scheme, rest)?),
        "seqpacket" => Endpoint::Seqpacket(socket(scheme, rest)?),
        "datagram" => Endpoint::Datagram(socket(scheme, rest)?),
        "fifo" => Endpoint::Fifo(path(scheme, rest)?),
        "tcp" => Endpoint::Tcp(rest.parse()?),
        "tls" => Endpoint::Tls(rest.parse()?),
        "udp" => Endpoint::Udp(rest.parse()?),
        "shm" => Endpoint::Shm(socket(scheme, rest)?),
        "shm+named" => Endpoint::ShmNamed(flat_name::shared_memory(rest)?),
        "shm+broadcast" => Endpoint::ShmBroadcast(path(scheme, rest)?),
        "shm+latest" => Endpoint::ShmLatest(path(scheme, rest)?),
        "mq" => Endpoint::Mq(flat_name::queue(rest)?),
        "semaphore" => Endpoint::Semaphore(flat_name::semaphore(rest)?),
        "lease" => Endpoint::Lease(path(scheme, rest)?),
        "signal" => Endpoint::Signal(rest.parse()?),
        "file" => Endpoint::File(path(scheme, rest)?),
        "mmap" => Endpoint::Mmap(path(scheme, rest)?),
        "mailslot" => Endpoint::Mailslot(flat_name::mailslot(rest)?),
        "grpc" => Endpoint::Grpc(rest.parse()?),
        "grpc+unix" => Endpoint::GrpcUnix(socket(scheme, rest)?),
        "grpc+shm" => Endpoint::GrpcShm(socket(scheme, rest)?),
        _ => return Err(unknown_scheme(scheme, rest)),
    })
}

fn socket(scheme: &str, rest: &str) -> Result<SocketName> {
    match rest.starts_with('@') {
        true => rest.parse(),
        false => Ok(SocketName::Path(path(scheme, rest)?)),
    }
}

/// The rule is textual, so that a configuration means the same on every platform.
fn path(scheme: &str, rest: &str) -> Result<PathBuf> {
    if rest.starts_with('/') {
        return Ok(rest.into());
    }
    let cause = match rest {
        "" => "the path is missing".into(),
        _ => format!("the path {} does not start with a slash", quoted(rest)),
    };
    Err(refused(
        cause,
        match !rest.is_empty() && can_be_repeated(rest) {
            true => format!("write three slashes: {scheme}:///{rest}"),
            false => format!("write three slashes and the path, such as {scheme}:///run/app"),
        },
    ))
}

/// Guesses what a text without a scheme was meant to be, where that is plain to see.
fn no_scheme(text: &str) -> Error {
    let remedy = if !can_be_repeated(text) {
        all_schemes()
    } else if text.starts_with('/') {
        format!("write unix://{text} for a Unix socket, file://{text} for a log file")
    } else if text.starts_with('@') {
        format!("write unix://{text} for an abstract Unix socket")
    } else if text.parse::<HostPort>().is_ok() {
        format!("write tcp://{text}")
    } else {
        let slashed = text.replacen(':', "://", 1);
        match slashed != text && parse(&slashed).is_ok() {
            true => format!("write {slashed}"),
            false => all_schemes(),
        }
    };
    refused("no scheme", remedy)
}

/// Suggests another scheme only where the rest is right for it: `uds:///path` is not a bad `udp`.
fn unknown_scheme(scheme: &str, rest: &str) -> Error {
    if Profile::of(scheme).is_some() {
        return refused(
            format!("a {scheme} has no address"),
            format!("use the functions of the module `{scheme}`, or fifo:///PATH for a named pipe"),
        );
    }
    let near = nearest(&scheme.to_ascii_lowercase(), schemes())
        .map(|near| format!("{near}://{rest}"))
        .filter(|near| can_be_repeated(near) && parse(near).is_ok());
    let remedy = near.map_or_else(all_schemes, |near| format!("did you mean {near}?"));
    refused(format!("unknown scheme {}", quoted(scheme)), remedy)
}

fn schemes() -> impl Iterator<Item = &'static str> {
    Profile::all().iter().filter(|row| !row.addresses.is_empty()).map(|row| row.scheme)
}

fn all_schemes() -> String {
    let schemes: Vec<_> = schemes().collect();
    format!("write SCHEME://NAME with one of {}", schemes.join(", "))
}
