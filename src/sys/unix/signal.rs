//! Signals by their names.

use std::{ffi::c_int, ops::RangeInclusive};

/// The number of a signal of POSIX by its name without `SIG`, where this platform has it.
pub(crate) fn signal_number(name: &str) -> Option<c_int> {
    let (_, number) = STANDARD.iter().find(|(known, _)| *known == name)?;
    Some(*number)
}

/// The name without `SIG` of a signal of POSIX.
#[cfg(target_os = "linux")]
pub(crate) fn signal_name(number: c_int) -> Option<&'static str> {
    let (name, _) = STANDARD.iter().find(|(_, known)| *known == number)?;
    Some(name)
}

/// The real-time signals that a program may use: the C library keeps some for itself, and says so
/// only when it is asked. `None` where there are none, or none that the runtime would take.
pub(crate) fn real_time_signals() -> Option<RangeInclusive<c_int>> {
    #[cfg(target_os = "linux")]
    return Some(libc::SIGRTMIN()..=libc::SIGRTMAX());
    #[cfg(not(target_os = "linux"))]
    return None;
}

/// What POSIX calls POLL is IO elsewhere.
#[cfg(any(target_os = "linux", target_os = "android"))]
const POLL: c_int = libc::SIGPOLL;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const POLL: c_int = libc::SIGIO;

const STANDARD: [(&str, c_int); 23] = [
    ("ABRT", libc::SIGABRT),
    ("ALRM", libc::SIGALRM),
    ("CHLD", libc::SIGCHLD),
    ("CONT", libc::SIGCONT),
    ("HUP", libc::SIGHUP),
    ("INT", libc::SIGINT),
    ("PIPE", libc::SIGPIPE),
    ("POLL", POLL),
    ("PROF", libc::SIGPROF),
    ("QUIT", libc::SIGQUIT),
    ("SYS", libc::SIGSYS),
    ("TERM", libc::SIGTERM),
    ("TRAP", libc::SIGTRAP),
    ("TSTP", libc::SIGTSTP),
    ("TTIN", libc::SIGTTIN),
    ("TTOU", libc::SIGTTOU),
    ("URG", libc::SIGURG),
    ("USR1", libc::SIGUSR1),
    ("USR2", libc::SIGUSR2),
    ("VTALRM", libc::SIGVTALRM),
    ("WINCH", libc::SIGWINCH),
    ("XCPU", libc::SIGXCPU),
    ("XFSZ", libc::SIGXFSZ),
];

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn every_catchable_name_has_a_number() {
        for (name, number) in STANDARD {
            assert!(name.parse::<crate::SignalName>().is_ok(), "{name}");
            assert_eq!(signal_number(name), Some(number));
            assert_eq!(signal_name(number), Some(name));
        }
        assert_eq!(signal_number("KILL"), None);
    }

    /// 32 and 33 are glibc's own, and musl's with 34.
    #[test]
    fn the_c_librarys_own_are_not_among_them() {
        let range = real_time_signals().unwrap();
        assert!(*range.start() >= 34 && *range.end() == 64, "{range:?}");
    }
}
