//! What each mechanism promises, as data: both ways or one, who reads, who writes, what can be
//! lost, how large a message may be, what survives, and whether this version has it.
//!
//! The conformance suite tests what stands here, and the table in the README is printed from it.

mod promise;
pub(crate) mod rows;
mod table;
mod terms;

pub use promise::Profile;
pub use terms::{Boundary, Built, MaxLen, Reach, Survives, Writers};
