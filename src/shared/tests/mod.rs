//! Both ends of a ring, in one process.

#![allow(clippy::unwrap_used)] // The functions that tests share are tests as well.
#![allow(unsafe_code)] // What is lent in place is the promise of whoever asks for it.

mod ends;
mod model;
mod rules;
mod stress;

use ends::{Ends, body};
