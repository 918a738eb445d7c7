//! System calls of Windows.

use std::io;

/// Whether this is a limit that somebody's closing of something lifts again:
/// `WSAEMFILE`, `WSAENOBUFS`, `ERROR_TOO_MANY_OPEN_FILES`.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(10024 | 10055 | 4))
}

/// Whether there is a second CPU for a peer to run on.
pub(crate) fn runs_beside_its_peers() -> bool {
    std::thread::available_parallelism().is_ok_and(|cpus| cpus.get() > 1)
}

/// Whether accepting reports with this the end of one connection before it was accepted:
/// `WSAEINTR`, `WSAECONNABORTED`, `WSAECONNRESET`.
pub(crate) fn is_passing(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(10004 | 10053 | 10054))
}

/// Nothing is kept here: Windows bounds handles by memory alone.
#[derive(Debug)]
pub(crate) struct Reserve;

/// There is nothing to keep, and so nothing that fails.
pub(crate) fn reserve() -> io::Result<Reserve> {
    Ok(Reserve)
}
