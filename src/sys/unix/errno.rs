use std::io;

use rustix::io::Errno;

/// Whether this is a limit that somebody's closing of something lifts again.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM | Errno::DQUOT)
    )
}
