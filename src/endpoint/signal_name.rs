//! The name of a signal, and of the process that it is for.

use std::{fmt, str::FromStr};

use super::refusal::{nearest, quoted, refused};
use crate::{Error, Result};

/// The signals of POSIX (signal.h, 2008 and 2024) that a program can catch and go on after.
const CATCHABLE: [&str; 23] = [
    "ABRT", "ALRM", "CHLD", "CONT", "HUP", "INT", "PIPE", "POLL", "PROF", "QUIT", "SYS", "TERM",
    "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
];
/// Beyond this distance from `RTMIN` or `RTMAX` no known system has a signal: Linux has 31 of
/// them, FreeBSD 62. Which of them exist here is for the verb to find out.
const MAX_DISTANCE: u32 = 62;

/// A signal by its name, such as `USR1` or `RTMIN+3`, and where it is to be sent, the process:
/// `RTMIN+3@4711`.
///
/// Names are those of POSIX without `SIG`, in capitals, and `RTMIN`, `RTMIN+n`, `RTMAX` and
/// `RTMAX-n` for the real-time signals. `KILL` and `STOP` cannot be caught, and a program cannot
/// go on after a fault's own signal (`BUS`, `FPE`, `ILL`, `SEGV`): these are refused. Which
/// real-time signals there are depends on the platform and is checked by the verbs.
///
/// # Examples
///
/// ```
/// use framewire::SignalName;
///
/// # fn main() -> framewire::Result<()> {
/// let signal: SignalName = "RTMIN+3@4711".parse()?;
/// assert_eq!((signal.name(), signal.pid()), ("RTMIN+3", Some(4711)));
/// assert_eq!(signal.to_string(), "RTMIN+3@4711");
///
/// let error = "SIGUSR1".parse::<SignalName>().unwrap_err();
/// assert_eq!(error.to_string(), r#"unknown signal "SIGUSR1" (write USR1)"#);
/// # Ok(())
/// # }
/// ```
///
/// # Platform
///
/// Every name parses everywhere. macOS has no real-time signals, Windows none of these.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SignalName {
    name: String,
    pid: Option<u32>,
}

impl SignalName {
    /// The name without `SIG`.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> framewire::Result<()> {
    /// assert_eq!("USR1@7".parse::<framewire::SignalName>()?.name(), "USR1");
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process to send to, from 1 to 2147483647; a receiver has none.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> framewire::Result<()> {
    /// assert_eq!("USR1@7".parse::<framewire::SignalName>()?.pid(), Some(7));
    /// assert_eq!("USR1".parse::<framewire::SignalName>()?.pid(), None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// Whether it is a real-time signal's name.
    #[cfg(target_os = "linux")]
    pub(crate) fn is_real_time(&self) -> bool {
        self.name.starts_with("RTM")
    }
}

impl FromStr for SignalName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, pid) = match text.split_once('@') {
            Some((name, pid)) => (name, Some(process(pid)?)),
            None => (text, None),
        };
        match is_known(name) {
            true => Ok(Self { name: name.into(), pid }),
            false => Err(unknown(name)),
        }
    }
}

/// As it is parsed.
impl fmt::Display for SignalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "{}@{pid}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

fn is_known(name: &str) -> bool {
    let distance = name.strip_prefix("RTMIN+").or_else(|| name.strip_prefix("RTMAX-"));
    match distance {
        Some(text) => decimal(text).is_some_and(|n| n <= MAX_DISTANCE),
        None => matches!(name, "RTMIN" | "RTMAX") || CATCHABLE.contains(&name),
    }
}

/// A number in its one spelling: no sign, no leading zero.
fn decimal(text: &str) -> Option<u32> {
    let is_canonical = text == "0" || text.starts_with(|c: char| matches!(c, '1'..='9'));
    is_canonical.then(|| text.parse().ok()).flatten()
}

/// 0 and negative numbers mean groups of processes to kill(2), so they are no process.
fn process(text: &str) -> Result<u32> {
    decimal(text).filter(|&pid| pid >= 1 && i32::try_from(pid).is_ok()).ok_or_else(|| {
        refused(
            format!("{} is not a process", quoted(text)),
            "write the number of a process behind the @, from 1 to 2147483647",
        )
    })
}

fn unknown(name: &str) -> Error {
    let bare = name.to_ascii_uppercase();
    let bare = bare.strip_prefix("SIG").unwrap_or(&bare);
    match bare {
        "KILL" | "STOP" => refused(
            format!("{bare} cannot be caught: the system acts on it by itself"),
            "use TERM or USR1",
        ),
        "BUS" | "FPE" | "ILL" | "SEGV" => refused(
            format!("{bare} reports a fault that a program cannot go on after"),
            "use USR1 or RTMIN+1",
        ),
        _ if bare != name && is_known(bare) => {
            refused(format!("unknown signal {}", quoted(name)), format!("write {bare}"))
        }
        _ if bare.starts_with("RTM") => refused(
            format!("unknown signal {}", quoted(name)),
            format!("write RTMIN+n or RTMAX-n with n from 0 to {MAX_DISTANCE}"),
        ),
        _ => refused(
            format!("unknown signal {}", quoted(name)),
            match nearest(bare, CATCHABLE.into_iter()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("one of {}, RTMIN+n, RTMAX-n", CATCHABLE.join(", ")),
            },
        ),
    }
}
