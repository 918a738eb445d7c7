//! System calls of the Unix family.

mod bytes;
mod cpus;
mod errno;

pub(crate) use bytes::{
    grow_pipe, read, recv, send, send_vectored, set_nonblocking, shutdown_write, write,
    write_vectored,
};
pub(crate) use cpus::runs_beside_its_peers;
pub(crate) use errno::is_exhausted;
