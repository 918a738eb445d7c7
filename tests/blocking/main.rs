//! The blocking adapter: nothing lost, nothing kept from others, nothing left, and nobody held up.

#![cfg(unix)]
// A failed `unwrap` is a failed test, in what the tests share as well.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod answer;
mod bounds;
mod calls;
mod cancel;
mod end;
#[cfg(target_os = "linux")]
mod linux;
#[path = "../support/run.rs"]
mod run;
