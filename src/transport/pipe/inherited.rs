//! What a child finds in its environment.

use std::{
    env,
    os::fd::{OwnedFd, RawFd},
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{Error, ErrorKind, Result, sys};

/// `READ,WRITE`: the numbers of the two descriptors that a child was left.
pub(super) const VARIABLE: &str = "FRAMEWIRE_PIPE";

/// Takes over what the parent left, once.
pub(super) fn take_inherited() -> Result<(OwnedFd, OwnedFd)> {
    static TAKEN: AtomicBool = AtomicBool::new(false);

    let absent = |cause: &str| refused(ErrorKind::NotFound, cause.to_owned());
    let Some(value) = env::var_os(VARIABLE) else {
        return Err(absent("FRAMEWIRE_PIPE is not set"));
    };
    let Some((read, write)) = value.to_str().and_then(numbers) else {
        let cause = format!("FRAMEWIRE_PIPE is {value:?}, not two numbers above 2");
        return Err(refused(ErrorKind::Malformed, cause));
    };
    // Relaxed: it orders nothing, it only lets one caller through.
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Err(absent("it was taken already"));
    }
    let malformed = |error: std::io::Error| refused(ErrorKind::Malformed, error.to_string());
    let read_end = sys::inherit_pipe(read).map_err(malformed)?;
    let write_end = sys::inherit_pipe(write).map_err(malformed)?;
    Ok((read_end, write_end))
}

fn refused(kind: ErrorKind, cause: String) -> Error {
    Error::new(kind, cause)
        .doing("inherit a pipe")
        .remedy("start this program with `framewire::pipe::spawn`")
}

/// Two different numbers that are not standard input, output or error.
fn numbers(value: &str) -> Option<(RawFd, RawFd)> {
    let (read, write) = value.split_once(',')?;
    let (read, write) = (read.parse().ok()?, write.parse().ok()?);
    (read > 2 && write > 2 && read != write).then_some((read, write))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_different_numbers_above_2_are_taken() {
        assert_eq!(numbers("3,4"), Some((3, 4)));
        for bad in ["", "3", "3,", ",4", "3,3", "2,3", "3,0", "-1,4", "3,4,5", "a,b", "3, 4"] {
            assert_eq!(numbers(bad), None, "{bad}");
        }
    }
}
