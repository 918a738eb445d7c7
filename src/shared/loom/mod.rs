//! Each order in which two sides can do what they do to a ring, up to a number of preemptions.
//!
//! The ends are those that are shipped; only what they share is loom's, the bytes as cells whose
//! races it finds. Whoever is told to sleep waits for its doorbell, and one that nobody rings is a
//! deadlock that loom reports. Each fence is then left out in turn, which has to be found.

#![allow(clippy::unwrap_used)] // The functions that tests share are tests as well.
#![allow(unsafe_code)] // Cells, and a trait that asks for care.

mod cells;
mod models;

use cells::{Bell, Channel, Shared};
