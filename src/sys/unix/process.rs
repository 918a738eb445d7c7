//! Processes by their numbers, told from others that had or will have the same.

use std::{fs, io, os::fd::OwnedFd};

/// When a process began, in ticks since the system did: no two of one number have that in common;
/// proc_pid_stat(5). `None` where there is no such process, or no `/proc` to tell.
pub(crate) fn began(pid: u32) -> Option<u64> {
    beginning(&pid.to_string())
}

/// When this process began. In a namespace of processes that has no `/proc` of its own, its number
/// there is somebody else's.
pub(crate) fn we_began() -> Option<u64> {
    beginning("self")
}

fn beginning(of: &str) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{of}/stat")).ok()?;
    // Its name, in brackets, can hold anything; behind it the fields are numbered from 3.
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(22 - 3)?.parse().ok()
}

/// A descriptor that is readable when the process has ended; pidfd_open(2). `None` where there is
/// no such process any more, or none that we could see.
#[cfg(target_os = "linux")]
pub(crate) fn watch_process(pid: u32) -> io::Result<Option<OwnedFd>> {
    use rustix::{
        io::Errno,
        process::{Pid, PidfdFlags, pidfd_open},
    };

    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => Ok(Some(process)),
        // A sandbox, or a kernel before 5.3.
        Err(Errno::SRCH | Errno::PERM | Errno::ACCESS | Errno::NOSYS | Errno::INVAL) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// None is to be had: Android lets no application have that call.
#[cfg(target_os = "android")]
pub(crate) fn watch_process(_: u32) -> io::Result<Option<OwnedFd>> {
    Ok(None)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{os::fd::AsFd, process};

    use super::*;
    use crate::sys::has_ended;

    #[test]
    fn a_process_has_one_beginning_and_one_end() {
        let ours = we_began().unwrap();
        assert_eq!(began(process::id()), Some(ours));
        let mut child = process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(began(child.id()).unwrap() >= ours);
        let watch = watch_process(child.id()).unwrap().unwrap();
        assert!(!has_ended(watch.as_fd()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(has_ended(watch.as_fd()));
        assert!(watch_process(child.id()).unwrap().is_none());
        assert!(watch_process(0).unwrap().is_none());
    }
}
