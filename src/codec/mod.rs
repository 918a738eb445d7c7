//! Messages become values: one message is one value, whatever the codec.
//!
//! [`Typed`] puts any codec of `tokio_util` on any stream or sink of messages. Two are given, each
//! behind a feature: `Json` (feature `json`), which every language reads, and `Postcard` (feature
//! `postcard`), which is compact and quick between two Rust programs.

#[cfg(feature = "json")]
mod json;
#[cfg(feature = "postcard")]
mod postcard;
mod typed;

#[cfg(feature = "json")]
pub use json::Json;
#[cfg(feature = "postcard")]
pub use postcard::Postcard;
pub use typed::Typed;
