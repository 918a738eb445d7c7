//! What lies in memory that another process maps as well, and may write nonsense to.
//!
//! Nothing here waits or calls the system: it is told when to look, and says when the other side
//! has to be woken.
//!
//! | | |
//! |---|---|
//! | [`Memory`] | words and bytes that are shared, wherever they lie |
//! | [`Region`] | a file that is mapped: control words, and a ring of bytes |
//! | [`Producer`], [`Consumer`] | the two ends of a ring of records |
//! | [`Writer`], [`Reader`] | messages of any length over those |
//! | [`Plain`] | memory without any structure of ours |
//!
//! # What a peer can do
//!
//! Read what we write to, and change whatever it can write to at any moment, also between two of
//! our loads. So there are no references into memory that others write: it is read by atomic and
//! volatile loads, each value once, into a local that is then checked and used. Volatile is what
//! Rust has for memory that others change behind its back, and a mapping is no allocation of Rust's
//! (rust-lang/unsafe-code-guidelines#152 and #607, rust-lang/rust#141260). A value that no sound
//! peer writes is [`Broken`], once; nothing more is read after that.

mod atomic;
pub(crate) mod broadcast;
mod broken;
mod consumer;
mod draft;
#[cfg(all(any(test, fuzzing), not(framewire_loom)))]
pub(crate) mod hostile;
mod lease;
mod ledger;
#[cfg(all(test, framewire_loom))]
mod loom;
mod memory;
mod partial;
mod plain;
mod producer;
mod reader;
mod record;
mod region;
mod room;
mod sealed;
#[cfg(all(test, not(framewire_loom)))]
mod tests;
mod trust;
mod words;
mod writer;

pub use atomic::Atomic;
pub(crate) use broken::Broken;
pub(crate) use consumer::Consumer;
pub use draft::Draft;
pub(crate) use lease::Leases;
pub(crate) use memory::{Memory, Word};
pub(crate) use partial::cut_off;
pub(crate) use plain::Plain;
pub(crate) use producer::Producer;
pub(crate) use reader::{Item, Reader};
pub(crate) use region::{CAPACITY, Region};
pub use sealed::Sealed;
pub use trust::Trust;
pub(crate) use writer::Writer;
