//! A peer that passes whatever it can, wherever it can.

use std::{
    env,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Instant,
};

use framewire::{
    ErrorKind, Result,
    unix::{self, Received},
};
use futures::{FutureExt, StreamExt};
use rustix::{
    net::Shutdown,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

use super::{
    common::{role, within},
    raw::{self, Beside},
};

/// How many layouts, unless `FRAMEWIRE_LAYOUTS` says otherwise.
const LAYOUTS: u64 = 100_000;

#[test]
fn no_descriptor_of_a_hostile_peer_stays() {
    role::must_pass("gets hostile layouts");
}

pub(crate) fn gets_hostile_layouts() {
    let count = env::var("FRAMEWIRE_LAYOUTS").map_or(LAYOUTS, |count| count.parse().unwrap());
    let seed = env::var("FRAMEWIRE_SEED").map_or(1, |seed| seed.parse().unwrap());
    eprintln!("{count} layouts from FRAMEWIRE_SEED={seed} on");
    // As many as a call of 253 and the sockets of one layout take.
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(600), maximum }).unwrap();
    role::block_on(async {
        let begun = Instant::now();
        let files = raw::memfds(4);
        let mut tally = Tally::default();
        layout(seed, &files, &mut tally).await;
        let before = raw::open();
        for i in 0..count {
            layout(seed + i, &files, &mut tally).await;
            // Looking takes longer than a layout.
            if i % 256 == 0 || i + 1 == count {
                let now = raw::open();
                assert_eq!(now, before, "a leak in one of 256 up to FRAMEWIRE_SEED={}", seed + i);
            }
        }
        eprintln!("{tally:?} in {:?}", begun.elapsed());
        // The layouts are what they are meant to be.
        if count >= 1000 {
            let each = count as usize / 100;
            let Tally { messages, descriptors, astray, too_many, broken, ended } = tally;
            assert!(messages > each && descriptors > each && ended > each, "{tally:?}");
            assert!(astray > each && too_many > each && broken > each, "{tally:?}");
        }
    });
}

/// What came of them.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    messages: usize,
    descriptors: usize,
    astray: usize,
    too_many: usize,
    broken: usize,
    ended: usize,
}

/// One connection to a peer that is as hostile as the seed says.
async fn layout(seed: u64, files: &[OwnedFd], tally: &mut Tally) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let limit = [0, 1, 16, 16, 16, 253][random.below(6)];
    let options = unix::Options::new().max_descriptors(limit).max_len(64 * 1024);
    let (raw, mut ours) = raw::pair(&options);
    let mut hostile = Hostile { raw, files, random };
    let mut over = false;
    for _ in 0..=hostile.random.below(6) {
        hostile.act();
        if hostile.random.below(3) == 0 {
            if let Some(next) = ours.next().now_or_never() {
                over = tally.hear(next, over, limit);
            }
        }
    }
    // One that was passed to itself is not closed with the last that is ours.
    rustix::net::shutdown(&hostile.raw, Shutdown::Write).unwrap();
    let mut last = false;
    while !last {
        let next = within(ours.next()).await;
        last = next.is_none();
        over = tally.hear(next, over, limit);
    }
}

impl Tally {
    /// Counts what came of a stream that was over already or not, and says whether it is now.
    fn hear(&mut self, next: Option<Result<Received>>, over: bool, limit: usize) -> bool {
        let counted = match next {
            None if over => return true,
            None => &mut self.ended,
            Some(_) if over => panic!("something behind an error or the end"),
            Some(Ok(received)) => {
                let count = received.descriptors().len();
                assert!(count <= limit, "{count} descriptors");
                raw::ids(received.descriptors());
                self.messages += 1;
                self.descriptors += count;
                return false;
            }
            Some(Err(error)) => match error.kind() {
                ErrorKind::Malformed => &mut self.astray,
                ErrorKind::TooLarge if error.to_string().contains("descriptors") => {
                    &mut self.too_many
                }
                ErrorKind::TooLarge | ErrorKind::Truncated => &mut self.broken,
                _ => panic!("{error}"),
            },
        };
        *counted += 1;
        true
    }
}

struct Hostile<'a> {
    raw: OwnedFd,
    files: &'a [OwnedFd],
    random: Random,
}

impl Hostile<'_> {
    /// One of the ways to pass descriptors where none belong, or some where they do.
    fn act(&mut self) {
        let body = vec![b'.'; self.len()];
        let frame = raw::frame(&body);
        match self.random.below(10) {
            // As it should be.
            0 | 1 => self.pass(&frame, false),
            // Plain, or anything.
            2 => self.send(&frame, &Beside::default()),
            3 => {
                let garbage: Vec<u8> =
                    (0..self.random.below(20)).map(|_| self.random.below(256) as u8).collect();
                self.pass(&garbage, false);
            }
            // In two parts, with descriptors beside either.
            4 => {
                let (first, second) = frame.split_at(self.random.below(frame.len()));
                if self.random.below(2) == 0 {
                    self.send(first, &Beside::default());
                } else {
                    self.pass(first, false);
                }
                self.pass(second, false);
            }
            // Beside each byte.
            5 => {
                for byte in frame.iter().take(20) {
                    self.pass(&[*byte], false);
                }
            }
            // Others behind it in the same call.
            6 => {
                let many = frame.repeat(1 + self.random.below(4));
                self.pass(&many, false);
            }
            // Beside no bytes at all.
            7 => self.pass(&[], false),
            8 => self.pass(&frame, true),
            // Beside the first bytes of one that never ends.
            _ => {
                let part = &frame[..self.random.below(frame.len())];
                self.pass(part, false);
            }
        }
    }

    fn len(&mut self) -> usize {
        match self.random.below(10) {
            0 => 0,
            1 => 20_000 + self.random.below(20_000),
            _ => self.random.below(60),
        }
    }

    /// One call with a number of parts beside it, and descriptors in each.
    fn pass(&mut self, bytes: &[u8], out_of_band: bool) {
        let parts = [1, 1, 1, 1, 2, 3, 0][self.random.below(7)];
        let counts: Vec<usize> = (0..parts).map(|_| self.count()).collect();
        let descriptors: Vec<Vec<BorrowedFd<'_>>> = counts
            .into_iter()
            .map(|count| {
                let any = |i: usize| self.files.get(i).unwrap_or(&self.raw).as_fd();
                (0..count).map(|_| any(self.random.0 as usize % (self.files.len() + 1))).collect()
            })
            .collect();
        let credentials = self.random.0 % 4 == 0;
        self.send(bytes, &Beside { rights: descriptors, credentials, out_of_band });
    }

    fn count(&mut self) -> usize {
        match self.random.below(20) {
            0 => 0,
            1 => 17,
            2 => 253,
            // More than the kernel takes: nothing is sent.
            3 => 254,
            4 => self.random.below(253),
            _ => 1 + self.random.below(4),
        }
    }

    fn send(&self, bytes: &[u8], beside: &Beside<'_>) {
        // What the kernel refuses, or has no room for, is none of a receiver's concern.
        let _ = raw::send(&self.raw, bytes, beside);
    }
}

/// xorshift64
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }
}
