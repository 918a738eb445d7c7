//! Framing, poll by poll: over mocked byte streams, and against tokio-util's codec.
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

#[path = "frame/incoming.rs"]
mod incoming;
#[path = "frame/outgoing.rs"]
mod outgoing;
#[path = "frame/random.rs"]
mod random;

use bytes::{BufMut, BytesMut};

/// A frame, made by hand.
fn frame(body: &[u8]) -> BytesMut {
    let mut frame = BytesMut::new();
    frame.put_u32(body.len() as u32);
    frame.put_slice(body);
    frame
}
