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

/// Whether a datagram socket reports with this what became of a datagram that it sent before, as
/// the network told (icmp(7)), or a want of memory: the socket is as good as before.
pub(crate) fn is_told_of_a_datagram(error: &io::Error) -> bool {
    let told = matches!(
        Errno::from_io_error(error),
        Some(Errno::CONNREFUSED | Errno::CONNRESET | Errno::MSGSIZE | Errno::OPNOTSUPP)
    );
    told || is_passing(error) || is_exhausted(error)
}

/// Whether a message is larger than the socket sends.
pub(crate) fn is_too_long(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::MSGSIZE)
}

/// Whether this is how a full queue is told: on Linux it never is, and the BSDs tell of a
/// datagram's that way.
pub(crate) fn is_want_of_room(error: &io::Error) -> bool {
    let is_linux = cfg!(any(target_os = "linux", target_os = "android"));
    !is_linux && Errno::from_io_error(error) == Some(Errno::NOBUFS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_network_tells_is_not_about_the_socket() {
        let told = [Errno::CONNREFUSED, Errno::HOSTUNREACH, Errno::MSGSIZE, Errno::NOPROTOOPT];
        assert!(told.into_iter().map(io::Error::from).all(|error| is_told_of_a_datagram(&error)));
        let broken = [Errno::BADF, Errno::NOTSOCK, Errno::FAULT, Errno::INVAL];
        assert!(
            !broken.into_iter().map(io::Error::from).any(|error| is_told_of_a_datagram(&error))
        );
    }
}
