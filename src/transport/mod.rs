//! One file or folder a mechanism.

// Listeners call it; there is none yet.
#[allow(dead_code)]
pub(crate) mod accept;
