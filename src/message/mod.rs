//! Whole messages: for mechanisms that keep boundaries themselves.
//!
//! A mechanism says what it can do now, [`TryRecv`] and [`TrySend`], one call each that never
//! waits; a [`Wait`](crate::wait::Wait) says when to try again; [`Messages`] makes a `Stream` and a
//! `Sink` of the two. One message goes as one message, with no envelope: a program in any language
//! that speaks the mechanism is a full peer.

mod body;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod direct;
mod messages;
mod sink;
mod try_recv;
mod try_send;

pub use body::Body;
pub use messages::Messages;
pub use try_recv::TryRecv;
pub use try_send::TrySend;
