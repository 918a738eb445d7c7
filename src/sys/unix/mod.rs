//! System calls of the Unix family.

mod errno;

pub(crate) use errno::is_exhausted;
