//! Servers whose clients are hostile, or careless: whatever one does is told of, ends its own
//! connection at most, and leaves the others, the memory and the processor alone.
//!
//! The servers are processes of their own, whose cost Linux tells.
#![cfg(target_os = "linux")]

#[cfg(test)]
mod support;

#[cfg(test)]
mod hostile {
    mod addresses;
    mod client;
    mod events;
    mod flood;
    mod frames;
    mod server;
    mod slow;

    use std::{
        thread::sleep,
        time::{Duration, Instant},
    };

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use crate::support::HANG;

    /// Waits for something that nobody tells of.
    fn wait_until(what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < HANG, "never: {what}");
            sleep(Duration::from_millis(5));
        }
    }

    /// To as many descriptors as this process may have.
    fn raise_our_descriptors() {
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    }
}
