//! Sending a signal to a process that cannot be mistaken for another.

#![allow(unsafe_code)]

use std::{
    ffi::c_int,
    io,
    os::fd::{AsRawFd, BorrowedFd},
    ptr,
};

use super::signal_info::{RawInfo, SignalSender, SignalValue};

/// Sends one, with a value and whose it is, or as kill(2) does; pidfd_send_signal(2).
pub(crate) fn send_signal(
    process: BorrowedFd<'_>,
    signal: c_int,
    value: Option<(SignalSender, SignalValue)>,
) -> io::Result<()> {
    let info = value.map(|(sender, value)| RawInfo::queued_by(sender, signal, value));
    let info = info.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the descriptor is open for as long as it is borrowed; the pointer is null, or to 128
    // initialised bytes that live through the call, which is what the kernel copies.
    let sent =
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal, info, 0) };
    if sent == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::{os::fd::AsFd, process::Command};

    use super::*;
    use crate::sys::watch_process;

    #[test]
    fn a_process_that_is_no_more_is_not_sent_to() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let process = watch_process(child.id()).unwrap().unwrap();
        send_signal(process.as_fd(), 0, None).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let gone = send_signal(process.as_fd(), libc::SIGUSR1, None).unwrap_err();
        assert_eq!(gone.raw_os_error(), Some(libc::ESRCH));
    }
}
