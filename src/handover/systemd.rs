//! What systemd says in the environment: sd_listen_fds(3).

use std::{env, ffi::OsString, os::fd::RawFd};

use super::{sockets::MAX, variable::is_name};
use crate::{Error, ErrorKind, Result};

/// All three, so that they are not passed on to who they are not meant for.
pub(super) const VARIABLES: [&str; 3] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

/// The first descriptor: the others follow it.
const START: RawFd = 3;

/// What systemd calls a socket that was given no name.
const NAMELESS: &str = "unknown";

/// The numbers that were left to this process, and their names.
pub(super) fn left() -> Result<Vec<(String, RawFd)>> {
    let [pid, fds, names] = VARIABLES.map(env::var_os);
    let names = parse(pid, fds, names, std::process::id())?;
    Ok(names.into_iter().zip(START..).collect())
}

/// The names of what is meant for this process, in order.
fn parse(
    pid: Option<OsString>,
    fds: Option<OsString>,
    names: Option<OsString>,
    own_pid: u32,
) -> Result<Vec<String>> {
    let Some(pid) = pid else { return Ok(Vec::new()) };
    let Some(pid) = number(&pid).filter(|&pid| pid > 0) else {
        return Err(malformed(format!("LISTEN_PID is {pid:?}, not the number of a process")));
    };
    // It was meant for a process further up.
    if pid != own_pid {
        return Ok(Vec::new());
    }
    let Some(fds) = fds else { return Ok(Vec::new()) };
    let Some(count) = number(&fds).map(|count| count as usize) else {
        return Err(malformed(format!("LISTEN_FDS is {fds:?}, not a number of descriptors")));
    };
    if count > MAX {
        return Err(malformed(format!("LISTEN_FDS is {count}, limit {MAX}")));
    }
    let Some(names) = names else { return Ok(vec![NAMELESS.into(); count]) };
    let Some(text) = names.to_str() else {
        return Err(malformed(format!("LISTEN_FDNAMES is {names:?}, which is no text")));
    };
    let names: Vec<String> = match count {
        0 => Vec::new(),
        // One more than there should be tells that there are too many.
        _ => text.splitn(count + 1, ':').map(str::to_owned).collect(),
    };
    if names.len() != count {
        let cause = format!("LISTEN_FDNAMES does not have a name for each of {count} descriptors");
        return Err(malformed(cause));
    }
    match names.iter().find(|name| !is_name(name)) {
        Some(name) => Err(malformed(format!("LISTEN_FDNAMES has {name:?}, which is no name"))),
        None => Ok(names),
    }
}

/// Digits only: the standard library takes a plus sign too.
fn number(text: &OsString) -> Option<u32> {
    let text = text.to_str()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn malformed(cause: String) -> Error {
    Error::new(ErrorKind::Malformed, cause)
        .remedy("start this program by systemd, or unset LISTEN_PID")
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn names(pid: &str, fds: Option<&str>, names: Option<&str>) -> Result<Vec<String>> {
        parse(Some(pid.into()), fds.map(Into::into), names.map(Into::into), 7)
    }

    #[test]
    fn what_is_meant_for_us_is_understood() {
        assert_eq!(names("7", Some("2"), Some("web:admin")).unwrap(), ["web", "admin"]);
        assert_eq!(names("7", Some("2"), Some("web:web")).unwrap(), ["web", "web"]);
        assert_eq!(names("7", Some("2"), None).unwrap(), ["unknown", "unknown"]);
        assert_eq!(names("7", Some("1"), Some("")).unwrap(), [""]);
        assert_eq!(names("7", Some("1"), Some("a b=c;$HOME.socket")).unwrap().len(), 1);
        for none in [
            parse(None, Some("2".into()), None, 7),
            names("8", Some("a lot"), None),
            names("4294967295", Some("2"), None),
            names("7", None, None),
            names("7", Some("0"), None),
            names("7", Some("0"), Some("")),
        ] {
            assert_eq!(none.unwrap(), [""; 0]);
        }
    }

    #[test]
    fn what_systemd_never_says_is_refused() {
        let long = "x".repeat(256);
        let many = format!("a{}", ":a".repeat(MAX));
        for (pid, fds, given, says) in [
            ("", "1", "a", "LISTEN_PID"),
            ("0", "1", "a", "LISTEN_PID"),
            ("-7", "1", "a", "LISTEN_PID"),
            ("+7", "1", "a", "LISTEN_PID"),
            (" 7", "1", "a", "LISTEN_PID"),
            ("99999999999", "1", "a", "LISTEN_PID"),
            ("7", "", "a", "LISTEN_FDS"),
            ("7", "-1", "a", "LISTEN_FDS"),
            ("7", "1x", "a", "LISTEN_FDS"),
            ("7", "2147483648", "a", "limit"),
            ("7", "4294967296", "a", "LISTEN_FDS"),
            ("7", "1025", &many, "limit"),
            ("7", "2", "a", "for each of 2"),
            ("7", "2", "a:b:c", "for each of 2"),
            ("7", "1", "a:", "for each of 1"),
            ("7", "1", "a\nb", "is no name"),
            ("7", "1", "é", "is no name"),
            ("7", "1", "\u{7f}", "is no name"),
            ("7", "1", &long, "is no name"),
        ] {
            let error = names(pid, Some(fds), Some(given)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
            assert!(error.to_string().contains(says), "{says}: {error}");
        }
        let odd = || Some(OsString::from_vec(vec![0xff]));
        let one = || Some(OsString::from("1"));
        assert!(parse(odd(), one(), None, 7).is_err());
        assert!(parse(Some("7".into()), odd(), None, 7).is_err());
        assert!(parse(Some("7".into()), one(), odd(), 7).is_err());
    }
}
