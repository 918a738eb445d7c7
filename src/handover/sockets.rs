//! All sockets that this process was started with.

use std::{
    env, io,
    os::fd::{AsFd, OwnedFd, RawFd},
    sync::atomic::{AtomicBool, Ordering},
};

use super::{
    Inherited,
    previous::Previous,
    systemd,
    variable::{Given, Left, Named, VARIABLE},
};
use crate::{
    Accepted, BoxListener, Error, ErrorKind, Result,
    names::Estate,
    sys::{self, Entry, Family, What},
    tcp, unix,
};

/// The most sockets that are taken over.
pub(super) const MAX: usize = 1024;

/// The sockets that this process was started with, each under its name.
///
/// Several may share a name: they are given out in order. What is dropped with this is closed.
///
/// # Examples
///
/// With two sockets, from a unit file or from
/// `systemd-socket-activate -l 7000 -l /tmp/admin.sock --fdname=web:admin`:
///
/// ```no_run
/// use framewire::handover::Sockets;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// let mut sockets = Sockets::inherited()?;
/// let web = sockets.listener("web")?;
/// let admin = sockets.listener("admin")?;
/// sockets.ready().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Sockets {
    sockets: Vec<(String, Inherited)>,
    previous: Option<Previous>,
}

impl Sockets {
    /// Takes over, once, what this process was started with: by its previous version
    /// ([`Handover`](super::Handover)), or else by systemd, if it was meant for this very process.
    ///
    /// Where it was started with nothing there is nothing in it, and no error. All descriptors
    /// become close-on-exec. Call it early: until then children would inherit them too.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{ErrorKind, handover::Sockets};
    ///
    /// # fn main() -> framewire::Result<()> {
    /// // This process was started by somebody else.
    /// assert_eq!(Sockets::inherited()?.names().count(), 0);
    /// assert_eq!(Sockets::inherited().unwrap_err().kind(), ErrorKind::NotFound);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Malformed`](ErrorKind::Malformed): the environment does not say what it should, or names
    /// descriptors that nobody has left here; systemd's is sd_listen_fds(3).
    /// [`NotFound`](ErrorKind::NotFound): they were taken already.
    pub fn inherited() -> Result<Self> {
        static TAKEN: AtomicBool = AtomicBool::new(false);

        // Relaxed: it orders nothing, it only lets one caller through.
        if TAKEN.swap(true, Ordering::Relaxed) {
            return Err(doing(Error::new(ErrorKind::NotFound, "they were taken already")));
        }
        let sockets = match from_previous() {
            Ok(Some(sockets)) => Ok(sockets),
            Ok(None) => from_systemd(),
            Err(error) => Err(error),
        };
        let sockets = sockets.map_err(doing)?;
        tracing::debug!(names = ?sockets.names().collect::<Vec<_>>(), "inherited");
        Ok(sockets)
    }

    /// The names of those that were not given out yet, in order.
    ///
    /// systemd names a socket by `FileDescriptorName=`, or after its unit (`app.socket`); one for
    /// a single connection is "connection", and one without a name "unknown".
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::handover::Sockets;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// let sockets = Sockets::inherited()?;
    /// for unexpected in sockets.names().filter(|name| !["web", "admin"].contains(name)) {
    ///     eprintln!("nobody will answer on the socket {unexpected}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sockets.iter().map(|(name, _)| name.as_str())
    }

    /// Gives out the first of this name, to be adopted with options of your own.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    pub fn take(&mut self, name: &str) -> Option<Inherited> {
        let first = self.sockets.iter().position(|(own, _)| own == name)?;
        Some(self.sockets.remove(first).1)
    }

    /// A listener on the first of this name, with default options, whatever it listens on.
    ///
    /// # Examples
    ///
    /// See [`Sockets`].
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound): there is none of this name.
    /// [`Malformed`](ErrorKind::Malformed): it is something else, and the message says what; it is
    /// still there for [`take`](Self::take). And when there is no Tokio runtime here.
    pub fn listener(&mut self, name: &str) -> Result<BoxListener> {
        let wanted = [
            What::listener(Family::Unix),
            What::listener(Family::Internet),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            What::packet_listener(),
        ];
        let (socket, found) = self.take_one_of(name, &wanted)?;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if found == What::packet_listener() {
            return Ok(unix::seqpacket::Options::new().adopt_listener(socket)?.into());
        }
        if found == What::listener(Family::Unix) {
            return Ok(unix::Options::new().adopt_listener(socket)?.into());
        }
        Ok(tcp::Options::new().adopt_listener(socket)?.into())
    }

    /// The connection that this process was started for, with default options: systemd's
    /// `Accept=yes`, where its name is "connection" unless the unit says otherwise.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use framewire::handover::Sockets;
    /// use futures::StreamExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (sink, stream) = Sockets::inherited()?.connection("connection")?.io.split();
    /// stream.forward(sink).await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`listener`](Self::listener); and [`Denied`](ErrorKind::Denied) where the peer came to an
    /// abstract name and is of another user.
    pub fn connection(&mut self, name: &str) -> Result<Accepted> {
        let wanted = [What::connection(Family::Unix), What::connection(Family::Internet)];
        let (socket, found) = self.take_one_of(name, &wanted)?;
        let (socket, _) = socket.into_parts();
        if found == What::connection(Family::Unix) {
            return Ok(unix::Options::new().adopt(socket)?.into());
        }
        Ok(tcp::Options::new().adopt(socket)?.into())
    }

    /// Tells the previous version that this one is ready, and waits until the sockets and their
    /// names are this one's: from then on its listeners accept. Where there is no previous version
    /// it has nothing to do.
    ///
    /// Call it when all is set up, listeners included, before they are served. If it is never
    /// called, or this is dropped first, the previous version goes on and this process is killed.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// [`Closed`](ErrorKind::Closed): the previous version has given up on this one: do not serve.
    /// [`TimedOut`](ErrorKind::TimedOut): it has not answered for 30 s; it may do so yet. And when
    /// there is no Tokio runtime here, or one without its I/O driver or timers.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: what was said stays said, and calling it again goes on waiting.
    pub async fn ready(&mut self) -> Result<()> {
        if let Some(previous) = &mut self.previous {
            let ready = previous.ready().await;
            ready.map_err(|error| error.doing("take over from the previous version"))?;
            self.previous = None;
        }
        Ok(())
    }

    fn take_one_of(&mut self, name: &str, wanted: &[What]) -> Result<(Inherited, What)> {
        let refused = |kind, cause: String| Err(Error::new(kind, cause).doing("adopt a socket"));
        let Some((_, first)) = self.sockets.iter().find(|(own, _)| own == name) else {
            let names: Vec<_> = self.names().collect();
            return refused(ErrorKind::NotFound, format!("none is named {name:?}, of {names:?}"));
        };
        let found = What::is(first.as_fd())?;
        match self.take_if(name, wanted.contains(&found)) {
            Some(socket) => Ok((socket, found)),
            None => {
                let wanted: Vec<_> = wanted.iter().map(What::to_string).collect();
                let cause = format!("{name:?} is {found}, not {}", wanted.join(" or "));
                refused(ErrorKind::Malformed, cause)
            }
        }
    }

    fn take_if(&mut self, name: &str, wanted: bool) -> Option<Inherited> {
        if wanted { self.take(name) } else { None }
    }
}

/// What the previous version has left, if one has, and has left it to us.
fn from_previous() -> Result<Option<Sockets>> {
    let Some(value) = env::var_os(VARIABLE) else { return Ok(None) };
    let Some(left) = value.to_str().and_then(Left::read) else {
        return Err(malformed(format!("{VARIABLE} is {value:?}, which no version of us writes")));
    };
    let is_meant = |fd: std::os::fd::BorrowedFd<'_>| match Entry::of(fd)?.identity.inode {
        inode if inode == left.inode => Ok(()),
        _ => Err(io::Error::other("it is another file")),
    };
    let control = match sys::inherit(left.control, is_meant) {
        Ok(control) => control,
        Err(error) => {
            tracing::debug!(%error, "{VARIABLE} was meant for a process further up");
            return Ok(None);
        }
    };
    let mut previous = Previous::new(control);
    let mut sockets = Vec::with_capacity(left.sockets.len());
    for (name, Given { socket, path }) in left.sockets {
        let socket = take_over(socket)?;
        let placed = path.map(inherit).transpose()?;
        if let Some(placed) = &placed {
            previous.add(placed);
        }
        sockets.push((name, Inherited { placed, socket, opened: Some(previous.opened()) }));
    }
    Ok(Some(Sockets { sockets, previous: Some(previous) }))
}

fn from_systemd() -> Result<Sockets> {
    let mut sockets = Vec::new();
    for (name, fd) in systemd::left()? {
        sockets.push((name, take_over(fd)?.into()));
    }
    Ok(Sockets { sockets, previous: None })
}

fn inherit(named: Named) -> Result<crate::names::Placed> {
    let Named { lock, directory, identity, path } = named;
    let (lock, directory) = (take_over(lock)?, take_over(directory)?);
    Estate { lock, directory, identity, path }.inherit()
}

/// Any kind: systemd leaves FIFOs and files too. What it is is told when it is asked for.
fn take_over(fd: RawFd) -> Result<OwnedFd> {
    sys::inherit(fd, |_| Ok(())).map_err(|error| malformed(error.to_string()))
}

fn malformed(cause: String) -> Error {
    Error::new(ErrorKind::Malformed, cause).remedy("start it by systemd or by its previous version")
}

fn doing(error: Error) -> Error {
    error.doing("inherit sockets")
}
