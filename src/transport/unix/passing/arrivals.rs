//! Which message the descriptors belong to that came with some bytes.

use std::{collections::VecDeque, ops::Range, os::fd::OwnedFd};

use crate::{Error, ErrorKind, Result, sys};

/// Descriptors that have arrived, until the message that they belong to is taken.
///
/// A byte stream has no place for descriptors but beside the bytes of one sending call, which the
/// kernel hands over with the read that gets the first of them. That read may have got bytes of
/// earlier calls in front of them, and gets none of later ones behind. So, since a frame with
/// descriptors begins a call, and nothing follows it there, they belong to the last frame that
/// begins in what was read.
///
/// All places are counted in bytes from the start of the stream.
#[derive(Debug)]
pub(super) struct Arrivals {
    /// Up to where bytes were read.
    read: u64,
    /// Up to where they were handed out as messages: a frame begins here.
    taken: u64,
    /// In the order in which they came. Two at most, since nothing is read before all of a read's
    /// whole frames are taken, and none but the last can be of the one that is not whole.
    batches: VecDeque<Batch>,
}

#[derive(Debug)]
struct Batch {
    /// The frame begins here.
    place: Range<u64>,
    descriptors: Result<Vec<OwnedFd>>,
}

impl Arrivals {
    /// `unread` bytes have arrived, and none of them with descriptors.
    pub(super) fn new(unread: usize) -> Self {
        Self { read: unread as u64, taken: 0, batches: VecDeque::new() }
    }

    /// Notes that a read got `len` bytes, and with them descriptors or what is wrong with them.
    pub(super) fn came(&mut self, len: usize, descriptors: Result<Vec<OwnedFd>>) {
        let from = self.read;
        self.read += len as u64;
        if matches!(&descriptors, Ok(none) if none.is_empty()) {
            return;
        }
        let to = if sys::DESCRIPTORS_COME_FIRST { from + 1 } else { self.read };
        self.batches.push_back(Batch { place: from..to, descriptors });
    }

    /// Takes a frame of so many bytes, prefix included, and gives what came with it.
    ///
    /// # Errors
    ///
    /// What is wrong with its descriptors; that some came which belong to no frame.
    pub(super) fn take(&mut self, len: usize) -> Result<Vec<OwnedFd>> {
        let start = self.taken;
        self.taken += len as u64;
        let mut descriptors = Vec::new();
        // A later frame than this one begins in what is left over.
        while self.batches.front().is_some_and(|batch| batch.place.end <= self.taken) {
            let Some(batch) = self.batches.pop_front() else { break };
            if !batch.place.contains(&start) {
                return Err(astray());
            }
            descriptors = batch.descriptors?;
        }
        Ok(descriptors)
    }

    /// Whether more may be read, where no whole frame is left to take: what is held belongs to the
    /// frame that has arrived in part.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take), without waiting for the rest of the frame.
    pub(super) fn check(&mut self) -> Result<()> {
        while let Some(batch) = self.batches.front() {
            if !batch.place.contains(&self.taken) || self.batches.len() > 1 {
                return Err(astray());
            }
            if batch.descriptors.is_ok() {
                break;
            }
            if let Some(batch) = self.batches.pop_front() {
                batch.descriptors?;
            }
        }
        Ok(())
    }

    /// Closes what is held: the stream has ended.
    pub(super) fn close(&mut self) {
        self.batches = VecDeque::new();
    }
}

#[cold]
fn astray() -> Error {
    Error::new(ErrorKind::Malformed, "descriptors came that belong to no message").remedy(
        "they go with the first byte of a frame, and nothing follows that frame in the call",
    )
}

#[cfg(test)]
#[cfg(any(target_os = "linux", target_os = "android"))]
mod tests {
    use super::*;

    fn some(count: usize) -> Result<Vec<OwnedFd>> {
        let pipe = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap().0;
        Ok((0..count).map(|_| pipe.try_clone().unwrap()).collect())
    }

    fn taken(arrivals: &mut Arrivals, len: usize) -> usize {
        arrivals.take(len).unwrap().len()
    }

    #[test]
    fn the_last_frame_that_begins_in_a_read_has_what_came_with_it() {
        let mut arrivals = Arrivals::new(10);
        // Of 10, 5, 5 and 20 bytes; the first was there, and the last comes in pieces.
        arrivals.came(5 + 5 + 8, some(2));
        for none in [10, 5, 5] {
            assert_eq!(taken(&mut arrivals, none), 0);
        }
        arrivals.check().unwrap();
        arrivals.came(12, some(0));
        assert_eq!(taken(&mut arrivals, 20), 2);
        // The rest of one, and with it the whole of the next.
        arrivals.came(4, some(1));
        arrivals.check().unwrap();
        arrivals.came(2 + 7, some(3));
        assert_eq!(taken(&mut arrivals, 6), 1);
        assert_eq!(taken(&mut arrivals, 7), 3);
        arrivals.check().unwrap();
    }

    #[test]
    fn what_came_within_a_frame_belongs_to_nobody() {
        let mut arrivals = Arrivals::new(0);
        arrivals.came(3, some(0));
        arrivals.came(5, some(1));
        assert_eq!(arrivals.check().unwrap_err().kind(), ErrorKind::Malformed);
        assert_eq!(arrivals.take(8).unwrap_err().kind(), ErrorKind::Malformed);

        // Behind a batch that belongs to it, too.
        let mut arrivals = Arrivals::new(0);
        arrivals.came(3, some(1));
        arrivals.check().unwrap();
        arrivals.came(5, some(1));
        assert_eq!(arrivals.check().unwrap_err().kind(), ErrorKind::Malformed);
        assert_eq!(arrivals.take(8).unwrap_err().kind(), ErrorKind::Malformed);
    }

    #[test]
    fn what_is_wrong_comes_in_its_place() {
        let wrong = || Err(Error::new(ErrorKind::TooLarge, "too many"));
        let mut arrivals = Arrivals::new(0);
        arrivals.came(4 + 6, wrong());
        assert_eq!(taken(&mut arrivals, 4), 0);
        assert_eq!(arrivals.take(6).unwrap_err().kind(), ErrorKind::TooLarge);

        // There is no use in waiting for the rest of a frame.
        let mut arrivals = Arrivals::new(0);
        arrivals.came(4 + 6, wrong());
        assert_eq!(taken(&mut arrivals, 4), 0);
        assert_eq!(arrivals.check().unwrap_err().kind(), ErrorKind::TooLarge);
    }
}
