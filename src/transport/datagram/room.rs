//! The memory that one peer's messages wait in.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// How large a piece of it is, in bytes, at first and at most.
const PIECE: (usize, usize) = (4 * 1024, 64 * 1024);
/// How many pieces are kept beside the one in use: of the largest size, all of them are as much as a
/// peer may have unreceived.
const SPENT: usize = 3;

/// What the messages of one peer are copied to.
///
/// They share pieces of memory with one another and with no other peer's: what is kept of them keeps
/// nothing that somebody else has sent. A piece is used again once all in it are dropped, so that
/// nothing is allocated for a peer whose messages are received soon. Where they wait, there are more
/// pieces, and then larger ones.
#[derive(Debug, Default)]
pub(super) struct Room {
    piece: BytesMut,
    /// Pieces that were used up and may be free by now, the oldest first.
    spent: VecDeque<BytesMut>,
    /// How large a new piece is.
    size: usize,
}

impl Room {
    /// Copies a message.
    #[inline]
    pub(super) fn copy(&mut self, message: &[u8]) -> Bytes {
        if self.piece.capacity() < message.len() && !self.piece.try_reclaim(message.len()) {
            self.change(message.len());
        }
        self.piece.extend_from_slice(message);
        self.piece.split().freeze()
    }

    /// Takes another piece, with room for so many bytes.
    #[cold]
    fn change(&mut self, len: usize) {
        if let Some(free) =
            self.spent.iter_mut().find_map(|spent| spent.try_reclaim(len).then_some(spent))
        {
            std::mem::swap(free, &mut self.piece);
            return;
        }
        let first = self.size == 0;
        if self.spent.len() == SPENT {
            self.spent.pop_front();
            self.size *= 2;
        }
        self.size = self.size.clamp(PIECE.0, PIECE.1);
        let fresh = BytesMut::with_capacity(self.size.max(len));
        let spent = std::mem::replace(&mut self.piece, fresh);
        if !first {
            self.spent.push_back(spent);
        }
    }

    /// Keeps no more of it than the messages that are left do.
    pub(super) fn give_back(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Copies as many messages of this length, and drops each once so many more have come. Says how
    /// many pieces there are then, and how large a new one would be.
    fn after(messages: u32, len: usize, kept: usize) -> (usize, usize) {
        let (mut room, mut waiting) = (Room::default(), VecDeque::new());
        for n in 0..messages {
            waiting.push_back((n, room.copy(&vec![n as u8; len])));
            if waiting.len() > kept {
                let (n, message) = waiting.pop_front().unwrap();
                assert_eq!(message, vec![n as u8; len], "nothing is written over it");
            }
        }
        (1 + room.spent.len(), room.size)
    }

    #[test]
    fn it_is_used_again() {
        assert_eq!(after(10_000, 0, 0), (1, 0));
        assert_eq!(after(10_000, 1000, 0), (1, PIECE.0));
        assert_eq!(after(10_000, 1000, 1), (2, PIECE.0));
    }

    #[test]
    fn it_grows_with_what_waits_and_no_further() {
        assert_eq!(after(10_000, 10, 1000), (4, PIECE.0));
        assert_eq!(after(10_000, 1000, 128), (1 + SPENT, PIECE.1));
        assert_eq!(after(10_000, 1000, 10_000), (1 + SPENT, PIECE.1));
        assert_eq!(after(1000, PIECE.1, 3), (1 + SPENT, PIECE.0));
    }
}
