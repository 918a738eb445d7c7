//! The number of a signal, as this system has it.

use std::ffi::c_int;

use crate::{Endpoint, Error, ErrorKind, Result, SignalName, sys};

/// A signal that this platform has, by name and number.
#[derive(Clone, Debug)]
pub(super) struct Number {
    pub(super) name: SignalName,
    pub(super) raw: c_int,
}

impl Number {
    /// Of a name without a process, to be received.
    pub(super) fn to_receive(name: &str) -> Result<Self> {
        let name: SignalName = name.parse()?;
        if let Some(pid) = name.pid() {
            let cause = format!("a receiver is of this process, and {pid} is named");
            let remedy = format!("write {}", name.name());
            return Err(Error::new(ErrorKind::Address, cause).remedy(remedy));
        }
        Self::of(name)
    }

    /// The same for who takes signals in the place of a handler.
    #[cfg(target_os = "linux")]
    pub(super) fn to_take(name: &str) -> Result<Self> {
        let number = Self::to_receive(name)?;
        if number.raw == libc::SIGCHLD {
            let cause = "CHLD is how the runtime learns that a child has ended";
            return Err(Error::new(ErrorKind::Denied, cause).remedy("use `signal::receiver`"));
        }
        Ok(number)
    }

    pub(super) fn of(name: SignalName) -> Result<Self> {
        let text = name.name();
        let Some(distance) = text.strip_prefix("RTM") else {
            let missing = || lacks(format!("this system has no signal {text}"));
            let raw = sys::signal_number(text).ok_or_else(missing)?;
            return Ok(Self { name, raw });
        };
        let Some(range) = sys::real_time_signals() else {
            return Err(lacks(format!("{text}: there are no real-time signals here")));
        };
        let (low, high) = (*range.start(), *range.end());
        let number = |text: &str| text.get(1..).map_or(Some(0), |n| n.parse::<c_int>().ok());
        let raw = match (distance.strip_prefix("IN"), distance.strip_prefix("AX")) {
            (Some(""), _) => Some(low),
            (_, Some("")) => Some(high),
            (Some(n), _) => number(n).map(|n| low + n),
            (_, Some(n)) => number(n).map(|n| high - n),
            _ => None,
        };
        match raw.filter(|raw| range.contains(raw)) {
            Some(raw) => Ok(Self { name, raw }),
            None => Err(lacks(format!(
                "{text} is none of this system's real-time signals, which are RTMIN to RTMIN+{}",
                high - low
            ))),
        }
    }

    /// Whether more than one of it can wait to be received.
    #[cfg(target_os = "linux")]
    pub(super) fn queues(&self) -> bool {
        sys::real_time_signals().is_some_and(|range| range.contains(&self.raw))
    }

    pub(super) fn endpoint(&self) -> Endpoint {
        Endpoint::Signal(self.name.clone())
    }
}

/// The name of a signal by its number, as [`SignalName`] spells it.
#[cfg(target_os = "linux")]
pub(super) fn name_of(raw: c_int) -> String {
    match (sys::signal_name(raw), sys::real_time_signals()) {
        (Some(name), _) => name.into(),
        (None, Some(range)) if raw == *range.start() => "RTMIN".into(),
        (None, Some(range)) => format!("RTMIN+{}", raw - range.start()),
        (None, None) => raw.to_string(),
    }
}

fn lacks(cause: String) -> Error {
    Error::new(ErrorKind::Unsupported, cause).remedy("choose another signal")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn number(name: &str) -> Result<c_int> {
        Number::to_take(name).map(|number| number.raw)
    }

    #[test]
    fn real_time_signals_are_counted_from_either_end() {
        assert_eq!(number("RTMIN").unwrap(), libc::SIGRTMIN());
        assert_eq!(number("RTMIN+0").unwrap(), libc::SIGRTMIN());
        assert_eq!(number("RTMIN+3").unwrap(), libc::SIGRTMIN() + 3);
        assert_eq!(number("RTMAX").unwrap(), libc::SIGRTMAX());
        assert_eq!(number("RTMAX-2").unwrap(), libc::SIGRTMAX() - 2);
        assert_eq!(name_of(libc::SIGRTMIN() + 3), "RTMIN+3");
        assert_eq!(name_of(libc::SIGRTMIN()), "RTMIN");
        assert_eq!(name_of(libc::SIGUSR1), "USR1");
    }

    #[test]
    fn what_is_not_there_or_not_ours_is_refused() {
        for name in ["RTMIN+31", "RTMAX-31", "RTMIN+62"] {
            assert_eq!(number(name).unwrap_err().kind(), ErrorKind::Unsupported, "{name}");
        }
        for name in ["KILL", "STOP", "SEGV", "BUS", "FPE", "ILL", "SIGUSR1", "", "32", "USR1@7"] {
            assert_eq!(number(name).unwrap_err().kind(), ErrorKind::Address, "{name}");
        }
        assert_eq!(number("CHLD").unwrap_err().kind(), ErrorKind::Denied);
        assert!(Number::to_receive("CHLD").is_ok());
    }
}
