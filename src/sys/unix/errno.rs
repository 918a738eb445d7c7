use std::io;

use rustix::io::Errno;

/// Whether this is a limit that somebody's closing of something lifts again.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(
            Errno::MFILE
                | Errno::NFILE
                | Errno::NOBUFS
                | Errno::NOMEM
                | Errno::DQUOT
                | Errno::TOOMANYREFS
        )
    )
}

/// Whether accept(2) reports with this the end of one connection before it was accepted: the next
/// one may be sound. See accept(2), "Error handling".
pub(crate) fn is_passing(error: &io::Error) -> bool {
    // `NONET` is Linux's own, and has no name elsewhere.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if Errno::from_io_error(error) == Some(Errno::NONET) {
        return true;
    }
    matches!(
        Errno::from_io_error(error),
        Some(
            Errno::CONNABORTED
                | Errno::INTR
                | Errno::PROTO
                | Errno::PERM
                | Errno::NOPROTOOPT
                | Errno::NETDOWN
                | Errno::NETUNREACH
                | Errno::HOSTDOWN
                | Errno::HOSTUNREACH
        )
    )
}
