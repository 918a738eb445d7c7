//! Both ends at once, in two threads, which wake one another when they are told to.

use std::{sync::Arc, thread, time::Duration};

use super::{
    super::{Item, Reader, Region, Trust, Writer},
    Ends, body,
};

const CAPACITY: usize = 64 * 1024;

/// Sends all of them, and parks when there is no room.
fn write(mut writer: Writer<Arc<Region>>, lens: &[usize], every: usize, reader: &thread::Thread) {
    let bodies: Vec<_> = (0..lens.len()).map(|i| body(i, lens[i])).collect();
    for (number, message) in bodies.iter().cycle().take(count(lens)).enumerate() {
        while !writer.offer(message).unwrap() {
            if writer.flush() {
                reader.unpark();
            }
            if writer.arm(message.len()).unwrap() {
                park();
            }
        }
        if number % every == 0 && writer.flush() {
            reader.unpark();
        }
    }
    if writer.flush() {
        reader.unpark();
    }
    writer.end(true);
    reader.unpark();
}

/// Whoever is never woken ends the test, instead of having it wait.
fn park() {
    let begun = std::time::Instant::now();
    thread::park_timeout(Duration::from_secs(30));
    assert!(begun.elapsed() < Duration::from_secs(30), "nobody woke us");
}

/// Takes them one way or another, and parks when there is none.
fn read(mut reader: Reader<Arc<Region>>, lens: &[usize], writer: &thread::Thread) {
    let bodies: Vec<_> = (0..lens.len()).map(|i| body(i, lens[i])).collect();
    let mut number = 0;
    loop {
        let expected = &bodies[number % bodies.len()];
        let same = match number / 64 % 2 {
            0 => reader.next().map(|item| match item? {
                Item::Message(message) => Some(message == expected),
                Item::Sealed(_) => Some(false),
            }),
            _ => reader.lend(|message| message == expected).map(is_message),
        };
        match same.unwrap() {
            Some(same) => {
                assert!(same, "message {number}");
                number += 1;
            }
            None if reader.end().unwrap().is_some() => break,
            None if reader.arm().unwrap() => {
                if reader.takes_wake() {
                    writer.unpark();
                }
                park();
            }
            None => {}
        }
        if reader.takes_wake() {
            writer.unpark();
        }
    }
    assert_eq!(number, count(lens));
    reader.leave();
}

fn is_message(item: Option<Item<bool>>) -> Option<bool> {
    item.map(|item| item == Item::Message(true))
}

/// 200,000 records, or fewer of those that are long.
fn count(lens: &[usize]) -> usize {
    let mean = lens.iter().sum::<usize>() / lens.len();
    200_000.min((100 << 20) / (mean + 8))
}

/// Through two regions, as two processes have them, and through one: a tool that looks for races
/// takes two mappings of the same memory for different memory.
fn stress(lens: &[usize], every: usize) {
    run(&Ends::new(CAPACITY), lens, every);
    run(&Ends::of_one(CAPACITY), lens, every);
}

fn run(ends: &Ends, lens: &[usize], every: usize) {
    let (writer, reader) = (ends.writer(), ends.reader(1 << 20));
    // SAFETY: the writer is ours, and writes over nothing that was not released.
    let trust = (lens.len() % 2 == 0).then(|| unsafe { Trust::new() });
    let reader = reader.trusting(trust);
    let reads = thread::current();
    thread::scope(|scope| {
        let writes = scope.spawn(|| write(writer, lens, every, &reads));
        read(reader, lens, writes.thread());
    });
}

#[test]
fn small_records_one_by_one() {
    stress(&[0, 1, 8, 24, 32, 63, 64], 1);
}

#[test]
fn small_records_in_batches() {
    stress(&[0, 7, 16, 32, 100, 300], 32);
}

#[test]
fn records_of_a_few_kilobytes() {
    stress(&[1000, 1024, 4096, 9000, 17, 16 * 1024 - 8, 16 * 1024 - 7], 3);
}

#[test]
fn records_as_long_as_they_can_be() {
    stress(&[CAPACITY / 2 - 8, 20_000, 3, CAPACITY / 2 - 16, 31_111], 2);
}

#[test]
fn messages_in_several_records() {
    stress(&[CAPACITY / 2 - 7, 40_000, 10, 100_000, 300_000, CAPACITY - 64], 1);
}
