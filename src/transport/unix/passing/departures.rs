//! With which bytes the descriptors go that are to be sent.

use std::{collections::VecDeque, ops::Range, os::fd::OwnedFd};

/// Descriptors of queued frames, until the first byte of their frame is sent.
///
/// A frame with descriptors begins a sending call, and nothing follows it there: so is the other
/// end able to tell which frame they belong to. All places are counted in bytes, from where this
/// began.
#[derive(Debug)]
pub(super) struct Departures {
    /// Up to where bytes are queued.
    queued: u64,
    /// Up to where they were sent.
    sent: u64,
    loads: VecDeque<Load>,
    /// In all loads.
    descriptors: usize,
}

#[derive(Debug)]
struct Load {
    frame: Range<u64>,
    descriptors: Vec<OwnedFd>,
}

impl Departures {
    /// `unsent` bytes are queued, without descriptors.
    pub(super) fn new(unsent: usize) -> Self {
        Self { queued: unsent as u64, sent: 0, loads: VecDeque::new(), descriptors: 0 }
    }

    /// How many descriptors are waiting.
    pub(super) fn len(&self) -> usize {
        self.descriptors
    }

    /// A frame of so many bytes, prefix included, was queued.
    pub(super) fn queue(&mut self, len: usize, descriptors: Vec<OwnedFd>) {
        let from = self.queued;
        self.queued += len as u64;
        if !descriptors.is_empty() {
            self.descriptors += descriptors.len();
            self.loads.push_back(Load { frame: from..self.queued, descriptors });
        }
    }

    /// The descriptors that go with the next byte, and the most bytes that one call may send;
    /// `None` where all may go that there are.
    pub(super) fn next(&self) -> Option<(&[OwnedFd], usize)> {
        let Load { frame, descriptors } = self.loads.front()?;
        let (descriptors, to) = match frame.start == self.sent {
            true => (&descriptors[..], frame.end),
            false => (&[][..], frame.start),
        };
        // On 32 bits, as many as can be in one call.
        Some((descriptors, usize::try_from(to - self.sent).unwrap_or(usize::MAX)))
    }

    /// So many bytes were sent, with the descriptors that go with the first of them: ours are
    /// closed.
    pub(super) fn sent(&mut self, len: usize) {
        if len > 0 {
            let started = |load: &Load| load.frame.start == self.sent;
            if self.loads.front().is_some_and(started) {
                let load = self.loads.pop_front();
                self.descriptors -= load.map_or(0, |load| load.descriptors.len());
            }
        }
        self.sent += len as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(count: usize) -> Vec<OwnedFd> {
        let pipe = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap().0;
        (0..count).map(|_| pipe.try_clone().unwrap()).collect()
    }

    fn next(departures: &Departures) -> Option<(usize, usize)> {
        departures.next().map(|(descriptors, most)| (descriptors.len(), most))
    }

    #[test]
    fn each_goes_with_the_first_byte_of_its_frame_and_nothing_behind() {
        let mut departures = Departures::new(3);
        departures.queue(10, some(0));
        departures.queue(6, some(2));
        departures.queue(4, some(1));
        departures.queue(5, some(0));
        assert_eq!(departures.len(), 3);

        assert_eq!(next(&departures), Some((0, 13)));
        departures.sent(12);
        assert_eq!(next(&departures), Some((0, 1)));
        departures.sent(1);
        assert_eq!(next(&departures), Some((2, 6)));
        departures.sent(0);
        assert_eq!(next(&departures), Some((2, 6)), "nothing was sent");
        departures.sent(1);
        assert_eq!(departures.len(), 1, "they are closed");
        assert_eq!(next(&departures), Some((0, 5)));
        departures.sent(5);
        assert_eq!(next(&departures), Some((1, 4)));
        departures.sent(4);
        assert_eq!(next(&departures), None);
        departures.sent(5);

        // From anywhere on.
        departures.queue(7, some(1));
        assert_eq!(next(&departures), Some((1, 7)));
    }
}
