//! Regions that a child is started with.

use std::{
    collections::BTreeSet,
    env,
    os::fd::{AsRawFd, BorrowedFd, RawFd},
    process::Command,
    sync::{Mutex, PoisonError},
};

use command_fds::CommandFdExt;

use super::{Region, memory};
use crate::{
    Error, ErrorKind, Result,
    sys::{self, Entry},
};

/// Has a command inherit a copy of the descriptor, and its number in this variable.
pub(super) fn leave(file: BorrowedFd<'_>, command: &mut Command, variable: &str) -> Result<()> {
    check(variable)?;
    // Above those of standard input, output and error, whatever is closed of these.
    let copy = file.try_clone_to_owned()?;
    let inode = Entry::of(file)?.identity.inode;
    command.env(variable, format!("{}:{inode}", copy.as_raw_fd())).preserved_fds(vec![copy]);
    Ok(())
}

/// Takes over what the parent left in this variable, once.
pub(super) fn take(variable: &str) -> Result<Region> {
    static TAKEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

    let refused = |kind: ErrorKind, cause: String| {
        Error::new(kind, cause)
            .doing("inherit a region")
            .remedy(format!("start this program with `Region::pass_to(_, {variable:?})`"))
    };
    check(variable).map_err(|error| error.doing("inherit a region"))?;
    let Some(value) = env::var_os(variable) else {
        return Err(refused(ErrorKind::NotFound, format!("{variable} is not set")));
    };
    let Some((number, inode)) = value.to_str().and_then(numbers) else {
        let cause = format!("{variable} is {value:?}, not NUMBER:INODE");
        return Err(refused(ErrorKind::Malformed, cause));
    };
    // Whoever panicked with the lock has left nothing half done.
    if !TAKEN.lock().unwrap_or_else(PoisonError::into_inner).insert(variable.to_owned()) {
        return Err(refused(ErrorKind::NotFound, "it was taken already".into()));
    }
    let is_meant = |file: BorrowedFd<'_>| {
        memory::check(file)?;
        match inode {
            Some(inode) if Entry::of(file)?.identity.inode != inode => {
                let cause = format!("descriptor {number} is another file than was left there");
                Err(Error::new(ErrorKind::Malformed, cause).into())
            }
            _ => Ok(()),
        }
    };
    let file = sys::inherit(number, is_meant)
        .map_err(|error| refused(ErrorKind::Malformed, Error::from(error).to_string()))?;
    memory::adopt(file).map_err(|error| error.doing("inherit a region"))
}

/// What every shell takes for the name of a variable.
fn check(variable: &str) -> Result<()> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let starts_well = variable.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if starts_well && variable.bytes().all(is_word) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Address, format!("{variable:?} is no name of a variable"))
        .remedy("use letters, digits and underscores, such as SHARED"))
}

/// The number of a descriptor that is not standard input, output or error, and of its file, if
/// whoever left it there has said so.
fn numbers(value: &str) -> Option<(RawFd, Option<u64>)> {
    let (number, inode) = match value.split_once(':') {
        Some((number, inode)) => (number, Some(inode.parse().ok()?)),
        None => (value, None),
    };
    let number = number.parse().ok()?;
    (number > 2).then_some((number, inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_do_without_an_inode() {
        assert_eq!(numbers("3:77"), Some((3, Some(77))));
        assert_eq!(numbers("12"), Some((12, None)));
        for bad in ["", ":", "3:", ":77", "2:77", "2", "-1", "3:-1", "3:7:7", "a", " 3", "3 "] {
            assert_eq!(numbers(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_variable_is_a_word() {
        for good in ["SHARED", "_", "a1"] {
            check(good).unwrap();
        }
        for bad in ["", "1A", "A=B", "A B", "A\0", "é"] {
            assert_eq!(check(bad).unwrap_err().kind(), ErrorKind::Address, "{bad}");
        }
    }
}
