//! Names that are not paths: of queues, semaphores, shared memory and mailslots.

use super::refusal::{can_be_repeated, quoted, refused};
use crate::{Error, Result};

/// NAME_MAX, which mq_overview(7) says is the limit behind the slash.
const MAX_QUEUE: usize = 255;
/// NAME_MAX less the four bytes of the file's prefix `sem.`, see sem_overview(7).
const MAX_SEMAPHORE: usize = 251;
/// A file name, with room for what is appended to it: locks and generations.
const MAX_PLAIN: usize = 200;

/// `/name` of a POSIX message queue.
pub(super) fn queue(rest: &str) -> Result<String> {
    slashed("mq", rest, MAX_QUEUE)
}

/// `/name` of a POSIX semaphore.
pub(super) fn semaphore(rest: &str) -> Result<String> {
    slashed("semaphore", rest, MAX_SEMAPHORE)
}

/// `name` of shared memory: letters, digits, dots, underscores and hyphens, since it is part of
/// file names of ours and of kernel objects that take no more than that everywhere.
pub(super) fn shared_memory(rest: &str) -> Result<String> {
    plain("shm+named", rest)?;
    match rest.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-')) {
        None => Ok(rest.into()),
        Some(c) => Err(refused(
            format!("{c:?} in the name {}", quoted(rest)),
            "use letters, digits, dots, underscores and hyphens, such as shm+named://jobs",
        )),
    }
}

/// `name` of a mailslot here, or `*/name` of all mailslots of that name in the domain.
pub(super) fn mailslot(rest: &str) -> Result<String> {
    let name = rest.strip_prefix("*/").unwrap_or(rest);
    plain("mailslot", name)?;
    match name.chars().find(|c| matches!(c, '/' | '\\' | '*')) {
        None => Ok(rest.into()),
        Some(c) => Err(refused(
            format!("{c:?} in the name {}", quoted(name)),
            "write mailslot://NAME, or mailslot://*/NAME for the whole domain",
        )),
    }
}

/// What the names of POSIX objects have in common: one slash, in front.
fn slashed(scheme: &str, rest: &str, max: usize) -> Result<String> {
    let Some(name) = rest.strip_prefix('/') else {
        return Err(refused(
            format!("the name {} does not start with a slash", quoted(rest)),
            match can_be_repeated(rest) && !rest.is_empty() && !rest.contains('/') {
                true => format!("write three slashes: {scheme}:///{rest}"),
                false => format!("write three slashes and a name, such as {scheme}:///jobs"),
            },
        ));
    };
    if name.contains('/') {
        return Err(refused(
            format!("more than one slash in the name {}", quoted(rest)),
            format!("write a flat name, such as {scheme}:///jobs"),
        ));
    }
    if matches!(name, "." | "..") {
        return Err(refused(
            format!("{} is a directory, not a name", quoted(name)),
            format!("choose a name, such as {scheme}:///jobs"),
        ));
    }
    within(scheme, "/", name, max)?;
    Ok(rest.into())
}

/// What the names that become file names of ours have in common.
fn plain(scheme: &str, name: &str) -> Result<()> {
    within(scheme, "", name, MAX_PLAIN)?;
    match name.starts_with('.') {
        false => Ok(()),
        true => Err(refused(
            format!("the name {} starts with a dot", quoted(name)),
            format!("start it with a letter, such as {scheme}://jobs"),
        )),
    }
}

fn within(scheme: &str, slash: &str, name: &str, max: usize) -> Result<(), Error> {
    match name.len() {
        0 => Err(refused(
            "the name is missing",
            format!("write a name of 1 to {max} bytes, such as {scheme}://{slash}jobs"),
        )),
        len if len > max => {
            Err(refused(format!("a name of {len} bytes, limit {max}"), "choose a shorter name"))
        }
        _ => Ok(()),
    }
}
