//! What children inherit.
// There is no safe fork(2).
#![allow(unsafe_code)]

use framewire::{ErrorKind, signal};
use futures::StreamExt;

use super::{
    common::{role, within},
    sends::{blocked_in, sender},
};

pub(crate) fn has_children() {
    role::block_on(async {
        let bit = 1_u64 << (libc::SIGRTMIN() + 3 - 1);
        assert_eq!(blocked_in(|_| ()) & bit, 0);
        let mut queued = signal::queued("RTMIN+3").await.unwrap();
        assert_eq!(blocked_in(|_| ()) & bit, bit, "std keeps the mask");
        assert_eq!(blocked_in(signal::unblock_in), 0);
        // The end of a child is still told to the runtime.
        let mut child = tokio::process::Command::new("true");
        assert!(within(child.status()).await.unwrap().success());

        // One that was started with it blocked sends like any other.
        let mut process = sender("RTMIN+3", "count 10");
        assert_eq!(process.answer(), "ready");
        process.order("go");
        for value in 0..10 {
            assert_eq!(within(queued.next()).await.unwrap().unwrap().int(), Some(value));
        }
        assert!(process.wait().success());
    });
    is_told_that_it_has_no_thread();
}

/// The part of a child that is forked off and executes nothing.
fn is_told_that_it_has_no_thread() {
    // SAFETY: the child calls what a thread of this process may have been in the middle of: the
    // allocator, which the C library repairs in the child, and locks of ours that no thread has
    // at this moment, since nothing else runs here.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let error = role::block_on(signal::queued("RTMIN+3")).map(drop).unwrap_err();
        let told = error.kind() == ErrorKind::Unsupported && error.to_string().contains("forked");
        // SAFETY: it ends this process, and does nothing else.
        unsafe { libc::_exit(if told { 0 } else { 1 }) };
    }
    let mut status = -1;
    // SAFETY: the pointer is to a local that lives through the call.
    let waited = unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!((waited, status), (child, 0));
}

#[test]
fn a_child_has_it_blocked_unless_told_otherwise() {
    role::must_pass("has children");
}
