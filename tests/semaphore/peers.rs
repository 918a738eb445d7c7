//! Programs in C and in Python that have the same semaphore.

use std::{
    env,
    process::{Child, Command},
    time::{Duration, Instant},
};

use framewire::{semaphore, wait::Strategy};

use super::{
    common::{HANG, is_installed, python_has, role, within},
    subject::Name,
};

const PERMITS: u32 = 5;

/// What `posix_ipc` does with the words that the program in C takes.
const PYTHON: &str = "
import sys, posix_ipc
verb, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
if verb == 'make':
    posix_ipc.Semaphore(name, posix_ipc.O_CREX, 0o600, count)
else:
    gate = posix_ipc.Semaphore(name)
    for _ in range(count):
        gate.release() if verb == 'give' else gate.acquire()
";

/// Starts a program that does this to the semaphore so often.
type Start<'a> = &'a dyn Fn(&str, &Name, u32) -> Child;

fn ends_well(mut child: Child) {
    let status = child.wait().unwrap();
    assert!(status.success(), "it ended: {status}");
}

/// Both ways, waited for by either side.
fn takes_and_gives(start: Start<'_>) {
    for strategy in [Strategy::Adaptive, Strategy::Park] {
        let name = Name::new();
        // What they have made is ours to take.
        ends_well(start("make", &name, PERMITS));
        let options = semaphore::Options::new().strategy(strategy).create(false);
        let gate = options.open(&name).unwrap();
        assert_eq!(gate.value().unwrap(), PERMITS);
        let held: Vec<_> = (0..PERMITS).map(|_| gate.try_acquire().unwrap().unwrap()).collect();

        // They wait for what we give.
        let mut taker = start("take", &name, PERMITS);
        std::thread::sleep(Duration::from_millis(100));
        assert!(taker.try_wait().unwrap().is_none(), "there was nothing to take");
        drop(held);
        ends_well(taker);
        assert_eq!(gate.value().unwrap(), 0);

        // And we for what they give.
        role::block_on(async {
            let giver = async { start("give", &name, PERMITS) };
            let takers = async {
                for _ in 0..PERMITS {
                    gate.acquire().await.unwrap().forget();
                }
            };
            let ((), giver) = within(async { tokio::join!(takers, giver) }).await;
            ends_well(giver);
        });
        assert_eq!(gate.value().unwrap(), 0);
        drop(gate);

        // What we have made is theirs to open.
        semaphore::remove(&name).unwrap();
        let made = semaphore::Options::new().initial(PERMITS).open(&name).unwrap();
        ends_well(start("take", &name, PERMITS));
        assert_eq!(made.value().unwrap(), 0);
    }
}

/// Hundreds of permits, some of them taken by others and some by ours, all of them once.
fn shares(start: Start<'_>) {
    const ALL: u32 = 600;
    let name = Name::new();
    let gate = semaphore::Options::new().strategy(Strategy::Park).open(&name).unwrap();
    let taker = start("take", &name, ALL / 2);
    let giver = start("give", &name, ALL);
    role::block_on(within(async {
        for _ in 0..ALL / 2 {
            gate.acquire().await.unwrap().forget();
        }
    }));
    ends_well(taker);
    ends_well(giver);
    let begun = Instant::now();
    while gate.value().unwrap() > 0 {
        assert!(begun.elapsed() < HANG, "{} are left", gate.value().unwrap());
    }
}

#[test]
fn c_takes_and_gives() {
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".into());
    if !is_installed(&compiler) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let (source, program) = (directory.path().join("peer.c"), directory.path().join("peer"));
    std::fs::write(&source, include_str!("peer.c")).unwrap();
    let mut command = Command::new(compiler);
    command.args(["-O2", "-Wall", "-Werror", "-pthread", "-o"]).arg(&program).arg(&source);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let start = |verb: &str, name: &Name, count: u32| {
        let mut command = Command::new(&program);
        command.args([verb, name.as_ref(), &count.to_string()]).spawn().unwrap()
    };
    takes_and_gives(&start);
    shares(&start);
}

#[test]
fn python_takes_and_gives() {
    if !python_has("posix_ipc") {
        return;
    }
    let start = |verb: &str, name: &Name, count: u32| {
        let mut command = Command::new("python3");
        command.args(["-c", PYTHON, verb, name.as_ref(), &count.to_string()]).spawn().unwrap()
    };
    takes_and_gives(&start);
    shares(&start);
}
