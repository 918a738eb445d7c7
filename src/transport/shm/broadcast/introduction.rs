//! What a receiver and its sender tell each other over the socket.
//!
//! The receiver says hello, with its page and its bell; the sender answers with its region, or why
//! not. From then on a byte either way is a knock, and the end of the socket is the end of who had
//! it.

use std::{io, os::fd::BorrowedFd};

use bytes::BytesMut;
use rustix::fs::fstat;

use super::{Slow, Start};
use crate::{
    Error, ErrorKind, Result,
    shared::{Region, broadcast::Begin},
    sys::{self, Arrived, ControlBuffer},
};

const MAGIC: [u8; 8] = *b"fw-bcast";
const VERSION: u8 = 1;
/// How long a packet is, either way.
pub(super) const PACKET: usize = 40;
/// How many descriptors come with a hello, and with a welcome.
pub(super) const GIVEN: usize = 2;
pub(super) const GOT: usize = 1;

/// "Look at the log", or at where we are in it.
pub(super) const KNOCK: u8 = 1;
/// "You are too slow", and the end. What is said is told by its length.
pub(super) const TOO_SLOW: [u8; 2] = [2; 2];

/// What a receiver makes of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport::shm) enum Kind {
    /// All of it.
    Broadcast,
    /// The newest record.
    Latest,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Self::Broadcast => 1,
            Self::Latest => 2,
        }
    }

    /// How errors call it.
    fn scheme(code: u8) -> &'static str {
        match code {
            1 => "shm+broadcast",
            2 => "shm+latest",
            _ => "another",
        }
    }
}

/// Where a message of these parts is.
fn packet(codes: [u8; 3], numbers: [u64; 3]) -> [u8; PACKET] {
    let mut packet = [0; PACKET];
    packet[..8].copy_from_slice(&MAGIC);
    packet[8] = VERSION;
    packet[9..12].copy_from_slice(&codes);
    for (place, number) in packet[16..].chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    packet
}

/// The parts of a message.
fn parts(packet: &[u8]) -> Result<([u8; 3], [u64; 3])> {
    let malformed =
        |cause: &str| Err(Error::new(ErrorKind::Malformed, format!("the peer's hello {cause}")));
    let Ok(packet) = <&[u8; PACKET]>::try_from(packet) else {
        return malformed("has another length than ours");
    };
    if packet[..8] != MAGIC {
        return malformed("is none of ours: another program has the name");
    }
    if packet[8] != VERSION {
        let cause = format!("is of version {}, ours is {VERSION}", packet[8]);
        return malformed(&cause);
    }
    let number = |n: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&packet[n..n + 8]);
        u64::from_le_bytes(bytes)
    };
    Ok(([packet[9], packet[10], packet[11]], [number(16), number(24), number(32)]))
}

/// What a receiver asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) kind: Kind,
    pub(super) start: Start,
}

impl Hello {
    pub(super) fn encode(self) -> [u8; PACKET] {
        let start = match self.start {
            Start::Newest => 0,
            Start::Oldest => 1,
            Start::Next => 2,
        };
        packet([self.kind.code(), start, 0], [0; 3])
    }

    /// Where one begins that asks for this kind. What it says of that is only a wish.
    pub(super) fn decode(bytes: &[u8], kind: Kind) -> Result<Begin> {
        let ([asked, start, _], _) = parts(bytes)?;
        if asked != kind.code() {
            return Err(Error::new(ErrorKind::Malformed, "it asks for another kind of channel"));
        }
        Ok(match start {
            1 => Begin::Oldest,
            2 => Begin::Next,
            _ => Begin::Newest,
        })
    }
}

/// What a receiver is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Welcome {
    pub(super) slow: Slow,
    pub(super) capacity: u64,
    /// The position that it begins at, and the number of the record there.
    pub(super) begin: (u64, u64),
}

/// In place of a policy: there is no room for another receiver.
const FULL: u8 = 255;

impl Welcome {
    pub(super) fn encode(self, kind: Kind) -> [u8; PACKET] {
        let slow = match self.slow {
            Slow::Overwrite => 0,
            Slow::Wait => 1,
            Slow::Disconnect => 2,
        };
        packet([kind.code(), slow, 0], [self.capacity, self.begin.0, self.begin.1])
    }

    /// What one is told whom there is no room for.
    pub(super) fn full(kind: Kind) -> [u8; PACKET] {
        packet([kind.code(), FULL, 0], [0; 3])
    }

    /// What one is told who asked for something else, or in another way.
    pub(super) fn refused(kind: Kind) -> [u8; PACKET] {
        packet([kind.code(), FULL - 1, 0], [0; 3])
    }

    pub(super) fn decode(bytes: &[u8], kind: Kind) -> Result<Self> {
        let ([told, slow, _], [capacity, position, number]) = parts(bytes)?;
        if told != kind.code() {
            let cause = format!("the sender is of {}, not of {}", Kind::scheme(told), kind.name());
            return Err(Error::new(ErrorKind::Malformed, cause).remedy("does the scheme match?"));
        }
        let slow = match slow {
            0 => Slow::Overwrite,
            1 => Slow::Wait,
            2 => Slow::Disconnect,
            FULL => {
                let cause = "the sender has as many receivers as it may";
                let error = Error::new(ErrorKind::Exhausted, cause);
                return Err(error.remedy("raise `max_receivers` at the sender"));
            }
            _ => return Err(Error::new(ErrorKind::Denied, "the sender has refused our hello")),
        };
        if position % 8 != 0 {
            return Err(Error::new(
                ErrorKind::Malformed,
                "no message begins where we are to begin",
            ));
        }
        Ok(Self { slow, capacity, begin: (position, number) })
    }
}

impl Kind {
    fn name(self) -> &'static str {
        Self::scheme(self.code())
    }
}

/// Receives a packet, and what comes with it: one that is longer is none.
pub(super) fn receive(fd: BorrowedFd<'_>, descriptors: usize) -> io::Result<(BytesMut, Arrived)> {
    let mut packet = BytesMut::with_capacity(PACKET);
    let mut control = ControlBuffer::new(descriptors);
    let arrived = sys::recv_packet_with(fd, &mut packet, &mut control)?;
    if arrived.len == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((packet, arrived))
}

/// A region of somebody else's making, to be read; its control words alone where it has no ring.
pub(super) fn map(file: BorrowedFd<'_>, ring: u64) -> Result<Region> {
    let unsound = |cause| Err(Error::new(ErrorKind::Malformed, cause));
    let ring = usize::try_from(ring).unwrap_or(usize::MAX);
    if ring != 0 && !Region::is_capacity(ring) {
        return unsound("the peer's ring has a size that no ring has");
    }
    if !sys::is_ours_to_write(file)? {
        return unsound("the peer's memory is not sealed: it could be taken from under us");
    }
    let size = fstat(file).map_err(io::Error::from)?.st_size;
    if usize::try_from(size).ok() != Some(Region::file_len(ring)) {
        return unsound("the peer's memory has another size than it says");
    }
    Ok(if ring == 0 { Region::attach_words(file)? } else { Region::attach(file, ring)? })
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn what_is_told_is_understood() {
        let hello = Hello { kind: Kind::Latest, start: Start::Oldest }.encode();
        assert_eq!(Hello::decode(&hello, Kind::Latest).unwrap(), Begin::Oldest);
        Hello::decode(&hello, Kind::Broadcast).unwrap_err();
        Hello::decode(&hello[1..], Kind::Latest).unwrap_err();
        for place in 0..10 {
            let mut wrong = hello;
            wrong[place] ^= 0x80;
            Hello::decode(&wrong, Kind::Latest).unwrap_err();
        }
        let welcome = Welcome { slow: Slow::Wait, capacity: 1 << 20, begin: (88, 3) };
        let told = Welcome::decode(&welcome.encode(Kind::Broadcast), Kind::Broadcast);
        assert_eq!(told.unwrap(), welcome);
        let other = Welcome::decode(&welcome.encode(Kind::Broadcast), Kind::Latest).unwrap_err();
        assert!(other.to_string().contains("is of shm+broadcast"), "{other}");
        let full = Welcome::decode(&Welcome::full(Kind::Latest), Kind::Latest).unwrap_err();
        assert_eq!(full.kind(), ErrorKind::Exhausted);
    }

    #[test]
    fn only_sealed_memory_of_the_right_size_is_mapped() {
        let (_region, file) = Region::create(1 << 16).unwrap();
        map(file.as_fd(), 1 << 16).unwrap();
        for ring in [0, 1 << 15, 1 << 17, 3 << 15, u64::MAX, 1 << 63] {
            assert_eq!(map(file.as_fd(), ring).unwrap_err().kind(), ErrorKind::Malformed);
        }
        let open = sys::anonymous_memory("test", Region::file_len(0)).unwrap();
        map(open.as_fd(), 0).unwrap_err();
        let no_memory = std::fs::File::open("/dev/null").unwrap();
        map(no_memory.as_fd(), 0).unwrap_err();
    }
}
