//! Clients that say whatever they can.

use std::{
    env,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    pin::pin,
};

use framewire::shm;
use futures::StreamExt;
use rustix::fs::SealFlags;

use super::{
    common::{Census, role, within},
    events::Warnings,
    stranger::{self, CAPACITY, FRONT, SEALS, Said, bell, good, hello, memory},
};

/// How many clients, unless `FRAMEWIRE_LAYOUTS` says otherwise.
const CLIENTS: u64 = 5000;
/// Between two that have nothing to hide.
const RUN: u64 = 50;

#[test]
fn a_listener_takes_what_is_sound_and_keeps_nothing_else() {
    role::must_pass("meets clients of all kinds");
}

pub(crate) fn meets_clients_of_all_kinds() {
    let count = env::var("FRAMEWIRE_LAYOUTS").map_or(CLIENTS, |count| count.parse().unwrap());
    let seed = env::var("FRAMEWIRE_SEED").map_or(1, |seed| seed.parse().unwrap());
    eprintln!("{count} clients from FRAMEWIRE_SEED={seed} on");
    role::block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let path = &directory.path().join("e.sock");
        let mut listener = shm::listen(&**path).await.unwrap();
        let warnings = Warnings::hear();
        let pool = [
            memory(FRONT + CAPACITY, SEALS),
            memory(FRONT + CAPACITY, SEALS),
            memory(FRONT + CAPACITY, SealFlags::SHRINK),
            memory(CAPACITY, SEALS),
            bell(),
            bell(),
            rustix::pipe::pipe().unwrap().0,
        ];
        let before = Census::take();
        let (mut taken, mut refused) = (0, 0);
        for i in (0..count).step_by(RUN as usize) {
            let mut random = Random((seed + i).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
            let clients: Vec<_> = (0..RUN).map(|_| client(path, &pool, &mut random)).collect();
            let last = stranger::connected(path);
            good().send(&last);
            let mut served = Vec::new();
            // It is answered when those before it were; those who say nothing may stay.
            let heard = while_serving(&mut listener, &mut served, stranger::heard(&last)).await;
            assert_eq!(heard.beside.len(), 2, "FRAMEWIRE_SEED={}", seed + i);
            drop((clients, last));
            let honest = shm::connect(&**path);
            while_serving(&mut listener, &mut served, honest).await.unwrap();
            taken += served.len();
            refused += warnings.take().len();
        }
        before.assert_back();
        eprintln!("{taken} taken, {refused} refused");
        assert!(taken > 0 && refused > 0);
    });
}

/// Accepts until this is done.
async fn while_serving<T>(
    listener: &mut shm::Listener,
    served: &mut Vec<shm::Connection>,
    until: impl Future<Output = T>,
) -> T {
    let mut until = pin!(within(until));
    loop {
        tokio::select! {
            done = &mut until => return done,
            accepted = listener.next() => served.push(accepted.expect("it never ends").unwrap()),
        }
    }
}

/// One that is as hostile as the seed says.
fn client(path: &Path, pool: &[OwnedFd], random: &mut Random) -> OwnedFd {
    let socket = stranger::connected(path);
    for _ in 0..[0, 1, 1, 1, 1, 2][random.below(6)] {
        let mut bytes = hello(CAPACITY);
        for _ in 0..[0, 0, 0, 1, 2, 8][random.below(6)] {
            let at = random.below(bytes.len());
            bytes[at] = random.below(256) as u8;
        }
        match random.below(8) {
            0 => bytes.truncate(random.below(65)),
            1 => bytes.resize(64 + random.below(1000), 0),
            _ => {}
        }
        let beside = match random.below(4) {
            0 => (0..random.below(20)).map(|_| &pool[random.below(pool.len())]).collect(),
            1 => vec![&pool[random.below(pool.len())], &pool[random.below(pool.len())]],
            _ => vec![&pool[0], &pool[4]],
        };
        let clone = |fd: &OwnedFd| fd.as_fd().try_clone_to_owned().unwrap();
        let said = Said::new(bytes, beside.into_iter().map(clone).collect());
        // What the kernel has no room for is none of a listener's concern.
        let _ = said.try_send(&socket);
    }
    socket
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
